"""Who a request is from: DRF's authenticators under their own names, and those of packages.

A view asks its authenticators in their order until one names a caller; the first of them says what a 401 asks for. A
project's own is a class with the two methods of `BaseAuthentication`.
"""

import base64
import binascii
import hashlib
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, ClassVar, Generic, NoReturn

from fastapi import Request

from strangler_fastapi.auth.hashing import admit, verify_off_loop
from strangler_fastapi.auth.sessions import Sessions
from strangler_fastapi.auth.user_tables import Found, UserTables
from strangler_fastapi.db.query import fetch, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.validators import is_storable
from strangler_fastapi.errors import AuthenticationFailed, NotPorted

_REALM = "api"
_PARTS = 2
_INVALID = "Invalid token."
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


def auth_of(request: Request) -> Any:  # noqa: ANN401 - as the authenticator has it
    """What the caller signed in by (`request.auth`): the claims of a JSON web token, the key of DRF's; else None.

    An authenticator of your own sets `request.state.auth` before it returns the caller.
    """
    return getattr(request.state, "auth", None)


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

    Args:
        tables: where users are.
        token: the class of `authtoken_token`, or of another table with `key` and `user_id`.
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
        rows = await fetch(session, self._tables.account_by_token(self._token, key)) if is_storable(key) else []
        if not rows:
            raise AuthenticationFailed(_INVALID)
        account = self._tables.account(*rows[0])
        if not account.is_active:
            raise AuthenticationFailed(_INACTIVE)
        request.state.auth = key
        return account

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - see BaseAuthentication
        """See BaseAuthentication."""
        return self._keyword


class KnoxTokenAuthentication(BaseAuthentication, Generic[Found]):
    """`Authorization: Token …` of django-rest-knox, whose table has digests of tokens.

    A token that has expired is refused and stays in the table until Django, which deletes such as it reads them, sees
    one of its user's. None is renewed (AUTO_REFRESH).

    Args:
        tables: where users are.
        token: the class of `knox_authtoken`, with `digest`, `token_key`, `user_id` and `expiry`.
        keyword: AUTH_HEADER_PREFIX.
        key_length: how many characters of a token are its `token_key`: 8 before version 5 of the package.
        digest: the algorithm, by the name that `hashlib` has for it.
        hexadecimal: whether the bytes that a token stands for are digested, as before version 5.
    """

    security_scheme = ("knox", TokenAuthentication.security_scheme[1])

    def __init__(
        self,
        tables: UserTables[Found],
        token: Any,  # noqa: ANN401 - a mapped class
        *,
        keyword: str = "Token",
        key_length: int = 15,
        digest: str = "sha512",
        hexadecimal: bool = False,
    ) -> None:
        self._tables = tables
        self._token = token
        self._keyword = keyword
        self._key_length = key_length
        self._digest = digest
        self._hexadecimal = hexadecimal

    async def authenticate(self, request: Request, session: RequestSession) -> Found | None:
        """See BaseAuthentication."""
        sent = _authorization(request, self._keyword, "token", "Token string should not contain spaces.")
        if sent is None:
            return None
        key, digest = self._read(sent)
        now = datetime.now(UTC)
        for stored, expiry, *account in await fetch(session, self._tables.accounts_by_knox_token(self._token, key)):
            if (expiry is None or expiry >= now) and compare_digest(stored, digest):
                found = self._tables.account(*account)
                if not found.is_active:
                    raise AuthenticationFailed(_INACTIVE)
                request.state.auth = digest
                return found
        raise AuthenticationFailed(_INVALID)

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - see BaseAuthentication
        """See BaseAuthentication."""
        return self._keyword

    def _read(self, sent: bytes) -> tuple[str, str]:
        """What the table has of a token: the key and the digest."""
        try:
            text = sent.decode()
            digested = bytes.fromhex(text) if self._hexadecimal else sent
        except ValueError:
            raise AuthenticationFailed(_INVALID) from None
        if not is_storable(text):
            raise AuthenticationFailed(_INVALID)
        return text[: self._key_length], hashlib.new(self._digest, digested).hexdigest()


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
        account = await self._account(session, name, password) if is_storable(name) else None
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
        store = await sessions.open(request, session)
        user_id = sessions.user_of(store)
        account = None if user_id is None else await self._tables.find_account(session, user_id)
        if account is None or not account.is_active:
            return None
        # Only here an account needs the attribute.
        if not sessions.verify(store, account.password):  # type: ignore[attr-defined]
            return None
        await sessions.csrf.enforce(request, store)
        return account


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


def _as_claim(key: object) -> object:
    return key if isinstance(key, int) else str(key)
