"""`make test-torture`: a disk that is full in the middle of a backfill, which goes on once there is room, or back."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from strangler.errors import FailedError
from strangler.local.account import account_for_postgres
from strangler.modernise.rows import Pace
from tests.modernising import SmallOperation, small_operation
from tests.shared_stack import StackAddresses
from tests.torture.disk import Disk

pytestmark = pytest.mark.torture

ROWS = 50_000
FILE = '[rename_column]\ntable = "notes"\ncolumn = "slug"\nto = "path"\n'
FILL = f"""
    INSERT INTO notes (kind, stars, slug, writer_id) SELECT 'draft', number % 5, 'row ' || number, 1
    FROM generate_series(1, {ROWS}) AS number
"""  # noqa: S608 - a constant
TABLESPACE = "strangler_small_disk"


@pytest.fixture
def disk(stack: StackAddresses) -> Iterator[Disk]:
    with tempfile.TemporaryDirectory(prefix="strangler disk ") as name:
        disk, account = Disk(Path(name)), account_for_postgres()
        assert account is not None, "run this as root, who may mount"
        Path(name).chmod(0o755)
        disk.mount("size=7m")
        os.chown(name, account.uid, account.gid)
        try:
            with psycopg.connect(stack.admin_dsn, autocommit=True) as connection:
                connection.execute(f"CREATE TABLESPACE {TABLESPACE} LOCATION '{name}'".encode())
                connection.execute(f"GRANT CREATE ON TABLESPACE {TABLESPACE} TO PUBLIC".encode())
                try:
                    yield disk
                finally:
                    connection.execute(f"DROP TABLESPACE {TABLESPACE}".encode())
        finally:
            disk.unmount()


@pytest.fixture
def full(stack: StackAddresses, disk: Disk, tmp_path: Path) -> Iterator[tuple[Disk, SmallOperation]]:
    with small_operation(admin_dsn=stack.admin_dsn, name=f"full_{os.getpid()}", folder=tmp_path, file=FILE) as made:
        made.run(f"ALTER TABLE notes SET TABLESPACE {TABLESPACE}", FILL, "VACUUM ANALYZE notes")
        yield disk, replace(made, modernisation=replace(made.modernisation, throttle=Pace(pause=0)))


def test_a_backfill_on_a_full_disk_goes_on_or_back(full: tuple[Disk, SmallOperation]) -> None:
    disk, operation = full
    before = operation.small.schema()
    for _ in range(2):
        operation.to("expand")
        with pytest.raises(FailedError, match="No space left on device") as refused:
            operation.next()
        assert "run strangler modernise next change again, or take back with" in str(refused.value.hint)
        ((filled,),) = operation.run("SELECT count(path) FROM notes")
        assert 0 < filled < ROWS
        # Whoever reads is served, and either way is open.
        assert operation.run("SELECT count(*) FROM notes") == [(ROWS + 2,)]
        operation.back()
        operation.back()
        assert operation.small.schema() == before
        operation.run("VACUUM notes")
    operation.to("expand")
    with pytest.raises(FailedError, match="No space left on device"):
        operation.next()
    disk.mount("remount", "size=64m")
    operation.to("cutover")
    assert operation.run("SELECT count(*) FROM notes WHERE path IS DISTINCT FROM slug") == [(0,)]
