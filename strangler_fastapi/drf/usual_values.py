"""Values as clients usually send them, taken at once: without what a field does for other spellings and for errors.

A field of a class that stands here is asked through `usual_of` first. What that doesn't take, be it refused or written
in another way, goes to the field's own `clean`, which has the words; what it takes is what `clean` would have given
(tests/unit/strangler_fastapi/drf/test_usual_values.py looks for a value that is not). So nothing here is needed, and a
class of a project's own, which may clean otherwise, never stands here. docs/benchmark.md has the figures.
"""

import math
import re
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema

from strangler_fastapi.drf.choice_fields import ChoiceField
from strangler_fastapi.drf.collection_fields import ListField
from strangler_fastapi.drf.fields import MISSING, BooleanField, CharField, Field, Validator
from strangler_fastapi.drf.limits import MOST_FIELDS
from strangler_fastapi.drf.number_fields import LONGEST_NUMBER, BigIntegerField, DecimalField, FloatField, IntegerField
from strangler_fastapi.drf.text_fields import EmailField, RegexField, SlugField, URLField, UUIDField
from strangler_fastapi.drf.time_fields import ISO_8601, DateField, DateTimeField, DurationField, TimeField
from strangler_fastapi.drf.validators import Invalid, Pattern

# The cleaned value, or MISSING where the field itself has to look.
Usual = Callable[[Any], Any]

# What Python writes out and reads again whatever its settings are.
_MOST: Final = 2**63
# Plain spellings of what has many: each is a part of what the field's own check takes.
_EMAIL: Final = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9]{1,63}\.)+[A-Za-z]{2,63}")
_SLUG: Final = re.compile(r"[-a-zA-Z0-9_]+")
_URL: Final = re.compile(r"https?://(?:[A-Za-z0-9]{1,30}\.){1,6}[A-Za-z]{2,30}(?::[0-9]{1,5})?(?:[/?#][!-~]*)?")
_LONGEST_EMAIL: Final = 320
_LONGEST_URL: Final = 2048
# Characters of all texts of a list that are looked at one by one.
_FEW: Final = 64
_UNLIMITED: Final = sys.maxsize
# Any day: what a duration of less than one is read by.
_DAY: Final = "2000-01-01T"
_MIDNIGHT: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - a difference of two has no zone


def usual_of(field: Field) -> Usual | None:
    """What takes a field's usual values; None where each has to be cleaned."""
    make = _KINDS.get(type(field))
    if make is None or not all(isinstance(rule, Pattern) for rule in field.validators):
        return None
    usual = make(field)
    return _checked(usual, field.validators) if usual is not None and field.validators else usual


def _checked(usual: Usual, checks: tuple[Validator, ...]) -> Usual:
    """The same, but for what one of the checks refuses; none of them looks at anything but the value."""

    def take(value: Any) -> Any:  # noqa: ANN401 - whatever was sent
        taken = usual(value)
        if taken is not MISSING:
            try:
                for check in checks:
                    check(taken, None)  # type: ignore[arg-type] # see above
            except Invalid:
                return MISSING
        return taken

    return take


def _text(field: CharField) -> Usual:
    least, most = max(1, field.min_length or 0), _UNLIMITED if field.max_length is None else field.max_length
    trims = field.trim

    def take(value: Any) -> Any:  # noqa: ANN401 - as above
        if type(value) is not str:
            return MISSING
        text = value.strip() if trims else value
        if not least <= len(text) <= most or "\0" in text:
            return MISSING
        return text if text.isascii() or _has_no_surrogates(text) else MISSING

    return take


def _has_no_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _email(field: EmailField) -> Usual:
    return _text_of_form(field, _EMAIL, _LONGEST_EMAIL)


def _slug(field: SlugField) -> Usual:
    return _text_of_form(field, _SLUG, _UNLIMITED)


def _url(field: URLField) -> Usual:
    return _text_of_form(field, _URL, _LONGEST_URL)


