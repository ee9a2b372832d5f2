import pytest
from rest_framework.test import APIClient

from django_app.accounts.models import User
from django_app.blog.models import Post, Tag
from tests.integration.django_app.conftest import MakePost

FIELDS = ["id", "title", "content", "author", "tags", "published", "created_at"]
AUTHOR_FIELDS = ["id", "username", "display_name", "created_at", "post_count"]


def test_a_post_is_created_with_its_author_and_sorted_tags(as_alice: APIClient) -> None:
    Tag.objects.create(name="b")
    response = as_alice.post("/api/posts/", {"title": "Hi", "content": "c", "tags": ["c", "b", " a ", "b"]})
    assert response.status_code == 201
    body = response.json()
    assert list(body) == FIELDS
    assert list(body["author"]) == AUTHOR_FIELDS
    assert body["author"]["post_count"] == 1
    assert body["author"]["display_name"] == "@alice"
    assert (body["tags"], body["published"]) == (["a", "b", "c"], False)
    assert Tag.objects.count() == 3


def test_read_only_fields_are_ignored(as_alice: APIClient, bob: User) -> None:
    body = as_alice.post("/api/posts/", {"title": "Hi", "content": "c", "author": bob.pk, "id": 99}).json()
    assert body["author"]["username"] == "alice"
    assert body["id"] != 99


@pytest.mark.parametrize(
    ("tags", "errors"),
    [
        ("a", ['Expected a list of items but got type "str".']),
        (None, ["This field may not be null."]),
        (["ok", " "], {"1": ["This field may not be blank."]}),
        (["x" * 51], {"0": ["Ensure this field has no more than 50 characters."]}),
        ([None], {"0": ["This field may not be null."]}),
        ([[]], {"0": ["Not a valid string."]}),
    ],
)
def test_tags_are_validated(as_alice: APIClient, tags: object, errors: object) -> None:
    response = as_alice.post("/api/posts/", {"title": "Hi", "content": "c", "tags": tags})
    assert (response.status_code, response.json()) == (400, {"tags": errors})


def test_all_errors_come_together_in_field_order(as_alice: APIClient) -> None:
    response = as_alice.post("/api/posts/", {"title": "x" * 201, "published": "maybe"})
    assert list(response.json().items()) == [
        ("title", ["Ensure this field has no more than 200 characters."]),
        ("content", ["This field is required."]),
        ("published", ["Must be a valid boolean."]),
    ]


@pytest.mark.parametrize("text", ["NUL \\u0000", "surrogate \\ud800"])
def test_text_that_postgresql_cannot_hold_is_refused(as_alice: APIClient, text: str) -> None:
    for body in (f'{{"title":"{text}","content":"c"}}', f'{{"title":"t","content":"c","tags":["{text}"]}}'):
        assert as_alice.generic("POST", "/api/posts/", body, content_type="application/json").status_code == 400


def test_put_replaces_but_keeps_omitted_tags_and_state(as_alice: APIClient, make_post: MakePost) -> None:
    post = make_post(published=True, tags=["a"])
    body = as_alice.put(f"/api/posts/{post.pk}/", {"title": "New", "content": "n"}).json()
    assert (body["title"], body["content"], body["tags"], body["published"]) == ("New", "n", ["a"], True)


def test_put_needs_every_required_field(as_alice: APIClient, make_post: MakePost) -> None:
    response = as_alice.put(f"/api/posts/{make_post().pk}/", {"title": "New"})
    assert (response.status_code, response.json()) == (400, {"content": ["This field is required."]})


def test_a_form_that_omits_a_checkbox_unsets_it(as_alice: APIClient, make_post: MakePost) -> None:
    post = make_post(published=True)
    body = as_alice.put(f"/api/posts/{post.pk}/", {"title": "New", "content": "n"}, format="multipart").json()
    assert body["published"] is False


def test_patch_changes_what_is_given(as_alice: APIClient, make_post: MakePost) -> None:
    post = make_post(tags=["a", "b"])
    body = as_alice.patch(f"/api/posts/{post.pk}/", {"tags": ["c"]}).json()
    assert (body["title"], body["tags"]) == ("Title", ["c"])
    assert as_alice.patch(f"/api/posts/{post.pk}/", {"tags": []}).json()["tags"] == []


def test_delete_answers_204_and_the_post_is_gone(as_alice: APIClient, make_post: MakePost) -> None:
    post = make_post(tags=["a"])
    response = as_alice.delete(f"/api/posts/{post.pk}/")
    assert (response.status_code, response.content) == (204, b"")
    assert not Post.objects.exists()
    assert Tag.objects.count() == 1


