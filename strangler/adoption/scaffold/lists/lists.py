"""How lists are filtered, searched, ordered and paged, as arguments of a Resource."""

from collections.abc import Iterable, Mapping
from typing import Final

from strangler.adoption.endpoints import DjangoEndpoint
from strangler.adoption.list_facts import FilterParameter, Filters, PaginationFacts
from strangler.adoption.scaffold.code import Call, Code, call, dictionary, prefixed, quoted, texts
from strangler.adoption.scaffold.column_kinds import NAMES, TEXT_LOOKUPS
from strangler.adoption.scaffold.lists.filterset_filters import FilterWriter, gap_suffixes, required
from strangler.adoption.scaffold.lists.request_filters import RequestFilters
from strangler.adoption.scaffold.lists.written_list import WrittenList
from strangler.adoption.scaffold.numbers import RowNumbers
from strangler.adoption.scaffold.tables import Tables, UnreadableError

_FILTERING: Final = "strangler_fastapi.drf.filters.filtering"
_PAGINATION: Final = "strangler_fastapi.drf.pagination.pagination"
# What DRF's search_fields may begin with, and the lookups that it stands for.
_PREFIXES: Final = {"^": "istartswith", "=": "iexact", "@": "search", "$": "iregex"}
_UNACCENT: Final = "unaccent__"
# The kinds of columns at whose values a page may begin.
_POSITIONS: Final = NAMES | {"DateField", "DateTimeField", "DecimalField"}


def write_list(endpoint: DjangoEndpoint, model: str, tables: Tables, *, time_zone: str) -> WrittenList:
    """The list of one view, whose rows are of the class `model`; `time_zone` is that of times without an offset."""
    assert endpoint.model is not None  # noqa: S101 - a list without rows is a gap
    made, table = WrittenList(), endpoint.model.table
    numbers = RowNumbers(model, table, tables, made.imports)
    for name, number in (endpoint.queryset.annotations if endpoint.queryset else {}).items():
        made.numbers[name] = prefixed("lambda: ", numbers.code(number))
    filters: dict[str, Code] = {}
    found, writer = endpoint.filters, FilterWriter(made, model, table, tables, time_zone)
    for parameter in found.filterset.parameters if found and found.filterset else ():
        try:
            is_order = parameter.kind == "OrderingFilter"
            code = _order_filter(made, parameter, endpoint, table, tables) if is_order else writer.code(parameter)
            filters[parameter.name] = _lenient(made, code, found)
        except UnreadableError as gap:
            lacking = _gap_code(made, f"filter {parameter.name}: {gap}", suffixes=gap_suffixes(parameter))
            # Who leaves it out is refused all the same.
            is_required = "required" in parameter.settings and not (
                found and found.filterset and found.filterset.lenient
            )
            filters[parameter.name] = required(made, lacking) if is_required else lacking
    own = RequestFilters(model, table, tables, made.imports, made.classes, time_zone)
    for name, each in (endpoint.rows.filters if endpoint.rows else {}).items():
        try:
            if name in filters:
                raise UnreadableError("two filters of one parameter")
            filters[name] = own.code(each)
        except UnreadableError as gap:
            _gap(made, filters, name, str(gap), is_own=True)
    for name in endpoint.rows.parameters if endpoint.rows else ():
        reader = endpoint.method.lower() if endpoint.handler and not endpoint.handler.filtered else "get_queryset"
        _gap(made, filters, name, f"read by {endpoint.view.rpartition('.')[2]}.{reader}", is_own=True)
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


def _lenient(made: WrittenList, code: Code, found: Filters | None) -> Code:
    """The filter, which ignores what it can't read where Django's does."""
    if not (found and found.filterset and found.filterset.lenient):
        return code
    made.imports.setdefault(_FILTERING, set()).add("lenient")
    return call("lenient", code)


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
    ordered_by: dict[str, Code] = {}
    for name in ordering["valid"]:
        try:
            columns = _columns_of(made, name, table, tables)
            for column in columns:
                _follow(made, column.removeprefix("-"), table, tables)
            if endpoint.pagination and endpoint.pagination.kind == "cursor":
                _check_position(made, name, columns, table, tables)
            if columns != [name]:
                ordered_by[name] = texts(columns)
            names.append(name)
        except UnreadableError as gap:
            unported[name] = quoted(f"order by {name}: {gap}")
            made.gaps.append(f"order by {name}: {gap}")
    if ordered_by:
        made.arguments["ordered_by"] = dictionary(ordered_by)
    if unported:
        made.arguments["unported_orderings"] = dictionary(unported)
    return names