def _text_of_form(field: CharField, form: re.Pattern[str], longest: int) -> Usual:
    """A text of a form that has neither blanks at its ends nor what can't be stored."""
    least, most = field.min_length or 0, min(longest, _UNLIMITED if field.max_length is None else field.max_length)
    matches = form.fullmatch
    return lambda value: value if type(value) is str and least <= len(value) <= most and matches(value) else MISSING


def _regex(field: RegexField) -> Usual:
    return _checked(_text(field), field.limits()[len(CharField.limits(field)) :])


def _uuid(_field: UUIDField) -> Usual:
    read = SchemaValidator(core_schema.uuid_schema()).validate_python

    def take(value: Any) -> Any:  # noqa: ANN401 - as above
        if type(value) is not str:
            return MISSING
        try:
            taken: UUID = read(value)
        except ValidationError:
            return MISSING
        return taken

    return take


def _boolean(_field: BooleanField) -> Usual:
    return lambda value: value if value is True or value is False else MISSING


def _integer(field: IntegerField) -> Usual:
    least, most = _bounds(field, -_MOST, _MOST)
    return lambda value: value if type(value) is int and least <= value <= most else MISSING


def _float(field: FloatField) -> Usual:
    least, most = _bounds(field, -math.inf, math.inf)
    is_finite = math.isfinite
    return lambda value: value if type(value) is float and is_finite(value) and least <= value <= most else MISSING


def _decimal(field: DecimalField) -> Usual | None:
    # Of more digits the field refuses some texts for their length alone.
    if field.max_digits is None or field.decimal_places is None or field.max_digits >= LONGEST_NUMBER:
        return None
    places, whole = field.decimal_places, field.max_digits - field.decimal_places
    least, most = _bounds(field, -math.inf, math.inf)

    def take(value: Any) -> Any:  # noqa: ANN401 - as above
        text = str(value) if type(value) is int or type(value) is float else value
        if type(text) is not str or not text.isascii():
            return MISSING
        head, point, tail = text.partition(".")
        if not head.removeprefix("-").isdigit() or (point and not tail.isdigit()):
            return MISSING
        if len(head) > whole or len(tail) > places:
            return MISSING
        # So many zeros are what a quantization adds.
        number = Decimal(f"{head}.{tail.ljust(places, '0')}" if len(tail) < places else text)
        return number if least <= number <= most else MISSING

    return take


def _date(field: DateField) -> Usual | None:
    return _iso(field.input_formats, date.fromisoformat)


def _time(field: TimeField) -> Usual | None:
    def read(text: str) -> time:
        moment = time.fromisoformat(text)
        return moment if moment.tzinfo is None else moment.replace(tzinfo=None)

    return _iso(field.input_formats, read)


def _moment(field: DateTimeField) -> Usual | None:
    zone, place = field.default_timezone, field.placed

    def read(text: str) -> datetime:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is zone else place(moment)

    return _iso(field.input_formats, read)


def _iso(formats: tuple[str, ...], read: Callable[[str], Any]) -> Usual | None:
    """What the library's own reading of ISO 8601 tries first, where no other format comes before it."""

    def take(value: Any) -> Any:  # noqa: ANN401 - as above
        if type(value) is not str:
            return MISSING
        try:
            return read(value)
        except (ValueError, Invalid):
            return MISSING

    return take if formats[:1] == (ISO_8601,) else None


def _duration(field: DurationField) -> Usual:
    least, most = _bounds(field, timedelta.min, timedelta.max)

    def take(value: Any) -> Any:  # noqa: ANN401 - as above
        if type(value) is not str or len(value) != len("HH:MM:SS") or value[2] != ":" or value[5] != ":":
            return MISSING
        try:
            duration = datetime.fromisoformat(_DAY + value) - _MIDNIGHT
        except ValueError:
            return MISSING
        return duration if least <= duration <= most else MISSING

    return take


def _choice(field: ChoiceField) -> Usual:
    by_text: dict[str, Any] = {}
    for choice in field.choices:
        by_text.setdefault(str(choice), choice)
    by_text.pop("", None)
    return lambda value: by_text.get(value, MISSING) if type(value) is str else MISSING


