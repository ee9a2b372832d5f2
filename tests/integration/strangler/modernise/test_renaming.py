"""A column and a table under two names, on a real PostgreSQL: each stage, there and back."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from strangler.errors import UnsafeError, UsageError
from strangler.modernise.modernisation import modernise_status
from strangler.modernise.modernise import modernise_next
from strangler.modernise.planning import modernise_plan
from tests.handovers import CONTRACT
from tests.modernising import INTENT, SmallOperation, made_elsewhere, small_operation
from tests.shared_stack import StackAddresses

COLUMN = '[rename_column]\ntable = "notes"\ncolumn = "slug"\nto = "path"\n'
TABLE = '[rename_table]\ntable = "notes"\nto = "entries"\n'
ROW = "(kind, stars, slug, writer_id) VALUES ('draft', 1, 'old', 1) RETURNING id"
UNDOABLE = ("expand", "backfill", "verify", "cutover")


@pytest.fixture
def operation(stack: StackAddresses, tmp_path: Path) -> Iterator[SmallOperation]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with small_operation(admin_dsn=stack.admin_dsn, name=f"renaming_{worker}", folder=tmp_path, file=COLUMN) as made:
        yield made


def both(operation: SmallOperation, statement: str, where: str = "") -> tuple[str, str]:
    """The values under both names that a statement leaves behind."""
    ((old, new),) = operation.run(f"{statement} {where} RETURNING slug, path")
    return old, new


def test_a_column_has_both_names_until_contract(operation: SmallOperation) -> None:
    operation.run("GRANT SELECT (slug), UPDATE (slug) ON notes TO pg_monitor")
    before = operation.small.schema()
    for stage in UNDOABLE:
        assert operation.next().steps[0].startswith(f"{stage}:")
        row = f"WHERE id = {operation.run(f'INSERT INTO notes {ROW}')[0][0]}"
        assert both(operation, "UPDATE notes SET stars = 2", row) == ("old", "old")
        assert both(operation, "UPDATE notes SET path = 'new'", row) == ("new", "new")
        assert both(operation, "UPDATE notes SET slug = 'older'", row) == ("older", "older")
        assert both(operation, f"INSERT INTO notes {ROW[:-13].replace('slug', 'path')}") == ("old", "old")
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="one value"):
            both(operation, "UPDATE notes SET slug = 'one', path = 'two'", row)
    copies = operation.run("SELECT indexdef FROM pg_indexes WHERE indexdef LIKE '%(slug varchar_pattern_ops)'")
    assert len(copies) == 1
    for _ in UNDOABLE:
        operation.back()
    assert operation.small.schema() == before
    assert operation.folder.read() is None
    assert not [*operation.modernisation.alembic.glob("versions/change_*")]

    operation.to("contract")
    operation.run(f"INSERT INTO notes {ROW.replace('slug', 'path')}")
    ((definition,),) = operation.run("SELECT indexdef FROM pg_indexes WHERE indexname = 'notes_slug_like'")
    assert "(path varchar_pattern_ops)" in definition
    assert operation.run("SELECT has_column_privilege('pg_monitor', 'notes', 'path', 'UPDATE')") == [(True,)]
    assert modernise_next(operation.modernisation, "change", intent=INTENT) is None
    with pytest.raises(UnsafeError, match="comes back from its archive alone"):
        operation.back()
    archive = (operation.folder.archives / "notes.slug.copy").read_text().splitlines()
    assert len(archive) == operation.run("SELECT count(*) FROM notes")[0][0] - 1


def test_a_table_has_both_names_until_contract(operation: SmallOperation) -> None:
    operation.described(TABLE)
    operation.run("GRANT SELECT (slug), INSERT ON notes TO pg_monitor")
    before, rows = operation.small.schema(), 2
    for stage in UNDOABLE:
        assert operation.next().steps[0].startswith(f"{stage}:")
        for name in ("notes", "entries"):
            ((number,),) = operation.run(f"INSERT INTO {name} {ROW}")
            assert operation.run(f"UPDATE {name} SET slug = 'it' WHERE id = {number} RETURNING slug") == [("it",)]  # noqa: S608 - a test's own
            assert operation.run(f"SELECT has_column_privilege('pg_monitor', '{name}', 'slug', 'SELECT')") == [(True,)]
            rows += 1
            assert operation.run(f"SELECT count(*) FROM {name}") == [(rows,)]  # noqa: S608 - as above
    for _ in UNDOABLE:
        operation.back()
    assert operation.small.schema() == before
    operation.to("contract")
    assert operation.run("SELECT relkind::text FROM pg_class WHERE relname IN ('notes', 'entries')") == [("r",)]


@pytest.mark.long
def test_a_plan_is_rehearsed_and_names_who_would_break(operation: SmallOperation) -> None:
    served = operation.served(None, CONTRACT)
    found = modernise_plan(served.modernisation, "change")
    assert [outlook.breaks for outlook in found.stages[:-1]] == [()] * 4
    assert found.stages[-1].breaks[0].startswith("Column notes.slug no longer exists; Django would break")
    operation.to("cutover")
    with pytest.raises(UnsafeError, match=r"Column notes.slug no longer exists.*; Django would break"):
        served.next()


@pytest.mark.long
def test_the_revisions_make_the_same_schema_elsewhere(operation: SmallOperation, tmp_path: Path) -> None:
    operation.to("contract")
    operation.described(TABLE, "other").to("cutover")
    with made_elsewhere(operation, tmp_path / "other"):
        pass


BAD = {
    COLUMN.replace("notes", "nots"): "there is no table nots",
    COLUMN.replace("slug", "slog"): "notes has no column slog",
    COLUMN.replace("path", "kind"): "notes has a column kind already",
    TABLE.replace("entries", "Writers"): "there is a table or a view Writers already",
    COLUMN + TABLE: "it holds 2 operations",
    "[rename_column]\ntable = 1": "rename_column.table: ",
    "rename": "is no TOML",
}


def test_bad_input_touches_nothing(operation: SmallOperation) -> None:
    for file, sentence in BAD.items():
        operation.described(file)
        with pytest.raises(UsageError, match=sentence):
            operation.next()
        assert operation.folder.read() is None
    (status,) = modernise_status(operation.modernisation)
    assert "is no TOML" in status.title
    assert status.next_stage == ""
