"""Who may send a request to a view: its authenticators find the caller, its permissions let it pass or refuse it."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import FastAPI, Request

from strangler_fastapi.auth.authentication import BaseAuthentication, auth_of
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.views.documents import document_security
from strangler_fastapi.drf.views.permissions import AllowAny, BasePermission, Rule, as_permission, is_granted
from strangler_fastapi.errors import ApiError, NotAuthenticated, NotPorted, Unavailable


def with_method(request: Request, method: str) -> Request:
    """The same request with another method, by which OPTIONS finds out who could send it (DRF's `clone_request`)."""
    return Request({**request.scope, "method": method, "asked_in": request.method})


class ViewAccess:
    """The authenticators and permissions of the view of a path; its arguments are those of `View`."""

    def __init__(
        self,
        path: str,
        permission: Rule | tuple[Rule, ...],
        *,
        authenticators: tuple[BaseAuthentication, ...] | None,
        challenge: Callable[[Request], str | None] | None,
    ) -> None:
        rules = permission if isinstance(permission, tuple) else (permission,)
        self._path = path
        self._permissions = tuple(map(as_permission, rules))
        self._authenticators = authenticators
        self._challenge = challenge

    @property
    def refusals(self) -> tuple[int, ...]:
        """The statuses of those who are refused."""
        is_restricted = any(not isinstance(permission, AllowAny) for permission in self._permissions)
        return (*((401,) if self._authenticators != () else ()), *((403,) if is_restricted else ()))

    async def admit(self, request: Request, session: RequestSession) -> None:
        """Finds the caller, which is `request.state.caller` from now on, and lets it pass.

        Raises:
            AuthenticationFailed: the credentials are not accepted.
            NotAuthenticated: a permission refuses, and there are no credentials.
            PermissionDenied: one refuses.
        """
        # A request may be handled twice.
        caller = request.state.auth = None
        for authenticator in self.authenticators(request.app):
            caller = await authenticator.authenticate(request, session)
            # A token of an application alone names no caller, and is accepted all the same.
            if caller is not None or auth_of(request) is not None:
                break
        request.state.caller = caller
        for permission in self._asked(request):
            verdict = permission.has_permission(request, caller)
            # What is known is not awaited: this is on the way of every request.
            if verdict is not True and not await is_granted(verdict):
                raise self._refusal(request, permission)

    async def check_object(self, request: Request, obj: Any) -> None:  # noqa: ANN401 - whatever the permissions look at
        """Lets the caller touch `obj` (DRF's `check_object_permissions`).

        Raises:
            NotAuthenticated: one of the permissions refuses, and the caller is anonymous.
            PermissionDenied: one refuses.
        """
        for permission in self._asked(request):
            if not await is_granted(permission.has_object_permission(request, request.state.caller, obj)):
                raise self._refusal(request, permission)

    async def may(self, request: Request, method: str) -> bool:
        """Whether the caller could send the same request with another method, as OPTIONS says.

        Raises:
            NotPorted: only Django knows.
            Unavailable: nobody knows now.
        """
        other, caller = with_method(request, method), request.state.caller
        try:
            verdicts = [await is_granted(rule.has_permission(other, caller)) for rule in self._permissions]
        except (NotPorted, Unavailable):
            raise
        except ApiError:
            return False
        return all(verdicts)

    def authenticators(self, app: FastAPI) -> tuple[BaseAuthentication, ...]:
        """The view's, or else the service's."""
        own = self._authenticators
        return app.state.authenticators if own is None else own

    def authenticate_header(self, request: Request) -> str | None:
        """The `WWW-Authenticate` of a 401; None where that is a 403."""
        if self._challenge is not None:
            return self._challenge(request)
        authenticators = self.authenticators(request.app)
        return authenticators[0].authenticate_header(request) if authenticators else None

    def document_security(self, app: FastAPI, method: str) -> dict[str, Any]:
        """What OpenAPI says of the credentials that a method takes, or wants; the service's are known by now."""
        return document_security(self.authenticators(app), required=not self._admits_anonymous(app, method))

    def unported(self, app: FastAPI, method: str) -> tuple[str, ...]:
        """What of Django's a method still lacks of its authenticators and permissions."""
        kinds = (getattr(each, "unported", None) for each in self.authenticators(app))
        request = Request({"type": "http", "method": method, "path": self._path, "headers": [], "query_string": b""})
        rules = (what for permission in self._permissions for what in permission.unported(request))
        return (*(what for what in kinds if what), *rules)

    def _asked(self, request: Request) -> Iterator[BasePermission]:
        return (each for permission in self._permissions for each in permission.asked(request))

    def _refusal(self, request: Request, permission: BasePermission) -> ApiError:
        if request.state.caller is None and auth_of(request) is None and self.authenticators(request.app):
            return NotAuthenticated()
        return permission.refusal(request)

    def _admits_anonymous(self, app: FastAPI, method: str) -> bool:
        """Whether an anonymous request is let in, as far as the method alone decides."""
        scope = {"type": "http", "method": method, "path": self._path, "headers": [], "query_string": b"", "app": app}
        request = Request({**scope, "path_params": {}})
        try:
            verdicts = [permission.has_permission(request, None) for permission in self._permissions]
        except NotPorted:
            return False
        for verdict in verdicts:
            if isinstance(verdict, Coroutine):
                verdict.close()
        return all(verdict is True for verdict in verdicts)
