"""Values for Django's fields: a few, so that they meet again, and those at the edges of what fits."""

import datetime as dt
import random
import uuid
from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

# No compression makes it fit into the page of an index.
_LONG = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=9000))  # noqa: S311 - any text
_UUIDS = tuple(uuid.UUID(int=number) for number in (1, 2, 3))
_INTEGERS = (0, 1, 2, -1, 7, -(2**15), 32_767, 40_000, -(2**31), 2**31 - 1, 2**40, 2**63 - 1)
_TIMES = tuple(dt.datetime(2024, 1, day, 12, 30, 15, 250_000, tzinfo=dt.UTC) for day in (1, 2))
_LIMITS: dict[type, tuple[int, int]] = {
    models.PositiveIntegerField: (0, 2**31),
    models.SmallIntegerField: (-(2**15), 2**15),
    models.IntegerField: (-(2**31), 2**31),
    models.BigIntegerField: (-(2**63), 2**63),
}


def values_for(field: Any) -> tuple[Any, ...]:
    """Values, none of them None, that fit into a field."""
    match field:
        case models.CharField():
            texts = ("", "a", "b", "A", "x" * (field.max_length or 20))
            return tuple(text for text in texts if len(text) <= (field.max_length or 20))
        case models.TextField():
            return ("", "a", "b", "A", _LONG)
        case models.DecimalField():
            digits, places = field.max_digits or 1, field.decimal_places or 0
            return tuple(Decimal(number).scaleb(-places) for number in (0, 15, 10**digits - 1, 1 - 10**digits))
        case models.BooleanField():
            return (True, False)
        case models.DateTimeField():
            return _TIMES
        case models.DateField():
            return tuple(time.date() for time in _TIMES)
        case models.UUIDField():
            return _UUIDS
        case models.JSONField():
            return ({"a": 1}, [], "x", 3)
        case ArrayField():
            inner = values_for(field.base_field)
            return ([], [inner[0]], [*inner[:3]])
        case models.IntegerField():
            low, high = next(limits for kind, limits in _LIMITS.items() if isinstance(field, kind))
            return tuple(number for number in _INTEGERS if low <= number < high)
    raise TypeError(field)
