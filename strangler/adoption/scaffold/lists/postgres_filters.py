"""Filters of PostgreSQL's own kinds of columns as code: of arrays, ranges, and what JSON or hstore has under a key."""

from typing import Final

from shared_schema.contract.contract import ColumnFacts
from strangler.adoption.list_facts import FilterParameter
from strangler.adoption.scaffold.code import Call, Items, call, quoted
from strangler.adoption.scaffold.column_kinds import NAMES, RANGES, TEXT_LOOKUPS
from strangler.adoption.scaffold.lists.filter_forms import FilterForms
from strangler.adoption.scaffold.lists.written_list import WrittenList
from strangler.adoption.scaffold.tables import Tables, UnreadableError

_ARRAY_FILTERS: Final = "strangler_fastapi.drf.filters.array_filters"
_FILTERS: Final = "strangler_fastapi.drf.filters.filters"
_FILTERING: Final = "strangler_fastapi.drf.filters.filtering"
_JSON_FILTERS: Final = "strangler_fastapi.drf.filters.json_filters"
_RANGE_FILTERS: Final = "strangler_fastapi.drf.filters.range_filters"
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
# The filters of what is in a range of each kind.
_NUMBERS: Final = ("NumberFilter",)
_IN_RANGES: Final = {
    "BigIntegerRangeField": _NUMBERS,
    "DateRangeField": ("DateFilter",),
    "DateTimeRangeField": ("DateTimeFilter", "IsoDateTimeFilter"),
    "DecimalRangeField": _NUMBERS,
    "IntegerRangeField": _NUMBERS,
}
_ENDS: Final = {"startswith": "lower", "endswith": "upper"}
# Lookups of an hstore's text under a key.
_OF_TEXT: Final = TEXT_LOOKUPS | {"contains", "exact"}


class PostgresFilters:
    """Writes the filters of such columns of `model`."""

    def __init__(self, made: WrittenList, model: str, table: str, tables: Tables, forms: FilterForms) -> None:
        self._made = made
        self._model = model
        self._table = table
        self._tables = tables
        self._forms = forms

    def of_key(self, parameter: FilterParameter, path: list[str]) -> Call | None:
        """The filter of what a JSON column or an hstore holds under a key (`data__colour`); None of another column.

        :raises UnreadableError: Django compares it in a way that is not offered.
        """
        name, *keys = path
        columns = self._tables.facts(self._table).columns.values()
        facts = next((each for each in columns if each.field == name), None) if keys else None
        if facts is not None and facts.kind == "HStoreField":
            return self._of_hstore(parameter, name, keys, facts)
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

    def _of_hstore(self, parameter: FilterParameter, name: str, keys: list[str], facts: ColumnFacts) -> Call:
        is_null = (parameter.kind, parameter.lookup) == ("BooleanFilter", "isnull")
        is_text = parameter.kind == "CharFilter" and parameter.lookup in _OF_TEXT
        if len(keys) != 1 or parameter.exclude or parameter.items or facts.written_by or not (is_null or is_text):
            raise UnreadableError(f"a {parameter.kind} of {parameter.field} by {parameter.lookup}")
        self._tables.follow(self._table, [name])
        self._use(_RANGE_FILTERS, "hstore_text")
        value = f"hstore_text({self._model}.{self._tables.attribute_of(self._table, name)}, {quoted(keys[0])})"
        lookup = [quoted(parameter.lookup)] if parameter.lookup != "exact" else []
        made, form = self._use(_FILTERS, "column_filter"), self._forms.text("TEXT")
        return call(made, f"lambda: {value}", form, *lookup)

    def of_column(
        self, parameter: FilterParameter, column: str, facts: ColumnFacts, *, selected: bool = False
    ) -> Call | None:
        """The filter of an array, a range or an hstore; None of another column, or another lookup of it."""
        if facts.written_by:
            return None
        if facts.kind in RANGES:
            return self._of_range(parameter, column, facts, selected=selected)
        if (facts.kind, parameter.lookup, parameter.kind) == ("HStoreField", "has_key", "CharFilter"):
            exclude = "True" if parameter.exclude else None
            return call(self._use(_RANGE_FILTERS, "has_key_filter"), f"lambda: {column}", exclude=exclude)
        return self._of_array(parameter, column, facts)

    def _of_range(self, parameter: FilterParameter, column: str, facts: ColumnFacts, *, selected: bool) -> Call | None:
        """The filter of a range by what is in it, by an end, or whether it is empty."""
        exclude = "True" if parameter.exclude else None
        if (parameter.kind, parameter.lookup) == ("BooleanFilter", "isempty"):
            made, empty = self._use(_FILTERING, "boolean_filter"), self._use(_RANGE_FILTERS, "range_is_empty")
            chosen = "True" if selected else None
            return call(made, f"lambda: {empty}({column})", selected=chosen, exclude=exclude)
        if parameter.kind == "NumericRangeFilter":
            return self._of_ends(parameter, column, facts)
        if parameter.kind not in _IN_RANGES[facts.kind]:
            return None
        end, _, lookup = parameter.lookup.partition("__")
        if parameter.lookup == "contains":
            form = self._forms.form(parameter, facts)
            made = self._use(_RANGE_FILTERS, "range_contains_filter")
            return call(made, f"lambda: {column}", form or "", exclude=exclude)
        if end not in _ENDS or (lookup or "exact") not in _COMPARED:
            return None
        value = f"{self._use(_RANGE_FILTERS, 'range_end')}({column}, {quoted(_ENDS[end])})"
        by = [quoted(lookup)] if lookup not in ("", "exact") else []
        form = self._forms.form(parameter, facts)
        return call(self._use(_FILTERS, "column_filter"), f"lambda: {value}", form or "", *by, exclude=exclude)

    def _of_ends(self, parameter: FilterParameter, column: str, facts: ColumnFacts) -> Call | None:
        """The filter of a range of numbers by both of its ends, or one."""
        is_plain = len(parameter.suffixes) == len(_ENDS) and not parameter.exclude
        if not is_plain or _IN_RANGES[facts.kind] != _NUMBERS or parameter.lookup not in _ARRAY_LOOKUPS:
            return None
        usual = parameter.suffixes == ("_min", "_max")
        suffixes = None if usual else Items("()", tuple(map(quoted, parameter.suffixes)))
        lookup = [quoted(parameter.lookup)] if parameter.lookup != "exact" else []
        made = self._use(_RANGE_FILTERS, "numeric_range_filter")
        return call(made, f"lambda: {column}", *lookup, suffixes=suffixes)

    def _of_array(self, parameter: FilterParameter, column: str, facts: ColumnFacts) -> Call | None:
        """The filter of an array by its values, or by their number; None of another one."""
        if facts.kind != "ArrayField" or facts.items is None:
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
