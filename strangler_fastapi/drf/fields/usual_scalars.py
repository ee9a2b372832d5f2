"""Texts, numbers, days and choices as clients usually send them, taken at once: what `usual_values` asks of each."""

import math
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from pydantic_core import SchemaValidator, ValidationError, core_schema

from strangler_fastapi.drf.fields.choice_fields import ChoiceField
from strangler_fastapi.drf.fields.fields import MISSING, BooleanField, CharField, Field, Validator
from strangler_fastapi.drf.fields.number_fields import (
    LONGEST_NUMBER,
    BigIntegerField,
    DecimalField,
    FloatField,
    IntegerField,
)
from strangler_fastapi.drf.fields.text_fields import EmailField, RegexField, SlugField, URLField, UUIDField
from strangler_fastapi.drf.fields.time_fields import ISO_8601, DateField, DateTimeField, DurationField, TimeField
from strangler_fastapi.drf.fields.usual_collections import Usual
from strangler_fastapi.drf.validators import Invalid, is_storable

# What Python writes out and reads again whatever its settings are.
MOST_INTEGER: Final = 2**63
# Plain spellings of what has many: each is a part of what the field's own check takes.
_EMAIL: Final = r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9]{1,63}\.)+[A-Za-z]{2,63}"
_SLUG: Final = "[-a-zA-Z0-9_]+"
_URL: Final = r"https?://(?:[A-Za-z0-9]{1,30}\.){1,6}[A-Za-z]{2,30}(?::[0-9]{1,5})?(?:[/?#][!-~]*)?"
_LONGEST_EMAIL: Final = 320
_LONGEST_URL: Final = 2048
_UNLIMITED: Final = sys.maxsize
# Any day: what a duration of less than one is read by.
_DAY: Final = "2000-01-01T"
_MIDNIGHT: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - a difference of two has no zone


def checked(usual: Usual, checks: tuple[Validator, ...]) -> Usual:
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
        return text if text.isascii() or is_storable(text) else MISSING

    return take


def _email(field: EmailField) -> Usual:
    return _text_of_form(field, _EMAIL, _LONGEST_EMAIL)


def _slug(field: SlugField) -> Usual:
    return _text_of_form(field, _SLUG, _UNLIMITED)


def _url(field: URLField) -> Usual:
    return _text_of_form(field, _URL, _LONGEST_URL)


def _text_of_form(field: CharField, form: str, longest: int) -> Usual:
    """A text of a form that has neither blanks at its ends nor what can't be stored."""
    least, most = field.min_length or 0, min(longest, _UNLIMITED if field.max_length is None else field.max_length)
    matches = SchemaValidator(core_schema.str_schema(strict=True, pattern=f"^{form}$")).isinstance_python
    return lambda value: value if type(value) is str and least <= len(value) <= most and matches(value) else MISSING


def _regex(field: RegexField) -> Usual:
    return checked(_text(field), field.limits()[len(CharField.limits(field)) :])


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
    least, most = bounds(field, -MOST_INTEGER, MOST_INTEGER)
    return lambda value: value if type(value) is int and least <= value <= most else MISSING


def _floating(field: FloatField) -> Usual:
    least, most = bounds(field, -math.inf, math.inf)
    is_finite = math.isfinite
    return lambda value: value if type(value) is float and is_finite(value) and least <= value <= most else MISSING


def _decimal(field: DecimalField) -> Usual | None:
    # Of more digits the field refuses some texts for their length alone.
    if field.max_digits is None or field.decimal_places is None or field.max_digits >= LONGEST_NUMBER:
        return None
    places, whole = field.decimal_places, field.max_digits - field.decimal_places
    least, most = bounds(field, -math.inf, math.inf)

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


def iso_reader(field: Field) -> Callable[[Any], Any] | None:
    """What the library's own reading of ISO 8601 tries first, where no other format comes before it.

    It raises a ValueError or Invalid for a text that it doesn't take, a TypeError for what is no text.
    """
    make = _ISO.get(type(field))
    return None if make is None or getattr(field, "input_formats", ())[:1] != (ISO_8601,) else make(field)


def _clock(_field: TimeField) -> Callable[[str], time]:
    def read(text: str) -> time:
        moment = time.fromisoformat(text)
        return moment if moment.tzinfo is None else moment.replace(tzinfo=None)

    return read


def _moment(field: DateTimeField) -> Callable[[str], datetime]:
    zone, place = field.default_timezone, field.placed

    def read(text: str) -> datetime:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is zone else place(moment)

    return read


def _iso(field: Field) -> Usual | None:
    read = iso_reader(field)
    if read is None:
        return None

    def take(value: Any) -> Any:  # noqa: ANN401 - as above
        if type(value) is not str:
            return MISSING
        try:
            return read(value)
        except (ValueError, Invalid):
            return MISSING

    return take


def _duration(field: DurationField) -> Usual:
    least, most = bounds(field, timedelta.min, timedelta.max)
    is_free = field.min_value is None and field.max_value is None

    def take(value: Any) -> Any:  # noqa: ANN401 - as above
        if type(value) is not str or len(value) != len("HH:MM:SS") or value[2] != ":" or value[5] != ":":
            return MISSING
        try:
            duration = datetime.fromisoformat(_DAY + value) - _MIDNIGHT
        except ValueError:
            return MISSING
        return duration if is_free or least <= duration <= most else MISSING

    return take


def _choice(field: ChoiceField) -> Usual:
    by_text: dict[str, Any] = {}
    for choice in field.choices:
        by_text.setdefault(str(choice), choice)
    by_text.pop("", None)
    return lambda value: by_text.get(value, MISSING) if type(value) is str else MISSING


def bounds(field: Any, least: Any, most: Any) -> tuple[Any, Any]:  # noqa: ANN401 - a field with bounds, and values of it
    """A field's own, or else these."""
    return (
        least if field.min_value is None else field.min_value,
        most if field.max_value is None else field.max_value,
    )


SCALARS: Final[Mapping[type[Field], Callable[[Any], Usual | None]]] = {
    BigIntegerField: _integer,
    BooleanField: _boolean,
    CharField: _text,
    ChoiceField: _choice,
    DateField: _iso,
    DateTimeField: _iso,
    DecimalField: _decimal,
    DurationField: _duration,
    EmailField: _email,
    FloatField: _floating,
    IntegerField: _integer,
    RegexField: _regex,
    SlugField: _slug,
    TimeField: _iso,
    URLField: _url,
    UUIDField: _uuid,
}
_ISO: Final[Mapping[type[Field], Callable[[Any], Callable[[Any], Any]]]] = {
    DateField: lambda _field: date.fromisoformat,
    DateTimeField: _moment,
    TimeField: _clock,
}
