"""Who a request is from: DRF's authenticators under their own names, and simplejwt's.

A view asks its authenticators in their order until one names a caller; the first of them says what a 401 asks for. A
project's own is a class with the two methods of `BaseAuthentication`.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NoReturn

from fastapi import Request

from shared_schema.tokens import ACCESS
from strangler_fastapi.auth.csrf import CsrfCheck
from strangler_fastapi.auth.hashing import admit, verify_off_loop
from strangler_fastapi.auth.sessions import Sessions
from strangler_fastapi.auth.tokens import Payload, TokenError, Tokens
from strangler_fastapi.auth.user_tables import Found, UserTables
from strangler_fastapi.db.query import fetch, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.validators import Invalid, check_storable
from strangler_fastapi.errors import AuthenticationFailed, NotPorted, PasswordChanged

_REALM = "api"
_PARTS = 2
_INACTIVE = "User inactive or deleted."


class BaseAuthentication:
    """One way to tell who a request is from.

    `security_scheme` is its name in OpenAPI and what that says of it; None leaves it out of the document.
    """

    security_scheme: ClassVar[tuple[str, dict[str, Any]] | None] = None

    async def authenticate(self, request: Request, session: RequestSession) -> Any | None:  # noqa: ANN401 - a project's own
        """The caller; None where the request holds no credentials of this kind, so that the next one is asked.

        Raises:
            AuthenticationFailed: it holds some, and they are not accepted.
        """
        raise NotImplementedError

    def authenticate_header(self, request: Request) -> str | None:  # noqa: ARG002 - DRF's signature
        """The `WWW-Authenticate` of a 401; without one the answer is 403."""
        return None


class UnportedAuthentication(BaseAuthentication):
    """A way of Django's that isn't written again yet: what no authenticator before it has named a caller of is a 501.

    `what` is Django's class; the OpenAPI document lists it under `x-not-ported` for each endpoint.
    """

    def __init__(self, what: str) -> None:
        self.unported = f"authenticator {what}"

    async def authenticate(self, request: Request, session: RequestSession) -> NoReturn:  # noqa: ARG002 - see above
        """See BaseAuthentication.

        Raises:
            NotPorted: always.
        """
        raise NotPorted(self.unported)


class TokenAuthentication(BaseAuthentication, Generic[Found]):
    """`Authorization: Token …`, of a table of one token for each user (`rest_framework.authtoken`).

    Its class gives the column `key` another name, since `key` is a method's:

        class Token(Shop):
            __tablename__ = "authtoken_token"
            __columns__ = {"token": "key"}
            token: Mapped[str]
            user_id: Mapped[int]

    Args:
        tables: where users are.
        token: that class, of `authtoken_token` or of another table with `key` and `user_id`.
        keyword: the word before the token, where it is not DRF's.
    """

    security_scheme = ("token", {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Token …`"})

    def __init__(self, tables: UserTables[Found], token: Any, *, keyword: str = "Token") -> None:  # noqa: ANN401 - a mapped class
        self._tables = tables
        self._token = token
        self._keyword = keyword

    async def authenticate(self, request: Request, session: RequestSession) -> Found | None:
        """See BaseAuthentication."""
        parts = _authorization(request, self._keyword, "token", "Token string should not contain spaces.")
        if parts is None:
            return None
        try:
            key = parts.decode()
        except UnicodeError:
            sentence = "Invalid token header. Token string should not contain invalid characters."
            raise AuthenticationFailed(sentence) from None
        rows = await fetch(session, self._tables.account_by_token(self._token, key)) if _is_storable(key) else []
        if not rows:
            raise AuthenticationFailed("Invalid token.")
        account = self._tables.account(*rows[0])
        if not account.is_active:
            raise AuthenticationFailed(_INACTIVE)
        return account

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - see BaseAuthentication
        """See BaseAuthentication."""
        return self._keyword


class BasicAuthentication(BaseAuthentication, Generic[Found]):
    """`Authorization: Basic …`, a username and a password with every request (RFC 7617).

    An unknown name takes the time of a known one. A hash that Django would renew stays as it is, since a request that
    reads must not write.
    """

    security_scheme = ("basic", {"type": "http", "scheme": "basic"})

    def __init__(self, tables: UserTables[Found]) -> None:
        self._tables = tables

    async def authenticate(self, request: Request, session: RequestSession) -> Found | None:
        """See BaseAuthentication.

        Raises:
            Unavailable: too many passwords are being checked.
        """
        sentence = "Credentials string should not contain spaces."
        encoded = _authorization(request, "Basic", "basic", sentence)
        if encoded is None:
            return None
        name, password = _credentials(encoded)
        account = await self._account(session, name, password) if _is_storable(name) else None
        if account is None or not account.is_active:
            raise AuthenticationFailed("Invalid username/password.")
        return account

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - see BaseAuthentication
        """See BaseAuthentication."""
        return f'Basic realm="{_REALM}"'

    async def _account(self, session: RequestSession, name: str, password: str) -> Found | None:
        admit()
        rows = await fetch(session, self._tables.account_by_name(name))
        stored = rows[0][1] if rows else await fetch_value(session, self._tables.hash_after(name))
        # A hash takes a tenth of a second: the connection goes back to the pool meanwhile.
        await session.release()
        is_good = await verify_off_loop(password, stored or "")
        return await self._tables.find_account(session, _as_claim(rows[0][0])) if is_good and rows else None


class SessionAuthentication(BaseAuthentication, Generic[Found]):
    """The user of Django's session, whose requests that change something need the CSRF token.

    `app.state.sessions` says where sessions are and what signs them. It has no header to ask for: what it refuses first
    is answered 403.
    """

    security_scheme = ("session", {"type": "apiKey", "in": "cookie", "name": "sessionid"})

    def __init__(self, tables: UserTables[Found]) -> None:
        self._tables = tables

    async def authenticate(self, request: Request, session: RequestSession) -> Found | None:
        """See BaseAuthentication.

        Raises:
            PermissionDenied: the request changes something, and may be another site's.
        """
        sessions: Sessions = request.app.state.sessions
        data = await sessions.load(request, session)
        user_id = sessions.user_of(data)
        account = None if user_id is None else await self._tables.find_account(session, user_id)
        if account is None or not account.is_active:
            return None
        # Only here an account needs the attribute.
        if not sessions.is_verified(data, account.password):  # type: ignore[attr-defined]
            return None
        await sessions.csrf.enforce(request, data)
        return account


@dataclass(frozen=True, kw_only=True)
class TokenCookie:
    """A cookie that holds the access token where no header does.

    `csrf` checks what changes something, since a browser sends the cookie by itself; None leaves it out.
    """

    name: str
    csrf: CsrfCheck | None


class JWTAuthentication(BaseAuthentication, Generic[Found]):
    """The account of a bearer token (simplejwt). `app.state.tokens` are the keys and settings.

    Args:
        find: the account that a token's claim names, None where there is none.
        header: the header of simplejwt's AUTH_HEADER_NAME, as a client sends it.
        cookie: where the token is if that header is missing.
        check_active: simplejwt's CHECK_USER_IS_ACTIVE.
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
    ) -> None:
        self._find = find
        self._header = header
        self._cookie = cookie
        self._check_active = check_active

    async def authenticate(self, request: Request, session: RequestSession) -> Found | None:
        """The caller, None without a bearer token.

        Raises:
            AuthenticationFailed: there is a bearer token, and it is not accepted, on public endpoints too.
            PermissionDenied: the token is a cookie's, and the request may be another site's.
        """
        tokens: Tokens = request.app.state.tokens
        token = _bearer_token(request.headers.get(self._header, ""), tokens.settings.auth_header_types)
        if token is None and self._cookie is not None and self._header not in request.headers:
            token = await self._cookie_token(request, self._cookie)
        if token is None:
            return None
        payload = _accepted_access(tokens, token)
        if tokens.settings.user_id_claim not in payload:
            raise AuthenticationFailed("Token contained no recognizable user identification", code="token_not_valid")
        account = await self._find(session, payload[tokens.settings.user_id_claim])
        if account is None:
            raise AuthenticationFailed("User not found", code="user_not_found")
        if self._check_active and not account.is_active:
            raise AuthenticationFailed("User is inactive", code="user_inactive")
        if tokens.is_revoked(payload, account):
            raise PasswordChanged
        return account

    def authenticate_header(self, request: Request) -> str:
        """See BaseAuthentication."""
        return bearer_header(request)

    async def _cookie_token(self, request: Request, cookie: TokenCookie) -> bytes | None:
        value = request.cookies.get(cookie.name)
        if not value:
            return None
        if cookie.csrf is not None:
            await cookie.csrf.enforce(request, {})
        return value.encode("utf-8", "surrogatepass")