def test_publish_never_parses_its_body(as_alice: APIClient, make_post: MakePost) -> None:
    post = make_post()
    response = as_alice.generic("POST", f"/api/posts/{post.pk}/publish/", "{bad", content_type="application/json")
    assert (response.status_code, response.json()) == (200, {"status": "published"})
    post.refresh_from_db()
    assert post.published


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_posts_of_others_are_not_found(as_bob: APIClient, make_post: MakePost, method: str) -> None:
    post = make_post(published=True)
    response = getattr(as_bob, method)(f"/api/posts/{post.pk}/", {"title": "Mine"})
    assert (response.status_code, response.json()) == (404, {"detail": "No Post matches the given query."})
    assert as_bob.post(f"/api/posts/{post.pk}/publish/").status_code == 404
    assert as_bob.get("/api/posts/").json()["count"] == 0


def test_a_pk_that_is_no_number_or_too_large_is_not_found(as_alice: APIClient) -> None:
    assert as_alice.get("/api/posts/x/").json() == {"detail": "Not found."}
    assert as_alice.get(f"/api/posts/{2**70}/").status_code == 404


@pytest.mark.parametrize("path", ["posts/", "posts/1/", "posts/recent/"])
def test_anonymous_callers_are_refused(anonymous: APIClient, path: str) -> None:
    response = anonymous.get(f"/api/{path}")
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert response.json() == {"detail": "Authentication credentials were not provided."}


def test_recent_is_a_plain_list_of_the_newest(as_alice: APIClient, make_post: MakePost) -> None:
    posts = [make_post(title=f"t{number}") for number in range(12)]
    newest = [post.pk for post in reversed(posts)]
    assert [post["id"] for post in as_alice.get("/api/posts/recent/").json()] == newest[:10]
    assert [post["id"] for post in as_alice.get("/api/posts/recent/?limit=3").json()] == newest[:3]
    assert [post["id"] for post in as_alice.get("/api/posts/recent/?limit=").json()] == newest[:10]


@pytest.mark.parametrize(
    ("limit", "error"),
    [
        ("0", "Ensure this value is greater than or equal to 1."),
        ("51", "Ensure this value is less than or equal to 50."),
        ("x", "A valid integer is required."),
    ],
)
def test_a_limit_out_of_range_is_refused(as_alice: APIClient, limit: str, error: str) -> None:
    response = as_alice.get(f"/api/posts/recent/?limit={limit}")
    assert (response.status_code, response.json()) == (400, {"limit": [error]})


@pytest.mark.parametrize("path", ["posts/", "posts/recent/", "feed/", "feed/highlights/"])
def test_the_minimal_view_names_the_author_by_id(as_alice: APIClient, make_post: MakePost, path: str) -> None:
    post = make_post(published=True)
    body = as_alice.get(f"/api/{path}?view=minimal").json()
    results = body if isinstance(body, list) else body["results"]
    assert results == [{"id": post.pk, "title": "Title", "author_id": post.author_id}]


def test_the_minimal_view_is_for_reading_only(as_alice: APIClient, make_post: MakePost) -> None:
    post = make_post()
    assert list(as_alice.get(f"/api/posts/{post.pk}/?view=minimal").json()) == ["id", "title", "author_id"]
    assert list(as_alice.patch(f"/api/posts/{post.pk}/?view=minimal", {"title": "New"}).json()) == FIELDS


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("published=true", ["done"]),
        ("published=false", ["draft"]),
        ("published=maybe", ["draft", "done"]),
        ("tag=a", ["done"]),
        ("tag=A", []),
        ("search=DRA", ["draft"]),
        ("search=d+ne", ["done"]),
        ("ordering=title", ["done", "draft"]),
        ("ordering=nonsense", ["draft", "done"]),
        ("created_after=2100-01-01T00:00:00Z", []),
        ("created_before=2100-01-01T00:00:00%2B02:00", ["draft", "done"]),
    ],
)
def test_filters(as_alice: APIClient, make_post: MakePost, query: str, titles: list[str]) -> None:
    make_post(title="done", content="one", published=True, tags=["a", "b"])
    make_post(title="draft", content="two")
    response = as_alice.get(f"/api/posts/?{query}")
    assert [post["title"] for post in response.json()["results"]] == titles


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("created_after=yesterday", {"created_after": ["Enter a valid date/time."]}),
        ("tag=%00", {"tag": ["Null characters are not allowed."]}),
        ("search=%00", ["Null characters are not allowed."]),
    ],
)
def test_filters_that_make_no_sense_are_refused(as_alice: APIClient, query: str, body: object) -> None:
    response = as_alice.get(f"/api/posts/?{query}")
    assert (response.status_code, response.json()) == (400, body)
