"""Converts values of the contract file to Python: JSON has neither dates nor decimals."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from types import GenericAlias
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy.dialects.postgresql import Range

WITH_TIME_ZONE: Final = "with time zone"

_TYPES: Final[dict[str, type]] = {
    "bigint": int,
    "boolean": bool,
    "bytea": bytes,
    "character": str,
    "character varying": str,
    "citext": str,
    "date": date,
    "double precision": float,
    "integer": int,
    "interval": timedelta,
    "numeric": Decimal,
    "real": float,
    "smallint": int,
    "text": str,
    "time": time,
    "timestamp": datetime,
    "uuid": UUID,
    "xid8": int,
}
_RANGES: Final = {
    "daterange": "date",
    "int4range": "integer",
    "int8range": "bigint",
    "numrange": "numeric",
    "tsrange": "timestamp without time zone",
    "tstzrange": "timestamp with time zone",
}
# The smallest is one further from zero.
BIGGEST: Final = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def python_type(type_name: str) -> Any:  # noqa: ANN401 - a type, or a list of one
    """The Python type of the values of a column; None where they stand as they are (JSON, ranges, a type of one's own).

    `type_name` is as PostgreSQL's format_type spells it.
    """
    if type_name.endswith("[]"):
        item = python_type(type_name.removesuffix("[]"))
        return None if item is None else GenericAlias(list, item)
    bare = re.sub(r"\([^)]*\)", "", type_name)
    return _TYPES.get(re.sub(r" with(out)? time zone$", "", bare))


def as_column(value: Any, type_name: str) -> Any:  # noqa: ANN401 - whatever the column holds
    """`value` as a column of that type takes it: a constant of the file, or what a callable gave.

    Raises:
        ValidationError: the column can't hold it.
    """
    kind = python_type(type_name)
    if type_name in _RANGES and isinstance(value, dict):
        return _range(value, _RANGES[type_name])
    if type_name.endswith("[]") and isinstance(value, list | tuple):
        # Of several dimensions the type is the same.
        inner = type_name.removesuffix("[]")
        return [as_column(each, type_name if isinstance(each, list | tuple) else inner) for each in value]
    if value is None or kind is None:
        return value
    if kind is str:
        return value if isinstance(value, str) else str(value)
    if kind is bytes and isinstance(value, str):
        return bytes.fromhex(value.removeprefix("\\x"))
    if isinstance(value, datetime) and kind is date:
        # As Django's DateField: the day where the service runs.
        return (value if value.tzinfo is None else value.astimezone()).date()
    if isinstance(value, datetime) and kind is time:
        return value.time()
    return _adapter(kind).validate_python(value)


def fits(value: Any, type_name: str) -> bool:  # noqa: ANN401 - whatever the column holds
    """Whether a number is within what the column's type holds; the driver refuses others, PostgreSQL finds no row."""
    biggest = BIGGEST.get(type_name)
    return biggest is None or not isinstance(value, int) or -biggest - 1 <= value <= biggest


def _range(facts: dict[str, Any], type_name: str) -> Range[Any]:
    """A range as the contract has it: `lower`, `upper`, and `bounds`, which an empty one has none of."""
    if facts["bounds"] is None:
        return Range(empty=True)
    lower, upper = (as_column(facts[bound], type_name) for bound in ("lower", "upper"))
    return Range(lower, upper, bounds=facts["bounds"])


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - as above
    return TypeAdapter(kind)
