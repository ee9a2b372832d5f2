"""simplejwt's authenticators: who a request is from, by its bearer token."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic

from fastapi import Request

from shared_schema.tokens import ACCESS
from strangler_fastapi.auth.authentication import BaseAuthentication
from strangler_fastapi.auth.csrf import CsrfCheck
from strangler_fastapi.auth.token_tables import TokenTables
from strangler_fastapi.auth.tokens import Payload, TokenError, Tokens
from strangler_fastapi.auth.user_tables import Found
from strangler_fastapi.db.query import fetch
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.errors import AuthenticationFailed, InvalidToken, PasswordChanged

_REALM = "api"
_PARTS = 2


@dataclass(frozen=True, kw_only=True)
class TokenCookie:
    """A cookie that holds the access token where no header does, as dj-rest-auth has it.

    `csrf` checks what changes something, since a browser sends the cookie by itself; None leaves it out
    (JWT_AUTH_COOKIE_USE_CSRF). With `csrf_always` it checks requests without a cookie and a header, too
    (JWT_AUTH_COOKIE_ENFORCE_CSRF_ON_UNAUTHENTICATED).
    """

    name: str
    csrf: CsrfCheck | None
    csrf_always: bool = False


class JWTAuthentication(BaseAuthentication, Generic[Found]):
    """The account of a bearer token (simplejwt). `app.state.tokens` are the keys and settings.

    Args:
        find: the account that a token's claim names, None where there is none.
        header: the header of simplejwt's AUTH_HEADER_NAME, as a client sends it.
        cookie: where the token is if that header is missing.
        check_active: simplejwt's CHECK_USER_IS_ACTIVE.
        blacklist: where sliding tokens are ended before their time, if AUTH_TOKEN_CLASSES name them.
    """

    security_scheme = (
        "bearer",
        {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token."},
    )

    def __init__(
        self,
        find: Callable[[RequestSession, object], Awaitable[Found | None]],
        *,
        header: str = "Authorization",
        cookie: TokenCookie | None = None,
        check_active: bool = True,
        blacklist: TokenTables[Any] | None = None,
    ) -> None:
        self._find = find
        self._header = header
        self._cookie = cookie
        self._check_active = check_active
        self._blacklist = blacklist

    async def authenticate(self, request: Request, session: RequestSession) -> Found | None:
        """The caller, None without a bearer token.

        Raises:
            AuthenticationFailed: there is a bearer token, and it is not accepted, on public endpoints too.
            PermissionDenied: the token is a cookie's, and the request may be another site's.
        """
        tokens: Tokens = request.app.state.tokens
        token = _bearer_token(request.headers.get(self._header, ""), tokens.settings.auth_header_types)
        if token is None and self._cookie is not None and self._header not in request.headers:
            token = await _cookie_token(request, self._cookie)
        if token is None:
            return None
        payload = await _accepted(tokens, token, session, self._blacklist)
        if tokens.settings.user_id_claim not in payload:
            raise InvalidToken("Token contained no recognizable user identification")
        account = await self._find(session, payload[tokens.settings.user_id_claim])
        if account is None:
            raise AuthenticationFailed("User not found", code="user_not_found")
        if self._check_active and not account.is_active:
            raise AuthenticationFailed("User is inactive", code="user_inactive")
        if tokens.is_revoked(payload, account):
            raise PasswordChanged
        request.state.auth = payload
        return account

    def authenticate_header(self, request: Request) -> str:
        """See BaseAuthentication."""
        return bearer_header(request)


class JWTStatelessUserAuthentication(BaseAuthentication, Generic[Found]):
    """The caller as the claims of a bearer token say, without a query (simplejwt).

    Args:
        make: the caller of a token's claims.
        blacklist: see JWTAuthentication.
    """

    security_scheme = JWTAuthentication.security_scheme

    def __init__(self, make: Callable[[Payload], Found], *, blacklist: TokenTables[Any] | None = None) -> None:
        self._make = make
        self._blacklist = blacklist

    async def authenticate(self, request: Request, session: RequestSession) -> Found | None:
        """See BaseAuthentication."""
        tokens: Tokens = request.app.state.tokens
        token = _bearer_token(request.headers.get("authorization", ""), tokens.settings.auth_header_types)
        if token is None:
            return None
        payload = await _accepted(tokens, token, session, self._blacklist)
        if tokens.settings.user_id_claim not in payload:
            raise InvalidToken("Token contained no recognizable user identification")
        request.state.auth = payload
        return self._make(payload)

    def authenticate_header(self, request: Request) -> str:
        """See BaseAuthentication."""
        return bearer_header(request)


def bearer_header(request: Request) -> str:
    """The `WWW-Authenticate` of simplejwt: the first of AUTH_HEADER_TYPES."""
    tokens: Tokens = request.app.state.tokens
    return f'{tokens.settings.auth_header_types[0]} realm="{_REALM}"'


def _bearer_token(header: str, types: tuple[str, ...]) -> bytes | None:
    parts = header.encode("latin-1").split()
    if not parts or parts[0] not in [name.encode() for name in types]:
        return None
    if len(parts) != _PARTS:
        sentence = "Authorization header must contain two space-delimited values"
        raise AuthenticationFailed(sentence, code="bad_authorization_header")
    return parts[1]


async def _cookie_token(request: Request, cookie: TokenCookie) -> bytes | None:
    value = request.cookies.get(cookie.name)
    if cookie.csrf is not None and (value is not None or cookie.csrf_always):
        await cookie.csrf.enforce(request, {})
    return None if value is None else value.encode("utf-8", "surrogatepass")


async def _accepted(
    tokens: Tokens, token: bytes, session: RequestSession, blacklist: TokenTables[Any] | None
) -> Payload:
    """The claims of a token of one of AUTH_TOKEN_CLASSES, which are tried in their order."""
    messages = []
    for name, token_type in tokens.settings.auth_token_classes:
        try:
            payload = await tokens.read(token)
            if token_type != ACCESS and blacklist is not None and blacklist.outstanding is not None:
                await _require_alive(tokens, payload, session, blacklist)
            tokens.check_claims(payload)
            tokens.check_type(payload, token_type)
        except TokenError as error:
            messages.append({"token_class": name, "token_type": token_type, "message": str(error)})
        else:
            return payload
    sentence = "Given token not valid for any token type"
    raise InvalidToken(sentence, messages=messages)


async def _require_alive(
    tokens: Tokens, payload: Payload, session: RequestSession, blacklist: TokenTables[Any]
) -> None:
    rows = await fetch(session, blacklist.issued_token(payload.get(tokens.settings.jti_claim)))
    if rows and rows[0][1]:
        raise TokenError("Token is blacklisted")
