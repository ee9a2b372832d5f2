"""An operation that is killed, locked out or out of disk keeps its state, and goes on or back."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from strangler.errors import FailedError, StranglerError, UnsafeError, UsageError
from strangler.modernise.journal import OperationFolder, OperationJournal
from strangler.modernise.modernisation import modernise_status
from strangler.modernise.modernise import modernise_back, modernise_next
from strangler.modernise.rows import Pace
from tests.example import ROOT
from tests.modernising import INTENT, SmallOperation, small_operation
from tests.shared_stack import StackAddresses

COLUMN = '[rename_column]\ntable = "notes"\ncolumn = "slug"\nto = "path"\n'
FILL = """
    INSERT INTO notes (kind, stars, slug, writer_id) SELECT 'draft', 1, 'row ' || number, 1
    FROM generate_series(1, %s) AS number
"""


@pytest.fixture
def operation(stack: StackAddresses, tmp_path: Path) -> Iterator[SmallOperation]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with small_operation(admin_dsn=stack.admin_dsn, name=f"breaking_{worker}", folder=tmp_path, file=COLUMN) as made:
        yield made


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.long
@pytest.mark.parametrize("written", [False, True], ids=["before", "after"])
def test_a_kill_at_each_entry_of_the_journal(
    operation: SmallOperation, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    before, left = operation.small.schema(), 0
    real = OperationFolder.write

    def write(folder: OperationFolder, journal: OperationJournal) -> None:
        nonlocal left
        left -= 1
        if left < 0 and not written:
            raise Killed
        real(folder, journal)
        if left < 0:
            raise Killed

    monkeypatch.setattr(OperationFolder, "write", write)
    for stage in ("expand", "backfill", "verify", "cutover"):
        for writes in range(1, 40):
            left = writes
            try:
                modernise_next(operation.modernisation, "change", intent=INTENT)
                break
            except Killed:
                left = writes
            try:
                modernise_back(operation.modernisation, "change", intent=INTENT)
            except Killed:
                left = 1000
                journal = operation.folder.read()
                if journal is not None and [run.stage for run in journal.runs][-1:] == [stage]:
                    operation.back()  # killed before its end
            except UsageError:
                continue  # killed before anything was begun
        left = 1000
        assert operation.folder.read().done[-1].stage == stage  # type: ignore[union-attr] # it is there by now
    operation.run("INSERT INTO notes (kind, stars, path, writer_id) VALUES ('draft', 1, 'new', 1)")
    assert operation.run("SELECT count(*) FROM notes WHERE slug IS DISTINCT FROM path") == [(0,)]
    for _ in range(4):
        operation.back()
    assert operation.small.schema() == before


RUN = """
import sys
from pathlib import Path
from strangler.handover.execution import LockPatience
from strangler.modernise.modernisation import Modernisation
from strangler.modernise.modernise import StageIntent, modernise_next
from strangler.modernise.rows import Pace
from tests.databases import OwnDatabase
from tests.handovers import database_source
from tests.modernising import NOBODY

