"""The parameters of a FilterSet as code: filters by columns, by rows of other tables, and by values that rows have."""

from typing import Final

from shared_schema.contract.contract import ColumnFacts
from strangler.adoption.list_facts import FilterParameter
from strangler.adoption.scaffold.code import Call, Code, Items, call, prefixed, quoted
from strangler.adoption.scaffold.column_kinds import NAMES
from strangler.adoption.scaffold.links import RowLinks
from strangler.adoption.scaffold.lists.filter_forms import FilterForms
from strangler.adoption.scaffold.lists.postgres_filters import PostgresFilters
from strangler.adoption.scaffold.lists.written_list import WrittenList
from strangler.adoption.scaffold.tables import Tables, UnreadableError

_FILTERING: Final = "strangler_fastapi.drf.filters.filtering"
_FILTERS: Final = "strangler_fastapi.drf.filters.filters"
_LINKS: Final = "strangler_fastapi.drf.links"
_REQUEST_FILTERS: Final = "strangler_fastapi.drf.filters.request_filters"
_ROW_FILTERS: Final = "strangler_fastapi.drf.filters.row_filters"
_ANY_VALUES: Final = "AllValuesMultipleFilter"
# By what they are called in django-filter.
_ALL_VALUES: Final = {"AllValuesFilter": "all_values_filter", _ANY_VALUES: "all_values_multiple_filter"}
_OF_LINKS: Final = frozenset({"ModelMultipleChoiceFilter", _ANY_VALUES})
# Lookups that compare a value as it is, and the kinds of columns of which a text makes one; others compare its text.
_COMPARED: Final = ("exact", "gt", "gte", "lt", "lte")
_OF_TEXTS: Final = frozenset(
    {
        *("BooleanField", "CharField", "DateField", "DateTimeField", "DecimalField", "DurationField", "FloatField"),
        *("SlugField", "TextField", "TimeField", "UUIDField"),
    }
)
_LOOKUPS: Final = frozenset(
    {
        *("exact", "iexact", "gt", "gte", "lt", "lte", "contains", "icontains", "startswith", "istartswith"),
        *("endswith", "iendswith", "regex", "iregex", "in", "range", "isnull"),
    }
)
_SEVERAL: Final = frozenset({"in", "range"})
_MULTIPLE: Final = frozenset({*_OF_LINKS, "MultipleChoiceFilter"})
# The parts of moments by the kinds of columns that have them, each with the kind of column that it is like.
_OF_DAYS: Final = dict.fromkeys(
    ("year", "month", "day", "iso_year", "quarter", "week", "week_day", "iso_week_day"), "IntegerField"
)
_OF_CLOCKS: Final = dict.fromkeys(("hour", "minute", "second"), "IntegerField")
_PARTS: Final = {
    "DateField": _OF_DAYS,
    "DateTimeField": _OF_DAYS | _OF_CLOCKS | {"date": "DateField", "time": "TimeField"},
    "TimeField": _OF_CLOCKS,
}
# The widget of a BooleanFilter that isn't that of django_filters.rest_framework.
_SELECT: Final = "NullBooleanSelect"
# By the widget that reads what a request says.
_SPELLINGS: Final = {"QueryArrayWidget": "query_array", "CSVWidget": "comma_separated"}
# The usual ends of the names of a range's parameters.
_ENDS: Final = ("_min", "_max")


