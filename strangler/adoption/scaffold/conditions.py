"""What the constant filters of a queryset say of its rows, as SQL expressions about a mapped class."""

from typing import Any, Final

from strangler.adoption.scaffold.code import quoted
from strangler.adoption.scaffold.tables import Tables

_COMPARED: Final = {"exact": "==", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_JOINED: Final = {"and": "and_", "or": "or_", "not": "not_"}


class RowConditions:
    """Writes the conditions of rows of `model`; `tables` learns which columns they need, `imports` which names."""

    def __init__(self, model: str, table: str, tables: Tables, imports: dict[str, set[str]]) -> None:
        self._model = model
        self._table = table
        self._tables = tables
        self._imports = imports

    def code(self, condition: list[Any]) -> str:
        """One condition.

        :raises UnreadableError: it is about a column that can't be used.
        """
        kind, *given = condition
        if kind in _JOINED:
            self._imports.setdefault("sqlalchemy", set()).add(_JOINED[kind])
            return f"{_JOINED[kind]}({', '.join(map(self.code, given))})"
        path, lookup, value = given
        column = self.column(path, is_compared=not (value is None or lookup == "isnull"))
        if value is None or isinstance(value, bool) or lookup == "isnull":
            truth = "None" if lookup == "isnull" or value is None else str(value)
            return f"{column}.{'is_not' if (lookup, value) == ('isnull', False) else 'is_'}({truth})"
        if lookup in _COMPARED:
            return f"{column} {_COMPARED[lookup]} {quoted(value)}"
        if lookup == "in":
            return f"{column}.in_([{', '.join(map(quoted, value))}])"
        return f"{column}.{lookup}({quoted(value)}, autoescape=True)"

    def column(self, path: str, *, is_compared: bool = True) -> str:
        """The column at the end of a path, which may be looked at for null alone.

        :raises UnreadableError: it can't be used.
        """
        (self._tables.compared if is_compared else self._tables.follow)(self._table, path.split("__"))
        if "__" not in path:
            return f"{self._model}.{self._tables.attribute_of(self._table, path)}"
        self._imports.setdefault("strangler_fastapi.drf.links", set()).add("related_column")
        return f"related_column({self._model}, {quoted(path)})"
