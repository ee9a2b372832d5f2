"""Query parameters are read as Django, django-filter and DRF read them."""

import time
import types
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.db.backends.base.operations import BaseDatabaseOperations
from django_filters.fields import IsoDateTimeField
from django_filters.filters import BooleanFilter
from django_filters.rest_framework import BooleanFilter as RestBooleanFilter
from hypothesis import example, given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError as DrfValidationError
from rest_framework.request import Request as DrfRequest
from rest_framework.test import APIRequestFactory
from sqlalchemy import Boolean, DateTime, Text, column
from sqlalchemy.dialects import postgresql

from django_app.config.lists import StableOrderingFilter
from shared_schema.limits import MOST_SEARCH_TERMS, TOO_MANY_SEARCH_TERMS
from strangler_django.filters import SearchFilter
from strangler_fastapi.drf.criteria import Criterion, values_of
from strangler_fastapi.drf.filters.filtering import (
    boolean_filter,
    datetime_filter,
    filter_criteria,
    ordering_terms,
    read_boolean,
    text_filter,
)
from strangler_fastapi.drf.filters.search import Searched, search_criteria
from strangler_fastapi.drf.parameters import BeyondDatabase, parse_datetime
from strangler_fastapi.drf.validators import Invalid
from strangler_fastapi.errors import ValidationFailed

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
NAME, PUBLISHED, CREATED = column("name", Text), column("published", Boolean), column("created_at", DateTime)
CREATED_AFTER = datetime_filter(lambda moment: moment <= CREATED)


def sql(criterion: Criterion) -> str:
    """The statement's part; the values of a criterion are no part of it."""
    return str(criterion.clause().compile(dialect=postgresql.dialect()))


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
@example(text="2025-6-1 1:02:03.5-03:30")
@example(text="2025-6-1 1:02:03,5+03")
def test_a_time_is_read_as_django_filter_reads_it(text: str) -> None:
    try:
        expected = IsoDateTimeField().clean(text) if text else None
    except ValidationError as error:
        with pytest.raises(Invalid, match=error.messages[0]):
            CREATED_AFTER.read("created_after", text)
        return
    if expected is not None and abs(expected.utcoffset() or timedelta()) >= timedelta(hours=16):
        # Django takes it, and PostgreSQL doesn't.
        with pytest.raises(BeyondDatabase):
            CREATED_AFTER.read("created_after", text)
        return
    criterion = CREATED_AFTER.read("created_after", text)
    if expected is None:
        assert criterion is None
    else:
        assert criterion is not None
        # asyncpg sends no time outside year 1 to 9999 of UTC, so such a one becomes the nearest.
        assert criterion.values == {"created_after": min(max(expected, FIRST), LAST)}


@pytest.fixture
def _far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_far_from_utc")
def test_a_time_is_utc_whatever_offset_it_came_with() -> None:
    half_past_six = datetime(2025, 6, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    read = parse_datetime("2025-06-01T12:00:00+05:30")
    assert read == half_past_six
    assert read.tzinfo is UTC
    assert parse_datetime("2025-06-01T12:00") == datetime(2025, 6, 1, 12, tzinfo=UTC)


# ---- search

SEARCHES = st.text(st.sampled_from(list("ab'\"\\,%_ \t\u00a0é")), max_size=24) | st.text(
    st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=24
)


@given(text=SEARCHES)
@example(text="a, b,,c")
@example(text="a b a,b 'a'")
@example(text='"a b" c')
@example(text='\'it\\\'s\' "say \\"hi\\""')
@example(text='say"hello there"you')
@example(text='"')
@example(text="\\%_")
def test_search_terms_are_split_and_escaped_as_in_drf(text: str) -> None:
    criteria = search_criteria({"search": text}, lambda: (NAME,))
    escape = BaseDatabaseOperations(None).prep_for_like_query
    request = DrfRequest(APIRequestFactory().get("/", {"search": text}))
    expected = [f"%{escape(term)}%" for term in SearchFilter().get_search_terms(request)]
    assert [value for criterion in criteria for value in criterion.values.values()] == expected
    assert len({criterion.name for criterion in criteria}) == len(criteria)


def test_every_term_must_be_in_one_of_the_columns() -> None:
    criteria = search_criteria({"search": "a b"}, lambda: (NAME, PUBLISHED))
    assert [sql(criterion) for criterion in criteria] == [
        f"upper(CAST(name AS TEXT)) LIKE upper(%({term})s::VARCHAR) OR "
        f"upper(CAST(published AS TEXT)) LIKE upper(%({term})s::VARCHAR)"
        for term in ("search0", "search1")
    ]
    assert search_criteria({}, lambda: (NAME,)) == ()


def test_each_term_is_compared_by_the_statement_of_the_first() -> None:
    """With a sign that is escaped, the forms of a term are in another order."""
    columns = (Searched(NAME, "startswith"), Searched(NAME, "iexact"))
    first, second = (search_criteria({"search": term}, lambda: columns)[0] for term in ("egg", "e_g"))
    assert sql(first) == sql(second)
    starts = next(name for name, form in first.values.items() if form == "egg%")
    assert second.values[starts] == r"e\_g%"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a\x00", "Null characters are not allowed."),
        ("\udc80", "Surrogate characters are not allowed: U+DC80."),
    ],
)
def test_a_search_for_what_no_column_can_hold_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        search_criteria({"search": text}, lambda: (NAME,))
    assert caught.value.body == [sentence]


