"""Filters of what a JSON column holds under a key, as Django finds it (`data__colour`).

"colour": json_filter(lambda: json_value(Ware.data, "colour"), TEXT),
"maker": column_filter(lambda: json_text(Ware.data, "maker", "name"), TEXT, "icontains"),
"plain": column_filter(lambda: json_value(Ware.data, "colour"), TEXT, "isnull"),
"""

import json
import math
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, bindparam, cast, false, literal_column
from sqlalchemy.dialects.postgresql import JSONB

from strangler_fastapi.drf.criteria import Criterion
from strangler_fastapi.drf.filters.filter_forms import FormField
from strangler_fastapi.drf.filters.filtering import Attribute, Filter, read_boolean

_OPERATORS: Final = {"exact": "=", "contains": "@>"}

# What a BooleanFilter of `django_filters.rest_framework` reads; anything else is ignored.
TRUE_OR_FALSE: Final = FormField(read_boolean, "true")


def json_filter(value: Attribute, form: FormField, lookup: str = "exact") -> Filter:
    """JSON that is the text, number or boolean that `form` reads, or `contains` it, as a list may.

    Raises:
        LookupError: there is no such lookup, or what the form reads is no JSON, such as a decimal or a day.
    """
    if lookup not in _OPERATORS:
        raise LookupError(f"{lookup} is no lookup of JSON: compare its text with column_filter and json_text.")
    try:
        json.dumps(form.read(form.sample))
    except TypeError as error:
        raise LookupError(f"{error}: read it by INTEGER, FLOAT, TEXT or TRUE_OR_FALSE instead.") from None

    def read(name: str, text: str) -> Criterion | None:
        sought = form.read(text)
        if sought is None:
            return None
        if isinstance(sought, float) and not math.isfinite(sought):
            # No JSON holds it.
            return Criterion("nothing", false)

        def clause() -> ColumnElement[bool]:
            compared = value().op(_OPERATORS[lookup], is_comparison=True)
            found: ColumnElement[bool] = compared(cast(bindparam(name, type_=Text), JSONB))
            return found

        return Criterion(name, clause, {name: json.dumps(sought)})

    said = "The whole value." if lookup == "exact" else "The value, or one of its list."
    return Filter(read, samples=(form.sample,), description=said)


def json_value(column: Any, *keys: str) -> ColumnElement[Any]:  # noqa: ANN401 - a mapped attribute
    """What a JSON column holds under keys of objects within one another; null where there is no such key."""
    for key in keys:
        column = column.op("->", return_type=JSONB())(_constant(key))
    found: ColumnElement[Any] = column
    return found


def json_text(column: Any, *keys: str) -> ColumnElement[str]:  # noqa: ANN401 - a mapped attribute
    """The same as text."""
    *outer, last = keys
    found: ColumnElement[str] = json_value(column, *outer).op("->>", return_type=Text())(_constant(last))
    return found


def _constant(key: str) -> ColumnElement[Any]:
    """A key in the statement itself: PostgreSQL finds an index of such an expression by nothing else."""
    quoted = key.replace("'", "''")
    return literal_column(f"'{quoted}'")
