"""An application of a project's routers: its state, middleware, error handlers and database."""

import asyncio
import gc
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware as Layer

from strangler_fastapi.auth.authentication import BaseAuthentication
from strangler_fastapi.auth.session_middleware import SessionMiddleware
from strangler_fastapi.auth.sessions import Sessions
from strangler_fastapi.compression import GZipMiddleware
from strangler_fastapi.conditional import ConditionalGetMiddleware
from strangler_fastapi.cors import Cors, CorsMiddleware
from strangler_fastapi.db.engine import Database, watched
from strangler_fastapi.db.query_count import StatementsMiddleware
from strangler_fastapi.docs_page import add_docs_page
from strangler_fastapi.drf.http.exception_handler import ExceptionHandler
from strangler_fastapi.drf.http.handlers import ErrorBody, add_handlers
from strangler_fastapi.drf.http.languages import Languages
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.views.documents import DocumentedApi
from strangler_fastapi.drf.views.view_routes import ViewTable
from strangler_fastapi.errors import NON_FIELD_ERRORS
from strangler_fastapi.metrics import MetricsMiddleware
from strangler_fastapi.middleware import CommonMiddleware, LocaleMiddleware, RequestMiddleware, ViewMiddleware
from strangler_fastapi.security import HeadersMiddleware, SecurityHeaders
from strangler_fastapi.traces import TraceMiddleware, Traces

_CORS: Final = "corsheaders.middleware.CorsMiddleware"
_SECURITY: Final = "django.middleware.security.SecurityMiddleware"
_SESSION: Final = "django.contrib.sessions.middleware.SessionMiddleware"
_LOCALE: Final = "django.middleware.locale.LocaleMiddleware"
_COMMON: Final = "django.middleware.common.CommonMiddleware"
_FRAME: Final = "django.middleware.clickjacking.XFrameOptionsMiddleware"
_CONDITIONAL: Final = "django.middleware.http.ConditionalGetMiddleware"
_GZIP: Final = "django.middleware.gzip.GZipMiddleware"
_DJANGOS_HEADERS: Final = SecurityHeaders()
_NO_TELEMETRY: Final = {"tracing": False, "metrics": False, "logs": False}


