"""Writes that both stacks refuse, in the same words: by every kind of caller, with every kind of body."""

import httpx
import pytest

from tests.contract.bodies import (
    BAD_POST_FORMS,
    BAD_POST_PATCHES,
    BAD_POSTS,
    BAD_TAGS,
    BAD_USERS,
    EMAILS,
    FORM,
    JSON,
    as_json,
)
from tests.contract.comparing import Ask, Comparison

PATHS = (
    *("/users/", "/users/1/", "/users/2/", "/users/me/", "/users/99999/", "/posts/", "/posts/1/", "/posts/99999/"),
    *("/posts/1/publish/", "/posts/x/publish/", "/tags/", "/tags/1/", "/tags/9999/", "/tags/x/"),
)
UNREADABLE = (
    (JSON, b"{bad"),
    ({"Content-Type": "text/plain"}, b"x"),
    (JSON | {"Accept": "text/html"}, b"x"),
    (FORM, b"%zz"),
)


def bearer(tokens: dict[str, str], name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens[name]}"}


@pytest.fixture
def alices_post(front: httpx.Client, access_tokens: dict[str, str]) -> str:
    """The path of a post of Alice."""
    posts = front.get("/api/posts/?page_size=1&ordering=id", headers=bearer(access_tokens, "alice")).json()["results"]
    return f"/posts/{posts[0]['id']}/"


@pytest.mark.parametrize("path", PATHS)
def test_order_of_checks(comparison: Comparison, any_credentials: dict[str, str], path: str) -> None:
    for method in ("OPTIONS", "GET", "HEAD"):
        comparison.ask(Ask(method, path, any_credentials), served_by="fastapi")
    for method in ("POST", "PUT", "PATCH"):
        for headers, body in UNREADABLE:
            if path == "/posts/1/publish/" and method == "POST":
                continue  # it reads no body, so it would publish
            if path == "/users/" and method == "POST" and headers == FORM:
                continue  # see test_forms_of_users
            comparison.ask(Ask(method, path, any_credentials | headers, body), served_by="fastapi")


@pytest.mark.parametrize(
    "path", ["/users/99999/", "/posts/99999/", "/posts/x/", "/tags/9999/", "/users/", "/posts/recent/"]
)
def test_deletes_of_nothing(comparison: Comparison, credentials: dict[str, str], path: str) -> None:
    comparison.ask(Ask("DELETE", path, credentials), served_by="fastapi")


@pytest.mark.parametrize("body", BAD_POSTS, ids=repr)
def test_posts(comparison: Comparison, access_tokens: dict[str, str], alices_post: str, body: bytes) -> None:
    for who, method, path in (("alice", "POST", "/posts/"), ("alice", "PUT", alices_post), ("bob", "PUT", alices_post)):
        first, _ = comparison.ask(Ask(method, path, bearer(access_tokens, who) | JSON, body), served_by="fastapi")
        assert first.status_code in (400, 404)


@pytest.mark.parametrize("body", BAD_POST_PATCHES, ids=repr)
def test_patches_of_posts(comparison: Comparison, access_tokens: dict[str, str], alices_post: str, body: bytes) -> None:
    comparison.ask(Ask("PATCH", alices_post, bearer(access_tokens, "alice") | JSON, body), served_by="fastapi")


def test_forms_of_posts(comparison: Comparison, access_tokens: dict[str, str]) -> None:
    for headers, body in BAD_POST_FORMS:
        comparison.ask(Ask("POST", "/posts/", bearer(access_tokens, "alice") | headers, body), served_by="fastapi")


@pytest.mark.parametrize("body", BAD_USERS, ids=repr)
def test_users(comparison: Comparison, access_tokens: dict[str, str], body: bytes) -> None:
    comparison.ask(Ask("POST", "/users/", JSON, body), served_by="fastapi")
    comparison.ask(Ask("PUT", "/users/2/", bearer(access_tokens, "bob") | JSON, body), served_by="fastapi")
    weak = body.replace(b'"longenough77"', b'"1"')
    comparison.ask(Ask("PUT", "/users/3/", bearer(access_tokens, "bob") | JSON, weak), served_by="fastapi")
    if body != b"{}":
        comparison.ask(Ask("PATCH", "/users/me/", bearer(access_tokens, "bob") | JSON, weak), served_by="fastapi")


@pytest.mark.parametrize("email", EMAILS)
def test_emails(comparison: Comparison, email: str) -> None:
    body = as_json(username="alice", email=email, password="longenough77")
    first, _ = comparison.ask(Ask("POST", "/users/", JSON, body), served_by="fastapi")
    assert first.status_code == 400


def test_forms_of_users(comparison: Comparison) -> None:
    for body in (b"", b"%zz", b"username=&email=&password=", b"username=alice&email=x&password=y", b"username=al\xff"):
        comparison.ask(Ask("POST", "/users/", FORM, body), served_by="fastapi")


@pytest.mark.parametrize("body", BAD_TAGS, ids=repr)
def test_tags(comparison: Comparison, credentials: dict[str, str], body: bytes) -> None:
    comparison.ask(Ask("POST", "/tags/", credentials | JSON, body), served_by="fastapi")
    comparison.ask(Ask("PUT", "/tags/2/", credentials | JSON, body), served_by="fastapi")
    if body != b"{}":
        comparison.ask(Ask("PATCH", "/tags/2/", credentials | JSON, body), served_by="fastapi")