class FilterWriter:
    """Writes the filters of a list of `model`; `time_zone` is that of times without an offset."""

    def __init__(self, made: WrittenList, model: str, table: str, tables: Tables, time_zone: str) -> None:
        self._made = made
        self._model = model
        self._table = table
        self._tables = tables
        self._time_zone = time_zone
        self._forms = FilterForms(made, time_zone)
        self._postgres = PostgresFilters(made, model, table, tables, self._forms)

    def code(self, parameter: FilterParameter) -> Code:
        """The filter of one parameter.

        :raises UnreadableError: strangler_fastapi has none such.
        """
        selected = parameter.kind == "BooleanFilter" and _SELECT in parameter.settings
        if selected:
            parameter = _without(parameter, _SELECT)
        # Of several values, or of both ends of a range, none may be left out.
        if "required" in parameter.settings and not (parameter.items or parameter.suffixes):
            optional = self._plain(_without(parameter, "required"), selected=selected)
            # The form of a boolean takes a text that is left out for null.
            return optional if parameter.kind == "BooleanFilter" else required(self._made, optional)
        for widget, spelled in _SPELLINGS.items():
            if widget in parameter.settings and parameter.kind in _MULTIPLE:
                plain = self._plain(_without(parameter, widget), selected=False)
                return call(self._use(_FILTERING, spelled), plain)
        return self._plain(parameter, selected=selected)

    def _plain(self, parameter: FilterParameter, *, selected: bool) -> Code:
        """The filter of a parameter, whatever widget reads it."""
        if parameter.method or parameter.field is None:
            raise UnreadableError(parameter.method or "of no column")
        relation, *_ = path = parameter.field.split("__")
        if relation in self._tables.facts(self._table).many_to_many and parameter.kind in _OF_LINKS:
            return self._linked(parameter)
        if parameter.settings:
            raise UnreadableError(f"a {parameter.kind} with {', '.join(parameter.settings)}")
        if not selected and (of_key := self._postgres.of_key(parameter, path)) is not None:
            return of_key
        column, facts = self._column(path)
        if (found := self._postgres.of_column(parameter, column, facts, selected=selected)) is not None:
            return found
        column, lookup, facts = self._part(parameter, column, facts)
        parameter = parameter.model_copy(update={"lookup": lookup})
        if lookup != "isnull" and facts.field:
            self._tables.compared(self._table, path, lookup)
        column = f"lambda: {column}"
        found = self._of_rows(parameter, column, facts) or self._of_values(parameter, column, facts)
        return found or self._compared(parameter, column, facts, selected=selected)

    def _column(self, path: list[str]) -> tuple[str, ColumnFacts]:
        """The column at the end of a path, as code and as facts."""
        facts = self._tables.follow(self._table, path)
        if len(path) == 1:
            return f"{self._model}.{self._tables.attribute_of(self._table, path[0])}", facts
        self._use(_LINKS, "related_column")
        return f"related_column({self._model}, {quoted('__'.join(path))})", facts

    def _part(self, parameter: FilterParameter, column: str, facts: ColumnFacts) -> tuple[str, str, ColumnFacts]:
        """What of a moment is compared (`made_at__date__gte`), the lookup, and facts like those of the part."""
        part, _, lookup = parameter.lookup.partition("__")
        kind = _PARTS.get(facts.kind, {}).get(part)
        if kind is None:
            return column, parameter.lookup or "exact", facts
        is_moment = facts.kind == "DateTimeField" and self._forms.zone() is not None
        zone = f", {quoted(self._time_zone)}" if is_moment else ""
        self._use(_REQUEST_FILTERS, "part_of")
        like = facts.model_copy(update={"kind": kind, "field": "", "references": None})
        return f"part_of({column}, {quoted(part)}{zone})", lookup or "exact", like

    def _of_rows(self, parameter: FilterParameter, column: str, facts: ColumnFacts) -> Call | None:
        """A filter by rows that are there at the moment of a request; None of another one."""
        is_plain = parameter.lookup == "exact" and not parameter.exclude
        if parameter.kind in _ALL_VALUES and is_plain:
            if facts.references is not None or facts.kind not in NAMES:
                raise _unknown(parameter)
            return call(self._use(_ROW_FILTERS, _ALL_VALUES[parameter.kind]), column)
        names = {"ModelChoiceFilter": "related_filter", "ModelMultipleChoiceFilter": "related_multiple_filter"}
        if parameter.kind in names and is_plain and not parameter.declared and facts.references is not None:
            related = self._tables.use(facts.references.table, facts.references.column)
            return self._related(names[parameter.kind], column, related)
        return None

    def _of_values(self, parameter: FilterParameter, column: str, facts: ColumnFacts) -> Call | None:
        """A filter of several parameters, or of choices; None of another one."""
        if (
            parameter.kind == "DateRangeFilter"
            and not parameter.exclude
            and facts.kind in ("DateField", "DateTimeField")
        ):
            zone = self._forms.zone() if facts.kind == "DateTimeField" else None
            return call(self._use(_FILTERS, "date_range_filter"), column, zone=zone)
        if parameter.kind == "MultipleChoiceFilter" and parameter.choices and parameter.lookup == "exact":
            exclude = "True" if parameter.exclude else None
            choices = self._forms.choices(parameter)
            return call(self._use(_FILTERS, "multiple_choice_filter"), column, choices, exclude=exclude)
        if parameter.kind == "LookupChoiceFilter" and not parameter.exclude:
            form = self._forms.looked_up(parameter, facts)
            self._check_lookups(parameter, form, facts)
            lookups = Items("()", tuple(map(quoted, parameter.lookups)))
            return call(self._use(_FILTERS, "lookup_choice_filter"), column, form or "", lookups)
        form = None if parameter.kind == "NumericRangeFilter" else self._forms.range_form(parameter, facts)
        if form is None or parameter.exclude or len(parameter.suffixes) != len(_ENDS):
            return None
        suffixes = None if parameter.suffixes == _ENDS else Items("()", tuple(map(quoted, parameter.suffixes)))
        return call(self._use(_FILTERS, "range_filter"), column, form, suffixes=suffixes)

    def _check_lookups(self, parameter: FilterParameter, form: Code | None, facts: ColumnFacts) -> None:
        """See that every lookup that a request may choose compares one value with such a column."""
        offered = {*_LOOKUPS} - _SEVERAL - {"isnull"}
        for lookup in parameter.lookups:
            is_text = form == "TEXT" and lookup in _COMPARED and not _is_of_texts(facts)
            if form is None or lookup not in offered or is_text:
                raise UnreadableError(f"a LookupChoiceFilter of {parameter.field} by {lookup}")
            self._tables.compared(self._table, (parameter.field or "").split("__"), lookup)
        if parameter.suffixes != ("", "_lookup") or not parameter.lookups:
            raise _unknown(parameter)

    def _compared(self, parameter: FilterParameter, column: str, facts: ColumnFacts, *, selected: bool) -> Call:
        """A filter by one lookup of a column."""
        chosen = "True" if selected else None
        if (parameter.kind, parameter.lookup, facts.kind) == ("BooleanFilter", "exact", "BooleanField"):
            exclude = "True" if parameter.exclude else None
            return call(self._use(_FILTERING, "boolean_filter"), column, selected=chosen, exclude=exclude)
        is_null = parameter.lookup == "isnull" and parameter.kind == "BooleanFilter"
        form = self._forms.text("TEXT") if is_null else self._form(parameter, facts)
        if form is None or parameter.lookup not in _LOOKUPS or parameter.suffixes:
            raise _unknown(parameter)
        lookup = [quoted(parameter.lookup)] if parameter.lookup != "exact" else []
        exclude = "True" if parameter.exclude else None
        return call(self._use(_FILTERS, "column_filter"), column, form, *lookup, exclude=exclude, selected=chosen)

    def _form(self, parameter: FilterParameter, facts: ColumnFacts) -> Code | None:
        """How the filter reads its text; None where strangler_fastapi has no such form."""
        is_several = parameter.lookup in _SEVERAL
        if is_several is not (parameter.items is not None) or parameter.lookup == "isnull":
            return None
        kind = parameter.items or parameter.kind
        if kind.endswith("ChoiceFilter") and parameter.lookup not in ("exact", "in"):
            return None
        is_compared = is_several or parameter.lookup in _COMPARED
        if kind in ("CharFilter", "Filter") and is_compared and not _is_of_texts(facts):
            return None
        return self._forms.form(parameter, facts)

    def _linked(self, parameter: FilterParameter) -> Call:
        """A filter by rows at the other end of a many-to-many relation: by their keys, or by a column of theirs.

        :raises UnreadableError: it finds others than those that are linked to one of them, or to all.
        """
        relation, _, last = (parameter.field or "").partition("__")
        settings = {*parameter.settings} - {"conjoined"}
        is_plain = parameter.lookup == "exact" and not parameter.exclude and not parameter.method
        if settings or not is_plain or (parameter.kind != _ANY_VALUES and parameter.declared) or "__" in last:
            said = f" with {', '.join(sorted(settings))}" if settings else ""
            raise UnreadableError(f"a {parameter.kind} of {parameter.field} by {parameter.lookup}{said}")
        tables, table = self._tables, self._table
        link = RowLinks(self._model, table, tables, self._made.imports).many_to_many(relation)
        target = tables.facts(table).many_to_many[relation].target
        tables.use(table, *tables.facts(table).primary_key)
        column = f"lambda: {self._model}.{tables.attribute_of(table, 'pk')}"
        named: dict[str, Code] = {"link": prefixed("lambda: ", link)}
        if last:
            name, facts = tables.column_of(target, last)
            tables.compared(target, [last])
            if facts.references is not None or facts.kind not in NAMES:
                raise UnreadableError(f"a {parameter.kind} of a {facts.kind}")
            related, attribute = tables.use(target, name), tables.attribute_of(target, last)
        else:
            related, attribute = tables.use(target), ""
        conjoined = {"conjoined": "True"} if "conjoined" in parameter.settings else {}
        if parameter.kind == _ANY_VALUES:
            attribute = attribute or tables.attribute_of(target, "pk")
            self._made.classes.add(related)
            name = self._use(_ROW_FILTERS, _ALL_VALUES[_ANY_VALUES])
            return call(name, column, **named, named=f"lambda: {related}.{attribute}", **conjoined)
        if attribute:
            named["to_field_name"] = quoted(attribute)
        return self._related("related_multiple_filter", column, related, **named, **conjoined)

    def _related(self, name: str, column: Code, related: str, **named: Code) -> Call:
        """A filter by rows of the class `related`."""
        self._made.classes.add(related)
        return call(self._use(_ROW_FILTERS, name), column, related, **named)

    def _use(self, module: str, name: str) -> str:
        self._made.imports.setdefault(module, set()).add(name)
        return name


def required(made: WrittenList, code: Code) -> Call:
    """The same filter, where a request has to have it."""
    made.imports.setdefault(_FILTERING, set()).add("required")
    return call("required", code)


def gap_suffixes(parameter: FilterParameter) -> tuple[str, ...]:
    """The ends of the names of all parameters by which a request may use a filter, where it has several."""
    return ("", "[]") if "QueryArrayWidget" in parameter.settings else parameter.suffixes


def _without(parameter: FilterParameter, setting: str) -> FilterParameter:
    return parameter.model_copy(update={"settings": tuple(each for each in parameter.settings if each != setting)})


def _unknown(parameter: FilterParameter) -> UnreadableError:
    return UnreadableError(f"a {parameter.kind} of {parameter.field} by {parameter.lookup}")


def _is_of_texts(facts: ColumnFacts) -> bool:
    """Whether a text makes a value of the column, as Django's model field takes it."""
    is_number = "Integer" in facts.kind or facts.kind.endswith("AutoField")
    return is_number or facts.kind in _OF_TEXTS or facts.references is not None
