"""What Django writes where nobody says otherwise, on tables that know nothing of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from shared_schema.contract import ColumnFacts, load_contract

# What a column's `default_callable` names, without importing the project that defines it.
_CALLABLES: dict[str, Callable[[], object]] = {
    "django.utils.timezone.now": lambda: datetime.now(UTC),
    "uuid.uuid4": uuid4,
    "builtins.dict": dict,
    "builtins.list": list,
}


def django_defaults(table: str) -> dict[str, Any]:
    """What Django writes into a new row's columns where nobody says otherwise; the database has no defaults of its own.

    Times are those of this call.
    """
    columns = load_contract().tables[table].columns
    return {name: _default(facts) for name, facts in columns.items() if _is_filled(facts)}


def _is_filled(facts: ColumnFacts) -> bool:
    return facts.has_default or facts.default_callable is not None or facts.auto_now or facts.auto_now_add


def _default(facts: ColumnFacts) -> Any:  # noqa: ANN401 - a value of the column's type
    if facts.has_default:
        return facts.default
    return _CALLABLES[facts.default_callable or "django.utils.timezone.now"]()