def test_more_terms_than_the_database_plans_in_no_time_are_refused_on_both_stacks() -> None:
    most = " ".join(map(str, range(MOST_SEARCH_TERMS)))
    assert len(search_criteria({"search": f"{most} {most}"}, lambda: (NAME,))) == MOST_SEARCH_TERMS
    text = f"{most} more"
    with pytest.raises(ValidationFailed) as caught:
        search_criteria({"search": text}, lambda: (NAME,))
    with pytest.raises(DrfValidationError) as refused:
        SearchFilter().get_search_terms(DrfRequest(APIRequestFactory().get("/", {"search": text})))
    assert caught.value.body == refused.value.detail == [TOO_MANY_SEARCH_TERMS]


# ---- order

ALLOWED = ("created_at", "title", "post_count")
ORDERINGS = st.lists(
    st.sampled_from(
        [*ALLOWED, *(f"-{name}" for name in ALLOWED), "id", "-id", "--id", "", " title ", "bogus", "-", "+id"]
    ),
    max_size=6,
).map(",".join)


@example(text="title,-title,created_at,title")
@given(text=ORDERINGS | st.text(max_size=12))
@pytest.mark.parametrize("default", [("-created_at", "-id"), ("title",), ("-post_count",)])
@pytest.mark.parametrize("allowed", [ALLOWED, (*ALLOWED, "id")])
def test_rows_are_ordered_as_in_v1(text: str, default: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    view: Any = types.SimpleNamespace(ordering_fields=allowed, ordering=default)
    request = DrfRequest(APIRequestFactory().get("/", {"ordering": text}))
    expected = StableOrderingFilter().get_ordering(request, None, view)
    assert ordering_terms({"ordering": text}, allowed, default) == tuple(expected or ())


# ---- the other filters


@given(text=st.text(max_size=8) | st.sampled_from(["true", "True", "1", "FALSE", "0", "yes", " true"]))
def test_a_boolean_is_true_or_false_or_ignored(text: str) -> None:
    criterion = boolean_filter(lambda: PUBLISHED).read("published", text)
    expected = {"true": "published", "1": "published", "false": "NOT published", "0": "NOT published"}.get(text.lower())
    assert (None if criterion is None else sql(criterion)) == expected


@given(text=st.text(max_size=8) | st.sampled_from(["true", "True", "TRUE", "1", "2", "3", "False", "false", "0"]))
def test_a_boolean_is_read_by_the_widget_that_django_filter_gives_it(text: str) -> None:
    for kind, selected in ((RestBooleanFilter, False), (BooleanFilter, True)):
        form = type("Form", (forms.Form,), {"x": kind().field})({"x": text})
        form.is_valid()
        assert read_boolean(text, selected=selected) is form.cleaned_data["x"]


def test_true_and_false_are_statements_of_their_own() -> None:
    """A criterion's name stands for its statement, and here the value is part of that."""
    criteria = [boolean_filter(lambda: PUBLISHED).read("published", text) for text in ("true", "false")]
    assert len({criterion.name for criterion in criteria if criterion is not None}) == 2


@pytest.mark.parametrize(("text", "value"), [("x", "x"), (" x\t", "x"), ("", None), ("  ", None)])
def test_a_text_is_cut_and_an_empty_one_ignored(text: str, value: str | None) -> None:
    criterion = text_filter(lambda name: name == NAME).read("tag", text)
    assert (None if criterion is None else criterion.values) == (value and {"tag": value})


def test_the_errors_of_all_filters_are_reported_together_in_their_order() -> None:
    filters = {
        "tag": text_filter(lambda name: name == NAME),
        "created_after": CREATED_AFTER,
        "published": boolean_filter(lambda: PUBLISHED),
    }
    with pytest.raises(ValidationFailed) as caught:
        filter_criteria({"created_after": "junk", "tag": "\x00", "published": "maybe"}, filters)
    assert list(caught.value.body.items()) == [
        ("tag", ["Null characters are not allowed."]),
        ("created_after", ["Enter a valid date/time."]),
    ]
    assert len(filter_criteria({"tag": "x", "published": "1"}, filters)) == 2


def test_a_value_beyond_the_database_is_refused_by_the_first_statement() -> None:
    filters = {"created_after": datetime_filter(lambda moment: moment <= CREATED)}
    criteria = filter_criteria({"created_after": "2025-06-01T00:00:00+16:36"}, filters)
    with pytest.raises(ValidationFailed) as caught:
        values_of(criteria)
    assert caught.value.body == {"created_after": ["Enter a valid date/time."]}
