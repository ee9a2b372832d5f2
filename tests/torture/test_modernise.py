"""`make test-torture`: a column of a million rows is renamed, while services write its old name and its new one."""

import itertools
import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from strangler.handover.execution import LockPatience
from strangler.modernise.rows import Pace
from tests.modernising import SmallOperation, small_operation
from tests.shared_stack import StackAddresses

pytestmark = pytest.mark.torture

ROWS = 1_000_000
LONGEST_LOCK = 0.2
FILE = '[rename_column]\ntable = "notes"\ncolumn = "slug"\nto = "path"\n'
FILL = f"""
    INSERT INTO notes (kind, stars, slug, writer_id) SELECT 'draft', number % 5, 'row ' || number, 1
    FROM generate_series(1, {ROWS}) AS number
"""  # noqa: S608 - a constant
HELD = """
    SELECT count(*) FROM pg_locks WHERE relation = %s AND mode = 'AccessExclusiveLock' AND granted
"""


@pytest.fixture
def operation(stack: StackAddresses, tmp_path: Path) -> Iterator[SmallOperation]:
    name = f"tortured_{os.getpid()}"
    with small_operation(admin_dsn=stack.admin_dsn, name=name, folder=tmp_path, file=FILE) as made:
        made.run(FILL, "VACUUM ANALYZE notes")
        patience, throttle = LockPatience(timeout=0.1, tries=60), Pace()
        yield replace(made, modernisation=replace(made.modernisation, patience=patience, throttle=throttle))


@dataclass
class Writer:
    """A service that updates, inserts and reads by one name of the column, on rows of its own."""

    dsn: str
    column: str
    parity: int
    written: dict[int, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    statements: int = 0
    longest: float = 0.0

    def run(self, end: threading.Event) -> None:
        with psycopg.connect(self.dsn, autocommit=True, application_name=f"writer of {self.column}") as connection:
            for number in itertools.count():
                if end.is_set():
                    return
                try:
                    self._write(connection, f"{self.column} {number}")
                except (psycopg.Error, AssertionError) as error:
                    self.failures.append(f"{type(error).__name__}: {error}")

    def _write(self, connection: psycopg.Connection, value: str) -> None:
        key = 2 * random.randrange(2, ROWS // 2) + self.parity  # noqa: S311 - no secret
        self._timed(connection, f"UPDATE notes SET {self.column} = %s WHERE id = %s", value, key)  # noqa: S608 - the test's own
        self.written[key] = value
        read = f"SELECT {self.column} FROM notes WHERE id = %s"  # noqa: S608 - as above
        assert self._timed(connection, read, key) == [(value,)]
        insert = f"INSERT INTO notes (kind, stars, {self.column}, writer_id) VALUES ('draft', 1, %s, 1)"  # noqa: S608 - the test's own
        ((made,),) = self._timed(connection, f"{insert} RETURNING id", value)
        self.written[made] = value

    def _timed(self, connection: psycopg.Connection, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        began = time.monotonic()
        cursor = connection.execute(statement.encode(), values)
        rows = cursor.fetchall() if cursor.description else []
        self.longest = max(self.longest, time.monotonic() - began)
        self.statements += 1
        return rows


@dataclass
class LockWatch:
    """How long somebody held a lock on the table that nobody can read through; looked at each millisecond."""

    dsn: str
    oid: int
    longest: float = 0.0

    def run(self, end: threading.Event) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            since: float | None = None
            while not end.wait(0.001):
                ((held,),) = connection.execute(HELD, (self.oid,)).fetchall()
                now = time.monotonic()
                since = (since or now) if held else None
                self.longest = max(self.longest, now - since if since else 0.0)


def test_both_names_are_written_through_all_stages(operation: SmallOperation) -> None:
    dsn = operation.small.database.owner_dsn
    ((oid,),) = operation.run("SELECT 'notes'::regclass::oid")
    old, new = Writer(dsn, "slug", 0), Writer(dsn, "path", 1)
    watch = LockWatch(operation.small.database.superuser_dsn, oid)
    ends = [threading.Event() for _ in range(3)]
    threads = [
        threading.Thread(target=each.run, args=(end,)) for each, end in zip((old, new, watch), ends, strict=True)
    ]
    threads[0].start()
    threads[2].start()
    seconds = {}
    try:
        seconds["expand"] = operation.next().seconds
        threads[1].start()
        for stage in ("backfill", "verify", "cutover"):
            seconds[stage] = operation.next().seconds
        operation.back()
        operation.next()
        ends[0].set()
        threads[0].join()
        differing = operation.run("SELECT count(*) FROM notes WHERE slug IS DISTINCT FROM path")
        seconds["contract"] = operation.next().seconds
    finally:
        for end in ends:
            end.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
    rows = dict(operation.run("SELECT id, path FROM notes"))
    lost = [key for each in (old, new) for key, value in each.written.items() if rows[key] != value]
    print(  # noqa: T201 - the figures of docs/finishing.md
        f"\n{ROWS:,} rows, {old.statements + new.statements:,} statements, {len(old.failures + new.failures)} failed, "
        f"{differing[0][0]} rows differing, {len(lost)} writes lost; longest ACCESS EXCLUSIVE lock "
        f"{watch.longest * 1000:.0f} ms, longest statement {max(old.longest, new.longest) * 1000:.0f} ms; "
        + ", ".join(f"{stage} {took:.1f} s" for stage, took in seconds.items())
    )
    assert old.failures + new.failures == []
    assert (differing, lost) == ([(0,)], [])
    assert 0 < watch.longest <= LONGEST_LOCK
    assert min(old.statements, new.statements) > 1000
