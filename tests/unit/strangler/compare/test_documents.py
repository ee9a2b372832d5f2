"""What clients of one OpenAPI document would miss at another; Swagger 2.0 is read as OpenAPI 3."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strangler.cli.openapi_diff import documents_compare
from strangler.compare.documents import broken_promises
from strangler.compare.generate.operations import ApiDocument
from strangler.errors import UsageError
from strangler.rollout.swagger import as_openapi, is_swagger
from strangler.settings import settings_load

ITEM: dict[str, Any] = {
    "type": "object",
    "required": ["title"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "title": {"type": "string"},
        "state": {"type": "string", "enum": ["new", "old"], "nullable": True},
        "place": {"type": "object", "properties": {"name": {"type": "string"}}},
    },
}
REFERENCE = {"$ref": "#/components/schemas/Item"}


def content(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def document() -> dict[str, Any]:
    """One of a list and of a row that is added."""
    page = {"type": "object", "properties": {"results": {"type": "array", "items": REFERENCE}}}
    pages = {"name": "page", "in": "query", "schema": {"type": "integer"}}
    listed = {"parameters": [pages], "responses": {"200": content(page)}}
    added = {"requestBody": content(REFERENCE), "responses": {"201": content(REFERENCE)}}
    return {"paths": {"/api/items/": {"get": listed, "post": added}}, "components": {"schemas": {"Item": ITEM}}}


def broken(change: Callable[[dict[str, Any]], object]) -> list[str]:
    other = copy.deepcopy(document())
    change(other)
    left, right = (ApiDocument(content=each, prefix="/api") for each in (document(), other))
    return [str(each) for each in broken_promises(left, right)]


def item(other: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = other["components"]["schemas"]["Item"]
    return found


def test_equal_documents_and_additions_break_nothing() -> None:
    assert broken(lambda _other: None) == []
    assert broken(lambda other: item(other)["properties"].update(more={"type": "string"})) == []
    assert broken(lambda other: other["paths"].update({"/api/more/": {"get": {}}})) == []
    # A parameter is sent as text anyway.
    listed = "/api/items/"
    assert broken(lambda other: other["paths"][listed]["get"]["parameters"][0].update(schema={"type": "string"})) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda other: other["paths"]["/api/items/"].pop("post"), ["POST /items/: is missing"]),
        (
            lambda other: other["paths"]["/api/items/"]["get"].pop("parameters"),
            ["GET /items/: parameter page is missing"],
        ),
        (
            lambda other: item(other)["properties"].pop("id"),
            ["GET /items/: answer.results[].id is missing", "POST /items/: answer.id is missing"],
        ),
        (
            lambda other: item(other)["properties"]["place"]["properties"]["name"].update(type="integer"),
            [
                "GET /items/: answer.results[].place.name is integer, and was string",
                "POST /items/: answer.place.name is integer, and was string",
            ],
        ),
        (
            lambda other: item(other)["properties"]["state"].update(enum=["new"], nullable=False),
            ["POST /items/: body state may not be null", "POST /items/: body state takes no old"],
        ),
        (
            lambda other: item(other)["properties"]["title"].update(nullable=True),
            ["GET /items/: answer.results[].title may be null", "POST /items/: answer.title may be null"],
        ),
        (
            lambda other: item(other).update(required=["title", "state"]),
            ["POST /items/: body state is required"],
        ),
        (
            lambda other: other["paths"]["/api/items/"]["post"].update(responses={"200": content(REFERENCE)}),
            ["POST /items/: never answers 201"],
        ),
    ],
)
def test_what_a_client_would_miss_is_named(change: Callable[[dict[str, Any]], object], expected: list[str]) -> None:
    assert broken(change) == expected


def test_swagger_is_read_as_openapi() -> None:
    reference = {"$ref": "#/definitions/Item"}
    state = {"type": "string", "enum": ["new", "old"], "x-nullable": True}
    page = {"type": "object", "properties": {"results": {"type": "array", "items": reference}}}
    swagger = {
        "swagger": "2.0",
        "basePath": "/api",
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": {
            "/items/": {
                "get": {
                    "parameters": [{"name": "page", "in": "query", "type": "integer"}],
                    "responses": {"200": {"description": "", "schema": page}},
                },
                "post": {
                    "parameters": [{"name": "data", "in": "body", "required": True, "schema": reference}],
                    "responses": {"201": {"description": "", "schema": reference}},
                },
                "parameters": [],
            }
        },
        "definitions": {"Item": {**ITEM, "properties": {**ITEM["properties"], "state": state}}},
    }
    assert is_swagger(swagger)
    assert not is_swagger(document())
    read = ApiDocument(content=as_openapi(swagger), prefix="/api")
    written = ApiDocument(content=document(), prefix="/api")
    assert broken_promises(read, written) == []
    assert broken_promises(written, read) == []
    form = {"name": "file", "in": "formData", "type": "file", "required": True}
    upload = {
        "swagger": "2.0",
        "paths": {"/up/": {"post": {"consumes": ["multipart/form-data"], "parameters": [form]}}},
    }
    body = as_openapi(upload)["paths"]["/up/"]["post"]["requestBody"]
    schema = {"type": "object", "properties": {"file": {"type": "file"}}, "required": ["file"]}
    assert body == {"content": {"multipart/form-data": {"schema": schema}}}


def test_the_command_holds_two_files_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "strangler.toml").write_text("""
        name = "shop"
        api = { v1 = "/api", v2 = "/api/v2" }
        files = { routes = "routes.toml", contract = "contract.json", consumer = "consumer.json" }
        django = { address = "http://127.0.0.1:1", health = "/up" }
        fastapi = { address = "http://127.0.0.1:2", health = "/ready", prefix = "/api" }
        database = { fastapi_role = "shop" }
    """)
    other = document()
    other["paths"]["/api/items/"].pop("post")
    for name, each in (("v1.json", document()), ("v2.json", other), ("none.json", {})):
        (tmp_path / name).write_text(json.dumps(each))
    monkeypatch.chdir(tmp_path)
    settings = settings_load()
    assert documents_compare("v1.json", "v2.json", settings) == 1
    assert capsys.readouterr().out == "POST /items/: is missing\ndifferent: 1 of 2 operations kept, 1 otherwise\n"
    assert documents_compare("v1.json", "v1.json", settings) == 0
    assert capsys.readouterr().out == "equal: 2 of 2 operations kept, 0 otherwise\n"
    with pytest.raises(UsageError, match="document of fastapi lists no operation: name one with paths"):
        documents_compare("v1.json", "none.json", settings)
    with pytest.raises(UsageError, match="names no OpenAPI document of django: add openapi"):
        documents_compare(None, None, settings)
