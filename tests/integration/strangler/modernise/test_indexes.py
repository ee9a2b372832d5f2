"""The indexes that statements want, measured on a clone with rows, and built by an operation."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared_schema.consumer.consumer import Consumer, Feature, SampleQuery
from strangler.errors import UsageError
from strangler.modernise.index_advice import advice_write, index_advice
from strangler.modernise.modernise import modernise_next
from tests.modernising import INTENT, SmallOperation, small_operation
from tests.shared_stack import StackAddresses

pytestmark = pytest.mark.long

WRITERS = "INSERT INTO \"Writers\" (name) SELECT 'writer ' || number FROM generate_series(1, 20) AS number"
# Who wrote most wrote it first, so that the newest of his are found by no order alone.
FILL = """
    INSERT INTO notes (kind, stars, slug, writer_id, made)
        SELECT 'draft', 1, 'row ' || number, CASE WHEN number < 20000 THEN 1 ELSE 2 + number % 18 END,
        timestamptz '2026-01-01' + number * interval '1 minute' FROM generate_series(1, 60000) AS number
"""
NEWEST = "SELECT id FROM notes WHERE writer_id = $1 ORDER BY made DESC LIMIT 10"
STATEMENTS = {
    "newest": SampleQuery(name="newest", sql=NEWEST, values=(77,)),
    "one": SampleQuery(name="one", sql="SELECT slug FROM notes WHERE id = $1", values=(1,)),
    "all": SampleQuery(name="all", sql="SELECT count(*) FROM notes WHERE open"),
    "write": SampleQuery(name="write", sql="UPDATE notes SET stars = 2 WHERE heir_id = $1", values=(2,)),
    "wrong": SampleQuery(name="wrong", sql="SELECT nothing FROM notes"),
}
CONSUMER = Consumer(
    features={
        "notes": Feature(
            reads={"notes": ("id", "slug", "writer_id", "heir_id", "made")}, statements=tuple(STATEMENTS.values())
        )
    }
)


@pytest.fixture
def operation(stack: StackAddresses, tmp_path: Path) -> Iterator[SmallOperation]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with small_operation(admin_dsn=stack.admin_dsn, name=f"indexing_{worker}", folder=tmp_path, file="") as made:
        made.run(WRITERS, FILL, "CREATE INDEX notes_writer ON notes (writer_id)")
        yield made


def test_what_statements_want_is_measured_and_built(operation: SmallOperation) -> None:
    source, said = operation.modernisation.source, list[str]()
    advice = index_advice(source, CONSUMER, notify=said.append)
    found = {each.definition: each for each in advice.indexes}
    assert set(found) == {"btree (writer_id, made DESC)", "btree (heir_id)"}
    newest = found["btree (writer_id, made DESC)"]
    assert (newest.name, newest.replaces) == ("notes_writer_id_made_idx", "notes_writer")
    assert [(gain.feature, gain.statement) for gain in newest.gains] == [("notes", "newest")]
    # Measured with the writer that most notes have, not with the one of the file, who has none.
    (gain,) = newest.gains
    assert gain.before.blocks > 100 > gain.after.blocks > 0
    assert newest.size > 8192
    assert advice.measured == 4
    assert advice.left_out == ('notes: wrong (column "nothing" does not exist)',)
    assert operation.run("SELECT count(*) FROM notes") == [(60002,)]
    leftover = "SELECT datname FROM pg_database WHERE datname LIKE '%%\\_indexes\\_%%'"
    assert operation.run(leftover.replace("%%", "%")) == []

    name = advice_write(operation.modernisation.files, newest)
    assert (name, advice_write(operation.modernisation.files, newest)) == ("index_notes", "index_notes_2")
    for _ in range(5):
        modernise_next(operation.modernisation, name, intent=INTENT)
    indexes = dict(operation.run("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'notes'"))
    assert "(writer_id, made DESC)" in indexes["notes_writer_id_made_idx"]
    assert "notes_writer" not in indexes
    again = index_advice(source, CONSUMER, notify=said.append)
    assert [each.definition for each in again.indexes] == ["btree (heir_id)"]


def test_without_statements_there_is_nothing_to_measure(operation: SmallOperation) -> None:
    with pytest.raises(UsageError, match="the consumer file has no statements"):
        index_advice(operation.modernisation.source, Consumer(features={}), notify=print)
