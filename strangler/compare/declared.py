"""Declared differences: intended ones, each with a reason, an owner and a day on which it expires.

None can say that other rows are meant: two answers of one status differ by places, and a list by keys of its rows.
"""

import datetime as dt
import tomllib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from strangler.compare.differ import DifferenceKind, ResponseDifference
from strangler.errors import UsageError

EVERY_ROUTE: Final = "*"
_ITEM: Final = "[*]"


class MetBy(StrEnum):
    """Which run must meet a declared difference, so that one that is never met is noticed.

    `cases`: a comparison of the case files, without writes. `writes`: one with them. `contract`: the contract tests,
    which forge requests that no case file can hold.
    """

    CASES = "cases"
    WRITES = "writes"
    CONTRACT = "contract"


@dataclass(frozen=True)
class DeclaredDifference:
    """An intended difference on `route` (`*`: on all), given by one of four.

    `v1` and `v2`: the statuses, and with them the whole answer. `header`: the name of one, in small letters. `path`: a
    place in the body as reports name it, such as `$.results[*].title`, and all that lies below it but rows of a list.
    `order`: the place of a list whose items, which have to be the same, may come in any order.
    """

    route: str
    reason: str
    owner: str
    expires: dt.date
    v1: int | None = None
    v2: int | None = None
    header: str = ""
    path: str = ""
    order: str = ""
    met_by: MetBy = MetBy.CASES

    def __str__(self) -> str:
        return f"the declared difference of {self.route} ({self._what})"

    @property
    def _what(self) -> str:
        order = f"order of {self.order}" if self.order else ""
        return self.header or self.path or order or f"{self.v1} and {self.v2}"

    def covers(self, difference: ResponseDifference, *, left: int, right: int) -> bool:
        """Whether this is what is meant; `left` and `right` are the statuses."""
        if self.v1 is not None:
            return (self.v1, self.v2) == (left, right)
        if self.header:
            return difference.kind is DifferenceKind.HEADER and difference.path[:1] == (self.header,)
        pattern = difference.pattern
        if self.order:
            return difference.kind is DifferenceKind.ITEM_ORDER and pattern == self.order
        in_body = difference.kind not in {DifferenceKind.STATUS, DifferenceKind.HEADER}
        below = pattern == self.path or pattern.startswith((f"{self.path}.", f"{self.path}["))
        return in_body and below and not self._is_of_rows(difference)

    def _is_of_rows(self, difference: ResponseDifference) -> bool:
        """Whether the path stands above a list of objects that has the difference, so that it would allow any rows."""
        _, item, inside = difference.pattern.removeprefix(self.path).partition(_ITEM)
        is_object = any(isinstance(side, dict) for side in (difference.left, difference.right))
        return _ITEM not in self.path and bool(item) and (bool(inside) or is_object)


class DeclaredDifferences:
    """Finds which differences are declared, and remembers which entries were met."""

    def __init__(self, entries: Iterable[DeclaredDifference], *, today: dt.date | None = None) -> None:
        self._fixed_day = today
        self._by_route: dict[str, list[DeclaredDifference]] = {}
        for entry in entries:
            self._by_route.setdefault(entry.route, []).append(entry)
        self.met: set[DeclaredDifference] = set()

    def undeclared(
        self, route: str, found: Iterable[ResponseDifference], *, left: int, right: int
    ) -> Iterator[ResponseDifference]:
        """Those that aren't meant; an entry that has expired before today (UTC) means nothing any more."""
        entries = [entry for entry in self._of(route) if not self._has_expired(entry)]
        for difference in found:
            covering = [entry for entry in entries if entry.covers(difference, left=left, right=right)]
            self.met.update(covering)
            if not covering:
                yield difference

    def names(self, route: str, *, left: int, right: int) -> bool:
        """Whether an entry that hasn't expired names these statuses."""
        entries = self._of(route)
        return any((entry.v1, entry.v2) == (left, right) and not self._has_expired(entry) for entry in entries)

    def faults(self, routes: Iterable[str], *, met_by: Collection[MetBy]) -> tuple[str, ...]:
        """What is wrong with the entries of these routes: expired, or not met by those of `met_by` who should have."""
        entries = list(dict.fromkeys(entry for route in routes for entry in self._of(route)))
        expired = [
            f"{entry} has expired on {entry.expires}: fix it, or declare it anew"
            for entry in entries
            if self._has_expired(entry)
        ]
        unmet = [
            f"{entry} was never met: remove it"
            for entry in entries
            if entry.met_by in met_by and entry not in self.met and not self._has_expired(entry)
        ]
        return (*expired, *unmet)

    def _of(self, route: str) -> list[DeclaredDifference]:
        return [*self._by_route.get(route, ()), *self._by_route.get(EVERY_ROUTE, ())]

    def _has_expired(self, entry: DeclaredDifference) -> bool:
        return entry.expires < (self._fixed_day or dt.datetime.now(dt.UTC).date())


def declared_differences(file: Path | None) -> list[DeclaredDifference]:
    """What the file lists; nothing where there is no file.

    :raises UsageError: it can't be read, or an entry is invalid.
    """
    if file is None:
        return []
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} can't be read ({error})", "correct it, or name another with --declared") from error
    found = document.get("difference", [])
    return [_entry(fields, f"{file.name}, difference {number}") for number, fields in enumerate(found, start=1)]


def _entry(fields: dict[str, Any], where: str) -> DeclaredDifference:
    try:
        entry = DeclaredDifference(**fields | {"met_by": MetBy(fields.get("met_by", MetBy.CASES))})
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: {str(error).rpartition('() ')[2]}", "correct it") from error
    if type(entry.expires) is not dt.date:
        raise UsageError(f"{where}: expires is no day", "write it like 2027-12-31")
    given = [entry.v1 is not None and entry.v2 is not None, bool(entry.header), bool(entry.path), bool(entry.order)]
    if given.count(True) != 1:
        raise UsageError(f"{where}", "give it one of v1 and v2, header, path, or order")
    if entry.v1 is not None and entry.v1 == entry.v2:
        hint = "name what differs by a header, or by a path such as $.results[*].title"
        raise UsageError(f"{where}: {entry.v1} on both sides would allow any answer", hint)
    if entry.path == "$" or entry.path.endswith(_ITEM):
        hint = f"name the keys that differ, such as {entry.path.removesuffix(_ITEM)}{_ITEM}.title"
        raise UsageError(f"{where}: {entry.path} would allow any rows", hint)
    return entry
