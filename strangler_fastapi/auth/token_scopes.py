"""What an access token lets a request do: django-oauth-toolkit's permissions, under their own names.

    permission=TokenHasScope("posts")
    permission=TokenHasReadWriteScope("posts")
    permission=TokenMatchesOASRequirements(GET=(("read",),), POST=(("write", "posts"), ("admin",)))

What a view of Django's has as `required_scopes` and `required_alternate_scopes` are their arguments. A request without
an access token of `OAuth2Authentication` is refused by each of them, but for IsAuthenticatedOrTokenHasScope.
"""

from typing import Any

from starlette.requests import Request

from strangler_fastapi.auth.authentication import auth_of
from strangler_fastapi.auth.oauth_tokens import AccessToken
from strangler_fastapi.drf.views.permissions import SAFE_METHODS, BasePermission
from strangler_fastapi.errors import PermissionDenied


def has_access_token(request: Request) -> bool:
    """Whether the request has an access token that was accepted."""
    return isinstance(auth_of(request), AccessToken)


class TokenHasScope(BasePermission):
    """The access token has all of the scopes.

    Args:
        scopes: the view's `required_scopes`.
        reveals: whether a refusal lists them (ERROR_RESPONSE_WITH_SCOPES).
    """

    def __init__(self, *scopes: str, reveals: bool = False) -> None:
        self._scopes = scopes
        self._reveals = reveals

    def has_permission(self, request: Request, caller: Any) -> bool:  # noqa: ANN401, ARG002 - see BasePermission
        """See BasePermission."""
        return _has(request, self.scopes(request))

    def scopes(self, request: Request) -> tuple[str, ...]:  # noqa: ARG002 - for those that depend on the method
        """The scopes that a request needs."""
        return self._scopes

    def refusal(self, request: Request) -> PermissionDenied:
        """See BasePermission."""
        scopes, token = self.scopes(request), auth_of(request)
        is_lacking = isinstance(token, AccessToken) and not token.is_expired and not token.allows(scopes)
        if self._reveals and scopes and is_lacking:
            return PermissionDenied(required_scopes=list(scopes))
        return super().refusal(request)


class _ByMethod(TokenHasScope):
    """One that asks for another scope of requests that change something; `read` and `write` are their names."""

    def __init__(self, *scopes: str, read: str = "read", write: str = "write", reveals: bool = False) -> None:
        super().__init__(*scopes, reveals=reveals)
        self._read = read
        self._write = write

    def _kind(self, request: Request) -> str:
        return self._read if request.method in SAFE_METHODS else self._write


class TokenHasReadWriteScope(_ByMethod):
    """The access token has all of the scopes, and that of READ_SCOPE or WRITE_SCOPE (`read`, `write`) besides."""

    def scopes(self, request: Request) -> tuple[str, ...]:
        """See TokenHasScope."""
        return (*self._scopes, self._kind(request))


class TokenHasResourceScope(_ByMethod):
    """The access token has each of the scopes with `:read` or `:write` behind it, as the request reads or writes."""

    def scopes(self, request: Request) -> tuple[str, ...]:
        """See TokenHasScope."""
        return tuple(f"{scope}:{self._kind(request)}" for scope in self._scopes)


class IsAuthenticatedOrTokenHasScope(BasePermission):
    """Signed-in callers may; with an access token, only where it has all of the scopes."""

    def __init__(self, *scopes: str) -> None:
        self._scopes = scopes

    def has_permission(self, request: Request, caller: Any) -> bool:  # noqa: ANN401 - see BasePermission
        """See BasePermission."""
        return _has(request, self._scopes) if has_access_token(request) else caller is not None


class TokenMatchesOASRequirements(BasePermission):
    """The access token has all of the scopes of one of the alternatives of the request's method; others let none in.

    Args:
        alternatives: method → lists of scopes, the view's `required_alternate_scopes`.
    """

    def __init__(self, **alternatives: tuple[tuple[str, ...], ...]) -> None:
        self._alternatives = alternatives

    def has_permission(self, request: Request, caller: Any) -> bool:  # noqa: ANN401, ARG002 - see BasePermission
        """See BasePermission."""
        return any(_has(request, scopes) for scopes in self._alternatives.get(request.method, ()))


def _has(request: Request, scopes: tuple[str, ...]) -> bool:
    token = auth_of(request)
    return isinstance(token, AccessToken) and not token.is_expired and token.allows(scopes)
