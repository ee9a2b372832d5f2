"""A filter's form reads what Django's form field reads, and refuses the rest in its words."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.http import QueryDict
from django.test.utils import override_settings
from django_filters import filters
from django_filters.fields import IsoDateTimeField
from django_filters.filters import NumberFilter
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    Interval,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Time,
    Uuid,
    column,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import registry
from starlette.datastructures import QueryParams

from strangler_fastapi.drf.filters.filter_forms import (
    ANY_NUMBER,
    DATE,
    DATETIME,
    DATETIME_BY_FORMAT,
    DATETIME_FORMATS,
    DURATION,
    FLOAT,
    IDENTIFIER,
    NUMBER,
    SENT_TEXT,
    TEXT,
    TIME,
    FormField,
    choice,
    date_form,
    datetime_form,
    time_form,
)
from strangler_fastapi.drf.filters.filtering import Filter, filter_criteria, required
from strangler_fastapi.drf.filters.filters import column_filter, multiple_choice_filter
from strangler_fastapi.drf.filters.json_filters import json_filter, json_value
from strangler_fastapi.drf.filters.range_filters import range_contains_filter
from strangler_fastapi.drf.filters.request_filters import has_rows, linked_filter
from strangler_fastapi.drf.filters.row_filters import related_filter, related_multiple_filter
from strangler_fastapi.drf.validators import Invalid, biggest
from strangler_fastapi.errors import ValidationFailed, full_details

NAME = column("name", Text)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
LINK: Any = SimpleNamespace(target=SimpleNamespace(__table_key__="nodes"))
NUMBERS = {"1": 1, "2.5": 2.5, "x": "x"}
PAIRS: list[tuple[FormField, forms.Field]] = [
    (TEXT, forms.CharField(required=False)),
    (SENT_TEXT, forms.CharField(required=False, strip=False)),
    (NUMBER, NumberFilter().field),
    (IDENTIFIER, forms.UUIDField(required=False)),
    (DATE, forms.DateField(required=False)),
    (date_form("%d.%m.%Y", "%Y"), forms.DateField(required=False, input_formats=["%d.%m.%Y", "%Y"])),
    (TIME, forms.TimeField(required=False)),
    (time_form("%H.%M"), forms.TimeField(required=False, input_formats=["%H.%M"])),
    (DATETIME, IsoDateTimeField(required=False)),
    (DATETIME_BY_FORMAT, forms.DateTimeField(required=False)),
    (datetime_form("%d.%m.%Y %H:%M"), forms.DateTimeField(required=False, input_formats=["%d.%m.%Y %H:%M"])),
    (DURATION, forms.DurationField(required=False)),
    (
        choice(NUMBERS.values()),
        forms.TypedChoiceField(choices=[(text, text) for text in NUMBERS], coerce=NUMBERS.__getitem__, required=False),
    ),
]
TEXTS = st.sampled_from(
    [
        *("", " ", "a", " a ", "1", "2.5", "x", "-1e3", "1e51", "nan", "inf", "1_0", "1,5", "\x00", "00000000" * 4),
        *(
            "2026-01-05",
            "1/5/2026",
            "01/05/26",
            "Jan 5 2026",
            "5 January, 2026",
            "2026-13-01",
            "10:05",
            "10:05:06.7",
            "25:00",
            "5.1.2026",
            "05.01.2026 10:05",
            "2026-01-05 10:05",
            "1/5/26 10:05:06.7",
            "2026-03-29T02:30",
            "2026-10-25 02:30:00",
            "2026-10-25T02:30:00+01:00",
            "0001-01-01T00:00:00",
            "9999-12-31T23:59:59.5",
        ),
    ]
)


def answer(form: FormField, text: str) -> Any:
    try:
        return form.read(text)
    except Invalid as error:
        return [(str(sentence), sentence.code) for sentence in error.detail]


def django_answer(field: forms.Field, text: str) -> Any:
    try:
        value = field.clean(text)
    except ValidationError as error:
        return [(each.messages[0], each.code) for each in error.error_list]
    return None if value == "" else value


@pytest.mark.parametrize(("form", "field"), PAIRS, ids=lambda part: type(part).__name__)
@given(text=TEXTS | st.text(max_size=5))
@example(text="9" * 60)
@example(text="9" * 10 + " 00:00:00")
def test_a_form_reads_what_djangos_reads(form: FormField, field: forms.Field, text: str) -> None:
    assert answer(form, text) == django_answer(field, text)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Asia/Tokyo", "UTC"])
@pytest.mark.parametrize(("formats", "field"), [((), IsoDateTimeField), (DATETIME_FORMATS, forms.DateTimeField)])
@given(text=TEXTS)
def test_a_moment_without_an_offset_is_of_the_projects_zone(
    zone: str, formats: tuple[str, ...], field: type[forms.Field], text: str
) -> None:
    with override_settings(TIME_ZONE=zone):
        expected = django_answer(field(required=False), text)
        if isinstance(expected, datetime):
            try:
                expected = expected.astimezone(UTC)
            except OverflowError:
                # asyncpg sends no time outside year 1 to 9999 of UTC, so such a one becomes the nearest.
                expected = FIRST if expected.year == 1 else LAST
    assert answer(datetime_form(*formats, zone=ZoneInfo(zone)), text) == expected


REQUIRED: list[tuple[Filter, filters.Filter]] = [
    (column_filter(lambda: NAME, TEXT), filters.CharFilter(required=True)),
    (column_filter(lambda: NAME, NUMBER), filters.NumberFilter(required=True)),
    (column_filter(lambda: NAME, DATE), filters.DateFilter(required=True)),
    (column_filter(lambda: NAME, choice(("1",))), filters.ChoiceFilter(choices=[("1", "1")], required=True)),
    (multiple_choice_filter(lambda: NAME, ("1",)), filters.MultipleChoiceFilter(choices=[("1", "1")], required=True)),
]


@pytest.mark.parametrize(("ours", "theirs"), REQUIRED, ids=lambda part: type(part).__name__)
@pytest.mark.parametrize("query", ["", "name=", "name=%20", "name=1", "name=2026-01-05", "name=x"])
def test_what_is_required_is_refused_as_by_django_filter(ours: Filter, theirs: filters.Filter, query: str) -> None:
    form = type("Form", (forms.Form,), {"name": theirs.field})(QueryDict(query))
    expected = {
        name: [{"message": error.messages[0], "code": error.code} for error in errors]
        for name, errors in form.errors.as_data().items()
    }
    try:
        filter_criteria(QueryParams(query), {"name": required(ours)})
        found: dict[str, Any] = {}
    except ValidationFailed as error:
        found = full_details(error.body)
    assert found == expected


COLUMNS: list[tuple[Any, models.Field]] = [
    (Boolean, models.BooleanField()),
    (Date, models.DateField()),
    (DateTime, models.DateTimeField()),
    (Integer, models.IntegerField()),
    (Interval, models.DurationField()),
    (Numeric, models.DecimalField()),
    (Time, models.TimeField()),
    (Uuid, models.UUIDField()),
]


@pytest.mark.parametrize(("kind", "field"), COLUMNS, ids=lambda part: type(part).__name__)
@given(text=TEXTS | st.sampled_from(["True", "f", "2026-1-5", "2026-01-05T10:05:06+02:00", "3 00:00:01", "1.5"]))
def test_a_text_is_compared_as_a_value_of_its_column(kind: Any, field: models.Field, text: str) -> None:
    try:
        expected = field.to_python(text.strip()) if text.strip() else None
    except ValidationError:
        expected = ValidationError
    if isinstance(expected, datetime) and expected.tzinfo is None:
        expected = expected.replace(tzinfo=UTC)
    try:
        criteria = filter_criteria(
            QueryParams({"name": text}), {"name": column_filter(lambda: column("size", kind), TEXT)}
        )
        found = criteria[0].values["name"] if criteria else None
    except ValidationFailed:
        found = ValidationError
    assert found == expected


def test_a_row_is_named_by_no_character_that_no_column_holds() -> None:
    model = type("Row", (), {"id": column("id", Integer)})
    for made in (related_filter, related_multiple_filter):
        with pytest.raises(ValidationFailed) as failed:
            filter_criteria(QueryParams({"name": "\x00"}), {"name": made(lambda: column("row_id", Integer), model)})
        assert failed.value.body == {"name": ["Null characters are not allowed."]}


@pytest.mark.parametrize("text", ["no-such-value", "{12345678", "7"])
def test_a_row_by_a_uuid_is_refused_in_the_words_of_djangos_column(text: str) -> None:
    model = type("Row", (), {})
    registry().map_imperatively(model, Table("rows", MetaData(), Column("id", Uuid, primary_key=True)))
    with pytest.raises(ValidationError) as expected:
        models.UUIDField().to_python(text)
    for made in (related_filter, related_multiple_filter):
        with pytest.raises(ValidationFailed) as failed:
            filter_criteria(QueryParams({"name": text}), {"name": made(lambda: column("row_id", Uuid), model)})
        assert failed.value.body == {"name": expected.value.messages}


def test_a_lookup_that_is_none_is_named_at_the_start() -> None:
    with pytest.raises(LookupError, match="year is no lookup of this filter: write the condition with text_filter"):
        column_filter(lambda: None, NUMBER, "year")


@pytest.mark.parametrize("form", [TEXT, ANY_NUMBER])
@pytest.mark.parametrize(("text", "said"), [("1e199999", "false"), ("1e999999999", "false"), ("-1e9999999", "true")])
def test_a_number_beyond_every_column_is_not_written_out(form: FormField, text: str, said: str) -> None:
    criterion = column_filter(lambda: column("size", Numeric), form, "gte").criterion("size", {"size": text})
    assert criterion is not None
    assert (str(criterion.clause()), criterion.values) == (said, {})


@pytest.mark.parametrize("form", [TEXT, ANY_NUMBER])
@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("1e-999999999", "0", "1e-1000"),
        ("-1e-999999999", "-1e-1000", "0"),
        ("0e-999999999", "0", "0"),
        ("7." + "0" * 20_000 + "1", "7", f"7.{'0' * 999}1"),
        ("7.25", "7.25", "7.25"),
    ],
)
def test_a_number_of_more_digits_than_the_driver_takes_is_the_next_one(
    form: FormField, text: str, least: str, most: str
) -> None:
    criterion = column_filter(lambda: column("size", Numeric), form).criterion("size", {"size": text})
    assert criterion is not None
    found = criterion.values["size"]
    assert Decimal(least) <= found <= Decimal(most)
    assert (found == 0) is (Decimal(text) == 0)
    assert found.as_tuple().exponent >= -1000


def test_rows_that_are_linked_have_a_statement_of_their_own() -> None:
    # A number beyond the column leaves all of its rows, and of the linked ones those that have any.
    compared = column_filter(lambda: column("size", Integer), ANY_NUMBER, "lte")
    linked = linked_filter(Any, lambda: LINK, compared)
    found = [each.criterion("size", {"size": "9" * 25}) for each in (compared, linked)]
    names = [each.name for each in found if each]
    assert (names[0], len({*names})) == ("everything", 2)


def test_rows_of_the_same_table_are_not_told_apart() -> None:
    with pytest.raises(LookupError, match="has_rows can't tell a row of nodes from those of the same table"):
        has_rows(LINK.target, LINK)


@pytest.mark.parametrize("number", ["9" * 25, "-" + "9" * 25, "9" * 45])
@pytest.mark.parametrize("lookup", ["exact", "lt", "lte", "gt", "gte"])
@pytest.mark.parametrize("exclude", [False, True])
def test_a_number_beyond_the_column_is_compared_as_any_other(number: str, lookup: str, exclude: bool) -> None:
    compared = required(column_filter(lambda: column("size", Integer), NUMBER, lookup, exclude=exclude))
    (criterion,) = filter_criteria(QueryParams({"name": number}), {"name": compared})
    is_met = lookup in (("gt", "gte") if number.startswith("-") else ("lt", "lte"))
    said = "true" if is_met else "false"
    sql = str(criterion.clause().compile(dialect=postgresql.dialect()))
    assert (sql, criterion.values) == (f"NOT coalesce({said}, false)" if exclude else said, {})


@pytest.mark.parametrize("form", [NUMBER, DATE, IDENTIFIER])
def test_what_is_no_json_is_not_sought_in_it(form: FormField) -> None:
    with pytest.raises(LookupError, match="INTEGER, FLOAT, TEXT or TRUE_OR_FALSE"):
        json_filter(lambda: json_value(column("data"), "size"), form)


@pytest.mark.parametrize("text", ["inf", "-inf", "nan"])
def test_no_json_holds_a_number_that_is_not_finite(text: str) -> None:
    criterion = json_filter(lambda: json_value(column("data"), "size"), FLOAT).read("size", text)
    assert criterion is not None
    assert (criterion.name, criterion.values) == ("nothing", {})


@pytest.mark.parametrize("kind", [SmallInteger(), Integer(), BigInteger()])
def test_the_least_number_of_a_column_is_one_of_several(kind: Integer) -> None:
    most = biggest(kind)
    criterion = column_filter(lambda: column("size", kind), NUMBER, "in").read(
        "size", f"{-most - 2},{-most - 1},{most}"
    )
    assert criterion is not None
    assert [*criterion.values.values()] == [[-most - 1, most]]


@pytest.mark.parametrize(
    ("text", "values"),
    [("2.5", [3]), ("-2.5", [-3]), ("2147483647.4", [2147483647]), ("2147483647.5", []), ("1e40", []), ("-3e9", [])],
)
def test_a_number_is_in_a_range_of_whole_ones_as_the_next_one(text: str, values: list[int]) -> None:
    criterion = range_contains_filter(lambda: column("places", postgresql.INT4RANGE), NUMBER).read("places", text)
    assert criterion is not None
    assert [*criterion.values.values()] == values
