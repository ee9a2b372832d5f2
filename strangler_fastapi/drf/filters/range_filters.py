"""Filters of PostgreSQL's ranges and of hstore, as Django compares them.

"open_at": range_contains_filter(lambda: Berth.hours, DATETIME),
"least": column_filter(lambda: range_end(Berth.places, "lower"), NUMBER, "gte"),
"free": boolean_filter(lambda: range_is_empty(Berth.days)),
"colour": column_filter(lambda: hstore_text(Berth.facts, "colour"), TEXT, "icontains"),
"span": numeric_range_filter(lambda: Berth.depth, "overlap"),
"has": has_key_filter(lambda: Berth.facts),
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Numeric,
    Text,
    bindparam,
    false,
    func,
    literal_column,
)
from sqlalchemy.types import TypeEngine

from strangler_fastapi.drf.criteria import Criterion
from strangler_fastapi.drf.filters.filter_forms import ANY_NUMBER, TEXT, FormField, prepared
from strangler_fastapi.drf.filters.filtering import Attribute, Filter, excluding
from strangler_fastapi.drf.filters.filters import column_filter
from strangler_fastapi.drf.validators import Invalid, biggest
from strangler_fastapi.errors import ErrorDetail

# What the ends of each of PostgreSQL's ranges are.
_ENDS: Final[Mapping[str, TypeEngine[Any]]] = {
    "DATERANGE": Date(),
    "INT4RANGE": Integer(),
    "INT8RANGE": BigInteger(),
    "NUMRANGE": Numeric(),
    "TSTZRANGE": DateTime(timezone=True),
}
_OPERATORS: Final = {"exact": "=", "contains": "@>", "contained_by": "<@", "overlap": "&&"}


def range_contains_filter(column: Attribute, form: FormField, *, exclude: bool = False) -> Filter:
    """A range that contains the value (Django's `contains`). A number that its ends can't be is in none."""

    def read(name: str, text: str) -> Criterion | None:
        value = form.read(text)
        if value is None:
            return None
        kind = _ends_of(column())
        fitting = prepared(kind, value, form.zone)
        if _is_beyond(kind, fitting):
            return Criterion("nothing", false)
        if isinstance(fitting, int):
            # As PostgreSQL makes a whole number of another, for which Django asks it.
            fitting = int(Decimal(value).to_integral_value(ROUND_HALF_UP))
            if _is_beyond(kind, fitting):
                return Criterion("nothing", false)

        def clause() -> ColumnElement[bool]:
            found: ColumnElement[bool] = column().op("@>", is_comparison=True)(bindparam(name, type_=kind))
            return found

        return Criterion(name, clause, {name: fitting})

    said = "A value that the range contains."
    return Filter(excluding(read) if exclude else read, samples=(form.sample,), description=said)


def numeric_range_filter(
    column: Attribute, lookup: str = "exact", *, suffixes: tuple[str, str] = ("_min", "_max")
) -> Filter:
    """A range of numbers compared with that of two parameters, or by the end that one says (`NumericRangeFilter`).

    `lookup` is exact, contains, contained_by or overlap. Django fails on both ends of a range of whole numbers, and on
    ends in the wrong order.

    Raises:
        LookupError: there is no such lookup.
    """
    if lookup not in _OPERATORS:
        raise LookupError(f"{lookup} is no lookup of a range: name one of {', '.join(_OPERATORS)}.")
    by_end = {
        "lower": column_filter(lambda: range_end(column(), "lower"), ANY_NUMBER),
        "upper": column_filter(lambda: range_end(column(), "upper"), ANY_NUMBER),
    }

    def read(name: str, texts: tuple[str, str]) -> Criterion | None:
        sentences: list[ErrorDetail] = []
        ends: list[Any] = []
        for text in texts:
            try:
                ends.append(ANY_NUMBER.read(text))
            except Invalid as error:
                sentences += [each for each in error.detail if each not in sentences]
        if sentences:
            raise Invalid(sentences)
        for (end, compared), value, text in zip(by_end.items(), ends, texts, strict=True):
            if value is not None and None in ends:
                found: Criterion | None = compared.read(f"{name} {end}", text)
                return found
        return None if None in ends else _compared(column, name, lookup, ends)

    samples = (("1", "2"), ("1", ""), ("", "2"))
    return Filter(read, samples=samples, description="An end of the range.", suffixes=suffixes)


def _compared(column: Attribute, name: str, lookup: str, ends: list[Any]) -> Criterion:
    """A range compared with another, whose end isn't in it."""
    if ends[0] > ends[1]:
        raise Invalid("The start of the range must not exceed the end of the range.", "bound_ordering")
    kind = _ends_of(column())
    most = biggest(kind) if isinstance(kind, Integer) else 0
    fitting = [prepared(kind, end) for end in ends]
    held = [min(max(end, -most - 1), most) if most else end for end in fitting]
    names = [f"{name} lower", f"{name} upper"]

    def clause() -> ColumnElement[bool]:
        made = getattr(func, type(column().type).__name__.lower())
        other = made(*(bindparam(each, type_=kind) for each in names))
        found: ColumnElement[bool] = column().op(_OPERATORS[lookup], is_comparison=True)(other)
        return found

    return Criterion(f"{name} {lookup}", clause, dict(zip(names, held, strict=True)))


def has_key_filter(column: Attribute, *, exclude: bool = False) -> Filter:
    """An hstore that has the key (Django's `has_key`)."""

    def read(name: str, text: str) -> Criterion | None:
        key = TEXT.read(text)
        if key is None:
            return None

        def clause() -> ColumnElement[bool]:
            found: ColumnElement[bool] = func.exist(column(), bindparam(name, type_=Text), type_=Boolean)
            return found

        return Criterion(name, clause, {name: key})

    return Filter(excluding(read) if exclude else read, samples=(TEXT.sample,), description="A key that is there.")


def range_end(column: Any, end: Literal["lower", "upper"]) -> ColumnElement[Any]:  # noqa: ANN401 - a mapped attribute
    """The first value of a range or the one after its last (`startswith`, `endswith`), null where it has none."""
    return getattr(func, end)(column, type_=_ends_of(column))  # type: ignore[no-any-return] # an SQL function


def range_is_empty(column: Any) -> ColumnElement[bool]:  # noqa: ANN401 - as above
    """Whether there is nothing in a range (`isempty`)."""
    return func.isempty(column, type_=Boolean)


def hstore_text(column: Any, key: str) -> ColumnElement[str]:  # noqa: ANN401 - as above
    """What an hstore has under a key, null where it lacks that."""
    quoted = key.replace("'", "''")
    found: ColumnElement[str] = column.op("->", return_type=Text())(literal_column(f"'{quoted}'"))
    return found


def _is_beyond(kind: Any, value: Any) -> bool:  # noqa: ANN401 - a column's type, and of a form
    return isinstance(value, int) and not -biggest(kind) - 1 <= value <= biggest(kind)


def _ends_of(column: Any) -> TypeEngine[Any]:  # noqa: ANN401 - as above
    return _ENDS[type(column.type).__name__]
