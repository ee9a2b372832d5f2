"""What is taken at once is what the field itself would have made of it, whatever the value."""

import math
import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_schema.mapping import Reflected
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.fields.choice_fields import ChoiceField
from strangler_fastapi.drf.fields.collection_fields import DictField, HStoreField, JSONField, ListField
from strangler_fastapi.drf.fields.fields import MISSING, AnyField, BooleanField, CharField, Field, Scope
from strangler_fastapi.drf.fields.nested_fields import NestedField
from strangler_fastapi.drf.fields.number_fields import BigIntegerField, DecimalField, FloatField, IntegerField
from strangler_fastapi.drf.fields.text_fields import EmailField, RegexField, SlugField, URLField, UUIDField
from strangler_fastapi.drf.fields.time_fields import DateField, DateTimeField, DurationField, TimeField
from strangler_fastapi.drf.fields.usual_values import usual_of
from strangler_fastapi.drf.links import ForeignKey, OneToMany
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.validators import Invalid, Pattern
from strangler_fastapi.errors import ValidationFailed

SCOPE = Scope(session=cast("RequestSession", None))
NO_X = Pattern("x", message="No x.", inverse=True)
ONE = ForeignKey("row_id", Reflected, "id")
MANY = OneToMany(Reflected, "of_id", "id")
ROW = Serializer(
    "Row",
    {
        "name": CharField(source="title", max_length=5),
        "amount": IntegerField(min_value=0, max_value=9),
        "tags": ListField(child=CharField(), required=False),
        "done": BooleanField(required=False, allow_null=True),
        "id": IntegerField(read_only=True),
    },
)
A_ROW = {"name": "a", "amount": 1, "tags": ["b"], "done": True, "id": 7, "other": 1}
# A field, and values that are taken at once.
FIELDS: dict[str, tuple[Field, tuple[Any, ...]]] = {
    "text": (CharField(), ("some text", "ä", " blanks around ", "x" * 100_000)),
    "bounded text": (CharField(min_length=2, max_length=4, allow_blank=True, allow_null=True), ("ab", "abcd", " ab ")),
    "untrimmed text": (CharField(trim=False, max_length=4), (" ", " a ", "abcd")),
    "text of a pattern": (CharField(validators=(NO_X,)), ("abc",)),
    "e-mail": (EmailField(max_length=40), ("ann@example.com", "a.b+c@mail.example.org")),
    "pattern": (RegexField(regex="^a+$"), ("aaa", " aa ")),
    "slug": (SlugField(), ("some-slug_7",)),
    "wide slug": (SlugField(allow_unicode=True, trim=False, max_length=9), ("some-slug",)),
    "url": (URLField(), ("https://example.com/a?b=c#d", "http://example.com:8000/")),
    "short url": (URLField(max_length=30, trim=False), ("https://example.com",)),
    "uuid": (UUIDField(), ("00000000-0000-0000-0000-00000000000A",)),
    "hex uuid": (UUIDField(format="hex"), ("0190b4f2-0000-7000-8000-0000000000ff",)),
    "boolean": (BooleanField(), (True, False)),
    "null boolean": (BooleanField(allow_null=True), (True, False)),
    "integer": (IntegerField(min_value=-2, max_value=9), (-2, 0, 9)),
    "any integer": (IntegerField(), (0, -(2**40))),
    "big integer": (BigIntegerField(coerce_to_string=True), (7,)),
    "float": (FloatField(min_value=0.5, max_value=9), (0.5, 9.0)),
    "any float": (FloatField(), (1e300, -0.0)),
    "decimal": (DecimalField(max_digits=4, decimal_places=2), ("12.50", "1.5", "-1", 3, 2.5)),
    "whole decimal": (DecimalField(max_digits=3, decimal_places=0), ("125", "0", 3)),
    "bounded decimal": (
        DecimalField(max_digits=6, decimal_places=3, min_value=Decimal("-1.5"), max_value=Decimal(20)),
        ("20", "-1.5", "0.125"),
    ),
    "date": (DateField(), ("2026-01-05",)),
    "time": (TimeField(), ("10:05:06.25", "10:05")),
    "moment": (DateTimeField(), ("2026-01-05T10:05:00Z", "2026-01-05 10:05:00.5+02:00", "2026-01-05")),
    "local moment": (DateTimeField(default_timezone=ZoneInfo("Europe/Berlin")), ("2026-03-29T02:30:00",)),
    "naive moment": (DateTimeField(default_timezone=None), ("2026-03-29T02:30:00+02:00",)),
    "duration": (DurationField(), ("02:03:04", "23:59:59")),
    "bounded duration": (
        DurationField(min_value=timedelta(minutes=1), max_value=timedelta(hours=2)),
        ("00:01:00", "02:00:00"),
    ),
    "choice": (ChoiceField(choices={"a": "A", 1: "One", "1": "Eins", "": "None"}, allow_blank=True), ("a", "1")),
    "list": (ListField(child=CharField(max_length=3), min_length=1, max_length=3), (["a", " b "],)),
    "list of texts": (
        ListField(child=CharField()),
        (["ä", " b\t"], ["\x85a\u2028"], ["a b", "c"], ["a  b"], ["line\n"], ["a" * 64], ["x" * 500] * 300),
    ),
    "list of bounded texts": (ListField(child=CharField(min_length=2, max_length=4), min_length=2), (["ab", "cd"],)),
    "list of untrimmed texts": (ListField(child=CharField(trim=False)), ([" a", "bc\n"], ["a"])),
    "list of numbers": (ListField(child=IntegerField(min_value=-2, max_value=9), max_length=4), ([-2, 9],)),
    "list of big numbers": (ListField(child=BigIntegerField()), ([2**60, -(2**40)],)),
    "list of booleans": (ListField(child=BooleanField(allow_null=True)), ([True, False],)),
    "list of days": (ListField(child=DateField()), (["2026-01-05"],)),
    "list of texts of a pattern": (ListField(child=CharField(validators=(NO_X,))), (["abc"],)),
    "list of a few texts": (
        ListField(child=CharField(max_length=5)),
        (["abcde", "b"], [" a", "b "], [], ["\xa0a", "b"], ["a\x1fb"]),
    ),
    "list of many texts": (
        ListField(child=CharField(max_length=9)),
        (["some text"] * 20, [" a "] * 9, ["\u3000ä"] * 9),
    ),
    "list of many bounded texts": (ListField(child=CharField(min_length=2, max_length=4)), (["ab", "cd "] * 9,)),
    "list of many untrimmed texts": (ListField(child=CharField(trim=False)), ([" a", "bc\n", "\xa0"] * 9, [" "])),
    "list of lists of texts": (
        ListField(child=ListField(child=CharField(max_length=4), max_length=3), allow_empty=False),
        ([["a", "b c"], []], [[" a"]], [["ä\u2028"]]),
    ),
    "list of lists of untrimmed texts": (ListField(child=ListField(child=CharField(trim=False))), ([[" a"], ["b"]],)),
    "list of objects": (ListField(child=DictField(child=CharField())), ([{"a": "b", "c": " d"}],)),
    "list of objects of numbers": (ListField(child=DictField(child=IntegerField(max_value=9))), ([{"a": 1}, {}],)),
    "list of anything": (ListField(min_length=1), ([1, "a", None, {"b": [True, None]}],)),
    "list of anything of a pattern": (ListField(child=AnyField(validators=(NO_X,))), (["a", "b"],)),
    "object": (DictField(), ({"a": 1, "b": {"c": None}}, {})),
    "object of texts": (
        DictField(child=CharField(max_length=5), allow_empty=False),
        ({"a": "b", "d": "c"}, {"ä": " b "}, {"a": "abcde"}, dict.fromkeys(map(str, range(20)), "abc")),
    ),
    "object of numbers": (DictField(child=IntegerField()), ({"a": 1, "b": -2},)),
    "object of days": (DictField(child=DateField()), ({"a": "2026-01-05"},)),
    "object of lists": (DictField(child=ListField(child=CharField())), ({"a": ["b", " c"], "d": []},)),
    "object of nullable texts": (HStoreField(), ({"a": "b"},)),
    "JSON": (JSONField(), ({"a": [1, None]}, [1.5, "a"])),
    "row within": (NestedField(children=ROW, link=ONE, read_only=False), (A_ROW, {"name": "a", "amount": 2})),
    "rows within": (
        NestedField(children=ROW, link=MANY, read_only=False, min_length=1, max_length=2),
        ([A_ROW], [A_ROW, {"name": " a ", "amount": 9}]),
    ),
    "list of lists": (ListField(child=ListField(child=IntegerField())), ([[1], [2, 3]],)),
}
EDGES = st.sampled_from(["", " ", "\x00", "\x1c", "\x85", "\u2028", "\u00b2", "\u0663", "\ud800", "\n", "-", "_", "x"])
NUMBERS = st.one_of(st.integers(-12, 12), st.integers(), st.floats(), st.just(10**4000), st.booleans())
PLAIN = st.one_of(
    st.none(), st.booleans(), NUMBERS, st.text(max_size=6), st.text(string.digits + "-:.T+Z ", max_size=12)
)
VALUES = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(max_size=2) | EDGES, PLAIN, max_size=3)
# What only looks usual to one field or another.
NEARLY = (
    *(math.nan, math.inf, True, 10**30, 1e22, "-0.00", "1.", ".5", "1e1", "1_0", "+1", "\u0663", "\u00b2"),
    *("10:05:06+02:00", "10:05+02", "02:03:4", "24:00:00", "2026-01-05T10", "20260105", "0001-01-01T00:00:00+14:00"),
    *("{00000000-0000-0000-0000-000000000007}", "urn:uuid:00000000-0000-0000-0000-000000000007", "0" * 32),
    *("a@b", "a@-b.de", "a@b.c", "http://example", "ftp://example.com", "http://a.b-.com", "https://[::1]/", "a\n"),
    *(
        ["a", "", "b"],
        ["a", ""],
        ["", "a"],
        [""],
        ["a\x1f"],
        ["a\x00"],
        ["\ud800"],
        ["a", 1],
        [1, True],
        [None],
        [2**63],
        [10**30],
        ["2026-01-05", 1],
        ["2026-01-05", "2026-02-30"],
    ),
    *([["a"], ["\x00"]], [["\ud800"]], [["a"], ["b", " "]], [[]], [[" a"], "b"], [["a"] * 4], [["a"], ["abcde"]]),
    *([" a"] * 9 + ["a\x00"], [" ä"] * 9 + ["\ud800"], ["a"] * 9 + [""], ["ab"] * 9 + [" b "], ["x"] * 9),
    *({"a\x00": "b"}, {"\ud800": "b"}, {"\ud800": 1}, {"a\x00": 1}, {"a": ""}, {"a": "\x00"}, {"a": " "}, {"a": None}),
    *({"": "a"}, {" a": "b"}, {"a\x1f": "b"}, {"a": 10**30}),
    *(
        dict.fromkeys(map(str, range(1001)), 1),
        dict.fromkeys(map(str, range(1001)), "a"),
        {"a": math.nan},
        {"a": [1, {}]},
    ),
    *({"name": "a"}, {"name": "a", "amount": 1, "done": None}, {"name": "a", "amount": 10}, [A_ROW] * 3, [A_ROW, None]),
    *(["a", "b", "c", "d"], ["abcd", "abcde"], ["a"] * 1001, [b"a", b"b"]),
)


