"""Fields of days, times, moments and durations, with DRF's formats, as DRF has them under the same names."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta, tzinfo
from functools import partial
from typing import Any, ClassVar, Final, TypeVar

from strangler_fastapi.drf.fields.fields import Scope, Validator, ValueField, seconds_text
from strangler_fastapi.drf.parameters import read_datetime
from strangler_fastapi.drf.validators import within

ISO_8601: Final = "iso-8601"
DJANGO: Final = "django"
# Of these years some moments are none in other zones.
_EDGES: Final = (MINYEAR, MAXYEAR)
_WRONG_FORMAT: Final = "has wrong format. Use one of these formats instead: {format}."
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})$")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,6})\d{0,6})?)?$")
# Django's `parse_duration`: its own spelling, ISO 8601, PostgreSQL's.
_DURATIONS: Final = (
    re.compile(
        r"^(?:(?P<days>-?\d+) (days?, )?)?(?P<sign>-?)((?:(?P<hours>\d+):)(?=\d+:\d+))?(?:(?P<minutes>\d+):)?"
        r"(?P<seconds>\d+)(?:[.,](?P<microseconds>\d{1,6})\d{0,6})?$"
    ),
    re.compile(
        r"^(?P<sign>[-+]?)P(?:(?P<days>\d+([.,]\d+)?)D)?(?:T(?:(?P<hours>\d+([.,]\d+)?)H)?"
        r"(?:(?P<minutes>\d+([.,]\d+)?)M)?(?:(?P<seconds>\d+([.,]\d+)?)S)?)?$"
    ),
    re.compile(
        r"^(?:(?P<days>-?\d+) (days? ?))?(?:(?P<sign>[-+])?(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d)"
        r"(?:\.(?P<microseconds>\d{1,6}))?)?$"
    ),
)
# What DRF says of strptime's words (`rest_framework.utils.humanize_datetime`).
_READABLE: Final = {
    "%Y": "YYYY",
    "%y": "YY",
    "%m": "MM",
    "%b": "[Jan-Dec]",
    "%B": "[January-December]",
    "%d": "DD",
    "%H": "hh",
    "%I": "hh",
    "%M": "mm",
    "%S": "ss",
    "%f": "uuuuuu",
    "%a": "[Mon-Sun]",
    "%A": "[Monday-Sunday]",
    "%p": "[AM|PM]",
    "%z": "[+HHMM|-HHMM]",
}

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class _FormattedField(ValueField):
    """`format` is strftime's for answers, `input_formats` strptime's for bodies; `iso-8601` among them is ISO 8601."""

    noun: ClassVar[str]
    iso: ClassVar[str]
    format: str | None = ISO_8601
    input_formats: tuple[str, ...] = (ISO_8601,)

    def read(self, value: object, parse: Callable[[str], Value], part: Callable[[datetime], Value]) -> Value:
        """What the first of the formats makes of a text.

        Raises:
            Invalid: it is no text, or none of them makes anything of it.
        """
        for pattern in self.input_formats if isinstance(value, str) else ():
            try:
                is_iso = pattern.lower() == ISO_8601
                return parse(value) if is_iso else part(datetime.strptime(value, pattern))  # type: ignore[arg-type] # a text # noqa: DTZ007 - the field knows the zone
            except ValueError:
                continue
        formats = ", ".join(self.input_formats).replace(ISO_8601, self.iso)
        for word, readable in _READABLE.items():
            formats = formats.replace(word, readable)
        raise self.refused("invalid", f"{self.noun} {_WRONG_FORMAT}", format=formats)

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:
        """Of a column of another type texts stay as they are, and an empty one is null."""
        write = self._writer()
        if kind is self.python:
            return write

        def show(value: Any) -> Any:  # noqa: ANN401 - whatever the column holds
            if isinstance(value, str):
                return value or None
            return value if write is None else write(value)

        return show

    def _writer(self) -> Callable[[Any], Any] | None:
        """What writes a value of the field's type; None where JSON has it in that form by itself."""
        pattern = self.format
        return None if pattern is None or pattern.lower() == ISO_8601 else lambda value: value.strftime(pattern)


@dataclass(frozen=True, kw_only=True)
class DateField(_FormattedField):
    """A day (`serializers.DateField`)."""

    kind: ClassVar[str] = "date"
    python: ClassVar[type] = date
    noun: ClassVar[str] = "Date"
    iso: ClassVar[str] = "YYYY-MM-DD"

    async def convert(self, value: Any, scope: Scope) -> date:  # noqa: ANN401, ARG002, D102 - see Field
        # No JSON has one, but what a parser of a project's own reads.
        if isinstance(value, datetime):
            raise self.refused("datetime", "Expected a date but got a datetime.")
        return value if isinstance(value, date) else self.read(value, parse_date, datetime.date)


@dataclass(frozen=True, kw_only=True)
class TimeField(_FormattedField):
    """A time of day, without an offset (`serializers.TimeField`)."""

    kind: ClassVar[str] = "time"
    python: ClassVar[type] = time
    noun: ClassVar[str] = "Time"
    iso: ClassVar[str] = "hh:mm[:ss[.uuuuuu]]"

    async def convert(self, value: Any, scope: Scope) -> time:  # noqa: ANN401, ARG002, D102 - see Field
        return value if isinstance(value, time) else self.read(value, parse_time, datetime.time)


