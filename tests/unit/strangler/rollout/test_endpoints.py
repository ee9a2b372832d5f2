"""OpenAPI documents: which endpoints they list, however they write their paths."""

import json
from pathlib import Path
from typing import Any

import pytest

from strangler.errors import FailedError
from strangler.rollout.endpoints import ApiEndpoint, document_read, endpoints_of, path_key
from strangler.routes.route import Api
from tests.example import PREFIXES


def listed(document: Any, api: Api = Api.V1) -> set[str]:
    return {str(endpoint) for endpoint in endpoints_of(document, prefix=PREFIXES.of(api))}


def test_methods_and_paths() -> None:
    item = {"get": {}, "delete": {}, "parameters": [], "summary": "", "head": {}, "options": {}}
    document = {"paths": {"/api/posts/{id}/": item, "/api/posts/": {"post": {}}}}
    assert listed(document) == {"GET /api/posts/{id}/", "DELETE /api/posts/{id}/", "POST /api/posts/"}


@pytest.mark.parametrize(
    ("servers", "path"),
    [
        ([{"url": "/api"}], "/posts/"),
        ([{"url": "https://example.com/api/"}], "/posts/"),
        ([{"url": "https://example.com/api"}], "/api/posts/"),
        ([{"url": "https://example.com"}], "/api/posts/"),
        ([], "/api/posts/"),
    ],
)
def test_paths_that_are_relative_to_a_server_are_made_whole(servers: list[Any], path: str) -> None:
    assert listed({"servers": servers, "paths": {path: {"get": {}}}}) == {"GET /api/posts/"}


@pytest.mark.parametrize("document", [[], {}, None, 1, "paths", {"paths": []}, {"paths": {"/": 1}}, {"paths": None}])
def test_what_is_no_document(document: Any) -> None:
    with pytest.raises(ValueError, match=r"^it has no paths with methods$"):
        endpoints_of(document, prefix=PREFIXES.v1)


def test_names_of_variables_and_the_last_slash_make_no_difference() -> None:
    assert path_key("/users/{user_id}/posts/{pk}/") == path_key("/users/{id}/posts/{postId}") == "/users/{}/posts/{}"
    assert path_key("/a{format}") != path_key("/a/{format}")


def test_a_document_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schema.json").write_text(json.dumps({"paths": {}}))
    assert document_read("schema.json", gateway_url="http://127.0.0.1:1", host="localhost") == {"paths": {}}


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        FailedError, match=r"^schema\.json can't be read \(.*No such file.*\): pass an OpenAPI document\.$"
    ):
        document_read("schema.json", gateway_url="http://127.0.0.1:1", host="localhost")


@pytest.mark.parametrize("content", [b"openapi: 3.0.3\n", b"\xff\xfe", b"", b"[" * 100_000])
def test_a_file_that_is_no_json(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schema.yml").write_bytes(content)
    with pytest.raises(
        FailedError, match=r"^schema\.yml is no JSON: pass the address of an OpenAPI document in JSON\.$"
    ):
        document_read("schema.yml", gateway_url="http://127.0.0.1:1", host="localhost")


def test_endpoints_are_ordered_by_path() -> None:
    assert min(ApiEndpoint(path="/b", method="GET"), ApiEndpoint(path="/a", method="POST")).path == "/a"
