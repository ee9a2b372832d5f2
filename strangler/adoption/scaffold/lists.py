"""How lists are filtered, searched, ordered and paged, as arguments of a Resource."""

from collections.abc import Iterable, Mapping
from typing import Final

from shared_schema.contract.contract import ColumnFacts
from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.list_facts import FilterParameter, PaginationFacts
from strangler.adoption.scaffold.code import Call, Code, Items, call, dictionary, prefixed, quoted, texts
from strangler.adoption.scaffold.numbers import RowNumbers
from strangler.adoption.scaffold.request_filters import RequestFilters
from strangler.adoption.scaffold.row_filters import (
    ALL_VALUES,
    NAMES,
    OF_LINKS,
    ROW_FILTERS,
    linked_filter,
    related_filter,
)
from strangler.adoption.scaffold.tables import Tables, UnreadableError
from strangler.adoption.scaffold.written_list import WrittenList

_FILTERING: Final = "strangler_fastapi.drf.filtering"
_FILTERS: Final = "strangler_fastapi.drf.filters"
_FILTER_FORMS: Final = "strangler_fastapi.drf.filter_forms"
_PAGINATION: Final = "strangler_fastapi.drf.pagination"
_LINKS: Final = "strangler_fastapi.drf.links"
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
_SEVERAL: Final = frozenset({"in", "range"})
_MULTIPLE: Final = frozenset({*OF_LINKS, "MultipleChoiceFilter"})
# The widget of a BooleanFilter that isn't that of django_filters.rest_framework.
_SELECT: Final = "NullBooleanSelect"
# By the widget that reads what a request says.
_SPELLINGS: Final = {"QueryArrayWidget": "query_array", "CSVWidget": "comma_separated"}
# What DRF's search_fields may begin with.
_PREFIXES: Final = "^=@$"


def write_list(endpoint: DjangoEndpoint, model: str, tables: Tables, *, time_zone: str) -> WrittenList:
    """The list of one view, whose rows are of the class `model`; `time_zone` is that of times without an offset."""
    assert endpoint.model is not None  # noqa: S101 - a list without rows is a gap
    made, table = WrittenList(), endpoint.model.table
    numbers = RowNumbers(model, table, tables, made.imports)
    for name, number in (endpoint.queryset.annotations if endpoint.queryset else {}).items():
        made.numbers[name] = prefixed("lambda: ", numbers.code(number))
    filters: dict[str, Code] = {}
    found = endpoint.filters
    for parameter in found.filterset.parameters if found and found.filterset else ():
        try:
            filters[parameter.name] = _written_filter(made, parameter, model, table, tables, time_zone)
        except UnreadableError as gap:
            lacking = _gap_code(made, f"filter {parameter.name}: {gap}")
            # Who leaves it out is refused all the same.
            filters[parameter.name] = _required(made, lacking) if "required" in parameter.settings else lacking
    own = RequestFilters(model, table, tables, made.imports, made.classes, time_zone)
    for name, each in (endpoint.rows.filters if endpoint.rows else {}).items():
        try:
            if name in filters:
                raise UnreadableError("two filters of one parameter")
            filters[name] = own.code(each)
        except UnreadableError as gap:
            _gap(made, filters, name, str(gap))
    for name in endpoint.rows.parameters if endpoint.rows else ():
        _gap(made, filters, name, f"read by {endpoint.view.rpartition('.')[2]}.get_queryset")
    terms = _ordering(made, endpoint, table, tables)
    made.arguments["ordering"] = texts(terms or ["id"])
    made.arguments["ordering_fields"] = texts(_orders(made, endpoint, filters, table, tables))
    if searched := _searched(made, endpoint, filters, table, tables):
        made.arguments["search_fields"] = texts(searched)
    if filters:
        made.arguments["filters"] = dictionary(filters)
    made.arguments["pagination"] = _pages(made, endpoint)
    if not any(_is_unique(term, table, tables) for term in terms):
        same = f"that are equal in {', '.join(term.removeprefix('-') for term in terms)} " if terms else ""
        place = "$" if made.arguments["pagination"] == "None" else "$.results"
        made.remarks.append(
            f"rows {same}come in any order from Django, and by their key from FastAPI:"
            f" order both by what is unique, or declare order = {quoted(place)}"
        )
    return made


def _ordering(made: WrittenList, endpoint: DjangoEndpoint, table: str, tables: Tables) -> list[str]:
    """The order where none is asked for; DRF's filter takes the view's own."""
    own = endpoint.filters.ordering.get("default") if endpoint.filters and endpoint.filters.ordering else None
    if endpoint.pagination and endpoint.pagination.kind == "cursor":
        own = own or endpoint.pagination.ordering
    terms = [own] if isinstance(own, str) else list(own or (endpoint.queryset.ordering if endpoint.queryset else ()))
    terms = [each for term in terms for each in _columns_of(made, term, table, tables)]
    for term in terms:
        _follow(made, term.removeprefix("-"), table, tables)
    return terms


