"""Paths that name a row and those that it belongs to: `/titles/{title_id}/reviews/{pk}/`."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from shared_schema.contract.contract import Contract
from strangler.compare.generate.facts import key_column
from strangler.compare.generate.operations import Operation
from strangler.compare.generate.stored import StoredValues

VARIABLE: Final = re.compile(r"\{([^{}/]+)\}")


class NestedPaths:
    """Fills the variables of paths for one row, as far as the views say what each is (`EndpointFacts.places`)."""

    def __init__(self, stored: StoredValues, contract: Contract) -> None:
        self._stored = stored
        self._contract = contract

    def keyed(self, operation: Operation) -> tuple[str, str] | None:
        """The table and the column whose values name such a row; None of another path, and where there are no rows."""
        variables, places, table = VARIABLE.findall(operation.path), operation.facts.places, operation.table
        facts = self._contract.tables.get(table)
        # Of a single one the rows that it names are those of another list, with rows of their own or without.
        if facts is None or len(variables) <= 1 or not {*variables} & {*places}:
            return None
        key = facts.primary_key[0] if len(facts.primary_key) == 1 else ""
        last = variables[-1]
        column = key if last in places else key_column(last, operation.facts.lookup, table, self._contract)
        return (table, column) if column and self._stored.keys(table, column) else None

    def path(self, operation: Operation, key: Any, text: str | None = None) -> str:  # noqa: ANN401 - of any type
        """The path for the row with that key, with another text, which is quoted, as its last variable."""
        found, variables = self.keyed(operation), VARIABLE.findall(operation.path)
        values: dict[str, str] = {}
        for name in variables:
            is_other = text is not None and name == variables[-1]
            values[name] = str(text) if is_other else quote(self._value(operation, found, key, name), safe="")
        return VARIABLE.sub(lambda each: values[each[1]], operation.path)

    def _value(self, operation: Operation, keyed: tuple[str, str] | None, key: object, variable: str) -> str:
        """What a variable is for a row: its key, or a column of a row that it leads to."""
        path = operation.facts.places.get(variable)
        if path is None and variable != VARIABLE.findall(operation.path)[-1]:
            # The view's code looks at others alone.
            return "1"
        if path is None or keyed is None:
            return str(key)
        table, where = operation.table, {keyed[1]: key}
        *steps, last = path.split("__")
        for step in steps:
            found = self._read(table, step, where)
            reference = self._contract.tables[table].columns[self._column(table, step)].references
            if reference is None or found is None:
                return "0"
            table, where = reference.table, {reference.column: found}
        found = self._read(table, last, where)
        return "0" if found is None else str(found)

    def _read(self, table: str, field: str, where: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of the column's type
        rows = self._stored.rows(table, [self._column(table, field)], where, limit=1)
        return rows[0][0] if rows else None

    def _column(self, table: str, field: str) -> str:
        facts = self._contract.tables[table]
        if field == "pk":
            return facts.primary_key[0]
        return next((name for name, each in facts.columns.items() if field in {name, each.field}), facts.primary_key[0])
