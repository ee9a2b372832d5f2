"""A small API that cases are generated for: wares, which customers own, and no database at all."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from shared_schema.contract.contract import Contract
from strangler.compare.generate.facts import facts_of
from strangler.compare.generate.operations import ApiDocument, operations_of
from strangler.compare.generate.stored import StoredValues, Where, user_table_of
from strangler.compare.generate.world import World, callers_choose
from strangler.routes.table import RouteTable
from strangler.sections import SignInSection
from tests.example import parse_routes

CONTRACT = Contract.model_validate(
    {
        "format": 2,
        "tables": {
            "people": {
                "name": "people",
                "model": "shop.Person",
                "columns": {
                    "id": {"field": "id", "kind": "BigAutoField", "type": "bigint", "null": False, "primary_key": True},
                    "email": {
                        "field": "email",
                        "kind": "EmailField",
                        "type": "text",
                        "null": False,
                        "unique": True,
                        "max_length": 90,
                    },
                    "password": {"field": "password", "kind": "CharField", "type": "text", "null": False},
                    "is_staff": {"field": "is_staff", "kind": "BooleanField", "type": "boolean", "null": False},
                    "is_active": {"field": "is_active", "kind": "BooleanField", "type": "boolean", "null": False},
                },
            },
            "wares": {
                "name": "wares",
                "model": "shop.Ware",
                "columns": {
                    "id": {"field": "id", "kind": "BigAutoField", "type": "bigint", "null": False, "primary_key": True},
                    "name": {
                        "field": "name",
                        "kind": "CharField",
                        "type": "text",
                        "null": False,
                        "unique": True,
                        "max_length": 40,
                    },
                    "made_at": {"field": "made_at", "kind": "DateTimeField", "type": "timestamptz", "null": False},
                    "owner_id": {
                        "field": "owner",
                        "kind": "ForeignKey",
                        "type": "bigint",
                        "null": False,
                        "references": {"table": "people", "column": "id", "on_delete": "CASCADE"},
                    },
                },
            },
        },
        "tokens": {},
    }
)
_MADE = dt.datetime(2025, 3, 4, 5, 6, 7, 890123, tzinfo=dt.UTC)
ROWS: dict[str, list[dict[str, Any]]] = {
    "people": [
        {"id": 1, "email": "root@x.org", "password": "h", "is_staff": True, "is_active": True},
        {"id": 2, "email": "ann@x.org", "password": "h", "is_staff": False, "is_active": True},
        {"id": 3, "email": "bea@x.org", "password": "h", "is_staff": False, "is_active": True},
        {"id": 4, "email": "gone@x.org", "password": "h", "is_staff": False, "is_active": False},
        {"id": 5, "email": "none@x.org", "password": "!x", "is_staff": False, "is_active": True},
    ],
    "wares": [
        {"id": 10, "name": "Ale", "made_at": _MADE, "owner_id": 2},
        {"id": 11, "name": "Übel", "made_at": _MADE, "owner_id": 2},
        {"id": 12, "name": "plain Bread", "made_at": _MADE, "owner_id": 3},
    ],
}
_WARE = {
    "type": "object",
    "required": ["name", "id"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string", "maxLength": 40},
        "made_at": {"type": "string", "format": "date-time"},
    },
}
_PAGE = {"type": "object", "properties": {"results": {"type": "array", "items": _WARE}}}


def _answer(schema: dict[str, Any]) -> dict[str, Any]:
    return {"200": {"content": {"application/json": {"schema": schema}}}}


def _query(*names: str, **types: str) -> list[dict[str, Any]]:
    found = {**dict.fromkeys(names, "string"), **types}
    return [{"in": "query", "name": name, "schema": {"type": kind}} for name, kind in found.items()]


_BODY = {"content": {"application/json": {"schema": _WARE}, "application/x-www-form-urlencoded": {}}}


def _sent(*names: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": list(names)}
    return {"content": {"application/json": {"schema": schema}}}


_LOCKED = [{"jwt": []}]
DOCUMENT: dict[str, Any] = {
    "paths": {
        "/api/wares/": {
            "get": {
                "parameters": _query("name", "made_after", "search", "ordering", page="integer", page_size="integer"),
                "security": _LOCKED,
                "responses": _answer(_PAGE),
            },
            "post": {"requestBody": _BODY, "security": _LOCKED, "responses": _answer(_WARE)},
        },
        "/api/wares/{id}/": {
            "get": {"security": _LOCKED, "responses": _answer(_WARE)},
            "patch": {"requestBody": _BODY, "security": _LOCKED, "responses": _answer(_WARE)},
            "delete": {"security": _LOCKED, "responses": {"204": {}}},
        },
        "/api/login/": {"post": {"requestBody": _sent("email", "secret"), "responses": {"200": {}}}},
        "/api/renew/": {"post": {"requestBody": _sent("jwt"), "responses": {"200": {}}}},
    }
}
OTHER: dict[str, Any] = {
    "paths": {
        "/api/v2/wares/": {"get": {"parameters": _query("cursor", "page")}},
        "/api/v2/wares/{pk}/": {"get": {"parameters": _query("name", "cursor")}},
    }
}
ENDPOINTS: dict[str, Any] = {
    "endpoints": [
        {
            "method": "GET",
            "path": "/api/wares/",
            "model": {"label": "shop.Ware", "table": "wares"},
            "lookup": {"field": "pk"},
            "filters": {
                "search": {"parameter": "search", "fields": ["^name"]},
                "ordering": {"parameter": "ordering", "fields": ["name", "made_at"]},
                "filterset": {
                    "parameters": [
                        {"name": "name", "field": "name", "method": None},
                        {"name": "made_after", "field": "made_at", "method": None},
                    ]
                },
            },
            "pagination": {"page_query_param": "page", "page_size": 2, "max_page_size": 3},
        }
    ]
}
ROUTES = "".join(
    f'[[route]]\nname = "wares.{name}"\nmethods = ["{method}"]\npath = "{path}"\nstage = "parallel"\n'
    for name, method, path in (
        ("list", "GET", "/wares/"),
        ("create", "POST", "/wares/"),
        ("get", "GET", "/wares/{id}/"),
        ("update", "PATCH", "/wares/{id}/"),
        ("delete", "DELETE", "/wares/{id}/"),
        ("login", "POST", "/login/"),
        ("renew", "POST", "/renew/"),
    )
)


class HeldValues(StoredValues):
    """The rows above, in place of a database's."""

    def __init__(self, *, seed: int) -> None:
        super().__init__(None, CONTRACT, seed=seed)  # type: ignore[arg-type] # no query is sent

    def rows(self, table: str, columns: Sequence[str], where: Where, *, limit: int) -> list[tuple[Any, ...]]:
        found = [row for row in ROWS[table] if all(row[name] == value for name, value in where.items())]
        return [tuple(row[name] for name in columns) for row in found[:limit]]


def routes() -> RouteTable:
    """The routes of the API."""
    return parse_routes(ROUTES, source="routes.toml")


SIGN_IN = SignInSection(path="/login/", body={"email": "{user}", "secret": "{password}"}, token="data.jwt")


def world_made(
    *,
    seed: int = 0,
    facts: bool = True,
    signs: bool = True,
    sign_in: SignInSection = SIGN_IN,
    browsable: bool = False,
) -> World:
    """All that is known of the API; without `facts` what the views know is left out."""
    stored = HeldValues(seed=seed)
    users = user_table_of(CONTRACT, sign_in)
    assert users
    people = stored.users(users)
    return World(
        operations=operations_of(
            routes(),
            ApiDocument(content=DOCUMENT, prefix="/api"),
            ApiDocument(content=OTHER, prefix="/api/v2"),
            CONTRACT,
            facts_of(ENDPOINTS, prefix="/api") if facts else {},
        ),
        contract=CONTRACT,
        stored=stored,
        callers=callers_choose(people, (), signs=signs),
        user_table=users,
        users=people,
        sign_in=sign_in,
        browsable=browsable,
        seed=seed,
    )
