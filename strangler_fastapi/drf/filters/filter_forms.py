"""How filters read a text: Django's form fields, as django-filter uses them."""

import decimal
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import ROUND_UP, Context, Decimal
from typing import Any, Final
from uuid import UUID

from strangler_fastapi.drf.fields.time_fields import parse_date, parse_duration, parse_time
from strangler_fastapi.drf.parameters import as_utc, in_zone, parse_datetime
from strangler_fastapi.drf.validators import MOST_DIGITS, Invalid, check_storable

_LARGEST: Final = Decimal(10) ** 50
_BEYOND: Final = 2**64
_LAST_DIGIT: Final = Decimal(1).scaleb(-MOST_DIGITS)
_ROUNDED: Final = Context(prec=3 * MOST_DIGITS, rounding=ROUND_UP)
# Django's formats of the locale en.
DATE_FORMATS: Final = (
    *("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%b %d %Y", "%b %d, %Y", "%d %b %Y", "%d %b, %Y"),
    *("%B %d %Y", "%B %d, %Y", "%d %B %Y", "%d %B, %Y"),
)
TIME_FORMATS: Final = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M")
DATETIME_FORMATS: Final = (
    *(f"{day} {clock}" for day in ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y") for clock in TIME_FORMATS),
    *DATE_FORMATS,
)


def _moment(text: str) -> datetime:
    try:
        return parse_datetime(text)
    except Invalid:
        return datetime.combine(parse_date(text), time.min, tzinfo=UTC)


# How a model field reads a text, where that isn't its Python type's own way.
_VALUES: Final[Mapping[type, Callable[[str], Any]]] = {
    bool: {"t": True, "True": True, "1": True, "f": False, "False": False, "0": False}.__getitem__,
    date: parse_date,
    datetime: _moment,
    time: parse_time,
    timedelta: parse_duration,
}


@dataclass(frozen=True)
class FormField:
    """How a filter reads a text: the value, None for nothing; `sample` is one that it reads.

    `read` raises Invalid, with the words of Django's form field. A day is compared with moments as the first one that
    it has in the `zone`, a moment with days as the one that it is there.
    """

    read: Callable[[str], Any]
    sample: str
    zone: tzinfo = UTC


def _read_text(text: str) -> str | None:
    stripped = text.strip()
    check_storable(stripped)
    return stripped or None


def _read_sent(text: str) -> str | None:
    check_storable(text)
    return text or None


def _read_number(text: str) -> Decimal | None:
    number = _read_any_number(text)
    if number is not None and number > _LARGEST:
        raise Invalid("Ensure this value is less than or equal to 1e+50.", "max_value")
    return number


def _read_any_number(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        number = Decimal(text)
    except decimal.DecimalException:
        raise Invalid("Enter a number.") from None
    if not number.is_finite():
        raise Invalid("Enter a number.")
    return number


def _read_uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip()) if text.strip() else None
    except ValueError:
        raise Invalid("Enter a valid UUID.") from None


def date_form(*formats: str, zone: tzinfo = UTC) -> FormField:
    """A day in one of Django's formats, or of these (`forms.DateField`)."""

    def read(text: str) -> date | None:
        moment = _by_format(text, formats or DATE_FORMATS, "Enter a valid date.")
        return None if moment is None else moment.date()

    return FormField(read, _sample_of(formats or DATE_FORMATS), zone)


def time_form(*formats: str) -> FormField:
    """A time of day in one of Django's formats, or of these (`forms.TimeField`)."""

    def read(text: str) -> time | None:
        moment = _by_format(text, formats or TIME_FORMATS, "Enter a valid time.")
        return None if moment is None else moment.time()

    return FormField(read, _sample_of(formats or TIME_FORMATS))


def datetime_form(*formats: str, zone: tzinfo = UTC) -> FormField:
    """A moment in ISO 8601, of `zone` without an offset; or in one of the formats, too (`forms.DateTimeField`).

    Without formats it is the `IsoDateTimeField` of django-filter.
    """

    def read(text: str) -> datetime | None:
        if not text:
            return None
        try:
            return parse_datetime(text.strip(), zone)
        except Invalid:
            if not (moment := _by_any_format(text.strip(), formats)):
                raise
        return in_zone(moment, zone)

    return FormField(read, "2026-01-01T00:00:00Z", zone)


def _sample_of(formats: Sequence[str]) -> str:
    return datetime(2026, 1, 1, 12, tzinfo=UTC).strftime(formats[0])


def _read_duration(text: str) -> timedelta | None:
    if not text:
        return None
    try:
        duration = parse_duration(text)
    except OverflowError:
        days = f"{timedelta.min.days} and {timedelta.max.days}"
        raise Invalid(f"The number of days must be between {days}.", "overflow") from None
    if duration is None:
        raise Invalid("Enter a valid duration.")
    return duration


def _by_format(text: str, formats: Sequence[str], sentence: str) -> datetime | None:
    if not text:
        return None
    if (moment := _by_any_format(text.strip(), formats)) is None:
        raise Invalid(sentence)
    return moment


def _by_any_format(text: str, formats: Sequence[str]) -> datetime | None:
    for pattern in formats:
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007 - the form knows the zone
        except ValueError:
            continue
    return None


TEXT: Final = FormField(_read_text, "sample")
# Which no form has stripped.
SENT_TEXT: Final = FormField(_read_sent, "sample")
NUMBER: Final = FormField(_read_number, "1")
# Of the ends of a range, which django-filter sets no bound to.
ANY_NUMBER: Final = FormField(_read_any_number, "1")
IDENTIFIER: Final = FormField(_read_uuid, str(UUID(int=1)))
DATE: Final = date_form()
TIME: Final = time_form()
DURATION: Final = FormField(_read_duration, "1 00:00:00")
DATETIME: Final = datetime_form()
DATETIME_BY_FORMAT: Final = datetime_form(*DATETIME_FORMATS)


def _as_column(kind: type) -> Callable[[str], Any]:
    """How a column of that type reads a text."""
    return lambda text: value_of(kind, text) if text else None


# What code of a project's own reads by `int(text)`, `float(text)`, or hands to a column as it is.
INTEGER: Final = FormField(_as_column(int), "1")
FLOAT: Final = FormField(_as_column(float), "1")
BOOLEAN: Final = FormField(_as_column(bool), "True")
ISO_DAY: Final = FormField(_as_column(date), "2026-01-01")
# Of parameters that are compared with no column: any text, and `int(text)` that isn't 0.
GIVEN: Final = FormField(bool, "sample")
FLAG: Final = FormField(lambda text: bool(INTEGER.read(text)), "1")


def day(pattern: str) -> FormField:
    """A day by a format of `datetime.strptime`, which refuses blanks around it."""

    def read(text: str) -> date | None:
        try:
            return datetime.strptime(text, pattern).date() if text else None  # noqa: DTZ007 - a day has no zone
        except ValueError:
            raise Invalid("Enter a valid date.") from None

    return FormField(read, date(2026, 1, 1).strftime(pattern))


def words(*texts: str, ignore_case: bool = False) -> FormField:
    """Whether the text is one of these, of which the first is a sample; any other is none, too."""
    return FormField(lambda text: (text.lower() if ignore_case else text) in texts, texts[0])


def choice(choices: Collection[Any]) -> FormField:
    """One of these values, as text or not (`ChoiceFilter`)."""
    by_text = {str(value): value for value in choices}

    def read(text: str) -> Any:  # noqa: ANN401 - of the choices
        if not text:
            return None
        if text not in by_text:
            raise Invalid(no_such_choice(text), "invalid_choice")
        return by_text[text]

    return FormField(read, str(next(iter(choices))))


def value_of(kind: type, text: str) -> Any:  # noqa: ANN401 - of that type
    """A text as a value of a column's Python type, as a model field of Django's takes it (`to_python`).

    Raises:
        Invalid: it is none. Django answers 500 then.
    """
    try:
        value = _VALUES.get(kind, kind)(text)
    except (ArithmeticError, KeyError, TypeError, ValueError):
        value = None
    if value is None or (isinstance(value, Decimal) and not value.is_finite()):
        raise Invalid(f"\u201c{text}\u201d is not a valid value.")
    return value


def read_several(form: FormField, text: str) -> list[Any]:
    """Values with commas (`BaseCSVField`). A blank text is a value of its own, a blank number none.

    Raises:
        Invalid: one is no value of the form.
    """
    values = [form.read(part) for part in text.split(",")]
    return ["" if value is None and form in (TEXT, SENT_TEXT) else value for value in values]


def prepared(kind: Any, value: Any, zone: tzinfo = UTC) -> Any:  # noqa: ANN401 - a column's type, and of a form
    """A form's value as the column's Python type, as Django prepares it, `zone` being that of days."""
    python = kind.python_type
    if isinstance(value, str) and python is not str:
        value = value_of(python, value)
    if isinstance(value, Decimal) and python is not float and value.adjusted() > MOST_DIGITS:
        # Longer to convert than anybody waits, and beyond every column.
        return -_BEYOND if value < 0 else _BEYOND
    if python is Decimal and isinstance(value, Decimal) and int(value.as_tuple().exponent) < -MOST_DIGITS:
        # The driver takes no number of so many digits; no column has a value between the two.
        return value.quantize(_LAST_DIGIT, context=_ROUNDED)
    if python in (int, float) and isinstance(value, Decimal):
        return python(value)
    if python is date and isinstance(value, datetime):
        return value.astimezone(zone).date()
    if python is datetime and isinstance(value, date) and not isinstance(value, datetime):
        return edge_of(value, time.min, zone)
    return str(value) if python is str else value


def edge_of(day: date, edge: time, zone: tzinfo) -> datetime:
    """The first or the last moment of a day in a zone."""
    return as_utc(datetime.combine(day, edge, tzinfo=zone))


def no_such_choice(text: str) -> str:
    """What is said of a value that is none of the choices."""
    return f"Select a valid choice. {text} is not one of the available choices."
