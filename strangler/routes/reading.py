"""The entries of a parsed routes file, and every mistake in them."""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from strangler.routes.checks import clashes
from strangler.routes.entries import Entry, read_fixed, read_route, read_throttle
from strangler.routes.lines import Lines
from strangler.routes.mistakes import Mistake, shown
from strangler.routes.prefixes import Prefixes
from strangler.routes.route import Fixed, RequestLimit, Route

_KEYS: Final = ("fixed", "route", "throttles")
_Read = TypeVar("_Read")


class RoutesReader:
    """Reads the entries; goes on after a mistake, so that one reading finds a mistake of each entry.

    Without `lines` its mistakes name none.
    """

    def __init__(self, document: dict[str, Any], lines: Lines | None, prefixes: Prefixes) -> None:
        self.mistakes: list[Mistake] = []
        self._document = document
        self._lines = lines
        self._prefixes = prefixes

    def read(self) -> tuple[tuple[Route, ...], tuple[Fixed, ...], tuple[RequestLimit, ...]]:
        """All that could be read; it is whole only if there are no `mistakes`."""
        file = Entry(self._document, lines=self._lines, where=(), name="the file")
        self.mistakes.extend(file.unknown_keys(_KEYS))
        throttles = tuple(self._throttles())
        names = self._throttle_names()
        routes = tuple(self._each("route", lambda entry: read_route(entry, names, self._prefixes)))
        fixed = tuple(self._each("fixed", lambda entry: read_fixed(entry, names)))
        if self._document.get("route", []) == []:
            self._refuse("there is no [[route]], so every endpoint would be gone: put the routes back.")
        if not self.mistakes:
            self.mistakes.extend(clashes(routes, fixed, self._prefixes))
        return routes, fixed, throttles

    def _each(self, key: str, read: Callable[[Entry], _Read]) -> Iterator[_Read]:
        entries = self._document.get(key, [])
        if not isinstance(entries, list):
            self._refuse(f"{key} is no list of tables: write each entry under [[{key}]].", key)
            return
        for index, values in enumerate(entries):
            if isinstance(values, dict):
                entry = Entry(values, lines=self._lines, where=(key, index), name=f"a [[{key}]]")
                yield from self._tried(read, entry)
            else:
                self._refuse(f"{shown(values)} is no table: write each entry under [[{key}]].", key, index)

    def _throttles(self) -> Iterator[RequestLimit]:
        entries = self._document.get("throttles", {})
        if not isinstance(entries, dict):
            self._refuse("throttles is no table: write each entry under [throttles.NAME].", "throttles")
            return
        for name, values in entries.items():
            called = f"throttle {shown(name)}"
            if isinstance(values, dict):
                entry = Entry(values, lines=self._lines, where=("throttles", name), name=called)
                yield from self._tried(read_throttle, entry)
            else:
                hint = "write a [throttles.NAME] with rate and burst."
                self._refuse(f"{called} is no table: {hint}", "throttles", name)

    def _tried(self, read: Callable[[Entry], _Read], entry: Entry) -> Iterator[_Read]:
        try:
            yield read(entry)
        except Mistake as mistake:
            self.mistakes.append(mistake)

    def _throttle_names(self) -> set[str]:
        """All that are written down: who names a mistaken one makes no second mistake."""
        entries = self._document.get("throttles")
        return set(entries) if isinstance(entries, dict) else set()

    def _refuse(self, sentence: str, *where: str | int) -> None:
        self.mistakes.append(Mistake(sentence, self._lines.of(*where) if self._lines and where else 0))
