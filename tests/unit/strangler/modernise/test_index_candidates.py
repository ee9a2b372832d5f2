"""The indexes that a plan suggests, from plans as PostgreSQL prints them."""

from typing import Any

import pytest

from shared_schema.catalog import CatalogColumn, CatalogTable
from strangler.modernise.index_candidates import Comparison, candidates, comparisons

POSTS = CatalogTable(
    name="posts",
    schema="public",
    kind="table",
    columns={
        name: CatalogColumn(type=kind, nullable=False)
        for name, kind in {"id": "bigint", "author_id": "bigint", "published": "boolean", "made": "date"}.items()
    },
)


def scan(**more: Any) -> dict[str, Any]:
    return {"Node Type": "Seq Scan", "Schema": "public", "Relation Name": "posts", "Alias": "posts"} | more


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("(posts.author_id = $1)", [("author_id", True, 1)]),
        ("((posts.name)::text = ($2)::text)", [("name", True, 2)]),
        ("((posts.name)::character varying(20) = 'a AND b = c'::text)", [("name", True, None)]),
        ("(posts.published AND (NOT posts.hidden) AND (posts.made >= $3))",
         [("published", True, None), ("hidden", True, None), ("made", False, 3)]),
        ("(posts.id = ANY ($1))", [("id", True, 1)]),
        ("(ROW(posts.made, posts.id) < ROW($1, $2))", [("made", False, None)]),
        ('(posts."Odd ""Name""" IS NULL)', [('"Odd ""Name"""', True, None)]),
        ("((posts.author_id = 1) OR posts.published)", []),
        ("((posts.name)::text ~~ '%a%'::text)", []),
        ("(posts.made <> $1)", []),
    ],
)  # fmt: skip
def test_what_an_index_could_answer(condition: str, wanted: list[tuple[str, bool, int | None]]) -> None:
    assert [*comparisons(scan(Filter=condition))] == [Comparison("posts", *each) for each in wanted]


def columns_of(plan: dict[str, Any]) -> set[tuple[str, ...]]:
    return {candidate.columns for candidate in candidates(plan, {"posts": POSTS})}


def test_what_is_equal_comes_before_what_is_sorted_by() -> None:
    inner = scan(Filter="(posts.published AND (posts.author_id = $1))")
    limit = {"Node Type": "Limit", "Plans": [
        {"Node Type": "Sort", "Sort Key": ["posts.made DESC", "posts.id DESC"], "Plans": [inner]}
    ]}  # fmt: skip
    found = columns_of(limit)
    assert {("author_id", "published", "made DESC", "id DESC"), ("author_id",), ("made DESC", "id DESC")} <= found
    assert not any(columns[0] == "published" and "author_id" in columns for columns in found)


def test_an_order_is_none_of_a_relation_behind_an_aggregate_or_of_another_one() -> None:
    inner = scan(Filter="(posts.author_id = authors.id)")
    sort = {"Node Type": "Sort", "Sort Key": ["posts.made"]}
    assert columns_of({**sort, "Plans": [{"Node Type": "Aggregate", "Plans": [inner]}]}) == {("author_id",)}
    assert columns_of({**sort, "Sort Key": ["posts.made", "authors.name"], "Plans": [inner]}) == {("author_id",)}
