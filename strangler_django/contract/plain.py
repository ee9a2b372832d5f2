"""Converts Python values to JSON, the same in every process; shared_schema reads them by column type."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from math import isfinite
from typing import Any
from uuid import UUID

from django.utils.duration import duration_iso_string
from django.utils.functional import Promise


def plain(value: Any) -> Any:  # noqa: ANN401 - any value of a project
    """A value in JSON's words.

    Dates, times and durations are ISO 8601, decimals and UUIDs their text, bytes PostgreSQL's hex. Of what has no form
    in JSON only the class is written: the rest of its `repr` may be another in each process.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=repr)
    return _text(value)


def callable_path(value: Any) -> str:  # noqa: ANN401 - a function, a class, an instance that can be called
    """What a callable is imported by; one made by `partial` can't be, and is called `partial(…)` of that inside."""
    if isinstance(value, partial):
        return f"partial({callable_path(value.func)})"
    named = value if hasattr(value, "__qualname__") else type(value)
    module = named.__module__
    if module is None:
        # A method of a class that is written in C, such as date.today.
        owner = named.__self__
        module = (owner if isinstance(owner, type) else type(owner)).__module__
    return f"{module}.{named.__qualname__}"


def _text(value: Any) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_iso_string(value)
    if isinstance(value, Decimal | UUID | Promise):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"\\x{bytes(value).hex()}"
    if isinstance(value, re.Pattern):
        return plain(value.pattern)
    if hasattr(value, "lower_inc"):
        # psycopg's Range, whichever module it is imported from.
        return {"lower": plain(value.lower), "upper": plain(value.upper), "bounds": value._bounds}  # noqa: SLF001 - empty ones have no public form
    return callable_path(value)
