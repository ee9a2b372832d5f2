"""Declared differences hold for their route and place, until they expire; those that never occur are reported."""

import datetime as dt
from pathlib import Path

import pytest

from strangler.compare.declared import DeclaredDifferences, MetBy, declared_differences
from strangler.compare.differ import DifferenceKind, ResponseDifference
from strangler.compare.json_values import ABSENT, ItemOrder
from strangler.errors import UsageError
from tests.example import DECLARED_FILE

ENTRY = """
[[difference]]
route = "users.me"
reason = "v1 fails."
owner = "api"
expires = 2027-12-31
"""
STATUS = f"{ENTRY}v1 = 500\nv2 = 401\n"
LAST = dt.date(2027, 12, 31)
OF_STATUS = ResponseDifference(kind=DifferenceKind.STATUS, left=500, right=401)
OF_VARY = ResponseDifference(kind=DifferenceKind.HEADER, path=("vary",), left="Accept", right="Cookie")
OF_TITLE = ResponseDifference(kind=DifferenceKind.VALUE, path=("results", 3, "title"), left="a", right="b")
OF_TEXT = ResponseDifference(kind=DifferenceKind.TEXT, left="a", right="b")


def declared(file: Path, text: str, *, today: dt.date = LAST) -> DeclaredDifferences:
    file.write_text(text)
    return DeclaredDifferences(declared_differences(file), today=today)


def undeclared(
    entries: DeclaredDifferences, *found: ResponseDifference, route: str = "users.me", left: int = 500, right: int = 401
) -> int:
    return len(list(entries.undeclared(route, found, left=left, right=right)))


def test_a_declared_difference_is_meant_until_its_last_day(tmp_path: Path) -> None:
    entries = declared(tmp_path / "declared.toml", STATUS)
    assert undeclared(entries, OF_STATUS, OF_TITLE) == 0
    assert undeclared(entries, OF_STATUS, left=401, right=500) == 1
    assert undeclared(entries, OF_STATUS, route="users.list") == 1
    late = declared(tmp_path / "declared.toml", STATUS, today=LAST + dt.timedelta(days=1))
    assert undeclared(late, OF_STATUS) == 1


@pytest.mark.parametrize(
    ("what", "found", "left_over"),
    [
        ('header = "vary"', [OF_VARY, OF_TITLE], 1),
        ('header = "allow"', [OF_VARY], 1),
        ('path = "$.results[*].title"', [OF_TITLE, OF_VARY, OF_STATUS], 2),
        ('path = "$.results[3]"', [OF_TITLE], 1),
        ('path = "$.res"', [OF_TITLE], 1),
        ('path = "body"', [OF_TEXT, OF_TITLE], 1),
    ],
)
def test_a_header_or_a_place_in_the_body_is_declared_alone(
    tmp_path: Path, what: str, found: list[ResponseDifference], left_over: int
) -> None:
    entries = declared(tmp_path / "declared.toml", ENTRY + what)
    assert undeclared(entries, *found) == left_over
    assert len(entries.met) == (left_over < len(found))


def test_no_place_declares_other_rows(tmp_path: Path) -> None:
    of_row = ResponseDifference(kind=DifferenceKind.MISSING, path=("results", 3), left={"id": 4}, right=ABSENT)
    of_count = ResponseDifference(kind=DifferenceKind.VALUE, path=("count",), left=4, right=3)
    of_author = ResponseDifference(kind=DifferenceKind.VALUE, path=("results", 3, "author", "id"), left=4, right=3)
    of_tag = ResponseDifference(kind=DifferenceKind.VALUE, path=("tags", 0), left="a", right="b")
    above = declared(tmp_path / "declared.toml", ENTRY + 'path = "$.results"')
    assert undeclared(above, of_row, OF_TITLE, of_author, of_count, left=200, right=200) == 4
    below = declared(tmp_path / "declared.toml", ENTRY + 'path = "$.results[*].author"')
    assert undeclared(below, of_row, OF_TITLE, of_author, of_count, left=200, right=200) == 3
    # A list of texts has no rows.
    assert undeclared(declared(tmp_path / "declared.toml", ENTRY + 'path = "$.tags"'), of_tag) == 0