def _columns_of(made: WrittenList, term: str, table: str, tables: Tables) -> list[str]:
    """What Django orders by: of a foreign key, what the rows behind it are ordered by (`find_ordering_name`).

    :raises UnreadableError: there is no such column.
    """
    sign, name = ("-", term[1:]) if term.startswith("-") else ("", term)
    if name in made.numbers:
        return [term]
    *_, last = path = name.split("__")
    facts = tables.follow(table, path)
    if facts.references is None or facts.field != last:
        return [term]
    behind = tables.facts(facts.references.table)
    first = behind.ordering[0] if behind.ordering else "pk"
    if first.lstrip("-") in {"pk", *behind.primary_key}:
        return [_signed(sign, name, first)]
    inner = (_signed(sign, f"{name}__{each.lstrip('-')}", each) for each in behind.ordering)
    return [found for each in inner for found in _columns_of(made, each, table, tables)]


def _signed(sign: str, name: str, behind: str) -> str:
    """An order by `name`, in the direction of the term `behind` it, which a descending order turns round."""
    return f"-{name}" if behind.startswith("-") != bool(sign) else name


def _is_unique(term: str, table: str, tables: Tables) -> bool:
    """Whether no two rows are equal in a term of an order."""
    try:
        _, facts = tables.column_of(table, term.removeprefix("-"))
    except UnreadableError:
        return False
    return facts.unique or facts.primary_key


def _orders(
    made: WrittenList, endpoint: DjangoEndpoint, filters: dict[str, Code], table: str, tables: Tables
) -> list[str]:
    ordering = endpoint.filters.ordering if endpoint.filters else None
    if ordering is None:
        return []
    names: list[str] = []
    if ordering.get("valid") is None:
        _gap(made, filters, ordering["parameter"], "its orders can't be read")
        return names
    if ordering["parameter"] != "ordering":
        made.arguments["ordering_param"] = quoted(ordering["parameter"])
    unported: dict[str, Code] = {}
    for name in ordering["valid"]:
        try:
            columns = _columns_of(made, name, table, tables)
            if columns != [name]:
                raise UnreadableError(f"Django orders by {', '.join(columns)}")
            _follow(made, name, table, tables)
            names.append(name)
        except UnreadableError as gap:
            unported[name] = quoted(f"order by {name}: {gap}")
            made.gaps.append(f"order by {name}: {gap}")
    if unported:
        made.arguments["unported_orderings"] = dictionary(unported)
    return names


def _searched(
    made: WrittenList, endpoint: DjangoEndpoint, filters: dict[str, Code], table: str, tables: Tables
) -> list[str]:
    search = endpoint.filters.search if endpoint.filters else None
    names: list[str] = list(search["fields"] or ()) if search else []
    if search is None or not names:
        return []
    annotations = dict(made.annotations)
    try:
        for name in names:
            _follow(made, name.lstrip(_PREFIXES), table, tables)
    except UnreadableError as gap:
        made.annotations = annotations
        _gap(made, filters, search["parameter"], str(gap))
        return []
    if search["parameter"] != "search":
        made.arguments["search_param"] = quoted(search["parameter"])
    return names


