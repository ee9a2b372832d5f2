"""The results in a SQLite file: written by the worker, one short transaction a second, read by anybody meanwhile."""

import datetime as dt
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from strangler.compare.comparison import COUNTS as CASE_COUNTS
from strangler.compare.comparison import CaseOutcome, CaseResult
from strangler.compare.redaction import MaskedDifference, Masker
from strangler.compare.shadow.backlog import Refused
from strangler.compare.shadow.sample import SampledRequest


@dataclass(frozen=True, kw_only=True)
class SampleResult:
    """What became of one sample; nothing in it is secret."""

    outcome: CaseOutcome
    method: str
    path: str
    request_id: str
    differences: tuple[MaskedDifference, ...] = ()
    failure: str = ""


def sample_result(sample: SampledRequest, result: CaseResult) -> SampleResult:
    """The verdict with its secrets masked."""
    masker = Masker(sample.secrets)
    return SampleResult(
        outcome=result.outcome,
        method=sample.method,
        path=masker.text(sample.target)[:200],
        request_id=sample.request_id[:128],
        differences=tuple(masker.reported(each) for each in result.found),
        failure=str(result.failure) if result.failure else "",
    )


ASKED = "asked"
DROPPED = "dropped"


PLACES_PER_ROUTE: Final = 50
COUNTS: Final = (*CASE_COUNTS, DROPPED)
# Raised when the tables change; results of another version are forgotten.
_VERSION: Final = 3
_BUSY_SECONDS: Final = 1.0
_TABLES: Final = """
CREATE TABLE route (
    name TEXT PRIMARY KEY, asked INTEGER DEFAULT 0, equal INTEGER DEFAULT 0, different INTEGER DEFAULT 0,
    declared INTEGER DEFAULT 0, noise INTEGER DEFAULT 0, unavailable INTEGER DEFAULT 0,
    failed INTEGER DEFAULT 0, dropped INTEGER DEFAULT 0,
    failure TEXT DEFAULT '', first TEXT DEFAULT '', last TEXT DEFAULT ''
);
CREATE TABLE difference (
    route TEXT, kind TEXT, pattern TEXT, count INTEGER, last TEXT, place TEXT, django TEXT, fastapi TEXT,
    method TEXT, path TEXT, request_id TEXT, PRIMARY KEY (route, kind, pattern)
);
CREATE TABLE intake (malformed INTEGER, missed INTEGER);
INSERT INTO intake VALUES (0, 0);
"""


@dataclass(kw_only=True)
class PlaceTally:
    """How often a place differed, and the last time that it did."""

    count: int = 0
    at: str
    example: MaskedDifference
    result: SampleResult


@dataclass(kw_only=True)
class RouteTally:
    """The counts of one route; `places` are keyed by kind and pattern."""

    counts: Counter[str] = field(default_factory=Counter)
    places: dict[tuple[str, str], PlaceTally] = field(default_factory=dict)
    failure: str = ""
    first: str = ""
    last: str = ""


class Tally:
    """Counts between two transactions; times are UTC, to the second."""

    def __init__(self, *, places_per_route: int) -> None:
        self._places_per_route = places_per_route
        self.routes: dict[str, RouteTally] = {}
        self.malformed = 0
        self.missed = 0

    def __bool__(self) -> bool:
        return bool(self.routes or self.malformed or self.missed)

    def add_result(self, route: str, result: SampleResult) -> None:
        """Count a sample that was compared."""
        now = _now()
        tally = self.routes.setdefault(route, RouteTally())
        tally.counts.update({ASKED: 1, result.outcome: 1})
        tally.first, tally.last = tally.first or now, now
        tally.failure = result.failure or tally.failure
        for example in result.differences:
            self._place(tally, example, result, now)

    def refused(self, refused: Refused) -> None:
        """Count what wasn't compared."""
        self.malformed += refused.malformed
        self.missed += refused.missed
        for route, count in refused.dropped.items():
            self.routes.setdefault(route, RouteTally()).counts[DROPPED] += count

    def _place(self, tally: RouteTally, example: MaskedDifference, result: SampleResult, now: str) -> None:
        key = (example.kind, example.pattern)
        known = tally.places.get(key)
        if known is None and len(tally.places) >= self._places_per_route:
            return
        count = known.count if known else 0
        tally.places[key] = PlaceTally(count=count + 1, at=now, example=example, result=result)


def _now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class ShadowStore:
    """The file; it is made at the first write, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self) -> None:
        """Make the tables, or make them anew if an older worker made them otherwise.

        :raises sqlite3.Error: the file can't be used.
        """
        self._path.touch(mode=0o600)
        with self._transaction() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == _VERSION:
                return
            for table in ("route", "difference", "intake"):
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in _TABLES.strip().split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_VERSION}")

    def add(self, tally: Tally) -> None:
        """Add what was counted, in one transaction; all of it or, if that fails, nothing.

        :raises sqlite3.Error: the file can't be written.
        """
        self.prepare()
        with self._transaction() as connection:
            connection.execute(
                "UPDATE intake SET malformed = malformed + ?, missed = missed + ?", [tally.malformed, tally.missed]
            )
            for name, route in tally.routes.items():
                _route_add(connection, name, route)
                _places_add(connection, name, route)

    def reset(self, names: Iterable[str]) -> None:
        """Forget the results of these routes, and how much never got in.

        :raises sqlite3.Error: the file can't be written.
        """
        self.prepare()
        rows = [(name,) for name in names]
        with self._transaction() as connection:
            connection.executemany("DELETE FROM route WHERE name = ?", rows)
            connection.executemany("DELETE FROM difference WHERE route = ?", rows)
            connection.execute("UPDATE intake SET malformed = 0, missed = 0")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        # A connection each, so that the file may be removed meanwhile.
        with closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def _route_add(connection: sqlite3.Connection, name: str, tally: RouteTally) -> None:
    connection.execute("INSERT OR IGNORE INTO route (name) VALUES (?)", [name])
    connection.execute(
        """UPDATE route SET
            asked = asked + :asked, equal = equal + :equal, different = different + :different,
            declared = declared + :declared, noise = noise + :noise, unavailable = unavailable + :unavailable,
            failed = failed + :failed,
            dropped = dropped + :dropped, failure = coalesce(nullif(:failure, ''), failure),
            first = coalesce(nullif(first, ''), :first), last = coalesce(nullif(:last, ''), last)
            WHERE name = :name""",
        {count: tally.counts[count] for count in COUNTS}
        | {"name": name, "failure": tally.failure, "first": tally.first, "last": tally.last},
    )


def _places_add(connection: sqlite3.Connection, name: str, tally: RouteTally) -> None:
    for (kind, pattern), place in tally.places.items():
        found, asked = place.example, place.result
        sides = (found.left, found.right, asked.method, asked.path, asked.request_id)
        connection.execute(
            """INSERT INTO difference VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET count = count + excluded.count, last = excluded.last, place = excluded.place,
               django = excluded.django, fastapi = excluded.fastapi, method = excluded.method, path = excluded.path,
               request_id = excluded.request_id""",
            [name, kind, pattern, place.count, place.at, found.place, *sides],
        )
    connection.execute(
        """DELETE FROM difference WHERE route = :route AND rowid NOT IN
           (SELECT rowid FROM difference WHERE route = :route ORDER BY last DESC, count DESC LIMIT :limit)""",
        {"route": name, "limit": PLACES_PER_ROUTE},
    )