class JWTStatelessUserAuthentication(BaseAuthentication, Generic[Found]):
    """The caller as the claims of a bearer token say, without a query (simplejwt).

    Args:
        make: the caller of a token's claims.
    """

    security_scheme = JWTAuthentication.security_scheme

    def __init__(self, make: Callable[[Payload], Found]) -> None:
        self._make = make

    async def authenticate(self, request: Request, session: RequestSession) -> Found | None:  # noqa: ARG002 - see BaseAuthentication
        """See BaseAuthentication."""
        tokens: Tokens = request.app.state.tokens
        token = _bearer_token(request.headers.get("authorization", ""), tokens.settings.auth_header_types)
        if token is None:
            return None
        payload = _accepted_access(tokens, token)
        if tokens.settings.user_id_claim not in payload:
            raise AuthenticationFailed("Token contained no recognizable user identification", code="token_not_valid")
        return self._make(payload)

    def authenticate_header(self, request: Request) -> str:
        """See BaseAuthentication."""
        return bearer_header(request)


def bearer_header(request: Request) -> str:
    """The `WWW-Authenticate` of simplejwt: the first of AUTH_HEADER_TYPES."""
    tokens: Tokens = request.app.state.tokens
    return f'{tokens.settings.auth_header_types[0]} realm="{_REALM}"'