def create_application(
    routers: Sequence[APIRouter],
    *,
    service: str,
    prefixes: ApiPrefixes,
    database: Callable[[], Database],
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
    authenticators: tuple[BaseAuthentication, ...] = (),
    hosts: Sequence[str] = ("*",),
    read_only: bool = False,
    report_sql: bool = False,
    metrics: bool = False,
    traces: bool = False,
    swagger_ui: str | None = None,
    languages: Languages | None = None,
    middleware: Sequence[str] = (_SECURITY, _SESSION, _COMMON, _FRAME),
    security: SecurityHeaders = _DJANGOS_HEADERS,
    append_slash: bool = True,
    error_body: ErrorBody | None = None,
    exception_handler: ExceptionHandler | None = None,
    non_field_errors_key: str = NON_FIELD_ERRORS,
    cors: Cors | None = None,
    sessions: Sessions | None = None,
    **options: Any,  # noqa: ANN401 - as FastAPI has them
) -> DocumentedApi:
    """The ASGI application. It needs no database until it is started, and then waits for one.

    Endpoints find `prefixes`, `read_only` and, once it is started, `database` in `app.state`.

    Args:
        routers: the features'.
        service: the service's name, in logs and in `pg_stat_activity`.
        prefixes: what the paths of the API begin with.
        database: makes the database of one run.
        lifespan: what else runs while the service does, once `app.state.database` is set.
        authenticators: find the caller of a request, for each view that names none (DEFAULT_AUTHENTICATION_CLASSES).
        hosts: the host names that a request may name, in the notation of Django's ALLOWED_HOSTS.
        read_only: answer every write with 503 and `Retry-After`.
        swagger_ui: the URL of a folder of this origin with the files of Swagger UI; without, there is no page of the
            documentation.
        languages: those that errors are answered in (`manage.py export_languages`); None: English alone.
        middleware: Django's MIDDLEWARE: its order says which headers an answer has that isn't the view's, such as a
            redirect, a preflight or 304. Those that this library has no counterpart of are passed over. What other
            arguments ask for stands around all, where it isn't named here.
        security: the headers of SecurityMiddleware and XFrameOptionsMiddleware.
        append_slash: redirect a path that is known with a slash at its end only (APPEND_SLASH).
        error_body: words the body of an error with a status below 500, as a project's EXCEPTION_HANDLER does; it gets
            the request, the body that DRF's own handler answers and the status.
        exception_handler: a project's EXCEPTION_HANDLER itself, which has
            `strangler_fastapi.drf.http.exception_handler` in place of DRF's; then `error_body` is not called.
        non_field_errors_key: the key of errors of a whole body (NON_FIELD_ERRORS_KEY).
        cors: which scripts of other origins may read answers, as django-cors-headers has it; None: none may.
        sessions: Django's sessions, for SessionAuthentication and for endpoints that sign in and out; None: none.
        report_sql: count the statements of each request (`Server-Timing`).
        metrics: count requests, and answer GET /metrics in Prometheus' format where it comes through no proxy.
        traces: send a span of each request to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names.
        options: title, version and whatever else FastAPI takes.
    """
    tracing = Traces(service) if traces else None
    if tracing:
        options["telemetry"] = tracing.options
    # FastAPI would look for it with each request, which takes 3 % of a detail (docs/benchmark.md).
    options.setdefault("telemetry", _NO_TELEMETRY)

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        if tracing:
            tracing.begin()
        app.state.database = database()
        async with watched(app.state.database), lifespan(app) if lifespan else nullcontext():
            yield
        if tracing:
            await tracing.close()

    app = DocumentedApi(
        docs_url=None,
        redoc_url=None,
        openapi_url=prefixes.below("/openapi.json"),
        redirect_slashes=False,
        lifespan=run,
        **options,
    )
    app.state.open_database = database
    app.state.prefixes = prefixes
    app.state.read_only = read_only
    app.state.authenticators = authenticators
    app.state.languages = languages
    app.state.error_body = error_body
    app.state.exception_handler = exception_handler
    app.state.non_field_errors_key = non_field_errors_key
    app.router.routes.insert(0, ViewTable([route for router in routers for route in router.routes]))
    for router in routers:
        # Not include_router: FastAPI would look for the route of each request twice, in every router.
        app.router.routes.extend(router.routes)
    if swagger_ui is not None:
        add_docs_page(app, prefixes.below("/docs"), swagger_ui)
    add_handlers(app)
    app.state.sessions = sessions
    app.add_middleware(ViewMiddleware, service=service)
    layers = {
        # Without CommonMiddleware Django redirects nobody. Hosts are looked at in any case.
        _COMMON: Layer(
            CommonMiddleware,
            is_known_path=_known_paths(routers),
            hosts=hosts,
            append_slash=append_slash and _COMMON in middleware,
        ),
        **({_SESSION: Layer(SessionMiddleware, sessions=sessions)} if sessions else {}),
        **({_LOCALE: Layer(LocaleMiddleware, languages=languages)} if languages else {}),
        **({_CORS: Layer(CorsMiddleware, cors=cors)} if cors else {}),
    }
    unnamed = [name for name in layers if name not in middleware]
    layers[_SECURITY] = Layer(HeadersMiddleware, added=security.added(), secured=security.secured())
    layers[_FRAME] = Layer(HeadersMiddleware, added=security.framed())
    layers[_CONDITIONAL] = Layer(ConditionalGetMiddleware)
    layers[_GZIP] = Layer(GZipMiddleware)
    for name in (*reversed(middleware), *unnamed):
        if name in layers:
            app.user_middleware.insert(0, layers[name])
    app.add_middleware(RequestMiddleware, service=service)
    if tracing:
        app.add_middleware(TraceMiddleware)
    if report_sql:
        app.add_middleware(StatementsMiddleware)
    if metrics:
        app.add_middleware(MetricsMiddleware)
    return app


def prepare_served(app: FastAPI) -> None:
    """Has the workers of a main process that forks them share what a service builds, and the collector pass over it.

    The main process maps the tables, if the database answers within seconds; otherwise each worker maps them itself, as
    a single one does. A full collection looks at each object that it doesn't pass over, and nobody is answered
    meanwhile: 150,000 of them are there before the first request. Call it once the application is made, in the process
    that answers or that its workers are forked from, and not in one that makes applications and throws them away.
    """
    if not _is_answering():
        asyncio.run(_map_tables(app.state.open_database()))
    gc.collect()
    gc.freeze()


def _is_answering() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _map_tables(database: Database) -> None:
    try:
        await database.check_first()
    finally:
        await database.close()


def _known_paths(routers: Sequence[APIRouter]) -> Callable[[str], bool]:
    """Whether a path is one of the routers'."""
    routes = (route for router in routers for route in router.routes if isinstance(route, APIRoute))
    # A name of a variable stands in many paths, and a regular expression has it once.
    paths = {re.sub(r"\(\?P<\w+>", "(?:", route.path_regex.pattern) for route in routes}
    pattern = re.compile("|".join(sorted(paths)))
    return lambda path: pattern.fullmatch(path) is not None
