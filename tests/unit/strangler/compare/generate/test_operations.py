"""What is known of an endpoint for which cases are made."""

import pytest

from shared_schema.contract.contract import Contract
from strangler.compare.generate.facts import facts_of
from strangler.compare.generate.operations import ApiDocument, operations_of
from strangler.routes.table import parse_routes
from tests.example import PREFIXES

ROUTES = '[[route]]\nname = "carts.lines.list"\nmethods = ["GET"]\npath = "/carts/{pk}/lines/"\nstage = "legacy"\n'


@pytest.mark.parametrize("path", ["/carts/{pk}/lines/", "/carts/{pk}/lines"])
def test_its_path_ends_as_that_of_the_stack(path: str) -> None:
    table = parse_routes(ROUTES, source="routes.toml", prefixes=PREFIXES)
    document = ApiDocument(content={"paths": {f"/api{path}": {"get": {}}}}, prefix="/api")
    (operation,) = operations_of(table, document, None, Contract(format=2, tables={}), {})
    assert operation.path == path


def test_the_root_keeps_its_slash() -> None:
    text = ROUTES.replace("/carts/{pk}/lines/", "/")
    table = parse_routes(text, source="routes.toml", prefixes=PREFIXES)
    document = ApiDocument(content={"paths": {"/api": {"get": {}}}}, prefix="/api")
    (operation,) = operations_of(table, document, None, Contract(format=2, tables={}), {})
    assert operation.path == "/"


def test_a_parameter_that_djangos_code_reads_is_requested_though_its_document_leaves_it_out() -> None:
    table = parse_routes(ROUTES, source="routes.toml", prefixes=PREFIXES)
    names = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("read", "added")]
    path = "/api/carts/{pk}/lines/"
    left = ApiDocument(content={"paths": {path: {"get": {}}}}, prefix="/api")
    right = ApiDocument(content={"paths": {path: {"get": {"parameters": names}}}}, prefix="/api")
    column = {"path": "product__name", "link": None, "part": None, "lookup": "exact"}
    endpoint = {"method": "GET", "path": path, "rows": {"filters": {"read": {"form": "text", "columns": [column]}}}}
    facts = facts_of({"endpoints": [endpoint]}, prefix="/api")
    (operation,) = operations_of(table, left, right, Contract(format=2, tables={}), facts)
    assert [each.name for each in operation.parameters] == ["read"]
    assert operation.facts.filters == {"read": "product__name"}
