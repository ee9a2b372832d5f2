"""The parameters of a FilterSet as code: filters by columns, by rows of other tables, and by values that rows have."""

from collections.abc import Mapping
from typing import Final

from shared_schema.contract.contract import ColumnFacts
from strangler.adoption.list_facts import FilterParameter
from strangler.adoption.scaffold.code import Call, Code, Items, call, prefixed, quoted
from strangler.adoption.scaffold.column_kinds import TEXT_LOOKUPS
from strangler.adoption.scaffold.links import RowLinks
from strangler.adoption.scaffold.tables import Tables, UnreadableError
from strangler.adoption.scaffold.written_list import WrittenList

_ARRAY_FILTERS: Final = "strangler_fastapi.drf.array_filters"
_FILTERING: Final = "strangler_fastapi.drf.filtering"
_FILTERS: Final = "strangler_fastapi.drf.filters"
_FILTER_FORMS: Final = "strangler_fastapi.drf.filter_forms"
_JSON_FILTERS: Final = "strangler_fastapi.drf.json_filters"
_LINKS: Final = "strangler_fastapi.drf.links"
_ANY_VALUES: Final = "AllValuesMultipleFilter"
# By what they are called in django-filter.
_ALL_VALUES: Final = {"AllValuesFilter": "all_values_filter", _ANY_VALUES: "all_values_multiple_filter"}
_OF_LINKS: Final = frozenset({"ModelMultipleChoiceFilter", _ANY_VALUES})
# The kinds of columns whose values are compared as they are written.
_NAMES: Final = frozenset(
    {
        *("AutoField", "BigAutoField", "BigIntegerField", "CharField", "IntegerField", "PositiveIntegerField"),
        *("PositiveSmallIntegerField", "SlugField", "SmallIntegerField", "TextField", "UUIDField"),
    }
)
_ROW_FILTERS: Final = "strangler_fastapi.drf.row_filters"
# The form in which each of django-filter's filters reads its text, and each kind of column in those of several values.
_FORMS: Final[Mapping[str, str]] = {
    "DurationFilter": "DURATION",
    "CharFilter": "TEXT",
    "DateFilter": "DATE",
    "IsoDateTimeFilter": "DATETIME",
    "NumberFilter": "NUMBER",
    "TimeFilter": "TIME",
    "UUIDFilter": "IDENTIFIER",
}
_COLUMN_FORMS: Final[Mapping[str, str]] = {
    "CharField": "TEXT",
    "DateField": "DATE",
    "DecimalField": "NUMBER",
    "FloatField": "NUMBER",
    "SlugField": "TEXT",
    "TextField": "TEXT",
    "UUIDField": "IDENTIFIER",
}
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
        *("endswith", "iendswith", "regex", "iregex"),
    }
)
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
_SEVERAL: Final = frozenset({"in", "range"})
_MULTIPLE: Final = frozenset({*_OF_LINKS, "MultipleChoiceFilter"})
# The widget of a BooleanFilter that isn't that of django_filters.rest_framework.
_SELECT: Final = "NullBooleanSelect"
# By the widget that reads what a request says.
_SPELLINGS: Final = {"QueryArrayWidget": "query_array", "CSVWidget": "comma_separated"}