def _written_filter(
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
        optional = _written_filter(made, parameter.model_copy(update={"settings": ()}), model, table, tables, time_zone)
        if parameter.kind == "BooleanFilter":
            # Its form takes a text that is left out for null.
            return optional
        return _required(made, optional)
    for widget, spelled in _SPELLINGS.items():
        if widget in parameter.settings and parameter.kind in _MULTIPLE:
            settings = tuple(each for each in parameter.settings if each != widget)
            plain = parameter.model_copy(update={"settings": settings})
            made.imports.setdefault(_FILTERING, set()).add(spelled)
            return call(spelled, _written_filter(made, plain, model, table, tables, time_zone))
    unknown = UnreadableError(f"a {parameter.kind} of {parameter.field} by {parameter.lookup}")
    if parameter.method or parameter.field is None:
        raise UnreadableError(parameter.method or "of no column")
    if parameter.field.partition("__")[0] in tables.facts(table).many_to_many and parameter.kind in OF_LINKS:
        return linked_filter(made, parameter, model, table, tables)
    if parameter.settings:
        raise UnreadableError(f"a {parameter.kind} with {', '.join(parameter.settings)}")
    path = parameter.field.split("__")
    facts = tables.follow(table, path)
    if facts.kind == "DateTimeField" and time_zone != "UTC" and parameter.lookup != "isnull":
        raise UnreadableError(f"times of {time_zone}")
    column = f"lambda: {model}.{tables.attribute_of(table, path[0])}"
    if len(path) > 1:
        made.imports.setdefault(_LINKS, set()).add("related_column")
        column = f'lambda: related_column({model}, "{parameter.field}")'
    if parameter.kind == "BooleanFilter" and parameter.lookup == "exact" and facts.kind == "BooleanField":
        made.imports.setdefault(_FILTERING, set()).add("boolean_filter")
        return call("boolean_filter", column, selected=selected)
    if parameter.kind in ALL_VALUES and parameter.lookup == "exact" and not parameter.exclude:
        if facts.references is not None or facts.kind not in NAMES:
            raise unknown
        made.imports.setdefault(ROW_FILTERS, set()).add(ALL_VALUES[parameter.kind])
        return call(ALL_VALUES[parameter.kind], column)
    if parameter.kind == "ModelChoiceFilter" and parameter.lookup == "exact" and not parameter.declared:
        if facts.references is None or parameter.exclude:
            raise unknown
        return related_filter(
            made, "related_filter", column, tables.use(facts.references.table, facts.references.column)
        )
    is_plain = parameter.lookup == "exact" and not parameter.declared and not parameter.exclude
    if parameter.kind == "ModelMultipleChoiceFilter" and is_plain and facts.references is not None:
        used = tables.use(facts.references.table, facts.references.column)
        return related_filter(made, "related_multiple_filter", column, used)
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


def _form(made: WrittenList, parameter: FilterParameter, facts: ColumnFacts) -> Code | None:
    """How the filter reads its text; None where strangler_fastapi has no such form."""
    if parameter.kind in ("ChoiceFilter", "TypedChoiceFilter") and parameter.choices and parameter.lookup == "exact":
        made.imports.setdefault(_FILTER_FORMS, set()).add("choice")
        return call("choice", _choices(parameter))
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


def _required(made: WrittenList, code: Code) -> Call:
    made.imports.setdefault(_FILTERING, set()).add("required")
    return call("required", code)


def _gap(made: WrittenList, filters: dict[str, Code], name: str, what: str) -> None:
    filters[name] = _gap_code(made, f"?{name}=: {what}")


def _gap_code(made: WrittenList, what: str) -> Code:
    made.gaps.append(what)
    made.imports.setdefault(_FILTERING, set()).add("not_ported_filter")
    return call("not_ported_filter", quoted(what))


def _pages(made: WrittenList, endpoint: DjangoEndpoint) -> Code:
    pages = endpoint.pagination
    if pages is None:
        return "None"
    if pages.kind == "limit_offset":
        named: dict[str, Code] = {"default_limit": quoted(pages.default_limit)}
        named |= {} if pages.limit_query_param == "limit" else {"limit_query_param": quoted(pages.limit_query_param)}
        named |= (
            {} if pages.offset_query_param == "offset" else {"offset_query_param": quoted(pages.offset_query_param)}
        )
        named |= {} if pages.max_limit is None else {"max_limit": str(pages.max_limit)}
        return _paged(made, "LimitOffsetPagination", named)
    if pages.page_size is None:
        return "None"
    named = {"page_size": str(pages.page_size)}
    size = pages.page_size_query_param
    if pages.kind == "cursor":
        named |= (
            {} if pages.cursor_query_param == "cursor" else {"cursor_query_param": quoted(pages.cursor_query_param)}
        )
        named |= {"page_size_query_param": quoted(size)} if size else {}
        named |= {"max_page_size": quoted(pages.max_page_size)} if size and pages.max_page_size else {}
        named |= _others(pages, ("offset_cutoff", "invalid_cursor_message"))
        return _paged(made, "CursorPagination", named)
    named |= {} if pages.page_query_param == "page" else {"page_query_param": quoted(pages.page_query_param)}
    named["page_size_query_param"] = quoted(size)
    named |= {"max_page_size": quoted(pages.max_page_size)} if size else {}
    named |= {} if pages.last_page_strings == ("last",) else {"last_page_strings": texts(pages.last_page_strings)}
    return _paged(made, "PageNumberPagination", named | _others(pages, ("invalid_page_message",)))


def _others(pages: PaginationFacts, names: Iterable[str]) -> dict[str, Code]:
    """Those of the attributes that aren't DRF's own."""
    usual = PaginationFacts.model_fields
    return {name: quoted(value) for name in names if (value := getattr(pages, name)) != usual[name].default}


def _paged(made: WrittenList, name: str, named: Mapping[str, Code]) -> Call:
    module = "strangler_fastapi.drf.cursor_pagination" if name == "CursorPagination" else _PAGINATION
    made.imports.setdefault(module, set()).add(name)
    return call(name, **named)


def _follow(made: WrittenList, name: str, table: str, tables: Tables) -> None:
    """Uses the column of an order or a search, which may be another row's."""
    if name in made.numbers:
        return
    tables.follow(table, name.split("__"))
    if "__" in name:
        made.annotations[name] = name
