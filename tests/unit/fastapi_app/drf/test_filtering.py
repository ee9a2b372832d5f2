"""Query parameters are read as Django, django-filter and DRF read them."""

import types
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db.backends.base.operations import BaseDatabaseOperations
from django_filters.fields import IsoDateTimeField
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.filters import search_smart_split
from rest_framework.request import Request as DrfRequest
from rest_framework.test import APIRequestFactory
from sqlalchemy import BigInteger, Boolean, ColumnElement, Text, column
from sqlalchemy.dialects import postgresql

from django_app.config.lists import StableOrderingFilter
from fastapi_app.drf.errors import NotFound, ValidationFailed
from fastapi_app.drf.filtering import (
    boolean_filter,
    datetime_filter,
    filter_conditions,
    ordering,
    parse_datetime,
    primary_key,
    search_condition,
    text_filter,
)
from fastapi_app.drf.validators import Invalid

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
ID, NAME, PUBLISHED = column("id", BigInteger), column("name", Text), column("published", Boolean)


def sql(condition: ColumnElement[Any]) -> str:
    return str(condition.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))


def bound(condition: ColumnElement[Any]) -> list[Any]:
    """The values that a condition carries, in their order."""
    compiled = condition.compile(dialect=postgresql.dialect())
    return [compiled.params[name] for name in compiled.positiontup or compiled.params]


# ---- times

OFFSETS = st.sampled_from(["", "Z", "+00:00", "-03:30", "+0530", "+05", "+23:59", "-24:00", "+99", "z", " Z", "+5:30"])
LOOSE_TIMES = st.builds(
    "{}-{}-{}{}{}:{}{}{}".format,
    st.integers(0, 10000).map("{:04d}".format),
    *(st.integers(0, 32).flatmap(lambda n: st.sampled_from([str(n), f"{n:02d}"])) for _ in range(2)),
    st.sampled_from(["T", " ", "t", "  ", "_"]),
    *(st.integers(0, 61).flatmap(lambda n: st.sampled_from([str(n), f"{n:02d}"])) for _ in range(2)),
    st.sampled_from(["", ":1", ":01", ":59.5", ":59,123456", ":00.1234567890", ":00.", ":60"]),
    OFFSETS,
)
EXACT_TIMES = st.builds(
    lambda moment, offset, timespec: moment.isoformat(timespec=timespec) + offset,
    st.datetimes(),
    OFFSETS,
    st.sampled_from(["auto", "minutes", "seconds", "milliseconds", "microseconds"]),
)


@given(text=EXACT_TIMES | LOOSE_TIMES | st.text(max_size=30))
@example(text="0001-01-01T00:00:00+14:00")
@example(text="9999-12-31T23:59:59-14:00")
@example(text="20250601T120000Z")
@example(text="2025-W23-1")
@example(text="2025-06-01")
@example(text="٢٠٢٥-06-01 1:2")
@example(text="2025-06-01T24:00:00")
@example(text="2025-06-01T12:00:00+05:30:15.5")
@example(text="\t2025-06-01T12:00\n")
@example(text="2025-02-30")
def test_a_time_is_read_as_django_filter_reads_it(text: str) -> None:
    try:
        expected = IsoDateTimeField().clean(text) if text else None
    except ValidationError as error:
        with pytest.raises(Invalid, match=error.messages[0]):
            datetime_filter(lambda moment: moment == ID)(text)
        return
    condition = datetime_filter(lambda moment: moment == ID)(text)
    if expected is None:
        assert condition is None
    else:
        assert condition is not None
        # asyncpg sends no time outside year 1 to 9999 of UTC, so such a one becomes the nearest.
        assert bound(condition) == [min(max(expected, FIRST), LAST)]


