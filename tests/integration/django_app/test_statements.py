"""The number of statements that Django reports is that of the statements it sent."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext, override_settings
from rest_framework.test import APIClient

from django_app.accounts.models import User
from django_app.blog import selectors
from django_app.blog.models import Post
from tests.integration.django_app.conftest import PASSWORD, Caller, MakePost

NOT_COUNTED = ("SAVEPOINT", "RELEASE", "ROLLBACK", "SET", "BEGIN", "COMMIT")


@pytest.fixture(autouse=True)
def _reported() -> Iterator[None]:
    with override_settings(MIDDLEWARE=["django_app.config.statements.StatementsMiddleware", *settings.MIDDLEWARE]):
        yield


def reported(response: HttpResponse) -> int:
    return int(response["Server-Timing"].removeprefix('sql;desc="').removesuffix('"'))


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "number"),
    [
        # The caller, the number of posts, the posts, their authors and tags.
        ("get", "/api/posts/", None, 200, 5),
        ("get", "/api/tags/", None, 200, None),
        ("get", "/api/users/me/", None, 200, None),
        ("post", "/api/posts/", {"title": "a", "content": "b", "tags": ["x", "y"]}, 201, None),
        ("post", "/api/posts/", {"title": ""}, 400, 1),
        ("post", "/api/auth/token/", {"username": "alice", "password": PASSWORD}, 200, None),
        ("get", "/api/posts", None, 301, 0),
        ("get", "/api/nope/", None, 404, 0),
    ],
)
def test_what_was_sent_is_what_is_reported(
    alice: User,
    caller: Caller,
    make_post: MakePost,
    method: str,
    path: str,
    body: object,
    status: int,
    number: int | None,
) -> None:
    make_post(tags=["x"])
    client = caller(alice)
    with CaptureQueriesContext(connection) as captured:
        response = getattr(client, method)(path, body)
    sent = [query["sql"] for query in captured if not query["sql"].startswith(NOT_COUNTED)]
    assert response.status_code == status, response.content
    assert reported(response) == len(sent), sent
    assert number in (None, len(sent)), sent


def test_without_the_setting_nothing_is_reported(anonymous: APIClient) -> None:
    with override_settings(MIDDLEWARE=settings.MIDDLEWARE[1:]):
        assert "Server-Timing" not in anonymous.get("/api/feed/")


def test_a_statement_for_each_post_stands_out(
    as_alice: APIClient, make_post: MakePost, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(10):
        make_post(tags=["x"])
    usual = reported(as_alice.get("/api/posts/"))
    monkeypatch.setattr(selectors, "post_list", lambda **_: Post.objects.prefetch_related("author"))
    assert reported(as_alice.get("/api/posts/")) >= usual + 10 - 1
