"""The operations of an API that cases are made for: routes, with what the OpenAPI documents and the contract know."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from shared_schema.contract.contract import Contract, TableFacts
from strangler.compare.generate.facts import NO_FACTS, EndpointFacts
from strangler.compare.generate.named_rows import rows_named
from strangler.compare.generate.schemas import Document, SchemaField, field_of, fields_of, schema_resolved
from strangler.rollout.endpoints import path_key
from strangler.routes.route import Route
from strangler.routes.table import RouteTable

_JSON: Final = "application/json"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A method of a path.

    Attributes:
        route: that answers.
        method: in capitals.
        parameters: of the query.
        body: the keys that it may have.
        types: of bodies, as media types.
        items: the keys of its answer, or of an item of the list that it answers.
        is_list, is_paged: what it answers.
        is_public: whether nobody is answered too.
        table: the key of the table in the contract that its answer is of; empty where none fits.
        facts: what the view knows of itself.
        has_slash: whether its path ends with one; that of a route always does.
    """

    route: Route
    method: str
    parameters: tuple[SchemaField, ...] = ()
    body: tuple[SchemaField, ...] = ()
    types: tuple[str, ...] = ()
    items: tuple[SchemaField, ...] = ()
    is_list: bool = False
    is_paged: bool = False
    is_public: bool = False
    table: str = ""
    facts: EndpointFacts = NO_FACTS
    has_slash: bool = True

    @property
    def path(self) -> str:
        """Below the API's prefix, variables in braces; with a slash at its end where the stack's own has one."""
        return self.route.path if self.has_slash else self.route.path.rstrip("/") or "/"

    def parameter(self, name: str) -> SchemaField | None:
        """The parameter of that name."""
        return next((each for each in self.parameters if each.name == name), None)


@dataclass(frozen=True, kw_only=True)
class ApiDocument:
    """The OpenAPI document of a stack, and what its paths begin with."""

    content: Document
    prefix: str


def operations_of(
    table: RouteTable,
    left: ApiDocument,
    right: ApiDocument | None,
    contract: Contract,
    facts: Mapping[tuple[str, str], EndpointFacts],
) -> tuple[Operation, ...]:
    """The operations of the routes in their order, as the left side's document describes them.

    Of the right side come the parameters that the left side leaves out for this route, but knows by name elsewhere, or
    reads in its code: one that only the right side knows is an addition. A route that streams, or that the left side
    doesn't have, has none. `facts` are the views' own, by method and path.
    """
    known = dict(operations_in(left))
    others = dict(operations_in(right)) if right else {}
    names = {each.get("name") for _, operation in known.values() for each in parameters_of(operation)}
    found: list[Operation] = []
    for route in table.routes:
        for method in () if route.streaming else route.methods:
            key = method, path_key(route.path)
            if key not in known:
                continue
            template, described = known[key]
            view = facts.get(key, NO_FACTS)
            added = parameters_of(others[key][1]) if key in others else ()
            operation = _operation(route, method, template, described, left.content, contract)
            own = {each.name for each in operation.parameters}
            more = [
                field_of(each["name"], each.get("schema"), right.content if right else {})
                for each in added
                if each.get("in") == "query" and each.get("name") in (names | {*view.filters}) - own
            ]
            items = operation.items
            if not items and right and key in others:
                # drf-spectacular doesn't know what every view answers.
                items = fields_of(answered(others[key][1], right.content), right.content, sent=False)
            in_table = view.table if view.table in contract.tables else operation.table
            found.append(
                replace(
                    operation,
                    parameters=(*operation.parameters, *more),
                    items=items,
                    facts=view,
                    table=in_table,
                    body=tuple(rows_named(each, in_table, view, contract) for each in operation.body),
                )
            )
    return tuple(found)


def operations_in(document: ApiDocument) -> Iterator[tuple[tuple[str, str], tuple[str, Mapping[str, Any]]]]:
    """The operations of a document, by method and path without names: the path below the prefix, and what is said."""
    paths = document.content.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        below = str(path).removeprefix(document.prefix.rstrip("/"))
        for method, operation in item.items() if isinstance(item, dict) else ():
            if isinstance(operation, dict):
                yield (method.upper(), path_key(below)), (below, operation)


def parameters_of(operation: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The parameters of an operation."""
    found = operation.get("parameters")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _operation(
    route: Route, method: str, template: str, described: Mapping[str, Any], document: Document, contract: Contract
) -> Operation:
    content = (described.get("requestBody") or {}).get("content") or {}
    answer = answered(described, document)
    paged = (answer.get("properties") or {}).get("results")
    items = schema_resolved(paged, document).get("items") if paged else answer.get("items", answer)
    fields = fields_of(items, document, sent=False)
    return Operation(
        route=route,
        method=method,
        parameters=tuple(
            field_of(each["name"], each.get("schema"), document, required=each.get("required") is True)
            for each in parameters_of(described)
            if each.get("in") == "query" and "name" in each
        ),
        body=fields_of((content.get(_JSON) or {}).get("schema"), document, sent=True),
        types=tuple(content),
        items=fields,
        is_list=bool(paged) or answer.get("type") == "array",
        is_paged=bool(paged),
        is_public=any(not each for each in described.get("security") or [{}]),
        table=table_of([each.name for each in fields], template, contract),
        has_slash=template.endswith("/"),
    )


def answered(described: Mapping[str, Any], document: Document) -> Mapping[str, Any]:
    """The schema of what is answered in JSON; empty where the document doesn't say."""
    answers = described.get("responses") or {}
    answered: Mapping[str, Any] = next((each for status, each in answers.items() if str(status).startswith("2")), {})
    return schema_resolved(((answered.get("content") or {}).get(_JSON) or {}).get("schema"), document)


def table_of(names: Iterable[str], path: str, contract: Contract) -> str:
    """The table that has most of these keys; among equal ones the one that the path names. Empty where most are none's.

    >>> table_of([], "/status/", Contract(format=2, tables={}))
    ''
    """
    wanted = set(names)
    segments = [each for each in path.split("/") if each and not each.startswith("{")]

    def rank(key: str) -> tuple[int, int, bool, int]:
        table = contract.tables[key]
        has = len(wanted & _names(table))
        named = max((number for number, each in enumerate(segments, 1) if each in {key, table.name}), default=0)
        return has, named, table.managed and not table.auto_created, -len(table.columns)

    best = max(sorted(contract.tables), key=rank, default="")
    return best if best and rank(best)[0] * 2 > len(wanted) else ""


def _names(table: TableFacts) -> set[str]:
    fields = {column.field for column in table.columns.values()}
    return {*table.columns, *fields, *table.many_to_many}