def test_a_time_is_utc_whatever_offset_it_came_with() -> None:
    half_past_six = datetime(2025, 6, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    read = parse_datetime("2025-06-01T12:00:00+05:30")
    assert read == half_past_six
    assert read.tzinfo is UTC
    assert parse_datetime("2025-06-01T12:00").tzinfo is UTC


# ---- search

SEARCHES = st.text(st.sampled_from(list("ab'\"\\,%_ \t\u00a0é")), max_size=24) | st.text(
    st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=24
)


@given(text=SEARCHES)
@example(text="a, b,,c")
@example(text='"a b" c')
@example(text='\'it\\\'s\' "say \\"hi\\""')
@example(text='say"hello there"you')
@example(text='"')
@example(text="\\%_")
def test_search_terms_are_split_and_escaped_as_in_drf(text: str) -> None:
    conditions = search_condition({"search": text}, (NAME,))
    escape = BaseDatabaseOperations(None).prep_for_like_query
    expected = [f"%{escape(term)}%" for term in search_smart_split(text)]
    assert [value for condition in conditions for value in bound(condition)] == expected


def test_every_term_must_be_in_one_of_the_columns() -> None:
    assert sql(search_condition({"search": "a b"}, (NAME, ID))[0]) == (
        "(upper(CAST(name AS TEXT)) LIKE upper('%%a%%') OR upper(CAST(id AS TEXT)) LIKE upper('%%a%%')) AND "
        "(upper(CAST(name AS TEXT)) LIKE upper('%%b%%') OR upper(CAST(id AS TEXT)) LIKE upper('%%b%%'))"
    )
    assert search_condition({}, (NAME,)) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a\x00", "Null characters are not allowed."),
        ("\udc80", "Surrogate characters are not allowed: U+DC80."),
    ],
)
def test_a_search_for_what_no_column_can_hold_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        search_condition({"search": text}, (NAME,))
    assert caught.value.body == [sentence]


# ---- order

ALLOWED = ("created_at", "title", "post_count")
ORDERINGS = st.lists(
    st.sampled_from(
        [*ALLOWED, *(f"-{name}" for name in ALLOWED), "id", "-id", "--id", "", " title ", "bogus", "-", "+id"]
    ),
    max_size=4,
).map(",".join)


@given(text=ORDERINGS | st.text(max_size=12))
@pytest.mark.parametrize("default", [("-created_at", "-id"), ("title",), ("-post_count",)])
@pytest.mark.parametrize("allowed", [ALLOWED, (*ALLOWED, "id")])
def test_rows_are_ordered_as_in_v1(text: str, default: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    view: Any = types.SimpleNamespace(ordering_fields=allowed, ordering=default)
    request = DrfRequest(APIRequestFactory().get("/", {"ordering": text}))
    expected = StableOrderingFilter().get_ordering(request, None, view)
    columns = {name: column(name) for name in allowed}
    found = ordering({"ordering": text}, columns, key=ID, default=default)
    directions = [("-" if str(term).endswith(" DESC") else "") + str(term).split()[0] for term in found]
    assert directions == list(expected or ())


# ---- the other filters


@given(text=st.text(max_size=8) | st.sampled_from(["true", "True", "1", "FALSE", "0", "yes", " true"]))
def test_a_boolean_is_true_or_false_or_ignored(text: str) -> None:
    condition = boolean_filter(PUBLISHED)(text)
    expected = {"true": "IS true", "1": "IS true", "false": "IS false", "0": "IS false"}.get(text.lower())
    assert (None if condition is None else sql(condition)) == (expected and f"published {expected}")


@pytest.mark.parametrize(("text", "value"), [("x", "x"), (" x\t", "x"), ("", None), ("  ", None)])
def test_a_text_is_cut_and_an_empty_one_ignored(text: str, value: str | None) -> None:
    condition = text_filter(lambda name: name == NAME)(text)
    assert (None if condition is None else bound(condition)[0]) == value


def test_the_errors_of_all_filters_are_told_together_in_their_order() -> None:
    filters = {
        "tag": text_filter(lambda name: name == NAME),
        "created_after": datetime_filter(lambda moment: moment == ID),
        "published": boolean_filter(PUBLISHED),
    }
    with pytest.raises(ValidationFailed) as caught:
        filter_conditions({"created_after": "junk", "tag": "\x00", "published": "maybe"}, filters)
    assert list(caught.value.body.items()) == [
        ("tag", ["Null characters are not allowed."]),
        ("created_after", ["Enter a valid date/time."]),
    ]
    assert len(filter_conditions({"tag": "x", "published": "1"}, filters)) == 2


@given(number=st.integers())
@example(number=2**63 - 1)
@example(number=-(2**63))
@example(number=2**63)
def test_a_key_too_large_for_the_column_matches_nothing(number: int) -> None:
    condition = primary_key(ID, str(number))
    if abs(number) < 2**63:
        assert bound(condition) == [number]
    else:
        assert sql(condition) == "false"


@pytest.mark.parametrize(("text", "key"), [("+1", 1), (" 1 ", 1), ("1_0", 10), ("٣", 3), ("-1", -1), ("007", 7)])
def test_a_key_is_whatever_python_reads_as_a_number(text: str, key: int) -> None:
    assert bound(primary_key(ID, text)) == [key]


@pytest.mark.parametrize("text", ["", "x", "1.0", "1e3", "0x1", "1" * 5000, "1\x00"])
def test_what_is_no_number_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        primary_key(ID, text)
