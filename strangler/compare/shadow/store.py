"""The results in a file of SQLite: written by the worker, one short transaction a second, read by anybody meanwhile."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from strangler.compare.shadow.tally import RouteTally, Tally

PLACES_PER_ROUTE: Final = 50
COUNTS: Final = ("asked", "equal", "different", "declared", "noise", "failed", "dropped")
# Raised when the tables change; results of another version are forgotten.
_VERSION: Final = 2
_BUSY_SECONDS: Final = 1.0
_TABLES: Final = """
CREATE TABLE route (
    name TEXT PRIMARY KEY, asked INTEGER DEFAULT 0, equal INTEGER DEFAULT 0, different INTEGER DEFAULT 0,
    declared INTEGER DEFAULT 0, noise INTEGER DEFAULT 0, failed INTEGER DEFAULT 0, dropped INTEGER DEFAULT 0,
    failure TEXT DEFAULT '', first TEXT DEFAULT '', last TEXT DEFAULT ''
);
CREATE TABLE difference (
    route TEXT, kind TEXT, pattern TEXT, count INTEGER, last TEXT, place TEXT, django TEXT, fastapi TEXT,
    method TEXT, path TEXT, request_id TEXT, PRIMARY KEY (route, kind, pattern)
);
CREATE TABLE intake (malformed INTEGER, missed INTEGER);
INSERT INTO intake VALUES (0, 0);
"""


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
        # A connection each: nobody may mind if the file is removed meanwhile.
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
            declared = declared + :declared, noise = noise + :noise, failed = failed + :failed,
            dropped = dropped + :dropped, failure = coalesce(nullif(:failure, ''), failure),
            first = coalesce(nullif(first, ''), :first), last = coalesce(nullif(:last, ''), last)
            WHERE name = :name""",
        {count: tally.counts[count] for count in COUNTS}
        | {"name": name, "failure": tally.failure, "first": tally.first, "last": tally.last},
    )


def _places_add(connection: sqlite3.Connection, name: str, tally: RouteTally) -> None:
    for (kind, pattern), place in tally.places.items():
        found, asked = place.example, place.judgement
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