def written_filter(
    made: WrittenList, parameter: FilterParameter, model: str, table: str, tables: Tables, time_zone: str
) -> Code:
    """The filter of one parameter.

    :raises UnreadableError: strangler_fastapi has none such.
    """
    selected = "True" if parameter.kind == "BooleanFilter" and _SELECT in parameter.settings else None
    if selected:
        # Its form takes a text that is left out for null, where it is required too.
        settings = tuple(each for each in parameter.settings if each not in (_SELECT, "required"))
        parameter = parameter.model_copy(update={"settings": settings})
    if parameter.settings == ("required",) and parameter.lookup not in _SEVERAL:
        optional = written_filter(made, parameter.model_copy(update={"settings": ()}), model, table, tables, time_zone)
        if parameter.kind == "BooleanFilter":
            # Its form takes a text that is left out for null.
            return optional
        return required(made, optional)
    for widget, spelled in _SPELLINGS.items():
        if widget in parameter.settings and parameter.kind in _MULTIPLE:
            settings = tuple(each for each in parameter.settings if each != widget)
            plain = parameter.model_copy(update={"settings": settings})
            made.imports.setdefault(_FILTERING, set()).add(spelled)
            return call(spelled, written_filter(made, plain, model, table, tables, time_zone))
    unknown = UnreadableError(f"a {parameter.kind} of {parameter.field} by {parameter.lookup}")
    if parameter.method or parameter.field is None:
        raise UnreadableError(parameter.method or "of no column")
    if parameter.field.partition("__")[0] in tables.facts(table).many_to_many and parameter.kind in _OF_LINKS:
        return _linked_filter(made, parameter, model, table, tables)
    if parameter.settings:
        raise UnreadableError(f"a {parameter.kind} with {', '.join(parameter.settings)}")
    path = parameter.field.split("__")
    if (
        len(path) > 1
        and not selected
        and (of_key := _key_filter(made, parameter, path, model, table, tables)) is not None
    ):
        return of_key
    column = f"{model}.{tables.attribute_of(table, path[0])}"
    if len(path) > 1:
        made.imports.setdefault(_LINKS, set()).add("related_column")
        column = f'related_column({model}, "{parameter.field}")'
    facts = tables.follow(table, path)
    if (of_array := _array_filter(made, parameter, column, facts)) is not None:
        return of_array
    column = f"lambda: {column}"
    if parameter.lookup != "isnull":
        tables.compared(table, path, parameter.lookup or "exact")
    if facts.kind == "DateTimeField" and time_zone != "UTC" and parameter.lookup != "isnull":
        raise UnreadableError(f"times of {time_zone}")
    if parameter.kind == "BooleanFilter" and parameter.lookup == "exact" and facts.kind == "BooleanField":
        made.imports.setdefault(_FILTERING, set()).add("boolean_filter")
        return call("boolean_filter", column, selected=selected)
    if parameter.kind in _ALL_VALUES and parameter.lookup == "exact" and not parameter.exclude:
        if facts.references is not None or facts.kind not in _NAMES:
            raise unknown
        made.imports.setdefault(_ROW_FILTERS, set()).add(_ALL_VALUES[parameter.kind])
        return call(_ALL_VALUES[parameter.kind], column)
    if parameter.kind == "ModelChoiceFilter" and parameter.lookup == "exact" and not parameter.declared:
        if facts.references is None or parameter.exclude:
            raise unknown
        return _related_filter(
            made, "related_filter", column, tables.use(facts.references.table, facts.references.column)
        )
    is_plain = parameter.lookup == "exact" and not parameter.declared and not parameter.exclude
    if parameter.kind == "ModelMultipleChoiceFilter" and is_plain and facts.references is not None:
        used = tables.use(facts.references.table, facts.references.column)
        return _related_filter(made, "related_multiple_filter", column, used)
    if parameter.kind == "DateRangeFilter" and not parameter.exclude and facts.kind in ("DateField", "DateTimeField"):
        made.imports.setdefault(_FILTERS, set()).add("date_range_filter")
        return call("date_range_filter", column)
    if parameter.kind == "MultipleChoiceFilter" and parameter.choices and parameter.lookup == "exact":
        made.imports.setdefault(_FILTERS, set()).add("multiple_choice_filter")
        exclude = "True" if parameter.exclude else None
        return call("multiple_choice_filter", column, _choices(parameter), exclude=exclude)
    form = _form(made, parameter, facts)
    if form is None or (parameter.lookup not in _LOOKUPS | _SEVERAL | {"isnull"}):
        raise unknown
    made.imports.setdefault(_FILTERS, set()).add("column_filter")
    lookup = [quoted(parameter.lookup)] if parameter.lookup != "exact" else []
    exclude = "True" if parameter.exclude else None
    return call("column_filter", column, form, *lookup, exclude=exclude, selected=selected)