@dataclass(frozen=True, kw_only=True)
class ShoutedField(CharField):
    """A project's own, which cleans otherwise."""

    async def convert(self, value: Any, scope: Scope) -> str:
        return (await super().convert(value, scope)).upper()


def near(value: Any) -> st.SearchStrategy[Any]:
    """The value, and others that are nearly the same."""
    if isinstance(value, list):
        items = near(value[0]) | PLAIN if value else PLAIN
        return st.just(value) | st.lists(items, max_size=5) | st.lists(items, min_size=9, max_size=11)
    if isinstance(value, dict):
        keys = st.sampled_from([*value, "a"]) | st.text(max_size=2) | EDGES
        changed = st.dictionaries(keys, st.one_of(PLAIN, *map(near, value.values())), max_size=2)
        return st.just(value) | changed | changed.map(lambda made: value | made)
    if not isinstance(value, str):
        return st.just(value) | st.just(str(value))
    text = value[:60]
    cut = st.tuples(st.integers(0, len(text)), st.integers(0, 2), EDGES | st.characters(codec="utf-8"))
    return cut.map(lambda made: text[: made[0]] + made[2] + text[made[0] + made[1] :])


def cleaned(field: Field, value: Any) -> Any:
    try:
        # Nothing that it does has to be waited for.
        field.clean(value, SCOPE).send(None)
    except StopIteration as done:
        return done.value
    except Invalid as error:
        return error
    raise AssertionError("a field waits for something")


