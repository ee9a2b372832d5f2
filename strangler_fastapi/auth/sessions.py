"""Django's sessions, read: whose session a request names, and whether it is still good."""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Executable, bindparam, select
from starlette.requests import Request

from shared_schema.consumer.samples import MOMENT, Sample
from strangler_fastapi.auth.csrf import CsrfCheck
from strangler_fastapi.auth.signing import BadSignature, salted_hmac, unsign
from strangler_fastapi.db.query import Rows, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.sample_queries import as_sample
from strangler_fastapi.drf.validators import Invalid, check_storable

_COOKIE_SALT: Final = "django.contrib.sessions.backends.signed_cookies"
_ROW_SALT: Final = "django.contrib.sessions.SessionStore"
_HASH_SALT: Final = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
_TWO_WEEKS: Final = 1_209_600
# A row's key has 40 characters at the most; a cookie that is no key needs no query.
_LONGEST_KEY: Final = 40


@dataclass(frozen=True, kw_only=True)
class SessionRows:
    """The mapped class of `django_session`, with `session_key`, `session_data` and `expire_date`."""

    mapped: Any

    async def load(self, session: RequestSession, key: str) -> str | None:
        """The signed data of a session that has not expired; None where there is none."""
        try:
            check_storable(key)
        except Invalid:
            return None
        if len(key) > _LONGEST_KEY:
            return None
        data: str | None = await fetch_value(session, self.data(key, datetime.now(UTC)))
        return data

    def data(self, key: str, now: datetime) -> Rows:
        """What a session holds: `session_data`."""

        def build() -> Executable:
            rows = select(self.mapped.session_data).where(self.mapped.session_key == bindparam("key"))
            return rows.where(self.mapped.expire_date > bindparam("now"))

        return Rows((self.mapped.key(), "session"), build, {"key": key, "now": now})

    def statements(self) -> Iterator[Sample]:
        """Every statement, with samples of values."""
        yield as_sample(self.data("sample", MOMENT))


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """Django's sessions, as its settings of these names say; a service sets them as `app.state.sessions`.

    Nothing is written: a session lives as long as Django made it, and one that is no longer good is an anonymous
    request here and stays in its table.

    Args:
        secret_key: SECRET_KEY, which signs sessions.
        fallbacks: SECRET_KEY_FALLBACKS.
        rows: the table of `backends.db` and `backends.cached_db`; None is `backends.signed_cookies`.
        cookie_name: SESSION_COOKIE_NAME.
        cookie_age: SESSION_COOKIE_AGE, in seconds.
        backends: AUTHENTICATION_BACKENDS; a session of another is an anonymous request's.
        csrf: the check of requests that change something.
    """

    secret_key: str = field(repr=False)
    fallbacks: tuple[str, ...] = field(default=(), repr=False)
    rows: SessionRows | None = None
    cookie_name: str = "sessionid"
    cookie_age: float = _TWO_WEEKS
    backends: tuple[str, ...] = ("django.contrib.auth.backends.ModelBackend",)
    csrf: CsrfCheck = field(default_factory=CsrfCheck)

    async def load(self, request: Request, session: RequestSession) -> Mapping[str, Any]:
        """What the session of the request's cookie holds; nothing where there is none, or its signature is not good."""
        cookie = request.cookies.get(self.cookie_name)
        if not cookie:
            return {}
        signed = cookie if self.rows is None else await self.rows.load(session, cookie)
        if signed is None:
            return {}
        salt, age = (_COOKIE_SALT, self.cookie_age) if self.rows is None else (_ROW_SALT, None)
        try:
            data = unsign(signed, keys=(self.secret_key, *self.fallbacks), salt=salt, max_age=age)
        except BadSignature:
            return {}
        return data if isinstance(data, dict) else {}

    def user_of(self, data: Mapping[str, Any]) -> object:
        """The key of the user who signed in, as text; None where nobody did, by none of the backends."""
        return data.get("_auth_user_id") if data.get("_auth_user_backend") in self.backends else None

    def is_verified(self, data: Mapping[str, Any], password: str) -> bool:
        """Whether the session was begun with the password hash that its user has now."""
        given = data.get("_auth_user_hash")
        if not given or not isinstance(given, str):
            return False
        hashes = (salted_hmac(_HASH_SALT, password, key).hexdigest() for key in (self.secret_key, *self.fallbacks))
        return any(hmac.compare_digest(given.encode("utf-8", "surrogatepass"), own.encode()) for own in hashes)