def _key_filter(
    made: WrittenList, parameter: FilterParameter, path: list[str], model: str, table: str, tables: Tables
) -> Call | None:
    """The filter of what a JSON column holds under a key (`data__colour`); None of another column.

    :raises UnreadableError: Django compares it in a way that is not offered.
    """
    name, *keys = path
    facts = next((each for each in tables.facts(table).columns.values() if each.field == name), None)
    if facts is None or facts.kind != "JSONField":
        return None
    tables.follow(table, [name])
    # Of `0` Django makes the place in a list.
    is_plain = not (parameter.exclude or parameter.items or facts.written_by or any(key.isdigit() for key in keys))
    which = (parameter.kind, parameter.lookup)
    is_text = parameter.kind == "CharFilter" and parameter.lookup in TEXT_LOOKUPS
    if facts.type != "jsonb" or not is_plain or not (is_text or which in _KEY_FORMS):
        raise UnreadableError(f"a {parameter.kind} of {parameter.field} by {parameter.lookup}")
    found = "json_text" if is_text else "json_value"
    value = f"lambda: {found}({', '.join([f'{model}.{tables.attribute_of(table, name)}', *map(quoted, keys)])})"
    form = "TEXT" if is_text else _KEY_FORMS[which]
    is_json = which in _KEY_FORMS and parameter.lookup != "isnull"
    made.imports.setdefault(_JSON_FILTERS, set()).add(found)
    made.imports.setdefault(_JSON_FILTERS if form == "TRUE_OR_FALSE" else _FILTER_FORMS, set()).add(form)
    made.imports.setdefault(_JSON_FILTERS if is_json else _FILTERS, set()).add(
        "json_filter" if is_json else "column_filter"
    )
    lookup = [quoted(parameter.lookup)] if parameter.lookup != "exact" else []
    return call("json_filter" if is_json else "column_filter", value, form, *lookup)


def _array_filter(made: WrittenList, parameter: FilterParameter, column: str, facts: ColumnFacts) -> Call | None:
    """The filter of an array by its values, or by their number; None of another one."""
    if facts.kind != "ArrayField" or facts.items is None or facts.written_by:
        return None
    exclude = "True" if parameter.exclude else None
    size, _, compared = parameter.lookup.partition("__")
    if size == "len" and parameter.kind == "NumberFilter" and (compared or "exact") in _COMPARED:
        made.imports.setdefault(_FILTERS, set()).add("column_filter")
        made.imports.setdefault(_FILTER_FORMS, set()).add("NUMBER")
        made.imports.setdefault(_ARRAY_FILTERS, set()).add("array_size")
        lookup = [quoted(compared)] if compared and compared != "exact" else []
        return call("column_filter", f"lambda: array_size({column})", "NUMBER", *lookup, exclude=exclude)
    form = _ARRAY_FORMS.get(parameter.items or "")
    if form is None or parameter.lookup not in _ARRAY_LOOKUPS or facts.items.kind not in _NAMES:
        return None
    made.imports.setdefault(_ARRAY_FILTERS, set()).add("array_filter")
    made.imports.setdefault(_FILTER_FORMS, set()).add(form)
    lookup = [quoted(parameter.lookup)] if parameter.lookup != "exact" else []
    return call("array_filter", f"lambda: {column}", form, *lookup, exclude=exclude)