def parts(value: Any) -> Iterator[object]:
    """All that tells two values apart, besides their being equal."""
    yield (type(value), repr(value), value.tzinfo if isinstance(value, datetime) else None)
    if isinstance(value, list | dict):
        for each in value.items() if isinstance(value, dict) else value:
            yield from parts([*each] if isinstance(each, tuple) else each)


@pytest.mark.parametrize("name", FIELDS)
def test_what_is_taken_at_once_is_what_the_field_makes_of_it(name: str) -> None:
    field, samples = FIELDS[name]
    usual = usual_of(field)
    assert usual is not None

    def check(value: Any) -> None:
        taken = usual(value)
        if taken is not MISSING:
            expected = cleaned(field, value)
            assert [*parts(taken)] == [*parts(expected)], (value, taken, expected)

    for value in NEARLY:
        check(value)
    settings(max_examples=100, deadline=None, database=None)(given(st.one_of(*map(near, samples), VALUES))(check))()


@pytest.mark.parametrize("name", FIELDS)
def test_usual_values_are_taken_at_once(name: str) -> None:
    field, samples = FIELDS[name]
    usual = usual_of(field)
    assert usual is not None
    assert [value for value in samples if usual(value) is MISSING] == []


def refuse(_value: object, _scope: Scope) -> None:
    raise Invalid("Refused.")


