"""Numbers and flags that a queryset annotates rows with, as SQL expressions about a mapped class."""

from typing import Any, Final

from strangler.adoption.scaffold.code import Call, Code, call, quoted
from strangler.adoption.scaffold.conditions import RowConditions
from strangler.adoption.scaffold.links import CALLER_ROWS, RowLinks
from strangler.adoption.scaffold.tables import Tables, UnreadableError
from strangler.adoption.serializer_facts import MatchedRows

_LINKS: Final = "strangler_fastapi.drf.links"
_SUMS: Final = ("+", "-")
_AGGREGATES: Final = ("avg", "sum", "max", "min")


def is_float(found: list[Any]) -> bool:
    """Whether what rows are annotated with is a float: an average, or that or another number."""
    return found[0] == "avg" or (found[0] == "coalesce" and any(is_float(each) for each in found[1:]))


class RowNumbers:
    """Writes the numbers of rows of `model`; `tables` learns which columns they need, `imports` which names."""

    def __init__(self, model: str, table: str, tables: Tables, imports: dict[str, set[str]]) -> None:
        self._model = model
        self._table = table
        self._tables = tables
        self._imports = imports
        self._conditions = RowConditions(model, table, tables, imports)

    def code(self, found: list[Any]) -> Code:
        """One number.

        :raises UnreadableError: it is about a column that can't be used.
        """
        kind, *given = found
        if kind == "count":
            return self._count(*given)
        if kind in _AGGREGATES:
            return self._aggregate(kind, *given)
        if kind == "matches":
            return self._matches(MatchedRows.model_validate(given[0]), denied=given[1])
        if kind == "column":
            return self._conditions.column(given[0])
        if kind == "value":
            return "null()" if self._is_null(given[0]) else quoted(given[0])
        if kind == "coalesce":
            self._use("sqlalchemy", "func")
            return call("func.coalesce", *map(self.code, given))
        if kind == "case":
            self._use("sqlalchemy", "case")
            cases, otherwise = given
            pairs = [f"({self._conditions.code(condition)}, {self._text(then)})" for condition, then in cases]
            return call("case", *pairs, else_=self.code(otherwise))
        left, right = self._operand(given[0], kind), self._operand(given[1], kind, is_last=True)
        return f"{left} {kind} {right}"

    def _operand(self, found: list[Any], kind: str, *, is_last: bool = False) -> str:
        """A side of a calculation, in brackets where it needs them."""
        text = self._text(found)
        is_sum = found[0] in _SUMS
        needs = is_sum and (kind not in _SUMS or (is_last and kind == "-"))
        return f"({text})" if needs else text

    def _text(self, found: list[Any]) -> str:
        code = self.code(found)
        if isinstance(code, Call):
            return f"{code.head}({', '.join(map(str, code.arguments))})"
        return str(code)

    def _count(self, table: str, field: str) -> Code:
        """How many rows of a table point at one."""
        target = self._tables.use(table, self._tables.column_of(table, field)[0])
        self._use(_LINKS, "one_to_many", "related_count")
        return call("related_count", self._model, f"one_to_many({self._model}, {target}, {quoted(field)})")

    def _aggregate(self, function: str, table: str, field: str, column: str) -> Code:
        """What is made of a column of the rows that point at one."""
        name, facts = self._tables.column_of(table, column)
        if facts.read_by:
            raise UnreadableError(f"values of {facts.field} are made by {facts.read_by[0]}")
        target = self._tables.use(table, name, self._tables.column_of(table, field)[0])
        self._use(_LINKS, "one_to_many", "related_number")
        link = f"one_to_many({self._model}, {target}, {quoted(field)})"
        return call("related_number", self._model, link, quoted(function), quoted(column))

    def _matches(self, rows: MatchedRows, *, denied: bool) -> Code:
        """Whether there are rows of a table, or where that is denied none."""
        links = RowLinks(self._model, self._table, self._tables, self._imports)
        found = call("has_matching_rows", self._model, links.matching(rows))
        self._use(CALLER_ROWS, "has_matching_rows")
        if denied:
            self._use("sqlalchemy", "not_")
        return call("not_", found) if denied else found

    def _is_null(self, value: object) -> bool:
        if value is None:
            self._use("sqlalchemy", "null")
        return value is None

    def _use(self, module: str, *names: str) -> None:
        self._imports.setdefault(module, set()).update(names)
