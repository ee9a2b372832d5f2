"""What one session holds: Django's `request.session`, whose changes are saved once the request is answered."""

import secrets
import string
from collections.abc import Iterator, MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

_KEY_CHARACTERS: Final = string.ascii_lowercase + string.digits
_KEY_LENGTH: Final = 32
SHORTEST_KEY: Final = 8
_EXPIRY: Final = "_session_expiry"


def new_session_key() -> str:
    """A key that nobody has, as Django makes them."""
    return "".join(secrets.choice(_KEY_CHARACTERS) for _ in range(_KEY_LENGTH))


class SessionStore(MutableMapping[str, Any]):
    """The values of a session by name, any JSON. Nothing is written before the request is answered.

    `strangler_fastapi.auth.sessions.Sessions.open` gives a request's. As in Django, a value inside of another is no
    change of the session: assign the outer one again, or set `modified`.

    Args:
        key: what the client's cookie says, None where there is none.
        age: SESSION_COOKIE_AGE, in seconds.
        closes: SESSION_EXPIRE_AT_BROWSER_CLOSE.
    """

    def __init__(self, key: str | None, *, age: float, closes: bool = False) -> None:
        self.key = key if key and len(key) >= SHORTEST_KEY else None
        self.modified = False
        # Whether a row of this key is there already.
        self.is_new = self.key is None
        self.ended: list[str] = []
        self._age = age
        self._closes = closes
        self._data: dict[str, Any] = {}

    def loaded(self, data: dict[str, Any] | None, *, keeps_key: bool = False) -> None:
        """Takes what was stored; None where nothing is, which the key goes with unless it is kept."""
        self._data = data or {}
        if data is None and not keeps_key:
            self.key, self.is_new = None, True

    @property
    def is_empty(self) -> bool:
        """Whether there is no session."""
        return not self.key and not self._data

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        """A value."""
        return self._data[name]

    def __setitem__(self, name: str, value: Any) -> None:  # noqa: ANN401 - any JSON
        """Sets a value."""
        self._data[name] = value
        self.modified = True

    def __delitem__(self, name: str) -> None:
        """Takes a value away."""
        del self._data[name]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._data)

    def __len__(self) -> int:
        """How many values there are."""
        return len(self._data)

    def clear(self) -> None:
        """Takes all values away; the session itself stays."""
        self._data = {}
        self.modified = True

    def flush(self) -> None:
        """Ends the session: its values are gone, and nobody who has its key is let in by it any more."""
        self.clear()
        self._leave_key()
        self.key = None

    def cycle_key(self) -> None:
        """Gives the session another key, and ends the one before it; the values stay."""
        self._leave_key()
        self.key = new_session_key()
        self.modified = True

    def set_expiry(self, value: float | datetime | timedelta | None) -> None:
        """Says when the session ends.

        Args:
            value: seconds without a request that changes it, 0 for as long as the browser is open, a moment, or a time
                from now; None for SESSION_COOKIE_AGE.
        """
        if value is None:
            self.pop(_EXPIRY, None)
            return
        if isinstance(value, timedelta):
            value = datetime.now(UTC) + value
        self[_EXPIRY] = value.isoformat() if isinstance(value, datetime) else value

    def expire_date(self, now: datetime) -> datetime:
        """When the session ends, if it is saved now."""
        expiry = self.get(_EXPIRY)
        if isinstance(expiry, str):
            moment = datetime.fromisoformat(expiry)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return now + timedelta(seconds=expiry or self._age)

    def cookie_age(self, now: datetime) -> float | None:
        """For how many seconds the browser keeps the cookie; None until it is closed."""
        expiry = self.get(_EXPIRY)
        if (self._closes if expiry is None else expiry == 0) is True:
            return None
        if not expiry:
            return self._age
        if not isinstance(expiry, str):
            seconds: float = expiry
            return seconds
        left = self.expire_date(now) - now
        return left.days * 86_400 + left.seconds

    def _leave_key(self) -> None:
        if self.key is not None and not self.is_new:
            self.ended.append(self.key)
        self.is_new = True