def _authorization(request: Request, keyword: str, noun: str, spaces: str) -> bytes | None:
    """What follows the keyword of the header; None where that is another.

    Raises:
        AuthenticationFailed: nothing does, or more than one word.
    """
    parts = request.headers.get("authorization", "").encode("latin-1").split()
    if not parts or parts[0].lower() != keyword.lower().encode():
        return None
    if len(parts) == 1:
        raise AuthenticationFailed(f"Invalid {noun} header. No credentials provided.")
    if len(parts) > _PARTS:
        raise AuthenticationFailed(f"Invalid {noun} header. {spaces}")
    return parts[1]


def _credentials(encoded: bytes) -> tuple[str, str]:
    try:
        decoded = base64.b64decode(encoded)
        try:
            text = decoded.decode()
        except UnicodeDecodeError:
            text = decoded.decode("latin-1")
        name, password = text.split(":", 1)
    except (ValueError, binascii.Error):
        sentence = "Invalid basic header. Credentials not correctly base64 encoded."
        raise AuthenticationFailed(sentence) from None
    return name, password


def _is_storable(text: str) -> bool:
    try:
        check_storable(text)
    except Invalid:
        return False
    return True


def _as_claim(key: object) -> object:
    return key if isinstance(key, int) else str(key)


def _bearer_token(header: str, types: tuple[str, ...]) -> bytes | None:
    parts = header.encode("latin-1").split()
    if not parts or parts[0] not in [name.encode() for name in types]:
        return None
    if len(parts) != _PARTS:
        sentence = "Authorization header must contain two space-delimited values"
        raise AuthenticationFailed(sentence, code="bad_authorization_header")
    return parts[1]


def _accepted_access(tokens: Tokens, token: bytes) -> Payload:
    try:
        payload = tokens.decode(token)
        tokens.check_claims(payload)
        tokens.check_type(payload, ACCESS)
    except TokenError as error:
        message = {"token_class": "AccessToken", "token_type": ACCESS, "message": str(error)}
        raise AuthenticationFailed(
            "Given token not valid for any token type", code="token_not_valid", messages=[message]
        ) from None
    return payload
