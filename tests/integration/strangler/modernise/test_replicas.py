"""A replica that is behind: the backfill waits for it, says which one it is, and goes on once it has caught up."""

import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from strangler.databases.connections import dsn_to
from strangler.errors import FailedError
from strangler.modernise.replicas import ReplicaPatience
from strangler.modernise.rows import Pace
from tests.modernising import SmallOperation, small_operation
from tests.servers import server_in, standby_of

pytestmark = pytest.mark.long

COLUMN = '[rename_column]\ntable = "notes"\ncolumn = "slug"\nto = "path"\n'
FILL = """
    INSERT INTO notes (kind, stars, slug, writer_id) SELECT 'draft', 1, 'row ' || number, 1
    FROM generate_series(1, 5000) AS number
"""
SECONDS = 60


class Standby:
    """The server that follows."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def run(self, statement: str, *, database: str = "postgres") -> list[tuple[object, ...]]:
        with psycopg.connect(dsn_to(self.dsn, database), autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()


@pytest.fixture
def standby_and_operation(tmp_path: Path) -> Iterator[tuple[Standby, SmallOperation]]:
    # Not in pytest's own folder: each pytest that starts takes back the search bit that PostgreSQL's account needs.
    with (
        tempfile.TemporaryDirectory(prefix="strangler standby ") as name,
        server_in(Path(name), "first") as primary,
        standby_of(primary, Path(name), "second") as standby,
        small_operation(admin_dsn=primary.admin_dsn, name="followed", folder=tmp_path, file=COLUMN) as operation,
    ):
        operation.run(FILL, "ANALYZE notes")
        pace = Pace(rows=200, pause=0, replicas=ReplicaPatience(bytes=100_000, seconds=1))
        yield (
            Standby(standby.admin_dsn),
            replace(operation, modernisation=replace(operation.modernisation, throttle=pace)),
        )


def test_a_replica_behind_is_named_and_waited_for(standby_and_operation: tuple[Standby, SmallOperation]) -> None:
    standby, operation = standby_and_operation
    # The rows of the table are on both by then, so that what is behind is the backfill's own.
    operation.to("expand")
    standby.run("SELECT pg_wal_replay_pause()")
    with pytest.raises(FailedError, match=r"the replica walreceiver has been \d+ MB behind for 1 s") as refused:
        operation.next()
    assert refused.value.hint == (
        "let it catch up and run strangler modernise next change again, "
        "or take back with strangler modernise back change"
    )
    ((filled,),) = operation.run("SELECT count(path) FROM notes")
    assert 0 < filled < 5002

    patient = replace(operation.modernisation.throttle, replicas=ReplicaPatience(bytes=100_000, seconds=SECONDS))
    waiting = replace(operation, modernisation=replace(operation.modernisation, throttle=patient))
    going_on = threading.Thread(target=waiting.next)
    going_on.start()
    standby.run("SELECT pg_wal_replay_resume()")
    going_on.join(SECONDS)
    assert not going_on.is_alive()
    assert operation.run("SELECT count(*) FROM notes WHERE path IS DISTINCT FROM slug") == [(0,)]
    deadline = time.monotonic() + SECONDS
    name = operation.small.database.name
    while standby.run("SELECT count(path) FROM notes", database=name) != [(5002,)]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    waiting.to("cutover")
