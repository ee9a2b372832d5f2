import json
import time
from typing import Any

import pytest

from strangler.compare.json_values import json_lines, json_parse
from strangler.compare.redaction import MaskedDifference
from strangler.compare.report.side_by_side import Row, blocks_of
from tests.comparison_reports import answer, example


def rows(left: Any, right: Any, **options: Any) -> list[Row]:
    found = example(answer(left), answer(right, **options))
    return [row for block in blocks_of(found.left.body, found.right.body, found.places) for row in block.rows]


def marked(found: list[Row]) -> list[tuple[str, str | None, str | None]]:
    return [
        (row.place, *(cell.marked if cell else None for cell in (row.left, row.right))) for row in found if row.place
    ]


def test_what_differs_in_a_value_is_marked() -> None:
    assert marked(rows({"a": 1, "at": "05.12Z"}, {"a": 1, "at": "05.12+"})) == [("$.at", "Z", "+")]


def test_what_one_side_has_more_is_marked_there() -> None:
    assert marked(rows({"at": "05.12Z"}, {"at": "05.12"})) == [("$.at", "Z", "")]


def test_a_comma_is_no_difference() -> None:
    assert marked(rows({"a": 1, "b": 2}, {"a": 1})) == [("$.b", '"b": 2', None)]


def test_a_missing_object_is_marked_to_its_end() -> None:
    found = rows([{"id": 1}, {"id": 2, "tags": ["x"]}, 3], [{"id": 1}])
    assert [(row.place, row.right) for row in found if row.place] == [("$[1]", None)] * 6 + [("$[2]", None)]


def test_what_lies_behind_a_missing_object_is_not_marked() -> None:
    assert [row.place for row in rows({"a": {"b": 1}, "c": 2}, {"c": 2})] == ["", "$.a", "$.a", "$.a", "", ""]


def test_an_object_in_place_of_a_value_is_marked_whole() -> None:
    assert {row.place for row in rows({"a": 1}, {"a": {"b": 1}})[1:-1]} == {"$.a"}


def test_secrets_that_differ_are_marked_though_they_look_alike() -> None:
    assert marked(rows({"token": "a"}, {"token": "b"})) == [("$.token", '"***"', '"***"')]


def test_a_link_below_its_own_prefix_is_reported_apart_but_no_difference() -> None:
    links = {"next": "/api/posts/", "id": 1}, {"next": "/api/v2/posts/", "id": 2}
    found = rows(*links, base="/api/v2")
    assert [(row.place, row.aside) for row in found] == [("", False), ("", True), ("$.id", False), ("", False)]


def test_keys_in_another_order_are_marked_where_they_moved() -> None:
    found = rows({"a": 1, "b": 2, "c": {"d": 1}}, {"b": 2, "a": 1, "c": {"d": 1}})
    assert {cell.before + str(cell.marked) for row in found if row.place for cell in (row.left, row.right) if cell} <= {
        '  "a": 1',
        '  "b": 2',
    }
    assert [row.place for row in found if row.place] == ["$", "$"]


def test_equal_lines_far_from_a_difference_are_folded() -> None:
    left = {f"key{index}": index for index in range(20)}
    found = example(answer(left), answer({**left, "key10": "x"}))
    blocks = blocks_of(found.left.body, found.right.body, found.places)
    assert [(block.folded, len(block.rows)) for block in blocks] == [(True, 8), (False, 7), (True, 7)]


def test_a_body_that_was_cut_is_read_as_far_as_it_goes() -> None:
    left = {"items": [{"title": f"title {index}"} for index in range(100)]}
    right = json.loads(json.dumps(left))
    right["items"][3]["title"] = "other"
    found = example(answer(left), answer(right))
    bodies = [f"{shown.body[:1000]}…" for shown in (found.left, found.right)]
    cut = [row for block in blocks_of(*bodies, found.places) for row in block.rows]
    assert [row.place for row in cut if row.left and '"title' in row.left.before and row.place] == ["$.items[3].title"]


def test_bodies_that_may_not_be_shown_are_marked_whole() -> None:
    place = MaskedDifference(kind="text", place="body", pattern="body", left="3 characters", right="3 characters")
    (block,) = blocks_of("3 bytes of text/html", "3 bytes of text/html", [place])
    assert marked(list(block.rows)) == [("body", "3 bytes of text/html", "3 bytes of text/html")]


def test_the_same_value_written_otherwise_is_not_marked() -> None:
    place = MaskedDifference(kind="text", place="body", pattern="body", left="", right="")
    assert not marked([row for block in blocks_of('{"a":1}', '{"a": 1}', [place]) for row in block.rows if row.place])


def test_what_is_before_and_behind_the_marked_part_of_a_long_line_is_cut() -> None:
    long = "x" * 200_000
    (row,) = [row for row in rows({"a": f"{long}1{long}"}, {"a": f"{long}2{long}"}) if row.place]
    assert row.left is not None
    assert row.left.marked == "1"
    assert len(row.left.before) + len(row.left.after) < 500


def test_lines_beyond_what_is_read_are_counted() -> None:
    body = json_lines(json_parse(json.dumps([0] * 5000)))
    last = blocks_of(body, body, [])[-1].rows[-1]
    assert last.left is not None
    assert last.left.before == "… (3,502 more lines)"


@pytest.mark.parametrize(
    "body",
    [
        "\n".join(["x", "y"] * 100_000),
        "{\n" + "\n".join(['"a": 1,'] * 100_000),
        "[" * 500 + "]" * 500,
        "[" * 100_000,
        '{"a": "\\ud800"}',
        json_lines(json_parse(json.dumps([{"a": index} for index in range(20_000)]))),
    ],
    ids=["text", "same-key", "deep", "too-deep", "surrogate", "long"],
)
def test_a_body_of_any_kind_takes_no_time(body: str) -> None:
    began = time.process_time()
    assert blocks_of(body, body[1:], [])
    assert time.process_time() - began < 3
