"""Which new rows of both sides are the same."""

import datetime as dt

from strangler.compare.writes.changes import Key, Values
from strangler.compare.writes.id_mapping import LEFT, RIGHT, Clock, IdMapping, NewRow
from strangler.compare.writes.rows import rows_match
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