folder, name, admin = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
modernisation = Modernisation(
    source=database_source(OwnDatabase(name=name, admin_dsn=admin)), services=NOBODY, alembic=folder / "alembic",
    files=folder / "modernise", state=folder / "state" / "modernise", throttle=Pace(rows=50, pause=0.01),
)
modernise_next(modernisation, "change", intent=StageIntent(command="next"))
"""


@pytest.mark.long
def test_a_killed_backfill_goes_on_where_it_was(operation: SmallOperation, tmp_path: Path) -> None:
    operation.run(FILL.replace("%s", "20000"), "ANALYZE notes")
    operation.to("expand")
    argv = [sys.executable, "-c", RUN, str(tmp_path), operation.small.database.name, operation.small.database.admin_dsn]
    process = subprocess.Popen(argv, cwd=ROOT)  # noqa: S603 - Python itself
    deadline = time.monotonic() + 30
    while not operation.folder.progress.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    ((filled,),) = operation.run("SELECT count(path) FROM notes")
    assert 0 < filled < 20002
    (status,) = modernise_status(operation.modernisation)
    assert (status.interrupted, status.next_stage) == ("backfill forward", "backfill")
    assert status.percent
    faster = replace(operation, modernisation=replace(operation.modernisation, throttle=Pace(rows=5000, pause=0)))
    faster.to("verify")
    assert not operation.folder.progress.exists()


def test_a_lock_that_does_not_come_is_named(operation: SmallOperation) -> None:
    with psycopg.connect(operation.small.database.owner_dsn, application_name="a report") as holder:
        holder.execute("SELECT FROM notes")
        with pytest.raises(FailedError) as refused:
            operation.next()
    assert re.match(r"notes stayed locked by process \d+, a report, for \d+ s, through 2 tries", str(refused.value))
    assert refused.value.hint == (
        "end that transaction and run strangler modernise next change again, "
        "or take back with strangler modernise back change"
    )
    operation.to("expand")
    operation.back()
    assert operation.folder.read() is None


def test_a_row_that_others_have_locked_is_waited_for(
    operation: SmallOperation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strangler.modernise.rows._ROW_SECONDS", 0.2)
    operation.to("expand")
    with psycopg.connect(operation.small.database.owner_dsn, application_name="a form") as holder:
        holder.execute("SELECT FROM notes WHERE id = 2 FOR UPDATE")
        with pytest.raises(FailedError, match=r"a row of .*notes.* stayed locked by process \d+, a form"):
            operation.next()
        assert operation.run("SELECT path FROM notes ORDER BY id") == [("one",), (None,)]
    operation.to("backfill")
    assert operation.run("SELECT path FROM notes ORDER BY id") == [("one",), ("two",)]


def test_a_full_disk_keeps_the_state(operation: SmallOperation) -> None:
    operation.to("expand")
    operation.run(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RAISE ''could not extend file: No space left on device'' USING ERRCODE = ''disk_full''; END'",
        "CREATE TRIGGER full_disk BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION full_disk()",
    )
    with pytest.raises(FailedError, match="No space left on device"):
        operation.next()
    assert [entry.outcome for entry in operation.folder.entries()] == ["applied", "failed"]
    operation.run("DROP FUNCTION full_disk CASCADE")
    operation.to("verify")


def test_an_archive_on_a_full_disk_drops_nothing(operation: SmallOperation) -> None:
    operation.to("cutover")
    operation.folder.archives.mkdir(parents=True)
    # Whatever is written there finds no space.
    (operation.folder.archives / "notes.slug.copy").symlink_to("/dev/full")
    with pytest.raises(FailedError, match=r"notes.slug.copy can't be written \(No space left on device\)") as refused:
        operation.next()
    assert str(refused.value.hint).startswith("nothing was dropped")
    assert operation.run("SELECT slug FROM notes ORDER BY id") == [("one",), ("two",)]
    (operation.folder.archives / "notes.slug.copy").unlink()
    operation.to("contract")


def test_a_revision_that_nobody_knows_is_named(operation: SmallOperation) -> None:
    operation.to("expand")
    operation.run("UPDATE alembic_version SET version_num = 'lost'")
    for go in (operation.next, operation.back):
        with pytest.raises(
            UnsafeError, match=r"the database is at lost, and .*alembic has no such revision"
        ) as refused:
            go()
        assert "alembic stamp --purge change_expand says so" in str(refused.value.hint)
    operation.run("UPDATE alembic_version SET version_num = 'change_expand'")
    operation.to("backfill")


def test_a_difference_is_named_by_its_row(operation: SmallOperation) -> None:
    operation.to("backfill")
    operation.run(
        "ALTER TABLE notes DISABLE TRIGGER zz_strangler_change",
        "UPDATE notes SET path = 'other' WHERE id = 2",
        "ALTER TABLE notes ENABLE TRIGGER zz_strangler_change",
    )
    with pytest.raises(FailedError, match=r"notes.slug and path differ in 1 of 2 rows, such as 2"):
        operation.next()
    operation.run("UPDATE notes SET slug = 'right' WHERE id = 2")
    operation.to("verify")


def test_two_operators_and_two_operations_keep_out_of_each_other_s_way(operation: SmallOperation) -> None:
    operation.to("expand")
    other = operation.described('[rename_table]\ntable = "notes"\nto = "entries"\n', "other")
    other.to("expand")
    with pytest.raises(UnsafeError, match="Alembic has gone on to other_expand"):
        operation.back()
    other.back()
    operation.back()
    with pytest.raises(UsageError, match="nothing of change was begun"):
        operation.back()
    moved = replace(operation.modernisation, source=replace(operation.modernisation.source, identity="another"))
    operation.to("expand")
    with pytest.raises(StranglerError, match="holds an operation of another database"):
        modernise_next(moved, "change", intent=INTENT)
