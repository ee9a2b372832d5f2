"""Query parameters that narrow and order a list: filters, `?search=`, `?ordering=`, and the lookup by primary key."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, false, func, literal, or_

from fastapi_app.drf.errors import NotFound, ValidationFailed
from fastapi_app.drf.validators import Invalid, check_storable

Params = Mapping[str, str]
# Reads one parameter's text; None means that it does not narrow.
Reader = Callable[[str], ColumnElement[bool] | None]

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
# One search term: quoted parts hold white space together.
_TERM = re.compile(r"""(?:[^\s'"]*(?:(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')[^\s'"]*)+)|\S+""")
_DATETIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})"
    r"(?::(\d{1,2})(?:[.,](\d{1,6})\d{0,6})?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$"
)
_BIGGEST_KEY = 2**63 - 1
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


def filter_conditions(params: Params, filters: Mapping[str, Reader]) -> list[ColumnElement[bool]]:
    """The conditions of the filters that `params` name.

    Raises:
        ValidationFailed: with every filter's error, in the order of `filters`.
    """
    conditions, errors = [], {}
    for name, reader in filters.items():
        try:
            condition = reader(params.get(name, ""))
        except Invalid as error:
            errors[name] = error.detail
            continue
        if condition is not None:
            conditions.append(condition)
    if errors:
        raise ValidationFailed(errors)
    return conditions


def boolean_filter(column: Any) -> Reader:  # noqa: ANN401 - a mapped attribute
    """`true`, `1`, `false` or `0` in any case; everything else is ignored (`BooleanFilter`)."""

    def read(text: str) -> ColumnElement[bool] | None:
        value = _BOOLEANS.get(text.lower())
        return None if value is None else column.is_(value)

    return read


def text_filter(condition: Callable[[str], ColumnElement[bool]]) -> Reader:
    """A whole text, white space around it cut off (`CharFilter`)."""

    def read(text: str) -> ColumnElement[bool] | None:
        stripped = text.strip()
        return condition(_checked(stripped)) if stripped else None

    return read


def datetime_filter(condition: Callable[[datetime], ColumnElement[bool]]) -> Reader:
    """An ISO 8601 time; without an offset it is UTC (`IsoDateTimeFilter`)."""

    def read(text: str) -> ColumnElement[bool] | None:
        return condition(parse_datetime(text.strip())) if text else None

    return read


def parse_datetime(text: str) -> datetime:
    """What Django's `parse_datetime` reads, in UTC where no offset is given.

    Raises:
        Invalid: it is no time.
    """
    try:
        value = _parse(text)
    except (ValueError, OverflowError):
        raise Invalid("Enter a valid date/time.") from None
    return _in_utc(value) if value.tzinfo else value.replace(tzinfo=UTC)


def search_condition(params: Params, columns: tuple[Any, ...]) -> list[ColumnElement[bool]]:
    """Every term of `?search=` must be in one of `columns`, in any case (`SearchFilter`, icontains).

    Raises:
        ValidationFailed: a character that no column can hold.
    """
    text = params.get("search", "")
    try:
        check_storable(text)
    except Invalid as error:
        raise ValidationFailed(error.detail) from None
    terms = _search_terms(text)
    return [and_(*(or_(*(_contains(column, term) for column in columns)) for term in terms))] if terms else []


def ordering(
    params: Params,
    allowed: Mapping[str, Any],
    *,
    key: Any,  # noqa: ANN401 - a mapped attribute
    default: tuple[str, ...],
) -> list[ColumnElement[Any]]:
    """The terms of `?ordering=`; unknown ones are dropped, and where none is left `default` holds.

    `key`, the id, is the last term, in the direction of the one before it, so that rows of equal rank stay on their
    page.
    """
    asked = (term.strip() for term in params.get("ordering", "").split(","))
    terms = [term for term in asked if term.removeprefix("-") in allowed] or list(default)
    if not any(term.lstrip("-") == "id" for term in terms):
        terms.append("-id" if terms[-1].startswith("-") else "id")
    columns = {**allowed, "id": key}
    return [columns[term[1:]].desc() if term.startswith("-") else columns[term].asc() for term in terms]


def primary_key(column: Any, text: str) -> ColumnElement[bool]:  # noqa: ANN401 - a mapped attribute
    """`column` equals the number in the path; a number too large for the column matches nothing.

    Raises:
        NotFound: it is no number.
    """
    try:
        key = int(text)
    except ValueError:
        raise NotFound from None
    return column == key if abs(key) <= _BIGGEST_KEY else false()


def _checked(text: str) -> str:
    if "\x00" in text:
        raise Invalid("Null characters are not allowed.")
    return text


def _contains(column: Any, term: str) -> ColumnElement[bool]:  # noqa: ANN401 - a mapped attribute
    escaped = re.sub(r"([\\%_])", r"\\\1", term)
    return func.upper(cast(column, Text)).like(func.upper(literal(f"%{escaped}%", Text)))


def _search_terms(text: str) -> list[str]:
    terms: list[str] = []
    for match in _TERM.finditer(text):
        term = match.group().strip(",")
        if term.startswith(('"', "'")) and term[0] == term[-1]:
            terms.append(term[1:-1].replace(f"\\{term[0]}", term[0]).replace("\\\\", "\\"))
        else:
            terms.extend(part.strip() for part in term.split(",") if part)
    return terms


def _in_utc(value: datetime) -> datetime:
    """The same moment in UTC, or the first or last that Python knows where it lies outside: asyncpg sends no other."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return _FIRST if value.year == 1 else _LAST


def _parse(text: str) -> datetime:
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
