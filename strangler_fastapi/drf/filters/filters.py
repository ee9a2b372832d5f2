"""django-filter's filters of columns: a form that reads the text, and a lookup that compares the column with it.

    "price_min": column_filter(lambda: Ware.price, NUMBER, "gte"),
    "state": multiple_choice_filter(lambda: Ware.state, ("new", "used")),

What a filter set's `fields = {"price": ["gte", "in"]}` makes is `price__gte` and `price__in` of the same two.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, DateTime, Text, and_, bindparam, false, func, true
from sqlalchemy.dialects.postgresql import ARRAY

from strangler_fastapi.drf.criteria import Criterion, compared_type
from strangler_fastapi.drf.filters.filter_forms import (
    ANY_NUMBER,
    FormField,
    choice,
    edge_of,
    no_such_choice,
    prepared,
    read_several,
)
from strangler_fastapi.drf.filters.filtering import Attribute, Filter, Params, excluding, read_boolean
from strangler_fastapi.drf.filters.search import TEXT_LOOKUPS
from strangler_fastapi.drf.parameters import BeyondDatabase
from strangler_fastapi.drf.validators import Invalid, biggest
from strangler_fastapi.errors import ErrorDetail, ValidationFailed

_DAY: Final = timedelta(days=1)
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], ColumnElement[bool]]]] = {
    "exact": lambda column, value: column == value,
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
}


def column_filter(
    column: Attribute,
    form: FormField,
    lookup: str = "exact",
    *,
    exclude: bool = False,
    null_value: str | None = None,
    selected: bool = False,
    description: str = "",
) -> Filter:
    """A column compared with one value, by one of Django's lookups; `in` and `range` take several, with commas.

    Args:
        column: what is compared.
        form: how the text is read.
        lookup: exact, iexact, gt, gte, lt, lte, contains, icontains, startswith, istartswith, endswith, iendswith,
            regex, iregex, in, range, isnull.
        exclude: leave out the rows that meet it.
        selected: read what isnull is given as `boolean_filter(selected=True)` does.
        null_value: the text for rows without a value (`null_value` of a ChoiceFilter that has a `null_label`).
        description: what OpenAPI says of the parameter, where its lookup doesn't say it.

    Raises:
        LookupError: there is no such lookup.
    """
    is_null = partial(_is_null, selected=selected)
    readers: Mapping[str, Callable[[Attribute, FormField], Callable[[str, str], Criterion | None]]]
    readers = {"in": _in, "range": partial(_range, exclude=exclude), "isnull": is_null}
    if lookup not in {*readers, *_COMPARISONS, *TEXT_LOOKUPS}:
        raise LookupError(f"{lookup} is no lookup of this filter: write the condition with text_filter instead.")
    read = readers[lookup](column, form) if lookup in readers else _one(column, form, lookup)
    sample = {"in": f"{form.sample},{form.sample}", "range": f"{form.sample},{form.sample}", "isnull": "true"}
    if null_value is not None:
        read = _or_null(column, read, null_value)
    said = description or _DESCRIPTIONS.get(lookup, f"Compared by `{lookup}`.")
    samples = (sample.get(lookup, form.sample), *(() if null_value is None else (null_value,)))
    return Filter(excluding(read) if exclude else read, samples=samples, description=said)


def lookup_choice_filter(column: Attribute, form: FormField, lookups: Collection[str]) -> Filter:
    """A value, and by which of the `lookups` it is compared: `price` and `price_lookup` (`LookupChoiceFilter`)."""
    filters = {lookup: column_filter(column, form, lookup) for lookup in lookups}

    def read(name: str, texts: tuple[str, str]) -> Criterion | None:
        text, lookup = texts
        value: Any = None
        sentences: list[ErrorDetail] = []
        try:
            value = form.read(text)
        except BeyondDatabase:
            value = text
        except Invalid as error:
            sentences += error.detail
        if lookup and lookup not in filters:
            sentences.append(ErrorDetail(no_such_choice(lookup), "invalid_choice"))
        if sentences:
            raise Invalid(sentences)
        if value is None:
            return None
        if not lookup:
            raise Invalid("Select a lookup.", "lookup_required")
        # Each lookup has a statement of its own.
        found: Criterion | None = filters[lookup].read(f"{name}_{lookup}", text)
        return found

    samples = tuple((each.samples[0], lookup) for lookup, each in filters.items())
    return Filter(read, samples=samples, description="A value, and how it is compared.", suffixes=("", "_lookup"))


def date_range_filter(column: Attribute, *, zone: tzinfo = UTC) -> Filter:
    """`today`, `yesterday`, `week` (the past 7 days), `month` or `year` (`DateRangeFilter`).

    Of a column of moments it is a day of `zone`; which one it is today UTC says, as django-filter has it.
    """

    def read(name: str, text: str) -> Criterion | None:
        if not text:
            return None
        today = datetime.now(UTC).date()
        month, year = today.replace(day=1), today.replace(month=1, day=1)
        spans = {
            "today": (today, today),
            "yesterday": (today - _DAY, today - _DAY),
            "week": (today - 7 * _DAY, today),
            "month": (month, (month + 31 * _DAY).replace(day=1) - _DAY),
            "year": (year, year.replace(month=12, day=31)),
        }
        if text not in spans:
            raise Invalid(no_such_choice(text), "invalid_choice")
        return _between(column, name, _whole_days(column, zone, spans[text]), zone)

    return Filter(read, samples=("today",), description="today, yesterday, week, month or year.")


def range_filter(
    column: Attribute, form: FormField = ANY_NUMBER, *, suffixes: tuple[str, str] = ("_min", "_max")
) -> Filter:
    """Two parameters, of which either may be left out (`RangeFilter`; `_after` and `_before` are those of dates).

    Of days, a column of moments is compared with the first moment of one and the last of the other, in their zone.
    """

    def read(name: str, texts: tuple[str, str]) -> Criterion | None:
        values: list[Any] = []
        sentences: list[str] = []
        for text in texts:
            try:
                values.append(form.read(text))
            except Invalid as error:
                sentences += [sentence for sentence in error.detail if sentence not in sentences]
        if sentences:
            raise Invalid(sentences)
        return _between(column, name, _whole_days(column, form.zone, values), form.zone)

    samples = ((form.sample, form.sample), (form.sample, ""), ("", form.sample))
    return Filter(read, samples=samples, description="An end of the range, itself included.", suffixes=suffixes)


def multiple_choice_filter(column: Attribute, choices: Collection[Any], *, exclude: bool = False) -> Filter:
    """Any of the values that are given, each by a parameter of the same name (`MultipleChoiceFilter`)."""
    form = choice(choices)

    def read(name: str, texts: Sequence[str]) -> Criterion | None:
        values = []
        for text in texts:
            # No choice at all is one that isn't there.
            if not text:
                raise Invalid(no_such_choice(text), "invalid_choice")
            values.append(form.read(text))
        return _any_of(column, name, values, form.zone) if values else None

    said = "Any of the values, each by a parameter of its own."
    return Filter(excluding(read) if exclude else read, samples=((form.sample,),), description=said, many=True)


def filtered_ordering(
    params: Params, name: str, fields: Mapping[str, str], default: tuple[str, ...]
) -> tuple[str, ...]:
    """The terms that django-filter's `OrderingFilter` of this name asks for; `fields` are its words → terms.

    Raises:
        ValidationFailed: a word is none of them.
    """
    text = params.get(name, "")
    words = text.split(",") if text else []
    for word in words:
        if word and word.removeprefix("-") not in fields:
            raise ValidationFailed({name: [ErrorDetail(no_such_choice(word), "invalid_choice")]})
    terms = [("-" if word.startswith("-") else "") + fields[word.removeprefix("-")] for word in words if word]
    return tuple(terms) or default


def _one(column: Attribute, form: FormField, lookup: str) -> Callable[[str, str], Criterion | None]:
    def read(name: str, text: str) -> Criterion | None:
        value = form.read(text)
        if value is None:
            return None
        if lookup in TEXT_LOOKUPS:
            compare, prepare = TEXT_LOOKUPS[lookup]
            sought = {name: prepare(str(value))}
            scans = "contains" in lookup
            return Criterion(name, lambda: compare(column(), bindparam(name, type_=Text)), sought, scans=scans)
        return _compared(column, name, lookup, value, form.zone)

    return read


def _compared(column: Attribute, name: str, lookup: str, value: Any, zone: tzinfo) -> Criterion:  # noqa: ANN401 - of a form
    """The column compared with a value; a number beyond the column's is decided without the database's help."""
    kind = column().type
    fitting = prepared(kind, value, zone)
    if isinstance(fitting, int) and not -biggest(kind) - 1 <= fitting <= biggest(kind):
        is_met = (fitting > 0) is (lookup in ("lt", "lte")) and lookup != "exact"
        return Criterion("everything", true) if is_met else Criterion("nothing", false)
    return Criterion(
        name, lambda: _COMPARISONS[lookup](column(), bindparam(name, type_=compared_type(kind))), {name: fitting}
    )


def _in(column: Attribute, form: FormField) -> Callable[[str, str], Criterion | None]:
    def read(name: str, text: str) -> Criterion | None:
        if not text:
            return None
        return _any_of(column, name, read_several(form, text), form.zone)

    return read


def _range(column: Attribute, form: FormField, *, exclude: bool) -> Callable[[str, str], Criterion | None]:
    def read(name: str, text: str) -> Criterion | None:
        if not text:
            return None
        try:
            values = read_several(form, text)
        except BeyondDatabase:
            # Django finds it in the database alone.
            if text.count(",") == 1:
                raise
            values = []
        if len(values) != 2:
            raise Invalid("Range query expects two values.", "invalid_values")
        if None not in values:
            return _between(column, name, values, form.zone)
        # To the database such an end is unknown: no row is surely between the two, and those beyond the other aren't.
        if not exclude:
            return Criterion("nothing", false)
        return _between(column, name, values, form.zone) or Criterion(f"{name} any", lambda: column().is_not(None))

    return read


def _or_null(
    column: Attribute, read: Callable[[str, str], Criterion | None], null_value: str
) -> Callable[[str, str], Criterion | None]:
    def read_or_null(name: str, text: str) -> Criterion | None:
        return Criterion(f"{name} null", lambda: column().is_(None)) if text == null_value else read(name, text)

    return read_or_null


def _is_null(column: Attribute, _form: FormField, *, selected: bool) -> Callable[[str, str], Criterion | None]:
    def read(name: str, text: str) -> Criterion | None:
        value = read_boolean(text, selected=selected)
        if value is None:
            return None
        return Criterion(f"{name} {value}", lambda: column().is_(None) if value else column().is_not(None))

    return read


def _between(column: Attribute, name: str, ends: Sequence[Any], zone: tzinfo) -> Criterion | None:
    """The column from one end to the other; an end that is None is open."""
    found = [
        _compared(column, f"{name} {lookup}", lookup, end, zone)
        for lookup, end in zip(("gte", "lte"), ends, strict=True)
        if end is not None
    ]
    if not found:
        return None
    values = {key: value for part in found for key, value in part.values.items()}
    return Criterion(" ".join(part.name for part in found), lambda: and_(*(part.clause() for part in found)), values)


def _any_of(column: Attribute, name: str, values: Sequence[Any], zone: tzinfo) -> Criterion:
    kind = column().type
    fitting = [prepared(kind, value, zone) for value in values if value is not None]
    held = [value for value in fitting if not isinstance(value, int) or -biggest(kind) - 1 <= value <= biggest(kind)]
    array: Any = ARRAY(kind if isinstance(kind, DateTime) else type(kind))
    return Criterion(name, lambda: column() == func.any(bindparam(name, type_=array)), {name: held})


def _whole_days(column: Attribute, zone: tzinfo, values: Sequence[Any]) -> Sequence[Any]:
    """Of days, the first moment of one and the last of the other, where the column has moments."""
    if column().type.python_type is not datetime:
        return values
    return [
        edge_of(value, edge, zone) if isinstance(value, date) and not isinstance(value, datetime) else value
        for value, edge in zip(values, (time.min, time.max), strict=True)
    ]


_DESCRIPTIONS: Final = {
    "exact": "The whole value.",
    "in": "One of these values, separated by commas.",
    "range": "The two ends of a range, separated by a comma.",
    "isnull": "true: without a value; false: with one.",
}