def _check_position(made: WrittenList, name: str, columns: list[str], table: str, tables: Tables) -> None:
    """See that a page may begin at a value of what a list is ordered by.

    :raises UnreadableError: DRF fails there, or reads another value.
    """
    facts = None if name in made.numbers or columns != [name] or "__" in name else tables.follow(table, [name])
    if facts is None or facts.null or facts.kind not in _POSITIONS:
        raise UnreadableError("pages by a position in that order")


def _order_filter(
    made: WrittenList, parameter: FilterParameter, endpoint: DjangoEndpoint, table: str, tables: Tables
) -> Code:
    """The orders that a FilterSet offers.

    :raises UnreadableError: something else orders the list, too, or by what it does can't be read.
    """
    if parameter.settings or parameter.method or not parameter.choices:
        raise UnreadableError(f"an OrderingFilter with {', '.join(parameter.settings) or 'orders of its own'}")
    has_cursor = endpoint.pagination and endpoint.pagination.kind == "cursor"
    if has_cursor or (endpoint.filters and endpoint.filters.ordering):
        raise UnreadableError(f"an OrderingFilter beside {'pages by position' if has_cursor else 'that of DRF'}")
    orders: dict[str, Code] = {}
    for word in map(str, parameter.choices):
        sign, name = ("-", word[1:]) if word.startswith("-") else ("", word)
        columns = _columns_of(made, sign + parameter.orders.get(name, name), table, tables)
        for column in columns:
            _follow(made, column.removeprefix("-"), table, tables)
        orders[word] = texts(columns)
    made.imports.setdefault("strangler_fastapi.drf.filters.order_filters", set()).add("order_filter")
    return call("order_filter", dictionary(orders))


def _searched(
    made: WrittenList, endpoint: DjangoEndpoint, filters: dict[str, Code], table: str, tables: Tables
) -> list[str]:
    search = endpoint.filters.search if endpoint.filters else None
    given: list[str] = list(search["fields"] or ()) if search else []
    if search is None or not given:
        return []
    lookups = [(path, lookup) for path, lookup in search.get("lookups") or map(_search_lookup, given)]
    annotations, names = dict(made.annotations), []
    unaccented = {lookup.startswith(_UNACCENT) for _, lookup in lookups if lookup != "search"}
    try:
        if len(unaccented) > 1:
            raise UnreadableError("some columns are searched with accents, and some without")
        for path, lookup in lookups:
            names.append(_search_field(path, lookup.removeprefix(_UNACCENT)))
            # Of other columns than those of texts there is no `unaccent`.
            _follow(made, path, table, tables, searched_by="search" if lookup.startswith(_UNACCENT) else lookup)
    except UnreadableError as gap:
        made.annotations = annotations
        _gap(made, filters, search["parameter"], str(gap))
        return []
    if search["parameter"] != "search":
        made.arguments["search_param"] = quoted(search["parameter"])
    if unaccented == {True}:
        made.arguments["search_unaccented"] = "True"
    return names


def _search_lookup(name: str) -> tuple[str, str]:
    """The path and the lookup that DRF's SearchFilter makes of a name of `search_fields`."""
    return (name[1:], _PREFIXES[name[0]]) if name[0] in _PREFIXES else (name, "icontains")


def _search_field(path: str, lookup: str) -> str:
    """What a Resource calls a column that is searched.

    :raises UnreadableError: strangler_fastapi has no such lookup.
    """
    if lookup == "icontains":
        return path
    if lookup not in TEXT_LOOKUPS | {"contains", "search"}:
        raise UnreadableError(f"{path} is searched by {lookup}")
    prefix = next((prefix for prefix, meant in _PREFIXES.items() if meant == lookup), None)
    return f"{path}__{lookup}" if prefix is None else prefix + path


def _gap(made: WrittenList, filters: dict[str, Code], name: str, what: str, *, is_own: bool = False) -> None:
    filters[name] = _gap_code(made, f"?{name}=: {what}", is_own=is_own)


def _gap_code(made: WrittenList, what: str, *, is_own: bool = False, suffixes: tuple[str, ...] = ()) -> Code:
    """The code of a gap; code of the project's own may say something of an empty value, too."""
    made.gaps.append(what)
    made.imports.setdefault(_FILTERING, set()).add("not_ported_filter")
    ends = texts(suffixes) if suffixes else None
    return call("not_ported_filter", quoted(what), takes_empty="True" if is_own else None, suffixes=ends)


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
    module = "strangler_fastapi.drf.pagination.cursor_pagination" if name == "CursorPagination" else _PAGINATION
    made.imports.setdefault(module, set()).add(name)
    return call(name, **named)


def _follow(made: WrittenList, name: str, table: str, tables: Tables, *, searched_by: str = "") -> None:
    """Uses the column of an order or a search, which may be another row's."""
    if name in made.numbers:
        return
    path = name.split("__")
    if searched_by:
        tables.compared(table, path, searched_by)
    else:
        tables.follow(table, path)
    if "__" in name:
        made.annotations[name] = name
