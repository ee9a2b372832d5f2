"""Cookies are compared by what a browser does with them: their attributes, in any order, besides their values."""

import pytest

from strangler.compare.client.response import SideResponse
from strangler.compare.declared import DeclaredDifference
from strangler.compare.differ import DifferenceKind, ResponseDifference, differences
from strangler.compare.json_values import ABSENT
from strangler.compare.redaction import MASK, Masker

SESSION = "sessionid=abc; expires=Thu, 01 Jan 2026 00:00:00 GMT; HttpOnly; Max-Age=60; Path=/; SameSite=Lax"


def answer(*cookies: str) -> SideResponse:
    return SideResponse(status=200, headers=tuple(("set-cookie", each) for each in cookies))


def found(left: SideResponse, right: SideResponse) -> list[ResponseDifference]:
    return differences(left, right)


@pytest.mark.parametrize(
    "other",
    [
        "sessionid=abc; Max-Age=60; path=/; samesite=lax; httponly; Expires=Thu, 01 Jan 2026 00:00:09 GMT",
        "sessionid=abc;Expires=never;HttpOnly;Max-Age=60;Path=/;SameSite=Lax",
    ],
)
def test_order_case_and_the_moment_of_the_answer_do_not_count(other: str) -> None:
    assert found(answer(SESSION, "a=1"), answer("a=1", other)) == []


@pytest.mark.parametrize(
    ("other", "place", "left", "right"),
    [
        (SESSION.replace(" HttpOnly;", ""), "header set-cookie sessionid httponly", "yes", ABSENT),
        (f"{SESSION}; Secure", "header set-cookie sessionid secure", ABSENT, "yes"),
        (SESSION.replace("Lax", "None"), "header set-cookie sessionid samesite", "lax", "none"),
        (SESSION.replace("Path=/", "Path=/api"), "header set-cookie sessionid path", "/", "/api"),
        (SESSION.replace("60", "61"), "header set-cookie sessionid max-age", "60", "61"),
        (SESSION.replace("abc", "abd"), "header set-cookie sessionid value", "abc", "abd"),
        (f"{SESSION}; Partitioned", "header set-cookie sessionid partitioned", ABSENT, "yes"),
    ],
)
def test_an_attribute_that_differs_is_named(other: str, place: str, left: object, right: object) -> None:
    assert [(each.place, each.left, each.right) for each in found(answer(SESSION), answer(other))] == [
        (place, left, right)
    ]


def test_expiry_alone_counts_by_the_minute() -> None:
    year = "a=1; expires=Thu, 01 Jan 2026 00:00:{:02} GMT"
    assert found(answer(year.format(0)), answer(year.format(50))) == []
    later = year.format(0).replace("00:00:", "00:02:")
    assert [each.place for each in found(answer(year.format(0)), answer(later))] == ["header set-cookie a expires"]


def test_a_cookie_of_one_side_alone_is_a_difference_that_a_header_declares() -> None:
    (only,) = found(answer("a=1", "b=2"), answer("b=2"))
    assert (only.place, only.left, only.right) == ("header set-cookie a", "1", ABSENT)
    fields = {"route": "*", "reason": "", "owner": "", "expires": None}
    assert DeclaredDifference(**fields, header="set-cookie").covers(only, left=200, right=200)
    assert not DeclaredDifference(**fields, header="vary").covers(only, left=200, right=200)


def test_attributes_are_shown_and_values_are_not() -> None:
    masker = Masker()
    value, attribute = found(answer(SESSION), answer(SESSION.replace("abc", "abd").replace("Lax", "None")))
    shown = [masker.reported(each) for each in (value, attribute)]
    assert [(each.pattern, each.left, each.right) for each in shown] == [
        ("header set-cookie sessionid value", MASK, MASK),
        ("header set-cookie sessionid samesite", '"lax"', '"none"'),
    ]
    whole = ResponseDifference(kind=DifferenceKind.HEADER, path=("set-cookie", "a"), left="1", right=ABSENT)
    assert masker.reported(whole).left == MASK
