"""The contract file: what Django says of its tables, as `manage.py export_schema` wrote it and people reviewed it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

FILE = Path(__file__).with_name("contract.json")

# What a column's `default_callable` names, without importing the project that defines it.
_CALLABLES: dict[str, Callable[[], object]] = {
    "django.utils.timezone.now": lambda: datetime.now(UTC),
    "uuid.uuid4": uuid4,
    "builtins.dict": dict,
    "builtins.list": list,
}


@dataclass(frozen=True)
class Reference:
    """A foreign key that points at a table; `on_delete` is Django's word (CASCADE, SET_NULL, …)."""

    table: str
    column: str
    target_column: str
    on_delete: str


@cache
def load_contract(file: Path = FILE) -> dict[str, Any]:
    """The tables by name, each with its columns by name."""
    tables: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["tables"]
    return tables


def references_to(table: str) -> list[Reference]:
    """Every foreign key of the project that points at `table`, M2M tables included, by table and column."""
    return [
        Reference(name, column, facts["references"]["column"], facts["references"]["on_delete"])
        for name, child in sorted(load_contract().items())
        for column, facts in sorted(child["columns"].items())
        if facts.get("references", {}).get("table") == table
    ]


def primary_key_of(table: str) -> str:
    """The name of the primary key's column."""
    columns: dict[str, dict[str, Any]] = load_contract()[table]["columns"]
    return next(name for name, facts in columns.items() if facts["primary_key"])


def django_defaults(table: str) -> dict[str, Any]:
    """What Django writes into a new row's columns where nobody says otherwise; the database has no defaults of its own.

    Times are those of this call.
    """
    columns = load_contract()[table]["columns"]
    return {name: _default(facts) for name, facts in columns.items() if _has_default(facts)}


def _has_default(facts: dict[str, Any]) -> bool:
    return bool(facts.get("auto_now_add") or facts.get("auto_now") or facts.keys() & {"default", "default_callable"})


def _default(facts: dict[str, Any]) -> Any:  # noqa: ANN401 - a value of the column's type
    if "default" in facts:
        return facts["default"]
    return _CALLABLES[facts.get("default_callable", "django.utils.timezone.now")]()