def _list(field: ListField) -> Usual | None:
    usual, schema = usual_of(field.child), _schema(field.child)
    if usual is None:
        return None
    least, most = max(1, field.min_length or 0), MOST_FIELDS if field.max_length is None else field.max_length
    if schema is not None:
        read = _reader(core_schema.list_schema(schema, strict=True, fail_fast=True, min_length=least, max_length=most))
        return _texts(field.child, read, least, most) if isinstance(field.child, CharField) else read

    def take(value: Any) -> Any:  # noqa: ANN401 - as above
        if type(value) is not list or not least <= len(value) <= most:
            return MISSING
        items = [*map(usual, value)]
        return MISSING if MISSING in items else items

    return take


def _reader(schema: CoreSchema) -> Usual:
    """A list that Pydantic's core reads in one call, where a function of Python's for each item takes much longer."""
    read = SchemaValidator(schema).validate_python

    def take(value: Any) -> Any:  # noqa: ANN401 - as above
        if type(value) is not list:
            return MISSING
        try:
            items: list[Any] = read(value)
        except ValidationError:
            return MISSING
        return items

    return take


def _texts(child: CharField, read: Usual, least: int, most: int) -> Usual:
    """A list of texts that `read` reads. A few short ones of which nothing is to be cut are taken as they are."""
    longest = _FEW if child.max_length is None else min(_FEW, child.max_length)
    longest = longest if (child.min_length or 0) <= 1 else 0

    def take(value: Any) -> Any:  # noqa: ANN401 - as above
        if type(value) is not list:
            return MISSING
        try:
            text = " ".join(value)
        except TypeError:
            return MISSING
        # What is printable has no NUL, no surrogates and no blanks but spaces; an empty text adds a space to another.
        if len(text) <= longest and text.isprintable() and "  " not in text and text.strip() == text:
            return value.copy() if text and least <= len(value) <= most else MISSING
        # Blanks of Python's that are none to Pydantic.
        if "\0" in text or "\x1c" in text or "\x1d" in text or "\x1e" in text or "\x1f" in text:
            return MISSING
        return read(value)

    return take


def _schema(field: Field) -> CoreSchema | None:
    """What Pydantic's core takes a field's usual values by; None where it would take others, or there are checks."""
    make = _SCHEMAS.get(type(field))
    return None if make is None or field.validators else make(field)


def _text_schema(field: CharField) -> CoreSchema:
    least = max(1, field.min_length or 0)
    return core_schema.str_schema(
        strict=True, strip_whitespace=field.trim, min_length=least, max_length=field.max_length
    )


def _integer_schema(field: IntegerField) -> CoreSchema | None:
    least, most = _bounds(field, -_MOST, _MOST)
    if type(least) is not int or type(most) is not int:
        return None
    # Of larger bounds the core compares slowly.
    return core_schema.int_schema(strict=True, ge=max(least, -_MOST), le=min(most, _MOST - 1))


def _bounds(field: Any, least: Any, most: Any) -> tuple[Any, Any]:  # noqa: ANN401 - a field with bounds, and values of it
    return (
        least if field.min_value is None else field.min_value,
        most if field.max_value is None else field.max_value,
    )


_SCHEMAS: Final[Mapping[type[Field], Callable[[Any], CoreSchema | None]]] = {
    BigIntegerField: _integer_schema,
    BooleanField: lambda _field: core_schema.bool_schema(strict=True),
    CharField: _text_schema,
    IntegerField: _integer_schema,
}
_KINDS: Final[Mapping[type[Field], Callable[[Any], Usual | None]]] = {
    BigIntegerField: _integer,
    BooleanField: _boolean,
    CharField: _text,
    ChoiceField: _choice,
    DateField: _date,
    DateTimeField: _moment,
    DecimalField: _decimal,
    DurationField: _duration,
    EmailField: _email,
    FloatField: _float,
    IntegerField: _integer,
    ListField: _list,
    RegexField: _regex,
    SlugField: _slug,
    TimeField: _time,
    URLField: _url,
    UUIDField: _uuid,
}
