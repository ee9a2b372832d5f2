"""Rows that callers have in other tables, as constants of a feature's `permissions.py`."""

from collections.abc import Iterator
from typing import Any

from strangler.adoption.access_facts import StoredRows
from strangler.adoption.scaffold.access.authenticators import Authenticators
from strangler.adoption.scaffold.code import Code, Items, call, dictionary, quoted, statement
from strangler.adoption.scaffold.modules import Module
from strangler.adoption.scaffold.tables import Tables, snake


class StoredConstants:
    """The constants of one feature, each written once."""

    def __init__(self, tables: Tables, authenticators: Authenticators) -> None:
        self._tables = tables
        self._authenticators = authenticators
        self._codes: dict[str, Code] = {}
        self._models: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(self._codes)

    def use(self, *rules: bool | list[Any] | None) -> dict[str, str]:
        """The constants that rules need, by the key of the rows.

        Raises:
            UnreadableError: the service doesn't know the callers, or not the columns.
        """
        return {key_of(facts): self._constant(StoredRows.model_validate(facts)) for facts in _asked(rules)}

    def write(self, module: Module, package: str) -> None:
        """Adds them to the module."""
        if not self._codes:
            return
        module.use("strangler_fastapi.drf.views.caller_permissions", "RowsOfCaller")
        module.use(f"{package}.models", *self._models)
        module.add(*(statement(name, code) for name, code in self._codes.items()), "", "")

    def _constant(self, rows: StoredRows) -> str:
        columns = [self._tables.column_of(rows.table, each[0])[0] for each in rows.where]
        model = self._tables.use(rows.table, *columns)
        within: dict[str, Code] = {}
        values: dict[str, Code] = {}
        for column, (_, kind, value) in zip(columns, rows.where, strict=True):
            name = self._tables.attribute_of(rows.table, column)
            if kind == "path":
                within[name] = quoted(value)
            else:
                values[name] = Items("()", tuple(map(quoted, value)))
        made = call(
            "RowsOfCaller",
            model,
            caller=quoted(self._authenticators.caller_column(rows.table, rows.caller)),
            within=dictionary(within) if within else None,
            values=dictionary(values) if values else None,
        )
        plain = f"{snake(model)}_rows".upper()
        names = (plain, *(f"{plain}_{number}" for number in range(2, 100)))
        name = next(each for each in names if self._codes.get(each, made) == made)
        self._codes[name] = made
        self._models.add(model)
        return name


def key_of(facts: dict[str, Any]) -> str:
    """What tells such rows from others."""
    return f"stored {StoredRows.model_validate(facts).model_dump_json()}"


def _asked(rules: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - rules, and rules within them
    for rule in rules:
        match rule:
            case ["stored", facts]:
                yield facts
            case ["and" | "or" | "not", *parts]:
                yield from _asked(parts)
