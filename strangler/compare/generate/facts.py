"""What `manage.py export_endpoints` knows of an endpoint beyond its OpenAPI document: filters, orders, pages, rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared_schema.contract.contract import Contract
from strangler.compare.generate.permissions import Permissions
from strangler.rollout.endpoints import path_key

_KEYS: Final = frozenset({"pk", "id"})


@dataclass(frozen=True, kw_only=True)
class RelatedRows:
    """The rows that a field of a body names.

    Attributes:
        model: of the rows, such as `stock.Place`.
        lookup: the field whose value names a row; `pk` for its key.
        where: the values of columns that the rows must have, as far as that is known.
        address: the path of a row, with `{}` in place of that value; empty where the value itself is sent.
    """

    model: str
    lookup: str = "pk"
    where: Mapping[str, Any] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class EndpointFacts:
    """One method of a view.

    Attributes:
        table: of its rows; empty where it isn't known.
        lookup: the field that its path's last variable names a row by.
        filters: of each parameter that narrows the list the path of its field, such as `author__name`.
        search: fields of the search; None where they aren't known.
        ordering: fields that the list can be ordered by; None where they aren't known.
        page_size: items of a page.
        max_page_size: the most that a client may ask for.
        names: what the parameters are called: `search`, `ordering`, `page`, `page_size`.
        permissions: who may.
        places: of each variable of the path that names what rows belong to, the path of its field: `review__title`.
        related: the rows that fields of a body name, by the field, those within objects with dots: `lines.product`.
    """

    table: str = ""
    lookup: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    search: tuple[str, ...] | None = None
    ordering: tuple[str, ...] | None = None
    page_size: int | None = None
    max_page_size: int | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    permissions: Permissions = field(default_factory=Permissions)
    places: Mapping[str, str] = field(default_factory=dict)
    related: Mapping[str, RelatedRows] = field(default_factory=dict)

    def name(self, what: str) -> str:
        """What the view calls that parameter."""
        return self.names.get(what) or what


NO_FACTS: Final = EndpointFacts()


def facts_of(document: Mapping[str, Any], *, prefix: str) -> dict[tuple[str, str], EndpointFacts]:
    """The facts by method and path (`path_key`) of what `export_endpoints` wrote; `prefix` is what paths begin with."""
    found = document.get("endpoints")
    return {
        (str(each["method"]), path_key(str(each["path"]).removeprefix(prefix.rstrip("/")))): _facts(each)
        for each in (found if isinstance(found, list | tuple) else ())
        if isinstance(each, dict) and "method" in each and "path" in each
    }


def column_at(path: str, table: str, contract: Contract) -> tuple[str, str] | None:
    """The table and the column that a field's path leads to from a table; None where that isn't known.

    Relations are followed forward: `author__name`, `tags__name`. Signs of a search field (`^`, `=`) are left out.
    """
    names = path.lstrip("^=@$").split("__")
    for number, name in enumerate(names):
        facts = contract.tables.get(table)
        if facts is None:
            return None
        if name in facts.many_to_many:
            table = facts.many_to_many[name].target
            continue
        column = next((key for key, each in facts.columns.items() if name in {key, each.field}), None)
        if name == "pk":
            column = next(iter(facts.primary_key), None)
        if column is None:
            return None
        reference = facts.columns[column].references
        if reference is None or number == len(names) - 1:
            return table, column
        table = reference.table
    key = contract.tables[table].primary_key if table in contract.tables else ()
    return (table, key[0]) if len(key) == 1 else None


def own_column(name: str, table: str, contract: Contract) -> tuple[str, str] | None:
    """The table and the column of its own that a field of that name is kept in; None where there is none."""
    facts = contract.tables.get(table)
    columns = facts.columns.items() if facts else ()
    return next(((table, key) for key, each in columns if name in {key, each.field}), None)


def key_column(variable: str, lookup: str, table: str, contract: Contract) -> str:
    """The column of the table that a path's variable names; empty where there is none."""
    facts = contract.tables.get(table)
    if facts is None:
        return ""
    for name in (lookup, variable):
        if name and name not in _KEYS and (found := column_at(name, table, contract)) and found[0] == table:
            return found[1]
    return facts.primary_key[0] if len(facts.primary_key) == 1 else ""


def _facts(endpoint: Mapping[str, Any]) -> EndpointFacts:
    filters, pages = endpoint.get("filters") or {}, endpoint.get("pagination") or {}
    search, ordering = filters.get("search") or {}, filters.get("ordering") or {}
    parameters = (filters.get("filterset") or {}).get("parameters") or ()
    own = (endpoint.get("rows") or {}).get("filters") or {}
    names = {
        "search": search.get("parameter"),
        "ordering": ordering.get("parameter"),
        "page": pages.get("page_query_param"),
        "page_size": pages.get("page_size_query_param"),
    }
    return EndpointFacts(
        table=(endpoint.get("model") or {}).get("table") or "",
        lookup=(endpoint.get("lookup") or {}).get("field") or "",
        filters={each["name"]: each["field"] for each in parameters if each.get("field") and not each.get("method")}
        | {name: each["columns"][0]["path"] for name, each in own.items()},
        search=_texts(search.get("fields")) if search else None,
        ordering=_texts(ordering.get("fields")) if isinstance(ordering.get("fields"), list | tuple) else None,
        page_size=pages.get("page_size"),
        max_page_size=pages.get("max_page_size"),
        names={what: name for what, name in names.items() if name},
        permissions=Permissions(
            classes=tuple(endpoint.get("permissions") or ()), rules=endpoint.get("permission_rules") or {}
        ),
        places=_places(endpoint),
        related=dict(_related(endpoint.get("serializer") or {})),
    )


def _places(endpoint: Mapping[str, Any]) -> dict[str, str]:
    """The fields in which a row has what variables of its path say, and those in which its parents have it."""
    rows, creation = endpoint.get("rows") or {}, endpoint.get("creation") or {}
    found = {parameter: name for name, parameter in (rows.get("within") or {}).items()}
    parents = [*(rows.get("parents") or ()), *(creation.get("parents") or ())]
    for name, number in (creation.get("fields") or {}).items():
        found = _of_parent(creation["parents"][number], name) | found
    for parent in parents:
        for name, parameter in parent["within"].items():
            if parameter in found:
                place = found[parameter]
                way = place if name in _KEYS else place.removesuffix(f"__{name}")
                found = _of_parent(parent, way) | found
    return found


def _of_parent(parent: Mapping[str, Any], way: str) -> dict[str, str]:
    """The fields of a parent, to which a foreign key leads, by the parameters in them."""
    return {each: way if name in _KEYS else f"{way}__{name}" for name, each in parent["within"].items()}


def _related(serializer: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, RelatedRows]]:
    for each in serializer.get("fields") or ():
        name = f"{before}{each['name']}"
        if each.get("serializer"):
            yield from _related(each["serializer"], f"{name}.")
        elif each.get("model") and not each.get("read_only"):
            address = each.get("address")
            yield (
                name,
                RelatedRows(
                    model=each["model"],
                    lookup=(each.get("lookup") if address else each.get("slug_field")) or "pk",
                    where=each.get("where") or {},
                    address=address or "",
                ),
            )


def _texts(found: object) -> tuple[str, ...]:
    return tuple(_flat(found))


def _flat(found: object) -> Iterator[str]:
    for each in found if isinstance(found, list | tuple) else ():
        yield str(each[0] if isinstance(each, list | tuple) and each else each)
