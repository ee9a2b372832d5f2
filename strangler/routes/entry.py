"""One table of the routes file, and the mistakes that can be made in it."""

import datetime as dt
from collections.abc import Collection
from typing import Any, Final

from strangler.routes.lines import Lines, Where
from strangler.routes.mistakes import Mistake, nearest, shown

# nginx refuses keys of its maps beyond a size that nginx/templates/http.conf.j2 sets.
_MAX_LENGTH: Final = 200


class Entry:
    """One table of the file: its values, and the lines of its keys. `name` is what mistakes call it."""

    def __init__(self, values: dict[str, Any], *, lines: Lines | None, where: Where, name: str) -> None:
        self.name = name
        self._values = values
        self._lines = lines
        self._where = where

    @property
    def key(self) -> str:
        """The key that it stands under."""
        return str(self._where[-1])

    @property
    def line(self) -> int:
        """Where it begins; 0 if that can't be known."""
        return self._lines.of(*self._where) if self._lines else 0

    def mistake(self, sentence: str, key: str | None = None) -> Mistake:
        """A mistake in the line of `key`, or of the entry where it has no such key."""
        found = self._lines.of(*self._where, key) if self._lines and key else 0
        return Mistake(f"{self.name} {sentence}", found or self.line)

    def get(self, key: str) -> Any:  # noqa: ANN401 - whatever TOML can say
        """The value of `key`; None if it isn't there."""
        return self._values.get(key)

    def wrong(self, key: str, mend: str) -> Mistake:
        """The mistake that `key` has no value of the kind that `mend` asks for."""
        has = f"has {key} {shown(self._values[key])}" if key in self._values else f"has no {key}"
        return self.mistake(f"{has}: {mend}{'' if mend.endswith('?') else '.'}", key)

    def check_keys(self, known: Collection[str]) -> None:
        """Refuse keys that mean nothing; one that is ignored would be a move that never happens."""
        for key in self._values:
            if key not in known:
                meant = nearest(key, known)
                mend = f"did you mean {meant}?" if meant else f"use only {', '.join(sorted(known))}."
                raise self.mistake(f"has an unknown key {shown(key)}: {mend}", key)

    def check_length(self, key: str) -> None:
        """Refuse a text that nginx has no room for."""
        if len(self._values[key]) > _MAX_LENGTH:
            raise self.mistake(f"has a {key} of {len(self._values[key])} characters: shorten it to {_MAX_LENGTH}.", key)

    def flag(self, key: str) -> bool:
        """True or false; false if it isn't there."""
        value = self._values.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "write true or false, without quotes")
        return value

    def percent(self, key: str) -> float | None:
        """A percentage of callers or requests."""
        value = self._values.get(key)
        # nginx's split_clients knows two decimals.
        if value is not None and not (_is_number(value) and 0 <= value <= 100 and round(value, 2) == value):
            raise self.wrong(key, "give a percentage from 0 to 100 with at most two decimals, without quotes")
        return value

    def day(self, key: str) -> dt.date | None:
        """A day without a time."""
        value = self._values.get(key)
        if value is not None and (not isinstance(value, dt.date) or isinstance(value, dt.datetime)):
            raise self.wrong(key, "write a day without quotes or a time, such as 2027-01-31")
        return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
