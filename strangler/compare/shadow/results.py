"""What the worker has found so far, for people and for the history of moves."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from strangler.compare.shadow.store import COUNTS
from strangler.errors import FailedError

_BUSY_SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class RouteResult:
    """The counts of one route since the first sample or the last reset.

    `asked` is the sum of the outcomes; `dropped` samples were not asked. `failure` is the last reason why one could not
    be compared. Times are UTC as ISO 8601, empty where nothing was asked.
    """

    name: str
    asked: int = 0
    equal: int = 0
    different: int = 0
    declared: int = 0
    noise: int = 0
    unavailable: int = 0
    failed: int = 0
    dropped: int = 0
    failure: str = ""
    first: str = ""
    last: str = ""


@dataclass(frozen=True, kw_only=True)
class DifferenceResult:
    """A place where the answers of a route differ, how often, and the last example; None stands for nothing there.

    `pattern` is the place with `[*]` for each index; the values are masked and shortened.
    """

    route: str
    kind: str
    pattern: str
    count: int
    last: str
    place: str
    django: str | None
    fastapi: str | None
    method: str
    path: str
    request_id: str


class ShadowResults:
    """Reads a database of results, which need not be there yet.

    :raises FailedError: from each method, if the file is none of the worker's.
    """

    def __init__(self, database: Path) -> None:
        self._database = database

    def routes(self) -> dict[str, RouteResult]:
        """The counts of each route that was ever sampled."""
        return {row["name"]: RouteResult(**row) for row in self._rows("SELECT * FROM route")}

    def differences(self, names: Iterable[str]) -> list[DifferenceResult]:
        """The differences of these routes, the most frequent of each first."""
        rows = self._rows("SELECT * FROM difference ORDER BY route, count DESC, pattern")
        wanted = set(names)
        return [DifferenceResult(**row) for row in rows if row["route"] in wanted]

    def refused(self) -> dict[str, int]:
        """Datagrams that were no samples (`malformed`), and samples that the kernel had no room for (`missed`)."""
        return next(iter(self._rows("SELECT * FROM intake")), {"malformed": 0, "missed": 0})

    def _rows(self, query: str) -> list[dict[str, Any]]:
        if not self._database.exists():
            return []
        try:
            address = f"{self._database.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)) as connection:
                connection.row_factory = sqlite3.Row
                return [dict(row) for row in connection.execute(query)]
        except sqlite3.Error as error:
            raise FailedError(
                f"{self._database} can't be read ({error})", "remove it, the worker makes it anew"
            ) from error


def shadow_evidence(database: Path, names: Iterable[str]) -> dict[str, dict[str, int]]:
    """The counts by name of those of these routes that were ever sampled: evidence for a move.

    A file that can't be read is no evidence, and no reason to hold a move up.
    """
    try:
        found = ShadowResults(database).routes()
    except FailedError:
        return {}
    return {name: {count: getattr(found[name], count) for count in COUNTS} for name in names if name in found}
