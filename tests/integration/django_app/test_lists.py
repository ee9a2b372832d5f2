"""Pages, links and the number of statements, for all lists alike."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from django_app.accounts.models import User
from django_app.blog.models import Post
from tests.integration.django_app.conftest import MakePost

FORWARDED = {"HTTP_HOST": "localhost:8080", "HTTP_X_FORWARDED_PROTO": "https"}


def test_links_are_the_clients_own(as_alice: APIClient, make_post: MakePost) -> None:
    for _ in range(3):
        make_post()
    query = "?search=Title&page_size=1&page=2"
    body = as_alice.get(f"/api/posts/{query}", **FORWARDED, HTTP_X_FORWARDED_PREFIX="/api/v2").json()
    assert body["next"] == "https://localhost:8080/api/v2/posts/?page=3&page_size=1&search=Title"
    assert body["previous"] == "https://localhost:8080/api/v2/posts/?page_size=1&search=Title"
    assert (
        as_alice.get(f"/api/posts/{query}", HTTP_X_FORWARDED_PREFIX="//evil")
        .json()["next"]
        .startswith("http://testserver/api/posts/?")
    )


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_a_missing_slash_is_redirected_within_the_prefix(anonymous: APIClient, method: str) -> None:
    response = getattr(anonymous, method)("/api/posts?a=b", HTTP_X_FORWARDED_PREFIX="/api/v2")
    assert (response.status_code, response["Location"], response.content) == (301, "/api/v2/posts/?a=b", b"")


@pytest.mark.parametrize(
    ("query", "size"),
    [("", 20), ("?page_size=7", 7), ("?page_size=1000", 100), ("?page_size=0", 20), ("?page_size=x", 20)],
)
def test_page_sizes(as_alice: APIClient, alice: User, query: str, size: int) -> None:
    Post.objects.bulk_create(Post(title="t", content="c", author=alice) for _ in range(101))
    assert len(as_alice.get(f"/api/posts/{query}").json()["results"]) == size


@pytest.mark.parametrize("page", ["0", "2", "x", "99999999999999999999"])
def test_a_page_that_is_not_there_is_404(as_alice: APIClient, page: str) -> None:
    response = as_alice.get(f"/api/posts/?page={page}")
    assert (response.status_code, response.json()) == (404, {"detail": "Invalid page."})


def test_pages_of_equal_rows_never_repeat_one(as_alice: APIClient, alice: User) -> None:
    Post.objects.bulk_create(Post(title="same", content="c", author=alice) for _ in range(30))
    Post.objects.update(created_at=datetime(2020, 1, 1, tzinfo=UTC))
    for ordering, descending in (("title", False), ("-title", True), ("", True), ("created_at", False)):
        seen = []
        for page in (1, 2, 3):
            query = f"?page_size=10&page={page}&ordering={ordering}"
            seen += [post["id"] for post in as_alice.get(f"/api/posts/{query}").json()["results"]]
        assert seen == sorted(seen, reverse=descending)
        assert len(set(seen)) == 30


@pytest.mark.parametrize("path", ["posts/", "posts/recent/", "feed/", "feed/highlights/", "users/", "tags/"])
def test_the_number_of_statements_does_not_grow_with_the_rows(
    as_alice: APIClient, make_post: MakePost, bob: User, path: str
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert as_alice.get(f"/api/{path}").status_code == 200
        return len(queries)

    make_post(published=True, tags=["a", "b"])
    before = statements()
    for number in range(6):
        make_post(published=True, tags=[f"t{number}", "a"], author=bob)
        make_post(published=True, tags=["b"])
    # The transaction's two, the caller, the count, and one each for posts, authors and tags.
    assert statements() == before <= 7
