"""The steps of a handover on a real PostgreSQL: each kind, there and back, after a kill, behind a lock."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.handover.baseline import BASELINE, is_handed_over, upgrade
from strangler.handover.handover import handover_resume, handover_rollback
from strangler.handover.journal import HandoverFolder, HandoverJournal
from tests.handovers import INSERT, INSERT_WHOLE, INTENT, SmallHandover, small_handover
from tests.shared_stack import StackAddresses


@pytest.fixture
def small(stack: StackAddresses, tmp_path: Path) -> Iterator[SmallHandover]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with small_handover(admin_dsn=stack.admin_dsn, name=f"handover_{worker}", folder=tmp_path) as made:
        yield made


class Killed(BaseException):
    """The process ends here."""


class KillingFolder(HandoverFolder):
    """A state folder whose journal is written so many times; then the process is killed, before or after a write."""

    def __init__(self, path: Path, writes: int, *, written: bool) -> None:
        super().__init__(path)
        self.left = writes
        self._written = written

    def write(self, journal: HandoverJournal) -> None:
        self.left -= 1
        if self.left < 0 and not self._written:
            raise Killed
        super().write(journal)
        if self.left < 0:
            raise Killed


def test_there_and_back_is_byte_equal(small: SmallHandover) -> None:
    small.run("GRANT USAGE ON SEQUENCE notes_id_seq TO pg_monitor")
    before = small.schema()
    plan = small.plan()
    assert [step.kind for step in plan.steps.steps] == ["identity"] * 2 + ["defaults"] + ["on delete"] * 2 + ["checks"]
    assert small.apply(plan).outcome == "applied"
    assert is_handed_over(small.database.owner_dsn)
    assert small.schema() != before
    assert small.plan().steps.steps == ()
    assert handover_rollback(small.handover, intent=INTENT).outcome == "rolled back"
    assert small.schema() == before
    assert small.run("SELECT has_sequence_privilege('pg_monitor', 'notes_id_seq', 'USAGE')") == [(True,)]
    assert not small.handover.alembic.exists()


def test_postgresql_keeps_what_django_kept(small: SmallHandover) -> None:
    small.apply()
    with psycopg.connect(small.database.owner_dsn, autocommit=True) as connection:
        assert connection.execute(INSERT, (2,)).fetchone() == (3, True)
        connection.execute("UPDATE notes SET writer_id = 1, heir_id = 2 WHERE id = 3")
        connection.execute('DELETE FROM "Writers" WHERE id = 2')
        assert connection.execute("SELECT id, heir_id FROM notes ORDER BY id").fetchall() == [(1, None), (3, None)]
        for broken in ("kind = 'other'", "stars = 6", "stars = -1", "slug = 'x'", "kind = ''"):
            with pytest.raises(psycopg.errors.CheckViolation):
                connection.execute(f"UPDATE notes SET {broken}".encode())  # noqa: S608 - the test's own
    definitions = dict(small.run("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"))
    assert all(text.endswith("DEFERRABLE INITIALLY DEFERRED") for text in definitions.values())
    assert definitions.keys() == {"notes_writer_fk", "notes_heir_fk"}


def test_an_identity_goes_on_where_its_sequence_was_there_and_back(small: SmallHandover) -> None:
    small.run("SELECT setval('notes_id_seq', 41)")
    small.apply()
    assert small.run(INSERT % 1)[0][0] == 42
    handover_rollback(small.handover, intent=INTENT)
    assert small.run(INSERT_WHOLE) == [(43,)]


def test_rows_that_violate_leave_their_check_out(small: SmallHandover) -> None:
    small.run("INSERT INTO notes (kind, stars, slug, open, made, writer_id) VALUES ('odd', 9, 'xx', true, now(), 1)")
    plan = small.plan()
    unkept = [sentence for sentence in plan.steps.unkept if sentence.startswith("CHECK")]
    assert unkept == [
        "CHECK notes_kind_choices is left out, 1 row of notes would break it, such as notes 3",
        "CHECK notes_stars_max is left out, 1 row of notes would break it, such as notes 3",
    ]
    assert set(plan.choice.skipped) == {"notes_kind_choices", "notes_stars_max"}
    small.apply(plan)


def test_the_lock_on_the_table_that_a_key_points_at_is_named(small: SmallHandover) -> None:
    plan = small.plan(without=["identity", "defaults", "checks"])
    with psycopg.connect(small.database.owner_dsn, application_name="a form") as holder:
        holder.execute('UPDATE "Writers" SET name = name')
        with pytest.raises(FailedError, match=r'^"Writers" stayed locked by process \d+, a form'):
            small.apply(plan)


@pytest.mark.long
@pytest.mark.parametrize("written", [False, True], ids=["before", "after"])
def test_a_kill_at_each_entry_of_the_journal(small: SmallHandover, written: bool) -> None:
    before, real = small.schema(), small.handover.folder
    for writes in range(1, 30):
        dying = replace(small.handover, folder=KillingFolder(real.path, writes, written=written))
        try:
            SmallHandover(small.database, dying).apply()
        except Killed:
            pass
        else:
            break
        if writes % 2:
            handover_resume(small.handover)
            assert small.plan().steps.steps == ()
            assert is_handed_over(small.database.owner_dsn)
        # A kill on the way back, too.
        dying = replace(small.handover, folder=KillingFolder(real.path, writes, written=written))
        try:
            handover_rollback(dying, intent=INTENT)
        except Killed:
            handover_rollback(small.handover, intent=INTENT)
        assert small.schema() == before
        assert real.read() is None
    assert writes > 12


def test_a_lock_that_does_not_come(small: SmallHandover) -> None:
    before = small.schema()
    with psycopg.connect(small.database.owner_dsn, application_name="a report") as holder:
        holder.execute("SELECT FROM notes")
        with pytest.raises(FailedError) as refused:
            small.apply()
        assert f"notes stayed locked by process {holder.info.backend_pid}, a report, for " in str(refused.value)
        assert "strangler handover apply again" in refused.value.hint
    assert [entry.outcome for entry in small.handover.folder.entries()] == ["failed"]
    resumed = handover_resume(small.handover)
    assert resumed is not None
    assert resumed.outcome == "applied"
    assert handover_resume(small.handover) is None
    handover_rollback(small.handover, intent=INTENT)
    assert small.schema() == before


def test_a_rollback_refuses_what_has_changed_since(small: SmallHandover) -> None:
    small.apply()
    small.run("ALTER TABLE notes ADD COLUMN later integer")
    with pytest.raises(UnsafeError, match=r"the schema has changed since the handover \(table notes differs"):
        handover_rollback(small.handover, intent=INTENT)
    small.run("ALTER TABLE notes DROP COLUMN later", "UPDATE alembic_version SET version_num = 'next'")
    with pytest.raises(UnsafeError, match=r"the database is at next, and .* has no such revision"):
        handover_rollback(small.handover, intent=INTENT)
    small.run("UPDATE alembic_version SET version_num = 'baseline'")
    handover_rollback(small.handover, intent=INTENT)
    with pytest.raises(UsageError, match="nothing was handed over"):
        handover_rollback(small.handover, intent=INTENT)


def test_the_state_of_another_database_is_refused(small: SmallHandover) -> None:
    small.apply()
    moved = replace(small.handover.subject, source=replace(small.handover.source, identity="another"))
    with pytest.raises(UsageError, match="holds a handover of another database"):
        handover_rollback(replace(small.handover, subject=moved), intent=INTENT)


def test_the_baseline_makes_the_schema_in_an_empty_database(
    small: SmallHandover, stack: StackAddresses, tmp_path: Path
) -> None:
    small.apply()
    (tmp_path / "other").mkdir()
    name = f"{small.database.name}_fresh"
    with small_handover(admin_dsn=stack.admin_dsn, name=name, folder=tmp_path / "other", schema="SELECT") as fresh:
        upgrade(small.handover.alembic, fresh.database.owner_dsn)
        parted = small.schema().partition("COMMENT ON TABLE public.alembic_version")
        assert parted[1]
        assert fresh.run("SELECT version_num FROM alembic_version") == [(BASELINE,)]
        upgrade(small.handover.alembic, small.database.owner_dsn)
        names = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype <> 'n' ORDER BY 1"
        assert fresh.run(names) == small.run(names)
