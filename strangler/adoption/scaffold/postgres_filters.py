"""Filters of PostgreSQL's own kinds of columns as code: of arrays, and of what JSON holds under a key."""

from typing import Final

from shared_schema.contract.contract import ColumnFacts
from strangler.adoption.list_facts import FilterParameter
from strangler.adoption.scaffold.code import Call, call, quoted
from strangler.adoption.scaffold.column_kinds import NAMES, TEXT_LOOKUPS
from strangler.adoption.scaffold.filter_forms import FilterForms
from strangler.adoption.scaffold.tables import Tables, UnreadableError
from strangler.adoption.scaffold.written_list import WrittenList

_ARRAY_FILTERS: Final = "strangler_fastapi.drf.array_filters"
_FILTERS: Final = "strangler_fastapi.drf.filters"
_JSON_FILTERS: Final = "strangler_fastapi.drf.json_filters"
_COMPARED: Final = ("exact", "gt", "gte", "lt", "lte")
# Those of an array, and by the filter that reads each of several values, the form of these.
_ARRAY_LOOKUPS: Final = frozenset({"exact", "contains", "contained_by", "overlap"})
_ARRAY_FORMS: Final = {
    "CharFilter": "TEXT",
    "Filter": "SENT_TEXT",
    "NumberFilter": "NUMBER",
    "UUIDFilter": "IDENTIFIER",
}
# The form of what is compared with JSON under a key, by filter and lookup; other lookups of texts compare its text.
_KEY_FORMS: Final = {
    ("CharFilter", "exact"): "TEXT",
    ("CharFilter", "contains"): "TEXT",
    ("BooleanFilter", "exact"): "TRUE_OR_FALSE",
    ("BooleanFilter", "isnull"): "TEXT",
}


class PostgresFilters:
    """Writes the filters of such columns of `model`."""

    def __init__(self, made: WrittenList, model: str, table: str, tables: Tables, forms: FilterForms) -> None:
        self._made = made
        self._model = model
        self._table = table
        self._tables = tables
        self._forms = forms

    def of_key(self, parameter: FilterParameter, path: list[str]) -> Call | None:
        """The filter of what a JSON column holds under a key (`data__colour`); None of another column.

        :raises UnreadableError: Django compares it in a way that is not offered.
        """
        name, *keys = path
        columns = self._tables.facts(self._table).columns.values()
        facts = next((each for each in columns if each.field == name), None) if keys else None
        if facts is None or facts.kind != "JSONField":
            return None
        self._tables.follow(self._table, [name])
        # Of `0` Django makes the place in a list.
        is_plain = not (parameter.exclude or parameter.items or facts.written_by or any(key.isdigit() for key in keys))
        which = (parameter.kind, parameter.lookup)
        is_text = parameter.kind == "CharFilter" and parameter.lookup in TEXT_LOOKUPS
        if facts.type != "jsonb" or not is_plain or not (is_text or which in _KEY_FORMS):
            raise UnreadableError(f"a {parameter.kind} of {parameter.field} by {parameter.lookup}")
        found = self._use(_JSON_FILTERS, "json_text" if is_text else "json_value")
        column = f"{self._model}.{self._tables.attribute_of(self._table, name)}"
        value = f"lambda: {found}({', '.join([column, *map(quoted, keys)])})"
        form = "TEXT" if is_text else _KEY_FORMS[which]
        form = self._use(_JSON_FILTERS, form) if form == "TRUE_OR_FALSE" else self._forms.text(form)
        is_json = which in _KEY_FORMS and parameter.lookup != "isnull"
        made = self._use(_JSON_FILTERS, "json_filter") if is_json else self._use(_FILTERS, "column_filter")
        lookup = [quoted(parameter.lookup)] if parameter.lookup != "exact" else []
        return call(made, value, form, *lookup)

    def of_column(self, parameter: FilterParameter, column: str, facts: ColumnFacts) -> Call | None:
        """The filter of an array by its values, or by their number; None of another one."""
        if facts.kind != "ArrayField" or facts.items is None or facts.written_by:
            return None
        exclude = "True" if parameter.exclude else None
        size, _, compared = parameter.lookup.partition("__")
        if size == "len" and parameter.kind == "NumberFilter" and (compared or "exact") in _COMPARED:
            self._use(_ARRAY_FILTERS, "array_size")
            lookup = [quoted(compared)] if compared and compared != "exact" else []
            made, number = self._use(_FILTERS, "column_filter"), self._forms.text("NUMBER")
            return call(made, f"lambda: array_size({column})", number, *lookup, exclude=exclude)
        form = _ARRAY_FORMS.get(parameter.items or "")
        if form is None or parameter.lookup not in _ARRAY_LOOKUPS or facts.items.kind not in NAMES:
            return None
        lookup = [quoted(parameter.lookup)] if parameter.lookup != "exact" else []
        made, form = self._use(_ARRAY_FILTERS, "array_filter"), self._forms.text(form)
        return call(made, f"lambda: {column}", form, *lookup, exclude=exclude)

    def _use(self, module: str, name: str) -> str:
        self._made.imports.setdefault(module, set()).add(name)
        return name