def _form(made: WrittenList, parameter: FilterParameter, facts: ColumnFacts) -> Code | None:
    """How the filter reads its text; None where strangler_fastapi has no such form."""
    if parameter.kind in ("ChoiceFilter", "TypedChoiceFilter") and parameter.choices and parameter.lookup == "exact":
        made.imports.setdefault(_FILTER_FORMS, set()).add("choice")
        return call("choice", _choices(parameter))
    if parameter.items is not None and parameter.lookup not in _SEVERAL:
        return None
    name = _FORMS.get(parameter.kind)
    if name in ("TEXT", "SENT_TEXT") and parameter.lookup in _COMPARED and not _is_of_texts(facts):
        return None
    if parameter.lookup in _SEVERAL:
        kind = "DecimalField" if "Integer" in facts.kind or facts.kind.endswith("AutoField") else facts.kind
        name = _COLUMN_FORMS.get(kind)
    elif parameter.lookup == "isnull" and parameter.kind == "BooleanFilter":
        name = "TEXT"
    if name is not None:
        made.imports.setdefault(_FILTER_FORMS, set()).add(name)
    return name


def _is_of_texts(facts: ColumnFacts) -> bool:
    """Whether a text makes a value of the column, as Django's model field takes it."""
    is_number = "Integer" in facts.kind or facts.kind.endswith("AutoField")
    return is_number or facts.kind in _OF_TEXTS or facts.references is not None


def _choices(parameter: FilterParameter) -> Items:
    return Items("()", tuple(quoted(value) for value in parameter.choices or ()))


def required(made: WrittenList, code: Code) -> Call:
    """The same filter, where a request has to have it."""
    made.imports.setdefault(_FILTERING, set()).add("required")
    return call("required", code)


def _linked_filter(made: WrittenList, parameter: FilterParameter, model: str, table: str, tables: Tables) -> Call:
    """A filter by rows at the other end of a many-to-many relation: by their keys, or by a column of theirs.

    :raises UnreadableError: it finds others than those that are linked to one of them, or to all.
    """
    relation, _, last = (parameter.field or "").partition("__")
    settings = {*parameter.settings} - {"conjoined"}
    is_plain = parameter.lookup == "exact" and not parameter.exclude and not parameter.method
    if settings or not is_plain or (parameter.kind != _ANY_VALUES and parameter.declared) or "__" in last:
        said = f" with {', '.join(sorted(settings))}" if settings else ""
        raise UnreadableError(f"a {parameter.kind} of {parameter.field} by {parameter.lookup}{said}")
    link = RowLinks(model, table, tables, made.imports).many_to_many(relation)
    target = tables.facts(table).many_to_many[relation].target
    tables.use(table, *tables.facts(table).primary_key)
    column = f"lambda: {model}.{tables.attribute_of(table, 'pk')}"
    named: dict[str, Code] = {"link": prefixed("lambda: ", link)}
    if last:
        name, facts = tables.column_of(target, last)
        tables.compared(target, [last])
        if facts.references is not None or facts.kind not in _NAMES:
            raise UnreadableError(f"a {parameter.kind} of a {facts.kind}")
        related, attribute = tables.use(target, name), tables.attribute_of(target, last)
    else:
        related, attribute = tables.use(target), ""
    conjoined = {"conjoined": "True"} if "conjoined" in parameter.settings else {}
    if parameter.kind == _ANY_VALUES:
        attribute = attribute or tables.attribute_of(target, "pk")
        made.imports.setdefault(_ROW_FILTERS, set()).add(_ALL_VALUES[_ANY_VALUES])
        made.classes.add(related)
        return call(_ALL_VALUES[_ANY_VALUES], column, **named, named=f"lambda: {related}.{attribute}", **conjoined)
    if attribute:
        named["to_field_name"] = quoted(attribute)
    return _related_filter(made, "related_multiple_filter", column, related, **named, **conjoined)


def _related_filter(made: WrittenList, name: str, column: Code, related: str, **named: Code) -> Call:
    """A filter by rows of the class `related`."""
    made.imports.setdefault(_ROW_FILTERS, set()).add(name)
    made.classes.add(related)
    return call(name, column, related, **named)
