"""`/api/v2/openapi.json` describes every operation, with its parameters and errors."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator
from pydantic import SecretStr

from fastapi_app.config import Settings
from fastapi_app.main import create_app
from fastapi_app.posts.serializers import POST_SERIALIZER
from fastapi_app.tags.serializers import TAG_SERIALIZER
from fastapi_app.users.serializers import ME_SERIALIZER, USER_SERIALIZER
from strangler.routes.route import Stage
from strangler_fastapi.drf.fields.fields import CharField
from strangler_fastapi.drf.serializers import Serializer
from tests.example import ROOT, load_routes

METHODS = frozenset({"get", "post", "put", "patch", "delete"})
SETTINGS = Settings(fastapi_database_url="postgresql://nobody@127.0.0.1:1/nowhere", jwt_signing_key=SecretStr("k" * 40))
DOCUMENT: dict[str, Any] = create_app(SETTINGS).openapi()
OPERATIONS = {
    f"{method.upper()} {path.removeprefix('/api/v2')}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}


each_operation = pytest.mark.parametrize("name", OPERATIONS)


@each_operation
def test_an_operation_is_described(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    assert len(operation["tags"]) == 1
    for status, response in operation["responses"].items():
        assert response["description"], status
        if int(status) >= 400:
            content = response["content"]["application/json"]
            example = content.get("example")
            assert example, f"{status} has no example"
            root = {**content["schema"], "components": DOCUMENT["components"]}
            assert Draft202012Validator(root).is_valid(example), f"the example of {status} is not what its model says"


@pytest.mark.parametrize("name", [name for name in OPERATIONS if "/health/" not in name])
def test_its_errors_are_those_that_it_can_answer(name: str) -> None:
    """As for every path, 406, 429 and 503; 401 wherever a token is read, 404 where something may not be there."""
    method, path = name.split(" ")
    wanted = {"401", "406", "429", "503"}
    wanted |= {"400", "415"} if method in ("POST", "PUT", "PATCH") and not path.endswith("/publish/") else set()
    wanted |= {"404"} if "{pk}" in path else set()
    assert wanted <= OPERATIONS[name]["responses"].keys()
    # FastAPI's own shape of a refused parameter, which is never answered.
    assert "422" not in OPERATIONS[name]["responses"]


@each_operation
def test_its_path_parameters_are_declared(name: str) -> None:
    declared = {entry["name"] for entry in OPERATIONS[name].get("parameters", []) if entry["in"] == "path"}
    assert declared == set(re.findall(r"\{(\w+)\}", name))


@each_operation
def test_its_query_parameters_are_described(name: str) -> None:
    parameters = [entry for entry in OPERATIONS[name].get("parameters", []) if entry["in"] == "query"]
    assert [entry["name"] for entry in parameters if not entry.get("description")] == []


def legacy_parameters() -> Iterator[tuple[str, str]]:
    """Every query parameter that v1 documents, by operation."""
    document = SchemaGenerator().get_schema(public=True)
    for path, item in document["paths"].items():
        name = re.sub(r"\{\w+\}", "{pk}", path.removeprefix("/api"))
        for parameter in item.get("get", {}).get("parameters", []):
            if parameter["in"] == "query" and f"GET {name}" in OPERATIONS:
                yield f"GET {name}", parameter["name"]


def test_the_query_parameters_are_those_of_v1() -> None:
    wanted = set(legacy_parameters())
    assert len(wanted) > 20
    declared = {
        (name, entry["name"])
        for name, operation in OPERATIONS.items()
        for entry in operation.get("parameters", [])
        if entry["in"] == "query"
    }
    assert wanted - declared == set()


def test_every_route_that_has_moved_is_in_the_document() -> None:
    routes = load_routes(ROOT / "nginx" / "routes.toml").routes
    wanted = {
        f"{method} {re.sub(r'{[^}]+}', '{pk}', route.path)}"
        for route in routes
        if route.stage is not Stage.LEGACY
        for method in route.methods
    }
    assert len(wanted) >= 16
    assert wanted - OPERATIONS.keys() == set()


@pytest.mark.parametrize(
    ("name", "serializer"),
    [
        ("POST /posts/", POST_SERIALIZER),
        ("PATCH /posts/{pk}/", POST_SERIALIZER),
        ("PUT /tags/{pk}/", TAG_SERIALIZER),
        ("POST /users/", USER_SERIALIZER),
        ("PATCH /users/me/", ME_SERIALIZER),
    ],
)
def test_a_documented_body_is_the_one_that_is_read(name: str, serializer: Serializer) -> None:
    read = {name: field for name, field in serializer.fields.items() if not field.read_only}
    required = [] if name.startswith("PATCH") else [key for key, field in read.items() if field.required]
    bodies = OPERATIONS[name]["requestBody"]["content"]
    assert [*bodies] == ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
    documented = bodies["multipart/form-data"]["schema"]
    assert bodies["application/json"]["schema"] == documented
    assert [*documented["properties"]] == [*read]
    assert documented.get("required", []) == required
    for name, field in read.items():
        if isinstance(field, CharField):
            assert documented["properties"][name].get("maxLength") == field.max_length


def test_an_answer_holds_every_key_that_is_not_write_only() -> None:
    models = {name: [*schema["properties"]] for name, schema in DOCUMENT["components"]["schemas"].items()}
    assert models["User"] == ["id", "username", "display_name", "created_at", "post_count"]
    assert models["Me"] == ["id", "username", "email", "display_name", "created_at", "post_count"]
    assert models["Post"] == [*POST_SERIALIZER.fields]


@pytest.mark.parametrize(
    ("name", "is_public"),
    [
        ("POST /users/", True),
        ("GET /users/", False),
        ("GET /tags/", True),
        ("POST /tags/", False),
        ("GET /feed/", True),
        ("PATCH /users/me/", False),
    ],
)
def test_a_token_is_wanted_by_the_methods_that_want_a_caller(name: str, is_public: bool) -> None:
    """An empty requirement says that the token may be left out (OpenAPI 3.1, Security Requirement Object)."""
    assert OPERATIONS[name]["security"] == [{"bearer": []}, *([{}] if is_public else [])]
    assert "security" not in OPERATIONS["POST /auth/token/"]
