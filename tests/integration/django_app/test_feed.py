from rest_framework.test import APIClient

from django_app.accounts.models import User
from tests.integration.django_app.conftest import MakePost


def test_the_feed_shows_published_posts_to_everybody(anonymous: APIClient, make_post: MakePost) -> None:
    make_post(title="draft")
    make_post(title="done", published=True, tags=["b", "a"])
    body = anonymous.get("/api/feed/").json()
    assert (body["count"], body["next"], body["previous"]) == (1, None, None)
    (post,) = body["results"]
    assert (post["title"], post["tags"], post["author"]["username"]) == ("done", ["a", "b"], "alice")
    # Drafts count too: it is the same number as in the user's own pages.
    assert post["author"]["post_count"] == 2


def test_the_feed_is_filtered_by_author(anonymous: APIClient, make_post: MakePost, bob: User) -> None:
    make_post(title="hers", published=True)
    make_post(title="his", published=True, author=bob)

    def titles(query: str) -> list[str]:
        return [post["title"] for post in anonymous.get(f"/api/feed/?{query}").json()["results"]]

    assert titles("author=bob") == ["his"]
    assert titles("author=BOB") == []
    assert titles("author=bob&published=false") == []
    assert titles("ordering=title") == ["hers", "his"]


def test_highlights_are_the_ten_newest_published_or_by_admin(
    anonymous: APIClient, make_post: MakePost, admin: User
) -> None:
    make_post(title="draft")
    make_post(title="the admin's draft", author=admin)
    posts = [make_post(title=f"t{number}", published=True) for number in range(9)]
    expected = [*(post.title for post in reversed(posts)), "the admin's draft"]
    assert [post["title"] for post in anonymous.get("/api/feed/highlights/").json()] == expected
    make_post(title="newer", published=True)
    assert [post["title"] for post in anonymous.get("/api/feed/highlights/").json()] == ["newer", *expected[:-1]]


def test_the_feed_is_read_only(as_alice: APIClient) -> None:
    response = as_alice.post("/api/feed/", {})
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert response.json() == {"detail": 'Method "POST" not allowed.'}