def test_a_list_may_be_declared_to_come_in_any_order(tmp_path: Path) -> None:
    orders = {"left": ItemOrder(["1", "2"]), "right": ItemOrder(["2", "1"])}
    of_order = ResponseDifference(kind=DifferenceKind.ITEM_ORDER, path=("results",), **orders)
    of_tags = ResponseDifference(kind=DifferenceKind.ITEM_ORDER, path=("results", 0, "tags"), **orders)
    entries = declared(tmp_path / "declared.toml", ENTRY + 'order = "$.results"')
    assert undeclared(entries, of_order, OF_TITLE, of_tags, left=200, right=200) == 2
    unmet = declared(tmp_path / "declared.toml", ENTRY + 'order = "$.results"').faults(
        ["users.me"], met_by=[MetBy.CASES]
    )
    assert unmet == ("the declared difference of users.me (order of $.results) was never met: remove it",)


def test_an_entry_that_expired_or_that_nobody_met_is_a_fault_of_an_asked_route(tmp_path: Path) -> None:
    text = STATUS + ENTRY + 'header = "vary"' + ENTRY + 'path = "$.a"\nmet_by = "contract"'
    entries = declared(tmp_path / "declared.toml", text)
    undeclared(entries, OF_STATUS)
    assert entries.faults(["posts.list"], met_by=[MetBy.CASES]) == ()
    assert entries.faults(["users.me"], met_by=[]) == ()
    unmet = "the declared difference of users.me (vary) was never met: remove it"
    assert entries.faults(["users.me"], met_by=[MetBy.CASES]) == (unmet,)
    late = declared(tmp_path / "declared.toml", STATUS, today=LAST + dt.timedelta(days=1))
    assert late.faults(["users.me"], met_by=[MetBy.CASES]) == (
        "the declared difference of users.me (500 and 401) has expired on 2027-12-31: fix it, or declare it anew",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[difference]", "can't be read"),
        (ENTRY, "declared.toml, difference 1: give it one of v1 and v2, header, path, or order."),
        (ENTRY + "v1 = 500", "difference 1: give it one of"),
        (STATUS + ENTRY + 'header = "vary"\npath = "$.a"', "difference 2: give it one of"),
        (ENTRY + 'who = "me"', "unexpected keyword argument 'who': correct it."),
        ('[[difference]]\nroute = "a"', "missing 3 required"),
        (STATUS + 'met_by = "nobody"', "'nobody' is not a valid MetBy"),
        (STATUS.replace("2027-12-31", '"soon"'), "expires is no day"),
        (ENTRY + "v1 = 200\nv2 = 200", "200 on both sides would allow any answer: name what differs by"),
        (ENTRY + 'path = "$"', "$ would allow any rows: name the keys that differ, such as $[*].title"),
        (
            ENTRY + 'path = "$.results[*]"',
            "$.results[*] would allow any rows: name the keys that differ, such as $.results[*].",
        ),
    ],
)
def test_a_bad_entry_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        declared(tmp_path / "declared.toml", text)
    assert sentence in str(caught.value)


def test_the_deployed_file_can_be_read() -> None:
    assert declared_differences(DECLARED_FILE)


def test_what_is_declared_for_all_routes_is_met_by_any(tmp_path: Path) -> None:
    text = f'{ENTRY}header = "vary"\n'.replace("users.me", "*")
    entries = declared(tmp_path / "declared.toml", text)
    assert entries.faults(["users.me", "posts.list"], met_by=list(MetBy)) == (
        "the declared difference of * (vary) was never met: remove it",
    )
    assert undeclared(entries, OF_VARY, OF_TITLE, route="posts.list") == 1
    assert undeclared(entries, OF_VARY, route="users.me") == 0
    assert entries.faults(["users.me", "posts.list"], met_by=list(MetBy)) == ()
