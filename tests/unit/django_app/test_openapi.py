from typing import Any

import pytest
from django.conf import settings
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

PATHS = {
    "/api/auth/token/": {"post"},
    "/api/auth/token/refresh/": {"post"},
    "/api/auth/token/verify/": {"post"},
    "/api/auth/token/blacklist/": {"post"},
    "/api/users/": {"get", "post"},
    "/api/users/{id}/": {"get", "put", "patch", "delete"},
    "/api/users/{id}/posts/": {"get"},
    "/api/users/me/": {"get", "patch"},
    "/api/users/active/": {"get"},
    "/api/posts/": {"get", "post"},
    "/api/posts/{id}/": {"get", "put", "patch", "delete"},
    "/api/posts/{id}/publish/": {"post"},
    "/api/posts/recent/": {"get"},
    "/api/feed/": {"get"},
    "/api/feed/highlights/": {"get"},
    "/api/tags/": {"get", "post"},
    "/api/tags/{id}/": {"get", "put", "patch", "delete"},
    "/api/health/": {"get"},
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        document = SchemaGenerator().get_schema(request=None, public=True)
    assert not GENERATOR_STATS, GENERATOR_STATS.emit_summary()
    return document


def test_the_schema_is_valid_and_complete(schema: dict[str, Any]) -> None:
    validate_schema(schema)
    assert {path: set(operations) for path, operations in schema["paths"].items()} == PATHS


def test_secrets_are_only_ever_received(schema: dict[str, Any]) -> None:
    components = schema["components"]["schemas"]
    assert {"email", "password"} <= set(components["UserRequest"]["properties"])
    assert not {"email", "password"} & set(components["User"]["properties"])
    assert "email" in components["Me"]["properties"]


def test_every_tag_is_described(schema: dict[str, Any]) -> None:
    described = {tag["name"] for tag in settings.SPECTACULAR_SETTINGS["TAGS"]}
    used = {tag for path in schema["paths"].values() for operation in path.values() for tag in operation["tags"]}
    assert used == described


def test_plain_lists_take_no_filters(schema: dict[str, Any]) -> None:
    for path, expected in (("/api/posts/recent/", {"limit", "view"}), ("/api/feed/highlights/", {"view"})):
        assert {parameter["name"] for parameter in schema["paths"][path]["get"]["parameters"]} == expected