@pytest.mark.parametrize(
    "field",
    [
        ShoutedField(),
        ListField(child=ShoutedField()),
        CharField(validators=(refuse,)),
        DateField(input_formats=("%d.%m.%Y", "iso-8601")),
        DecimalField(max_digits=None, decimal_places=2),
        DecimalField(max_digits=1000, decimal_places=2),
    ],
    ids=["own class", "list of own", "own check", "other format first", "digits without end", "very many digits"],
)
def test_what_cleans_otherwise_is_asked_each_time(field: Field) -> None:
    assert usual_of(field) is None


async def test_a_body_is_cleaned_in_order_whichever_way_each_value_goes() -> None:
    serializer = Serializer(
        "Mixed",
        {
            "b": IntegerField(source="beta"),
            "a": ShoutedField(),
            "c": CharField(max_length=3),
            "d": BooleanField(default=True),
        },
    )
    values = await serializer.validate({"a": "x", "c": 5, "b": 1}, SCOPE)
    assert [*values.items()] == [("beta", 1), ("a", "X"), ("c", "5"), ("d", True)]
    with pytest.raises(ValidationFailed) as failed:
        await serializer.validate({"a": "x", "b": "one", "c": "long"}, SCOPE)
    assert [*failed.value.body] == ["b", "c"]
