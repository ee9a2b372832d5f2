"""Times and tokens of a play, written so that two recordings of the same answers are the same text.

In a recording every play begins on the first of January 2222. A time of the play is that moment, a later one lies as
far behind it as it lay behind the time of its writing; what was stored before stays as it is.
"""

import base64
import binascii
import datetime as dt
import json
import re
from abc import ABC, abstractmethod
from typing import Any, Final

from strangler.compare.writes.generated_values import hash_without_random, random_like, time_read

PLAY_BEGAN: Final = dt.datetime(2222, 1, 1, tzinfo=dt.UTC)
_UNTIL: Final = dt.datetime(2322, 1, 1, tzinfo=dt.UTC)
# A moment with parts of a second has these: two digits of them are no nought either.
_FRACTION: Final = 111_111
_TIME: Final = re.compile(
    r"(?<!\d)\d{4}-\d\d-\d\d(?P<between>[T ])\d\d:\d\d(?P<seconds>:\d\d)?"
    r"(?P<fraction>\.\d+)?(?P<offset> ?(?:Z|[+-]\d\d(?::?\d\d)?))?"
)
_TOKEN: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
# Nobody is signed in by a recorded token.
_SIGNATURE: Final = "unsigned"
# What was written this many seconds apart may be the same span of time after it.
_STEP_SECONDS: Final = 5
_SLACK: Final = dt.timedelta(seconds=1)


class _Texts(ABC):
    """Rewrites the times and tokens that stand anywhere in a text."""

    def text(self, text: str) -> str:
        """The text with other times and tokens."""
        return _TIME.sub(self._time, _TOKEN.sub(self._token, text))

    @abstractmethod
    def _moment(self, moment: dt.datetime) -> dt.datetime | None:
        """The moment in its place; None to leave it as it is."""

    @abstractmethod
    def _claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims of a token in their place."""

    def _time(self, found: re.Match[str]) -> str:
        moment = time_read(found[0])
        moved = None if moment is None else self._moment(moment)
        if moment is None or moved is None:
            return found[0]
        # Written as it was: in the same offset, to the same digits.
        own = dt.datetime.fromisoformat(found[0])
        local = moved.astimezone(own.tzinfo or dt.UTC)
        fraction = found["fraction"] or ""
        digits = f".{_FRACTION if moment.microsecond else 0:06d}".ljust(len(fraction), "0")[: len(fraction)]
        seconds = f"{local:%S}" if found["seconds"] else ""
        colon = ":" if seconds else ""
        return f"{local:%Y-%m-%d}{found['between']}{local:%H:%M}{colon}{seconds}{digits}{found['offset'] or ''}"

    def _token(self, found: re.Match[str]) -> str:
        head, body, _signature = found[0].split(".")
        try:
            claims = json.loads(_decoded(body))
        except (binascii.Error, ValueError):
            return found[0]
        if not isinstance(claims, dict):
            return found[0]
        text = json.dumps(self._claims(claims), separators=(",", ":")).encode()
        return f"{head}.{base64.urlsafe_b64encode(text).decode().rstrip('=')}.{_SIGNATURE}"


class RecordedTexts(_Texts):
    """Texts as they go into a recording.

    :param began: when the play began, by the clock of the database.
    """

    def __init__(self, began: dt.datetime) -> None:
        self._began = began
        self._now = began
        self._known: dict[dt.datetime, dt.datetime] = {}
        self._randoms: dict[str, str] = {}

    def step_ended(self, now: dt.datetime) -> None:
        """What is written from here on was answered by `now`."""
        self._now = now

    def value(self, value: str) -> str:
        """A column's value, as PostgreSQL writes it; of a salted hash nothing but its form."""
        hashed = hash_without_random(value)
        if hashed is not None:
            return hashed
        return self._randoms.get(value) or self.text(value)

    def _moment(self, moment: dt.datetime) -> dt.datetime | None:
        if moment < self._began - _SLACK:
            return None
        if moment not in self._known:
            span = (moment - self._now).total_seconds()
            whole = max(0, round(span / _STEP_SECONDS) * _STEP_SECONDS)
            self._known[moment] = PLAY_BEGAN + dt.timedelta(seconds=whole)
        return self._known[moment]

    def _claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        made = dict(claims)
        issued = claims.get("iat")
        for name, value in claims.items():
            if type(value) is not int or (moment := _epoch(value)) is None or moment < self._began - 2 * _SLACK:
                continue
            if type(issued) is int and _epoch(issued) is not None:
                self._known[moment] = PLAY_BEGAN + dt.timedelta(seconds=max(0, value - issued))
            moved = self._moment(moment)
            made[name] = value if moved is None else int(moved.timestamp())
        if isinstance(jti := claims.get("jti"), str):
            self._randoms.setdefault(jti, random_like(jti, len(self._randoms) + 1))
        # Another claim may name an earlier token.
        texts = {name: self._randoms[value] for name, value in claims.items() if self._is_random(value)}
        return made | texts

    def _is_random(self, value: object) -> bool:
        return isinstance(value, str) and value in self._randoms


class ReplayedTexts(_Texts):
    """Texts of a recording as if its play had begun at `began`."""

    def __init__(self, began: dt.datetime) -> None:
        self._began = began

    def _moment(self, moment: dt.datetime) -> dt.datetime | None:
        return self._began + (moment - PLAY_BEGAN) if PLAY_BEGAN <= moment < _UNTIL else None

    def _claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        def moved(value: object) -> object:
            moment = _epoch(value) if type(value) is int else None
            found = None if moment is None else self._moment(moment)
            return value if found is None else int(found.timestamp())

        return {name: moved(value) for name, value in claims.items()}


def _epoch(seconds: int) -> dt.datetime | None:
    """The moment that lies so many seconds after 1970; None where the number is none of a calendar."""
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
