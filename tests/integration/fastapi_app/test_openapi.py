"""What `/api/v2/openapi.json` says is what is answered."""

import copy
import re
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from fastapi_app.main import create_app
from tests.integration.fastapi_app.conftest import one_loop
from tests.integration.fastapi_app.running import ADMIN, ALICE, BOB, bearer
from tests.integration.fastapi_app.settings import app_settings

METHODS = frozenset({"get", "post", "put", "patch", "delete"})
DOCUMENT: dict[str, Any] = create_app(app_settings("postgresql://nobody@127.0.0.1:1/nowhere")).openapi()
OPERATIONS = {
    f"{method.upper()} {path.removeprefix('/api/v2')}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}

# Of every GET: full, minimal, empty and filtered answers.
GETS: dict[str, tuple[str, ...]] = {
    "/feed/": (
        "",
        "?view=minimal",
        "?page_size=2&page=2",
        "?search=nothing+like+it",
        "?cursor=",
        "?cursor=&view=minimal",
    ),
    "/feed/highlights/": ("", "?view=minimal"),
    "/posts/": ("", "?view=minimal", "?page_size=1&page=3", "?published=false", "?cursor=&page_size=2"),
    "/posts/recent/": ("", "?view=minimal", "?limit=1"),
    "/posts/{pk}/": ("", "?view=minimal"),
    "/users/": ("", "?page_size=1", "?search=nobody", "?cursor="),
    "/users/active/": ("", "?min_posts=0", "?min_posts=9999"),
    "/users/me/": ("",),
    "/users/{pk}/": ("",),
    "/users/{pk}/posts/": ("", "?view=minimal"),
    "/tags/": ("", "?page_size=1", "?search=nothing"),
    "/tags/{pk}/": ("",),
    "/health/live": ("",),
    "/health/ready": ("",),
}
# What is refused, and why; every status of every path must be in the document.
REFUSED: tuple[Any, ...] = (
    ("GET", "/posts/", {}, 401),
    ("GET", "/posts/", {"Accept": "text/html"}, 406),
    ("GET", "/posts/?page=0", bearer(ALICE), 404),
    ("GET", "/posts/999999/", bearer(ALICE), 404),
    ("GET", "/users/x/", bearer(ALICE), 404),
    ("DELETE", "/users/2/", bearer(BOB), 403),
    ("POST", "/posts/", bearer(ALICE), 400),
    ("POST", "/posts/", bearer(ALICE) | {"Content-Type": "text/plain"}, 415),
    ("POST", "/auth/token/", {}, 400),
    ("PATCH", "/tags/1/", bearer(BOB), 403),
    ("DELETE", "/tags/999/", bearer(ADMIN), 404),
    ("GET", "/feed/?created_after=junk", {}, 400),
    ("GET", "/posts/recent/?limit=0", bearer(ALICE), 400),
    ("GET", "/users/active/?min_posts=x", bearer(ALICE), 400),
    ("GET", "/tags/?search=%00", {}, 400),
    ("GET", "/feed/", {"Authorization": "Bearer nonsense"}, 401),
    ("GET", "/tags/1/", {"Authorization": "Bearer nonsense"}, 401),
)


def template_of(path: str) -> str:
    """The path as the document has it."""
    for candidate in sorted({name.split(" ")[1] for name in OPERATIONS}, key=lambda name: name.count("{")):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", candidate), path.split("?")[0]):
            return candidate
    raise LookupError(path)


def strict(schema: Any) -> Any:
    """The schema where a key that it doesn't name is an error, and keys that it names are there."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: strict(item) for name, item in schema.items()}
    if "properties" in found and found.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


def check(operation: dict[str, Any], response: httpx.Response) -> None:
    """The answer is one that the operation documents."""
    documented = operation["responses"]
    assert str(response.status_code) in documented, f"{response.status_code} is not documented: {response.text[:200]}"
    schema = documented[str(response.status_code)]["content"]["application/json"]["schema"]
    root = strict(copy.deepcopy({**schema, "components": DOCUMENT["components"]}))
    errors = Draft202012Validator(root, format_checker=FormatChecker()).iter_errors(response.json())
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


@one_loop
@pytest.mark.parametrize("path", GETS)
async def test_every_get_answers_what_its_model_says(client: httpx.AsyncClient, path: str) -> None:
    for query in GETS[path]:
        response = await client.get(path.format(pk=2) + query, headers=bearer(ALICE))
        assert response.status_code == 200, response.text
        check(OPERATIONS[f"GET {path}"], response)


def test_every_get_is_asked() -> None:
    # The answer of events/ has no end: tests/e2e/test_events.py asks for it.
    gets = {name for name in OPERATIONS if name.startswith("GET ")} - {"GET /events/"}
    assert {f"GET {path}" for path in GETS} == gets


@one_loop
@pytest.mark.parametrize(("method", "path", "headers", "status"), REFUSED)
async def test_a_refusal_is_documented(
    client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    body = None if method == "GET" else b'{"unknown": 1}'
    response = await client.request(method, path, headers={"Content-Type": "application/json"} | headers, content=body)
    assert response.status_code == status, response.text
    check(OPERATIONS[f"{method} {template_of(path)}"], response)
