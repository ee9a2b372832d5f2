"""How lists are filtered, searched, ordered and paged, as arguments of a Resource."""

from dataclasses import dataclass, field
from typing import Final

from strangler.adoption.endpoints import DjangoEndpoint, FilterParameter
from strangler.adoption.scaffold.code import Code, call, dictionary, quoted, texts
from strangler.adoption.scaffold.tables import Tables, UnreadableError

_FILTERING: Final = "strangler_fastapi.drf.filtering"
_PAGINATION: Final = "strangler_fastapi.drf.pagination"


@dataclass
class WrittenList:
    """The arguments; `gaps` are parameters that answer 501, `annotations` columns of other rows by their path."""

    arguments: dict[str, Code] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    imports: dict[str, set[str]] = field(default_factory=dict)


def write_list(endpoint: DjangoEndpoint, model: str, tables: Tables) -> WrittenList:
    """The list of one view, whose rows are of the class `model`."""
    assert endpoint.model is not None  # noqa: S101 - a list without rows is a gap
    made, table = WrittenList(), endpoint.model.table
    filters: dict[str, Code] = {}
    found = endpoint.filters
    for parameter in found.filterset.parameters if found and found.filterset else ():
        filters[parameter.name] = _filter(made, parameter, model, table, tables)
    made.arguments["ordering"] = texts(_ordering(made, endpoint, table, tables))
    made.arguments["ordering_fields"] = texts(_orders(made, endpoint, filters, table, tables))
    if searched := _searched(made, endpoint, filters, table, tables):
        made.arguments["search_fields"] = texts(searched)
    if filters:
        made.arguments["filters"] = dictionary(filters)
    made.arguments["pagination"] = _pages(made, endpoint)
    return made


def _ordering(made: WrittenList, endpoint: DjangoEndpoint, table: str, tables: Tables) -> list[str]:
    """The order where none is asked for; DRF's filter takes the view's own."""
    own = endpoint.filters.ordering.get("default") if endpoint.filters and endpoint.filters.ordering else None
    terms = [own] if isinstance(own, str) else list(own or (endpoint.queryset.ordering if endpoint.queryset else ()))
    for term in terms:
        _follow(made, term.removeprefix("-"), table, tables)
    return terms or ["id"]


def _orders(
    made: WrittenList, endpoint: DjangoEndpoint, filters: dict[str, Code], table: str, tables: Tables
) -> list[str]:
    ordering = endpoint.filters.ordering if endpoint.filters else None
    if ordering is None:
        return []
    names: list[str] = []
    if ordering["parameter"] != "ordering" or ordering.get("valid") is None:
        _gap(made, filters, ordering["parameter"], "its orders can't be read")
        return names
    for name in ordering["valid"]:
        try:
            _follow(made, name, table, tables)
            names.append(name)
        except UnreadableError as gap:
            made.gaps.append(f"order by {name}: {gap}")
    return names


def _searched(
    made: WrittenList, endpoint: DjangoEndpoint, filters: dict[str, Code], table: str, tables: Tables
) -> list[str]:
    search = endpoint.filters.search if endpoint.filters else None
    names: list[str] = list(search["fields"] or ()) if search else []
    if search is None or not names:
        return []
    try:
        if search["parameter"] != "search":
            raise UnreadableError("a parameter of another name")
        for name in names:
            if not name[0].isalpha():
                raise UnreadableError(f"{name} is searched otherwise")
            _follow(made, name, table, tables)
    except UnreadableError as gap:
        _gap(made, filters, search["parameter"], str(gap))
        return []
    return names


def _filter(made: WrittenList, parameter: FilterParameter, model: str, table: str, tables: Tables) -> Code:
    try:
        if parameter.method or parameter.exclude or parameter.field is None or "__" in parameter.field:
            raise UnreadableError(parameter.method or f"of {parameter.field}")
        name, facts = tables.column_of(table, parameter.field)
        if parameter.lookup == "exact" and parameter.kind == "BooleanFilter" and facts.kind == "BooleanField":
            code = call("boolean_filter", f"lambda: {model}.{name}")
        elif parameter.lookup == "exact" and parameter.kind == "CharFilter":
            code = call("text_filter", f"lambda text: {model}.{name} == text")
        else:
            raise UnreadableError(f"a {parameter.kind} of {parameter.field} by {parameter.lookup}")
        tables.use(table, name)
    except UnreadableError as gap:
        return _gap_code(made, f"filter {parameter.name}: {gap}")
    made.imports.setdefault(_FILTERING, set()).add(code.head)
    return code


def _gap(made: WrittenList, filters: dict[str, Code], name: str, what: str) -> None:
    filters[name] = _gap_code(made, f"?{name}=: {what}")


def _gap_code(made: WrittenList, what: str) -> Code:
    made.gaps.append(what)
    made.imports.setdefault(_FILTERING, set()).add("not_ported_filter")
    return call("not_ported_filter", quoted(what))


def _pages(made: WrittenList, endpoint: DjangoEndpoint) -> Code:
    pages = endpoint.pagination
    if pages is None or pages.page_size is None:
        return "None"
    made.imports.setdefault(_PAGINATION, set()).add("PageNumberPagination")
    named: dict[str, Code] = {"page_size": str(pages.page_size)}
    if pages.page_query_param != "page":
        named["page_query_param"] = quoted(pages.page_query_param)
    named["page_size_query_param"] = quoted(pages.page_size_query_param)
    if pages.page_size_query_param:
        named["max_page_size"] = quoted(pages.max_page_size)
    if pages.last_page_strings != ("last",):
        named["last_page_strings"] = texts(pages.last_page_strings)
    return call("PageNumberPagination", **named)


def _follow(made: WrittenList, name: str, table: str, tables: Tables) -> None:
    """Uses the column of an order or a search, which may be another row's."""
    tables.follow(table, name.split("__"))
    if "__" in name:
        made.annotations[name] = name
