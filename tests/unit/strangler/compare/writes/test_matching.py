"""Which rows of both sides are the same, and what was written on one side only."""

import datetime as dt
from collections.abc import Collection

from strangler.compare.redaction import Masker
from strangler.compare.writes.changes import Key, Originals, TableChanges, Values
from strangler.compare.writes.id_mapping import LEFT, RIGHT, Clock, IdMapping, NewRow
from strangler.compare.writes.rows import RowComparison, rows_match
from strangler.compare.writes.tables import Column, Table

TAGS = Table(
    schema="public",
    name="tags",
    partitioned=False,
    key=("id",),
    columns=(
        Column(name="id", type="bigint", category="N"),
        Column(name="name", type="text", category="S"),
        Column(name="color", type="text", category="S"),
    ),
)


def rows(*rows: tuple[str, str, str]) -> dict[Key, Values]:
    return {(row[0],): row for row in rows}


def pairs(left: dict[Key, Values], right: dict[Key, Values], table: Table = TAGS) -> dict[str | None, str | None]:
    found = rows_match(table, left, right, IdMapping(Clock(dt.datetime.now(dt.UTC))))
    return {one[0]: other[0] for one, other in found}


def test_rows_are_paired_by_what_they_say_and_not_by_their_ids() -> None:
    left = rows(("9", "a", "red"), ("10", "b", "red"))
    assert pairs(left, rows(("9", "b", "red"), ("10", "a", "red"))) == {"9": "10", "10": "9"}


def test_equal_rows_are_paired_in_the_order_of_their_ids() -> None:
    left, right = (rows(*((str(first + n), "a", "red") for n in range(3))) for first in (9, 19))
    assert pairs(left, right) == {"9": "19", "10": "20", "11": "21"}


def test_a_row_with_a_fault_is_still_the_row() -> None:
    left = rows(("1", "a", "red"), ("2", "b", "red"))
    assert pairs(left, rows(("1", "b", "red"), ("2", "a", "blue"))) == {"2": "1", "1": "2"}


def test_rows_that_have_little_in_common_are_two() -> None:
    assert pairs(rows(("1", "a", "red")), rows(("1", "b", "blue"))) == {}
    assert pairs(rows(("1", "a", "red")), {}) == {}


def test_a_key_that_says_something_counts() -> None:
    codes = Table(
        schema="public",
        name="codes",
        partitioned=False,
        key=("code",),
        columns=(Column(name="code", type="text", category="S"),),
    )
    assert pairs({("a",): ("a",)}, {("b",): ("b",)}, codes) == {}


def test_rows_that_join_new_rows_are_paired_by_those() -> None:
    joins = Table(
        schema="public",
        name="joins",
        partitioned=False,
        key=("id",),
        columns=(
            Column(name="id", type="bigint", category="N"),
            Column(name="tag_id", type="bigint", category="N"),
        ),
        references={"tag_id": "public.tags"},
    )
    roles = IdMapping(Clock(dt.datetime.now(dt.UTC)))
    for number, (left, right) in enumerate([("1", "2"), ("2", "1")], start=1):
        roles.learn(TAGS, LEFT, (left,), NewRow("tags", 1, number))
        roles.learn(TAGS, RIGHT, (right,), NewRow("tags", 1, number))
    side: dict[Key, Values] = {("7",): ("7", "1"), ("8",): ("8", "2")}
    assert rows_match(joins, side, side, roles) == [(("7",), ("8",)), (("8",), ("7",))]


NOTES = Table(
    schema="public",
    name="notes",
    partitioned=False,
    key=("id",),
    columns=(
        Column(name="id", type="bigint", category="N"),
        Column(name="changed_at", type="timestamptz", category="D"),
        Column(name="seen_on", type="timestamptz", category="D"),
    ),
)


class NoOriginals(Originals):
    """Rows are all new."""

    def __init__(self) -> None:
        pass

    def get(self, table: Table, keys: Collection[Key]) -> dict[Key, Values]:
        del table, keys
        return {}


def times_differ(*steps: tuple[float, float], cut: bool = False) -> list[list[str]]:
    """The columns that differ after each step, which has left a row with these seconds on both sides."""
    began = dt.datetime.now(dt.UTC).replace(microsecond=0)
    mapping = IdMapping(Clock(began, slack=5))
    compare = RowComparison([NOTES], NoOriginals(), mapping)

    def changes(key: str, second: float) -> dict[Table, TableChanges]:
        at = began + dt.timedelta(seconds=second if cut else second + 1e-6)
        values = (key, str(at), str(began))
        return {NOTES: TableChanges(total=1, written={(key,): values})}

    return [
        [each.column for each in compare.compare(number, changes("1", left), changes("9", right), masker=Masker())]
        for number, (left, right) in enumerate(steps, 1)
    ]


def test_a_time_that_only_one_side_writes_anew_is_a_difference() -> None:
    assert times_differ((0, 0.1), (1, 1.1), (1, 1.1)) == [[], [], []]
    assert times_differ((0, 0.1), (1, 0.1), (2, 2.1)) == [[], ["changed_at"], []]
    assert times_differ((0, 0.1), (0, 0.2)) == [[], ["changed_at"]]
    # Within a second one side may write the same again.
    assert times_differ((0, 1), (1, 1), cut=True) == [[], []]