@dataclass(frozen=True, kw_only=True)
class DateTimeField(_FormattedField):
    """A moment, of `default_timezone` where no offset is given, and answered in it (`serializers.DateTimeField`).

    That is Django's TIME_ZONE; UTC where it is left out, None without USE_TZ: moments have no offset then.
    """

    kind: ClassVar[str] = "datetime"
    python: ClassVar[type] = datetime
    noun: ClassVar[str] = "Datetime"
    iso: ClassVar[str] = "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]"
    default_timezone: tzinfo | None = UTC

    async def convert(self, value: Any, scope: Scope) -> datetime:  # noqa: ANN401, ARG002, D102 - see Field
        if isinstance(value, date) and not isinstance(value, datetime):
            raise self.refused("date", "Expected a datetime but got a date.")
        moment = value if isinstance(value, datetime) else self.read(value, read_datetime, lambda parsed: parsed)
        return self.placed(moment)

    def placed(self, moment: datetime) -> datetime:
        """The moment in the field's zone.

        Raises:
            Invalid: it lies before the first or behind the last of that zone, or of UTC, of which DRF fails.
        """
        zone = self.default_timezone
        try:
            if zone is None:
                # DRF fails on one that is out of range.
                return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
            if moment.tzinfo is not None:
                return moment.astimezone(zone)
            # A time that a change of the clocks leaves out is taken, as by DRF: of one before it or after it.
            placed = moment.replace(tzinfo=zone)
            if moment.year in _EDGES:
                placed.astimezone(UTC)
        except OverflowError:
            raise self.refused("overflow", "Datetime value out of range.") from None
        return placed

    def representation(self, kind: type | None = None) -> Callable[[Any], Any] | None:
        """JSON has moments of UTC as they are; see there."""
        is_plain = self.format is not None and self.format.lower() == ISO_8601 and self.default_timezone is UTC
        return None if is_plain and kind is datetime else super().representation(kind)

    def _writer(self) -> Callable[[Any], Any] | None:
        if self.format is None:
            return None
        return partial(_written, zone=self.default_timezone, pattern=self.format)


@dataclass(frozen=True, kw_only=True)
class DurationField(ValueField):
    """A length of time; `format` is `django` or `iso-8601`, or None for seconds (`serializers.DurationField`)."""

    kind: ClassVar[str] = "duration"
    python: ClassVar[type] = timedelta
    min_value: timedelta | None = None
    max_value: timedelta | None = None
    format: str | None = DJANGO

    async def convert(self, value: Any, scope: Scope) -> timedelta:  # noqa: ANN401, ARG002, D102 - see Field
        if isinstance(value, timedelta):
            return value
        try:
            duration = parse_duration(str(value))
        except OverflowError:
            days = {"min_days": timedelta.min.days, "max_days": timedelta.max.days}
            text = "The number of days must be between {min_days} and {max_days}."
            raise self.refused("overflow", text, **days) from None
        if duration is None:
            formats = "[DD] [HH:[MM:]]ss[.uuuuuu]"
            raise self.refused("invalid", f"Duration {_WRONG_FORMAT}", format=formats)
        return duration

    def limits(self) -> tuple[Validator, ...]:  # noqa: D102 - see Field
        return within(self.min_value, self.max_value, self.error_messages)

    def describe(self, name: str | None) -> dict[str, Any]:  # noqa: D102 - see Field
        bounds = {"min_value": self.min_value, "max_value": self.max_value}
        return super().describe(name) | {key: str(bound) for key, bound in bounds.items() if bound is not None}

    def value_type(self, *, request: bool) -> Any:  # noqa: ANN401, ARG002, D102 - see Field
        return str

    def representation(self, kind: type | None = None) -> Callable[[Any], Any]:  # noqa: ARG002, D102 - see Field
        if self.format is None:
            return seconds_text
        return _iso_duration if self.format.lower() == ISO_8601 else _django_duration


def _written(moment: datetime, *, zone: tzinfo | None, pattern: str) -> str:
    if zone is None:
        local = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    else:
        local = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
    if pattern.lower() != ISO_8601:
        return local.strftime(pattern)
    text = local.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def parse_duration(text: str) -> timedelta | None:
    """What Django's `parse_duration` reads, None where it is none.

    Raises:
        OverflowError: it is longer than any.
    """
    for pattern in _DURATIONS:
        match = pattern.match(text)
        if match is None:
            continue
        parts = match.groupdict()
        sign = -1 if parts.pop("sign") == "-" else 1
        if parts.get("microseconds"):
            parts["microseconds"] = parts["microseconds"].ljust(6, "0")
        numbers = {name: float(part.replace(",", ".")) for name, part in parts.items() if part is not None}
        days = timedelta(numbers.pop("days", 0.0))
        return (days * sign if pattern is _DURATIONS[1] else days) + sign * timedelta(**numbers)
    return None


def _parts(duration: timedelta) -> tuple[int, str, str, str, str]:
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{duration.microseconds:06d}" if duration.microseconds else ""
    return duration.days, f"{hours:02d}", f"{minutes:02d}", f"{seconds:02d}", fraction


def _django_duration(duration: timedelta) -> str:
    days, hours, minutes, seconds, fraction = _parts(duration)
    return (f"{days} " if days else "") + f"{hours}:{minutes}:{seconds}{fraction}"


def _iso_duration(duration: timedelta) -> str:
    days, hours, minutes, seconds, fraction = _parts(abs(duration))
    return f"{'-' if duration < timedelta() else ''}P{days}DT{hours}H{minutes}M{seconds}{fraction}S"


def parse_date(text: str) -> date:
    """Django's `parse_date`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        if (match := _DATE.match(text)) is None:
            raise
    year, month, day = map(int, match.groups())
    return date(year, month, day)


def parse_time(text: str) -> time:
    """Django's `parse_time`, which leaves an offset out."""
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        if (match := _TIME.match(text)) is None:
            raise
    hour, minute, second, fraction = match.groups()
    return time(int(hour), int(minute), int(second or 0), int((fraction or "").ljust(6, "0")))
