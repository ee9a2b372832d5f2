"""A column as several and several as one, on a real PostgreSQL: old and new names from expand until contract."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from strangler.errors import FailedError, UsageError
from strangler.modernise.planning import modernise_plan
from tests.handovers import CONTRACT
from tests.modernising import SmallOperation, made_elsewhere, small_operation
from tests.shared_stack import StackAddresses

SPLIT = """
[split_column]
table = "Writers"
column = "name"
back = "concat_ws(' ', given, family)"

[split_column.into.given]
type = "varchar(50)"
using = "split_part(name, ' ', 1)"

[split_column.into.family]
type = "varchar(50)"
using = "nullif(substr(name, strpos(name || ' ', ' ') + 1), '')"
null = true
"""
MERGE = """
[merge_columns]
table = "notes"
into = "label"
type = "text"
using = "kind || ':' || slug"

[merge_columns.columns]
kind = "split_part(label, ':', 1)"
slug = "substr(label, strpos(label, ':') + 1)"
"""
UNDOABLE = ("expand", "backfill", "verify", "cutover")


@pytest.fixture
def operation(stack: StackAddresses, tmp_path: Path) -> Iterator[SmallOperation]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with small_operation(admin_dsn=stack.admin_dsn, name=f"parting_{worker}", folder=tmp_path, file=SPLIT) as made:
        yield made


def written(operation: SmallOperation, statement: str) -> tuple[object, ...]:
    """Name, given name and family name of the row that a statement leaves behind."""
    (row,) = operation.run(f"{statement} RETURNING name, given, family")
    return row


def test_a_column_is_in_parts_beside_itself(operation: SmallOperation) -> None:
    operation.run('GRANT SELECT (name), UPDATE (name) ON "Writers" TO pg_monitor')
    before = operation.small.schema()
    for stage in UNDOABLE:
        assert operation.next().steps[0].startswith(f"{stage}:")
        insert = 'INSERT INTO "Writers"'
        assert written(operation, f"{insert} (name) VALUES ('Ann Lee')") == ("Ann Lee", "Ann", "Lee")
        assert written(operation, f"{insert} (given) VALUES ('Bo')") == ("Bo", "Bo", None)
        assert written(operation, f"{insert} (given, family) VALUES ('Bo', 'Ek')") == ("Bo Ek", "Bo", "Ek")
        row = 'WHERE id = (SELECT max(id) FROM "Writers")'
        update = 'UPDATE "Writers" SET'
        assert written(operation, f"{update} family = 'Berg' {row}") == ("Bo Berg", "Bo", "Berg")
        assert written(operation, f"{update} name = 'Cy Dahl' {row}") == ("Cy Dahl", "Cy", "Dahl")
        # What the new names say stays as it was said, though the old one alone would be taken apart otherwise.
        parts = ("Mary Ann Lee", "Mary Ann", "Lee")
        assert written(operation, f"{update} given = 'Mary Ann', family = 'Lee' {row}") == parts
        assert written(operation, f"{update} name = 'Mary Ann Lee' {row}") == parts
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="one value"):
            written(operation, f"{update} name = 'Al', given = 'Bo', family = 'Ek' {row}")
    assert operation.run("SELECT has_column_privilege('pg_monitor', '\"Writers\"', 'family', 'UPDATE')") == [(True,)]
    for _ in UNDOABLE:
        operation.back()
    assert operation.small.schema() == before

    operation.to("contract")
    archived = (operation.folder.archives / "Writers.name.copy").read_text().splitlines()
    assert {"1\tAnn", "2\tBob"} <= {*archived}
    assert len(archived) == operation.run('SELECT count(*) FROM "Writers"')[0][0]
    with pytest.raises(psycopg.errors.NotNullViolation):
        operation.run('UPDATE "Writers" SET given = NULL')


def test_columns_are_one_beside_themselves(operation: SmallOperation) -> None:
    operation.described(MERGE)
    operation.run(
        "GRANT SELECT (kind), SELECT (slug), UPDATE (slug) ON notes TO pg_monitor",
        "ALTER TABLE notes ALTER kind SET DEFAULT 'draft', ALTER slug SET DEFAULT 'none'",
    )
    before = operation.small.schema()
    for stage in UNDOABLE:
        assert operation.next().steps[0].startswith(f"{stage}:")
        for values, row in {
            "(slug, stars, writer_id) VALUES ('two', 1, 1)": ("draft", "two", "draft:two"),
            "(label, stars, writer_id) VALUES ('final:one', 1, 1)": ("final", "one", "final:one"),
            "(stars, writer_id) VALUES (1, 1)": ("draft", "none", "draft:none"),
        }.items():
            assert operation.run(f"INSERT INTO notes {values} RETURNING kind, slug, label") == [row]
        update = "UPDATE notes SET {} WHERE id = (SELECT max(id) FROM notes) RETURNING kind, slug, label"
        assert operation.run(update.format("kind = 'final'")) == [("final", "none", "final:none")]
        assert operation.run(update.format("label = 'draft:a:b'")) == [("draft", "a:b", "draft:a:b")]
        assert operation.run(update.format("stars = 2")) == [("draft", "a:b", "draft:a:b")]
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="one value"):
            operation.run(update.format("slug = 'c', label = 'draft:d'"))
    rights = "SELECT has_column_privilege('pg_monitor', 'notes', 'label', %s)"
    assert operation.run(rights.replace("%s", "'SELECT'")) == [(True,)]
    assert operation.run(rights.replace("%s", "'UPDATE'")) == [(False,)]  # it was on one of them alone
    for _ in UNDOABLE:
        operation.back()
    assert operation.small.schema() == before

    operation.to("contract")
    assert operation.run("INSERT INTO notes (stars, writer_id) VALUES (1, 1) RETURNING label") == [("draft:none",)]
    archived = (operation.folder.archives / "notes.kind_slug.copy").read_text().splitlines()
    assert {"1\tdraft\tone", "2\tfinal\ttwo"} <= {*archived}


@pytest.mark.long
def test_what_would_not_come_back_is_named_by_its_row(operation: SmallOperation) -> None:
    operation.run("INSERT INTO \"Writers\" (name) VALUES ('Mary  Lee'), ('Cy ')")
    operation.to("backfill")
    with pytest.raises(FailedError, match=r"Writers.name, given and family differ in 1 of 4 rows, such as 4"):
        operation.next()
    operation.run("UPDATE \"Writers\" SET name = 'Cy' WHERE id = 4")
    operation.to("verify")
    lossy = operation.described(SPLIT.replace('column = "name"', 'column = "name"\nlossy = true'), "second")
    operation.to("cutover")
    for _ in UNDOABLE:
        operation.back()
    operation.run("UPDATE \"Writers\" SET name = 'Cy ' WHERE id = 4")
    lossy.to("cutover")
    assert operation.run('SELECT name, given, family FROM "Writers" WHERE id = 4') == [("Cy ", "Cy", None)]


@pytest.mark.long
def test_a_plan_names_what_ends_and_who_would_break(operation: SmallOperation) -> None:
    operation.run('CREATE UNIQUE INDEX writers_name ON "Writers" (lower(name))')
    found = modernise_plan(operation.served(None, CONTRACT).modernisation, "change")
    assert [outlook.breaks for outlook in found.stages[:-1]] == [()] * 4
    assert found.stages[-1].breaks[0].startswith("Column Writers.name no longer exists; Django would break")
    assert any(
        note.startswith("contract drops writers_name with name: give given and family") for note in found.plan.notes
    )


@pytest.mark.long
def test_the_revisions_make_the_same_schema_elsewhere(operation: SmallOperation, tmp_path: Path) -> None:
    operation.to("contract")
    operation.described(MERGE, "other").to("cutover")
    with made_elsewhere(operation, tmp_path / "other") as fresh:
        label = fresh.run(
            "INSERT INTO \"Writers\" (given) VALUES ('Ann')",
            "INSERT INTO notes (kind, slug, stars, writer_id) VALUES ('draft', 'one', 1, 1) RETURNING label",
        )
        assert label == [("draft:one",)]


BAD = {
    SPLIT.replace("split_part(name", "split_part(nam"): r'makes no value of Writers.given \(column "nam" does not',
    SPLIT.replace("ws(' ', given", "ws(' ', id"): r'makes no value of Writers.name \(column "id" does not exist',
    SPLIT.replace('"varchar(50)"', '"varchr"'): "varchr is no type",
    SPLIT.replace("into.family", "into.id"): "Writers has a column id already",
    SPLIT.replace('column = "name"', 'column = "id"'): "Writers.id is in the primary key",
    SPLIT.partition("[split_column.into.family]")[0]: "split_column.into: ",
    MERGE.replace('kind = "split', 'sort = "split'): "notes has no column sort",
    MERGE.replace("kind || ':'", "stars || ':'"): "makes no value of notes.label",
}


def test_bad_input_touches_nothing(operation: SmallOperation) -> None:
    before = operation.small.schema()
    for file, sentence in BAD.items():
        operation.described(file)
        with pytest.raises(UsageError, match=sentence):
            operation.next()
        assert operation.folder.read() is None
    assert operation.small.schema() == before
