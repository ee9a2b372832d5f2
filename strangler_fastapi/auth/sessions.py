"""Django's sessions: whose session a request names, whether it is still good, and who signs in and out by one."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from starlette.requests import Request

from strangler_fastapi.auth.csrf import CsrfCheck
from strangler_fastapi.auth.session_rows import SessionRows
from strangler_fastapi.auth.session_store import SessionStore, new_session_key
from strangler_fastapi.auth.signing import BadSignature, salted_hmac, sign, unsign
from strangler_fastapi.db.session import RequestSession

_COOKIE_SALT: Final = "django.contrib.sessions.backends.signed_cookies"
_ROW_SALT: Final = "django.contrib.sessions.SessionStore"
_HASH_SALT: Final = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
_TWO_WEEKS: Final = 1_209_600
_USER: Final = "_auth_user_id"
_BACKEND: Final = "_auth_user_backend"
_HASH: Final = "_auth_user_hash"


class SessionInterrupted(Exception):
    """The session that a request has changed was ended by another meanwhile."""


class SessionUser(Protocol):
    """Who signs in: the key, and the stored hash of the password."""

    @property
    def id(self) -> Any:  # noqa: ANN401 - of the key's type
        """The primary key."""

    @property
    def password(self) -> str:
        """The hash."""


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """Django's sessions, as its settings of these names say: `create_application(sessions=…)`.

    Args:
        secret_key: SECRET_KEY, which signs sessions.
        fallbacks: SECRET_KEY_FALLBACKS.
        rows: the table of `backends.db` and `backends.cached_db`; None is `backends.signed_cookies`.
        cookie_name: SESSION_COOKIE_NAME.
        cookie_age: SESSION_COOKIE_AGE, in seconds.
        cookie_path: SESSION_COOKIE_PATH.
        cookie_domain: SESSION_COOKIE_DOMAIN.
        cookie_secure: SESSION_COOKIE_SECURE.
        cookie_httponly: SESSION_COOKIE_HTTPONLY.
        cookie_samesite: SESSION_COOKIE_SAMESITE.
        save_every_request: SESSION_SAVE_EVERY_REQUEST.
        expire_at_browser_close: SESSION_EXPIRE_AT_BROWSER_CLOSE.
        backends: AUTHENTICATION_BACKENDS; a session of another is an anonymous request's.
        csrf: the check of requests that change something.
        invalidate: is called with the key of each session that was written or ended. `backends.cached_db` needs it: it
            has to take `django.contrib.sessions.cached_db<key>` out of Django's cache, where Django would find what
            the session held before.
    """

    secret_key: str = field(repr=False)
    fallbacks: tuple[str, ...] = field(default=(), repr=False)
    rows: SessionRows | None = None
    cookie_name: str = "sessionid"
    cookie_age: float = _TWO_WEEKS
    cookie_path: str = "/"
    cookie_domain: str | None = None
    cookie_secure: bool = False
    cookie_httponly: bool = True
    cookie_samesite: str | None = "Lax"
    save_every_request: bool = False
    expire_at_browser_close: bool = False
    backends: tuple[str, ...] = ("django.contrib.auth.backends.ModelBackend",)
    csrf: CsrfCheck = field(default_factory=CsrfCheck)
    invalidate: Callable[[str], Awaitable[None]] | None = None

    @property
    def writes(self) -> bool:
        """Whether sessions are begun, renewed and ended here."""
        return self.rows is None or self.rows.writes

    async def open(self, request: Request, session: RequestSession) -> SessionStore:
        """The session of a request (`request.session`), which is saved with the answer where it was changed."""
        store: SessionStore | None = request.scope.get("session_store")
        if store is None:
            store = await self.load(request.cookies.get(self.cookie_name), session)
            request.scope["session_store"] = store
        return store

    async def load(self, cookie: str | None, session: RequestSession) -> SessionStore:
        """The session that a cookie names; an empty one where there is none, or its signature is not good."""
        store = SessionStore(cookie, age=self.cookie_age, closes=self.expire_at_browser_close)
        if store.key is None:
            return store
        if self.rows is None:
            data = self._unsigned(store.key, _COOKIE_SALT, self.cookie_age)
            store.loaded(data, keeps_key=True)
            # The browser gets an empty one in its place, as from Django.
            store.modified = data is None
            return store
        signed = await self.rows.load(session, store.key)
        store.loaded(None if signed is None else self._unsigned(signed, _ROW_SALT) or {})
        return store

    async def end(self, store: SessionStore, session: RequestSession) -> None:
        """Takes away the rows that a session was before."""
        if self.rows is not None:
            for key in store.ended:
                await self.rows.delete(session, key)

    async def save(self, store: SessionStore, session: RequestSession) -> None:
        """Writes a session.

        Raises:
            SessionInterrupted: another request has ended it.
        """
        data = dict(store)
        if self.rows is None:
            store.key = sign(data, key=self.secret_key, salt=_COOKIE_SALT)
            return
        row = (sign(data, key=self.secret_key, salt=_ROW_SALT), store.expire_date(datetime.now(UTC)))
        if not store.is_new:
            if not await self.rows.update(session, store.key or "", *row):
                raise SessionInterrupted
            return
        store.key = store.key or new_session_key()
        while not await self.rows.insert(session, store.key, *row):
            store.key = new_session_key()

    async def login(self, request: Request, session: RequestSession, user: SessionUser, *, backend: str = "") -> None:
        """Signs a user in, by a session of another key and with another CSRF secret (`django.contrib.auth.login`).

        What an anonymous session held stays; that of another user ends. `last_login` is not written here:
        `strangler_fastapi.auth.sign_in.sign_in`, which checks a name and a password, does that.

        Args:
            request: the answer to it sets the cookies.
            session: reads the session that the request names.
            user: whose session it will be.
            backend: one of `backends`; the first of them where none is given.

        Raises:
            LookupError: sessions are only read here.
        """
        self._require_writes()
        store, own = await self.open(request, session), self._hash(user.password, self.secret_key)
        if _USER not in store:
            store.cycle_key()
        elif store[_USER] != str(user.id) or not _is_same(store.get(_HASH), own):
            store.flush()
        store.update({_USER: str(user.id), _BACKEND: backend or self.backends[0], _HASH: own})
        self.csrf.rotate(request)

    async def logout(self, request: Request, session: RequestSession) -> None:
        """Signs out: the session ends with all that it holds (`django.contrib.auth.logout`).

        Raises:
            LookupError: sessions are only read here.
        """
        self._require_writes()
        (await self.open(request, session)).flush()
        request.state.caller = None

    def user_of(self, data: Mapping[str, Any]) -> object:
        """The key of the user who signed in, as text; None where nobody did, by none of the backends."""
        return data.get(_USER) if data.get(_BACKEND) in self.backends else None

    def verify(self, store: SessionStore, password: str) -> bool:
        """Whether the session was begun with the password hash that its user has now.

        Where sessions are written, one of another password ends, and one that a fallback of the key vouches for gets
        another key.
        """
        given = store.get(_HASH)
        if _is_same(given, self._hash(password, self.secret_key)):
            return True
        is_older = any(_is_same(given, self._hash(password, key)) for key in self.fallbacks)
        if self.writes and is_older:
            store.cycle_key()
            store[_HASH] = self._hash(password, self.secret_key)
        elif self.writes:
            store.flush()
        return is_older

    def _require_writes(self) -> None:
        if not self.writes:
            raise LookupError(
                "Sessions are only read here: give SessionRows writes=True, and write the consumer's file again."
            )

    def _hash(self, password: str, key: str) -> str:
        return salted_hmac(_HASH_SALT, password, key).hexdigest()

    def _unsigned(self, signed: str, salt: str, max_age: float | None = None) -> dict[str, Any] | None:
        try:
            data = unsign(signed, keys=(self.secret_key, *self.fallbacks), salt=salt, max_age=max_age)
        except BadSignature:
            return None
        return data if isinstance(data, dict) else None


def _is_same(given: object, own: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "surrogatepass"), own.encode())
