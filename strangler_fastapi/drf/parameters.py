"""Texts of a query string as whole numbers and moments."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from strangler_fastapi.drf.validators import Invalid
from strangler_fastapi.errors import ValidationFailed

_DATETIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})"
    r"(?::(\d{1,2})(?:[.,](\d{1,6})\d{0,6})?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$"
)
# PostgreSQL takes no offset of 16 hours or more. Django hands it on, and fails there.
_LARGEST_OFFSET = timedelta(hours=16)
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
_LONGEST_INTEGER = 1000
# 7.0 is taken for 7.
_DECIMAL_ZEROS = re.compile(r"\.0*\s*$")


class BeyondDatabase(Invalid):
    """A value that Django takes and the database doesn't: v1 fails on it once it asks the database, and not before."""


def parse_datetime(text: str, zone: tzinfo = UTC) -> datetime:
    """What Django's `parse_datetime` reads, as a moment of UTC; `zone` is that of one without an offset.

    Raises:
        Invalid: it is no time, or not one alone in the zone.
        BeyondDatabase: its offset is larger than any that PostgreSQL takes.
    """
    try:
        value = read_datetime(text)
    except (ValueError, OverflowError):
        raise Invalid("Enter a valid date/time.") from None
    if abs(value.utcoffset() or timedelta()) >= _LARGEST_OFFSET:
        raise BeyondDatabase("Enter a valid date/time.")
    return as_utc(value) if value.tzinfo else in_zone(value, zone)


def in_zone(value: datetime, zone: tzinfo) -> datetime:
    """A time of a zone as a moment of UTC (`from_current_timezone` of Django's forms).

    Raises:
        Invalid: a clock that is put forward leaves it out, or one that is put back has it twice.
    """
    if zone.utcoffset(value.replace(fold=not value.fold)) != zone.utcoffset(value):
        raise Invalid(
            f"{value} couldn\u2019t be interpreted in time zone {zone}; it may be ambiguous or it may not exist.",
            "ambiguous_timezone",
        )
    return as_utc(value.replace(tzinfo=zone))


def as_utc(value: datetime) -> datetime:
    """The same moment in UTC, or the first or last that Python knows where it lies outside: asyncpg sends no other."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return _FIRST if value.year == 1 else _LAST


def read_datetime(text: str) -> datetime:
    """Django's `parse_datetime`.

    Raises:
        ValueError: it is no time.
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if (match := _DATETIME.match(text)) is None:
            raise
    year, month, day, hour, minute, second = (int(number or 0) for number in match.groups()[:6])
    fraction, offset = match.groups()[6:]
    microsecond = int((fraction or "").ljust(6, "0"))
    moment = datetime(year, month, day, hour, minute, second, microsecond)  # noqa: DTZ001 - the offset comes next
    return moment.replace(tzinfo=_timezone(offset)) if offset else moment


def _timezone(offset: str) -> timezone:
    if offset == "Z":
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    delta = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-delta if offset.startswith("-") else delta)


@dataclass(frozen=True, kw_only=True)
class IntegerParameter:
    """A whole number in a query string (`serializers.IntegerField` on a QueryDict); left out or empty, the default."""

    default: int
    least: int
    most: int
    description: str = "A whole number."

    def clean(self, text: str | None) -> int:
        """The number that `text` stands for.

        Raises:
            Invalid: it stands for none, or for one out of range.
        """
        if not text:
            return self.default
        if len(text) > _LONGEST_INTEGER:
            raise Invalid("String value too large.", "max_string_length")
        try:
            number = int(_DECIMAL_ZEROS.sub("", text))
        except ValueError:
            raise Invalid("A valid integer is required.") from None
        if number > self.most:
            raise Invalid(f"Ensure this value is less than or equal to {self.most}.", "max_value")
        if number < self.least:
            raise Invalid(f"Ensure this value is greater than or equal to {self.least}.", "min_value")
        return number


def integer_parameter(params: Mapping[str, str], name: str, field: IntegerParameter) -> int:
    """The parameter `name` of a query string.

    Raises:
        ValidationFailed: it is no whole number in the field's range.
    """
    try:
        return field.clean(params.get(name))
    except Invalid as error:
        raise ValidationFailed({name: error.detail}) from None
