"""What a `get_queryset` of a project's own narrows by a query parameter, as a filter of a Resource."""

from typing import Final

from strangler.adoption.list_facts import FilteredColumn, RequestFilter
from strangler.adoption.scaffold.code import Code, call, prefixed, quoted
from strangler.adoption.scaffold.conditions import RowConditions
from strangler.adoption.scaffold.links import RowLinks
from strangler.adoption.scaffold.tables import Tables, UnreadableError

_REQUEST_FILTERS: Final = "strangler_fastapi.drf.filters.request_filters"
_FILTERS: Final = "strangler_fastapi.drf.filters.filters"
_FILTER_FORMS: Final = "strangler_fastapi.drf.filters.filter_forms"
_FORMS: Final = {
    "text": "SENT_TEXT",
    "integer": "INTEGER",
    "float": "FLOAT",
    "number": "ANY_NUMBER",
    "boolean": "BOOLEAN",
    "identifier": "IDENTIFIER",
    "day": "ISO_DAY",
    "flag": "FLAG",
    "given": "GIVEN",
}


class RequestFilters:
    """Writes filters of rows of `model`; `tables` learns which columns they need, `imports` and `classes` which names.

    `zone` is that of the days of moments.
    """

    def __init__(
        self,
        model: str,
        table: str,
        tables: Tables,
        imports: dict[str, set[str]],
        classes: set[str],
        zone: str,
    ) -> None:
        self._model = model
        self._table = table
        self._tables = tables
        self._imports = imports
        self._classes = classes
        self._zone = zone

    def code(self, found: RequestFilter) -> Code:
        """One filter.

        :raises UnreadableError: it is about columns that can't be used.
        """
        parts = [self._linked(found, each) if each.link else self._plain(found, each) for each in found.columns]
        if len(parts) == 1:
            return parts[0]
        self._use(_REQUEST_FILTERS, "any_filter")
        return call("any_filter", *parts)

    def _plain(self, found: RequestFilter, column: FilteredColumn) -> Code:
        conditions = RowConditions(self._model, self._table, self._tables, self._imports)
        if column.value:
            condition = conditions.code(["is", column.path, column.lookup, column.value[0]])
            return self._flag(found, prefixed("lambda: ", condition))
        return self._compared(found, column, conditions.column(column.path))

    def _linked(self, found: RequestFilter, column: FilteredColumn) -> Code:
        """A filter of rows by others that they are linked to."""
        link, table = self._link(column.link or {})
        target = self._tables.use(table)
        path = column.path.partition("__")[2] or self._tables.facts(table).primary_key[0]
        conditions = RowConditions(target, table, self._tables, self._imports)
        if column.value:
            self._use(_REQUEST_FILTERS, "has_rows")
            return self._flag(found, prefixed("lambda: ", self._having(column, link, conditions, path)))
        self._classes.add(target)
        inner = self._compared(found, column, conditions.column(path))
        self._use(_REQUEST_FILTERS, "linked_filter")
        return call("linked_filter", self._model, prefixed("lambda: ", link), inner)

    def _having(self, column: FilteredColumn, link: Code, conditions: RowConditions, path: str) -> Code:
        """Whether a row is linked to any, or to one that meets a condition."""
        (value,) = column.value
        if column.lookup == "isnull" and "__" in column.path:
            raise UnreadableError(f"whether {column.path} is null")
        if column.lookup != "isnull":
            return call("has_rows", self._model, link, conditions.code(["is", path, column.lookup, value]))
        found = call("has_rows", self._model, link)
        if not value:
            return found
        self._use("sqlalchemy", "not_")
        return call("not_", found)

    def _link(self, link: dict[str, str]) -> tuple[Code, str]:
        """A relation to several rows, and their table."""
        links = RowLinks(self._model, self._table, self._tables, self._imports)
        kind, table, name = link["kind"], link["table"], link["field"]
        if table == self._table:
            raise UnreadableError(f"{name} leads to rows of the same table")
        if kind == "many_to_many":
            return links.many_to_many(name), table
        return (links.other_end if kind == "other_end" else links.pointing)(table, name), table

    def _compared(self, found: RequestFilter, column: FilteredColumn, code: str) -> Code:
        """A column that is compared with what the parameter says."""
        if column.part:
            self._use(_REQUEST_FILTERS, "part_of")
            zone = "" if self._zone == "UTC" else f", {quoted(self._zone)}"
            code = f"part_of({code}, {quoted(column.part)}{zone})"
        self._use(_FILTERS, "column_filter")
        lookup = [quoted(column.lookup)] if column.lookup != "exact" else []
        return call("column_filter", f"lambda: {code}", self._form(found), *lookup)

    def _flag(self, found: RequestFilter, condition: Code) -> Code:
        self._use(_REQUEST_FILTERS, "flag_filter")
        return call("flag_filter", self._form(found), condition)

    def _form(self, found: RequestFilter) -> Code:
        """How the text of the parameter is read."""
        name = _FORMS.get(found.form, found.form)
        if found.words:
            self._use(_FILTER_FORMS, "words")
            return call("words", *map(quoted, found.words), ignore_case="True" if found.ignore_case else None)
        if found.format is not None:
            self._use(_FILTER_FORMS, "day")
            return call("day", quoted(found.format))
        self._use(_FILTER_FORMS, name)
        return name

    def _use(self, module: str, name: str) -> None:
        self._imports.setdefault(module, set()).add(name)
