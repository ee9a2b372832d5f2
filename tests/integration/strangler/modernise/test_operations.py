"""The other operations on a real PostgreSQL: types, constraints, indexes, and what is dropped."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.modernise.planning import modernise_plan
from tests.handovers import CONTRACT
from tests.modernising import FORCED, SmallOperation, small_operation
from tests.shared_stack import StackAddresses

TYPE = """
[change_type]
table = "notes"
column = "stars"
type = "text"
using = "'*' || stars"
back = "substr(stars, 2)::integer"
"""
CHECK = '[add_constraint]\ntable = "notes"\nname = "notes_slug_short"\ncheck = "length(slug) < 4"\n'
NOT_NULL = '[add_constraint]\ntable = "notes"\nname = "notes_heir"\nnot_null = "heir_id"\n'
UNIQUE = '[add_constraint]\ntable = "notes"\nname = "notes_slug_key"\nunique = ["slug"]\n'
INDEX = (
    '[replace_index]\ntable = "notes"\nname = "notes_slug_made"\ndefinition = "btree (slug, made DESC)"\n'
    'replaces = "notes_slug_like"\n'
)
COLUMN = '[drop_column]\ntable = "notes"\ncolumn = "kind"\n'
TABLE = '[drop_table]\ntable = "drafts"\n'
UNDOABLE = ("expand", "backfill", "verify", "cutover")
ROW = "(kind, stars, slug, writer_id) VALUES ('draft', 3, 'new', 1)"


@pytest.fixture
def operation(stack: StackAddresses, tmp_path: Path) -> Iterator[SmallOperation]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with small_operation(admin_dsn=stack.admin_dsn, name=f"operating_{worker}", folder=tmp_path, file=TYPE) as made:
        yield made


def there_and_back(operation: SmallOperation) -> None:
    before = operation.small.schema()
    for _ in UNDOABLE:
        operation.next()
    for _ in UNDOABLE:
        operation.back()
    assert operation.small.schema() == before


def test_a_column_gets_another_type(operation: SmallOperation) -> None:
    operation.run("ALTER TABLE notes ALTER stars SET DEFAULT 1", "CREATE INDEX notes_stars ON notes (stars DESC)")
    there_and_back(operation)
    operation.to("verify")
    assert operation.run(f"INSERT INTO notes {ROW} RETURNING stars, stars_new") == [(3, "*3")]
    operation.to("cutover")
    insert = "INSERT INTO notes (kind, slug, writer_id) VALUES ('draft', 'none', 1) RETURNING stars, stars_old"
    assert operation.run(insert) == [("*1", 1)]
    assert operation.run("UPDATE notes SET stars = '*4' WHERE id = 1 RETURNING stars_old") == [(4,)]
    assert operation.run("UPDATE notes SET stars_old = 5 WHERE id = 1 RETURNING stars") == [("*5",)]
    operation.to("contract")
    assert operation.run("SELECT stars FROM notes WHERE id = 1") == [("*5",)]
    ((definition,),) = operation.run("SELECT indexdef FROM pg_indexes WHERE indexname = 'notes_stars'")
    assert "(stars DESC)" in definition
    with pytest.raises(psycopg.errors.NotNullViolation):
        operation.run("UPDATE notes SET stars = NULL")


@pytest.mark.long
def test_a_wider_type_breaks_nobody(operation: SmallOperation) -> None:
    operation.run("ALTER TABLE notes ADD UNIQUE (stars, slug)")
    operation.described('[change_type]\ntable = "notes"\ncolumn = "stars"\ntype = "bigint"\n')
    found = modernise_plan(operation.served(None, CONTRACT).modernisation, "change")
    assert [outlook.breaks for outlook in found.stages] == [()] * 5
    operation.to("contract")
    definitions = dict(operation.run("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"))
    assert definitions["notes_stars_slug_key"] == "UNIQUE (stars, slug)"
    assert definitions["notes_stars_check"] == "CHECK ((stars >= 0))"


@pytest.mark.long
def test_a_type_that_loses_something_names_the_rows(operation: SmallOperation) -> None:
    operation.described('[change_type]\ntable = "notes"\ncolumn = "slug"\ntype = "varchar(2)"\nto = "short"\n')
    with pytest.raises(UnsafeError, match="character varying\\(2\\) takes fewer values than character varying\\(20\\)"):
        operation.next()
    with pytest.raises(UsageError, match="varchr is no type"):
        operation.described('[change_type]\ntable = "notes"\ncolumn = "slug"\ntype = "varchr"\n', "other").next()
    operation.next(FORCED)
    operation.to("backfill")
    with pytest.raises(FailedError, match=r"notes.slug and short differ in 2 of 2 rows, such as 1; 2"):
        operation.next()
    assert operation.run("SELECT slug FROM notes ORDER BY id") == [("one",), ("two",)]
    operation.back()


@pytest.mark.long
def test_constraints_are_proven_before_they_are_whole(operation: SmallOperation) -> None:
    operation.run("INSERT INTO notes (kind, stars, slug, writer_id) VALUES ('draft', 3, 'too long', 1)")
    operation.described(CHECK)
    operation.to("backfill")
    with pytest.raises(psycopg.errors.CheckViolation):
        operation.run("UPDATE notes SET slug = 'longer' WHERE id = 1")
    with pytest.raises(FailedError, match="notes_slug_short differ in 1 of 3 rows, such as 3"):
        operation.next()
    operation.run("UPDATE notes SET slug = 'cut' WHERE id = 3")
    operation.to("contract")
    operation.described(NOT_NULL, "second")
    operation.run("UPDATE notes SET heir_id = 1")
    there_and_back(second := operation.described(NOT_NULL, "second"))
    second.to("contract")
    there_and_back(third := operation.described(UNIQUE, "third"))
    third.to("contract")
    named = "SELECT conname FROM pg_constraint WHERE conrelid = 'notes'::regclass AND convalidated"
    assert {("notes_slug_short",), ("notes_slug_key",)} <= {*operation.run(named)}
    assert operation.run("SELECT attnotnull FROM pg_attribute WHERE attname = 'heir_id'") == [(True,)]


@pytest.mark.long
def test_an_index_is_replaced(operation: SmallOperation) -> None:
    there_and_back(operation.described(INDEX))
    operation.to("contract")
    names = {name for (name,) in operation.run("SELECT indexname FROM pg_indexes WHERE tablename = 'notes'")}
    assert "notes_slug_made" in names
    assert "notes_slug_like" not in names


@pytest.mark.long
def test_what_is_dropped_is_set_apart_and_archived(operation: SmallOperation) -> None:
    there_and_back(operation.described(COLUMN))
    operation.to("cutover")
    operation.run("INSERT INTO notes (stars, slug, writer_id) VALUES (1, 'xx', 1)")
    operation.to("contract")
    assert (operation.folder.archives / "notes.kind.copy").read_text() == "1\tdraft\n2\tfinal\n3\t\\N\n"

    operation.run(
        "CREATE TABLE drafts (id integer REFERENCES notes, body text)",
        r"INSERT INTO drafts VALUES (1, E'a\nb'), (2, NULL)",
    )
    there_and_back(second := operation.described(TABLE, "second"))
    second.to("cutover")
    assert operation.run("SELECT to_regclass('drafts')::text") == [(None,)]
    second.to("contract")
    assert (second.folder.archives / "drafts.copy").read_text() == "1\ta\\nb\n2\t\\N\n"
    assert json.loads((second.folder.archives / "drafts.json").read_text())["rows"] == 2
    with pytest.raises(UsageError, match=r"notes.heir_id and notes.writer_id point at Writers"):
        operation.described('[drop_table]\ntable = "Writers"\n', "fourth").next()


@pytest.mark.long
def test_an_archive_that_can_not_be_read_back_drops_nothing(
    operation: SmallOperation, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation.described(COLUMN).to("cutover")
    real = Path.open

    def cut(file: Path, mode: str = "r", **options: object) -> object:
        if mode == "rb" and file.suffix == ".copy":
            os.truncate(file, file.stat().st_size - 3)
        return real(file, mode, **options)  # type: ignore[call-overload] # as it was called

    monkeypatch.setattr(Path, "open", cut)
    with pytest.raises(FailedError, match=r"isn't what was written: nothing was dropped"):
        operation.next()
    monkeypatch.undo()
    assert operation.run("SELECT count(strangler_change) FROM notes") == [(2,)]
    operation.back()  # of contract, and then of cutover
    operation.back()
    assert operation.run("SELECT kind FROM notes ORDER BY id") == [("draft",), ("final",)]
