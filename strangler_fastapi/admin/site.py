"""The admin of a project: its tables, its staff, its history, mounted on an application that turns it on."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette_admin.base import BaseAdmin
from starlette_admin.export import ExportConfig

from shared_schema.consumer.samples import Sent, sample_of
from strangler_fastapi.admin.history import AdminHistory
from strangler_fastapi.admin.log import log_model
from strangler_fastapi.admin.models import AdminModel
from strangler_fastapi.admin.staff import StaffAuth, StaffTables
from strangler_fastapi.admin.views import AdminView
from strangler_fastapi.auth.csrf import CsrfCheck
from strangler_fastapi.auth.signing import salted_hmac
from strangler_fastapi.drf.http.handlers import AWAY_ERRORS, DatabaseErrors
from strangler_fastapi.drf.http.urls import request_scheme
from strangler_fastapi.errors import ApiError, PermissionDenied

_SALT: Final = "strangler_fastapi.admin"
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_TWELVE_HOURS: Final = 12 * 3600
_MOST_EXPORTED: Final = 10_000
# The library's pages have scripts of their own between the lines.
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@dataclass(frozen=True, kw_only=True)
class Admin:
    """What a project's admin shows, and to whom; nothing is served until it is mounted.

    Args:
        models: the tables.
        staff: who may sign in.
        history: where changes are recorded; its page is added to those of `models`.
        title: what the pages are called.
        path: where they are.
        seconds: how long a session lasts; 12 hours.
    """

    models: tuple[AdminModel, ...]
    staff: StaffTables
    history: AdminHistory
    title: str = "Admin"
    path: str = "/admin"
    seconds: int = _TWELVE_HOURS

    def mount(self, app: FastAPI, *, secret_key: str, sign_in_failures: int) -> None:
        """Serves the pages below `path`.

        Args:
            app: the application, whose database they use.
            secret_key: the service's own; what signs cookies is derived from it.
            sign_in_failures: how many sign-ins by one name may fail in 15 minutes.
        """
        # It logs what forms hold, passwords included, at debug, and everybody who is asked to sign in as a warning.
        logging.getLogger("starlette_admin").setLevel(logging.ERROR)
        derived = salted_hmac(_SALT, self.path, secret_key).hexdigest()
        auth = StaffAuth(self.staff, derived, self.path, self.seconds, sign_in_failures)
        site = _Site(
            title=self.title,
            base_url=self.path,
            secret_key=derived,
            auth_provider=auth,
            middlewares=[Middleware(_Gate, path=self.path)],
            export_config=ExportConfig(max_rows=_MOST_EXPORTED),
        )
        models = (*self.models, log_model(self.history))
        views: dict[str, AdminView] = {}
        keys = {model.resource.model: model.table for model in models}
        for model in models:
            views[model.table] = AdminView(model, key_of=keys.get, views=views.get, history=self.history)
            site.add_view(views[model.table])
        site.mount_to(app)
        # One state: the database, and whether anything may be written.
        app.state.ROUTE_NAME = site.route_name
        site.app.state = app.state
        site.add_handlers()
        app.add_route(self.path, lambda _request: RedirectResponse(f"{self.path}/", 301), include_in_schema=False)

    def statements(self) -> Iterator[Sent]:
        """Every statement that the pages can send, with samples of values."""
        user_id = sample_of(self.staff.users.user.id.type.python_type)
        yield from self.staff.statements()
        yield from self.history.statements(self.models[0].resource.model, user_id)
        for model in (*self.models, log_model(self.history)):
            yield from model.statements()


class _Site(BaseAdmin):
    """The library's admin, with pages for what the database and the serializers refuse."""

    def add_handlers(self) -> None:
        """Has every refusal answered by a page."""
        errors = DatabaseErrors()

        async def refused(request: Request, error: Exception) -> Response:
            assert isinstance(error, ApiError)  # noqa: S101 - what the handler is registered for
            detail = error.body.get("detail") if isinstance(error.body, dict) else None
            page = HTTPException(error.status, detail, error.headers)
            return await self._render_error(request, page)

        async def database_error(request: Request, error: Exception) -> Response:
            return await refused(request, await errors.refusal(request, error))

        self.app.add_exception_handler(ApiError, refused)
        for kind in (DBAPIError, *AWAY_ERRORS):
            self.app.add_exception_handler(kind, database_error)


class _Gate:
    """What every request to the admin passes: its scheme, the origin of what it changes, and the headers of answers."""

    def __init__(self, app: ASGIApp, *, path: str) -> None:
        self._app = app
        self._static = f"{path}/static/"
        self._csrf = CsrfCheck()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        # Cookies are for TLS alone, and addresses begin with https, where the client's request came in so.
        scope["scheme"] = request_scheme(request.scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = _POLICY
                if not scope["path"].startswith(self._static):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        refusal = self._refusal(request)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, request: Request) -> Response | None:
        if request.method in _SAFE:
            return None
        if request.app.state.read_only:
            return PlainTextResponse("The service is read-only now.", 503, {"Retry-After": "60"})
        try:
            self._csrf.check_origin(request)
        except PermissionDenied as error:
            return PlainTextResponse(str(error.body["detail"]), error.status)
        return None
