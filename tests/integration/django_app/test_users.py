import pytest
from django.contrib.auth.hashers import check_password
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from django_app.accounts.models import User
from django_app.blog.models import Post
from tests.integration.django_app.conftest import PASSWORD, MakePost

FIELDS = ["id", "username", "display_name", "created_at", "post_count"]
ME_FIELDS = ["id", "username", "email", "display_name", "created_at", "post_count"]
CAROL = {"username": "carol", "email": "carol@EXAMPLE.com", "password": PASSWORD}


def test_anyone_registers_and_secrets_stay_unseen(anonymous: APIClient) -> None:
    response = anonymous.post("/api/users/", CAROL)
    assert response.status_code == 201
    body = response.json()
    assert list(body) == FIELDS
    assert (body["username"], body["display_name"], body["post_count"]) == ("carol", "@carol", 0)
    carol = User.objects.get(pk=body["id"])
    assert carol.email == "carol@example.com"
    assert carol.password.startswith("argon2$argon2id$")
    assert check_password(PASSWORD, carol.password)
    assert not carol.is_staff


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"username": "al"}, {"username": ["Ensure this field has at least 3 characters."]}),
        ({"username": "x" * 51}, {"username": ["Ensure this field has no more than 50 characters."]}),
        ({"username": "alice"}, {"username": ["A user with that username already exists."]}),
        # U+2139 is a letter of its own; NFKC makes it the i of the name that is taken.
        ({"username": "al\u2139ce"}, {"username": ["A user with that username already exists."]}),
        (
            {"username": "a b!"},
            {
                "username": [
                    "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."
                ]
            },
        ),
        ({"email": "nobody"}, {"email": ["Enter a valid email address."]}),
        ({"email": "alice@EXAMPLE.com"}, {"email": ["user with this email address already exists."]}),
        ({"password": "carol@example"}, {"password": ["The password is too similar to the email address."]}),
        (
            {"password": "12345"},
            {
                "password": [
                    "This password is too short. It must contain at least 8 characters.",
                    "This password is too common.",
                    "This password is entirely numeric.",
                ]
            },
        ),
        ({"password": ""}, {"password": ["This field may not be blank."]}),
    ],
)
@pytest.mark.usefixtures("alice")
def test_registration_is_validated(anonymous: APIClient, change: dict[str, str], errors: dict[str, list[str]]) -> None:
    response = anonymous.post("/api/users/", CAROL | change)
    assert (response.status_code, response.json()) == (400, errors)


def test_reading_users_needs_a_sign_in(anonymous: APIClient, as_bob: APIClient, alice: User) -> None:
    assert anonymous.get("/api/users/").status_code == 401
    assert anonymous.get(f"/api/users/{alice.pk}/").status_code == 401
    assert list(as_bob.get(f"/api/users/{alice.pk}/").json()) == FIELDS
    assert as_bob.get("/api/users/999999/").json() == {"detail": "No User matches the given query."}


def test_users_are_searched_and_ordered(as_bob: APIClient, alice: User, bob: User, make_post: MakePost) -> None:
    make_post()

    def names(query: str) -> list[str]:
        return [user["username"] for user in as_bob.get(f"/api/users/?{query}").json()["results"]]

    assert names("") == [user.username for user in sorted((alice, bob), key=lambda user: user.pk)]
    assert names("search=ALI") == ["alice"]
    assert names("ordering=-username") == ["bob", "alice"]
    assert names("ordering=-post_count") == ["alice", "bob"]
    assert names("ordering=post_count") == ["bob", "alice"]
    assert names("search=example.com") == []


def test_me_shows_and_changes_the_callers_email(as_alice: APIClient, alice: User) -> None:
    body = as_alice.get("/api/users/me/").json()
    assert list(body) == ME_FIELDS
    assert body["email"] == "alice@example.com"
    values = {"email": "a@EXAMPLE.org", "password": "another fine horse", "old_password": PASSWORD}
    changed = as_alice.patch("/api/users/me/", values).json()
    assert changed == body | {"email": "a@example.org"}
    alice.refresh_from_db()
    assert alice.check_password("another fine horse")


def test_me_takes_only_get_and_patch(as_alice: APIClient) -> None:
    response = as_alice.put("/api/users/me/", CAROL)
    assert (response.status_code, response["Allow"]) == (405, "GET, PATCH, HEAD, OPTIONS")


def test_a_user_keeps_the_own_names_on_put(as_alice: APIClient, alice: User) -> None:
    values = {"username": "alice", "email": "alice@example.com"}
    response = as_alice.put(f"/api/users/{alice.pk}/", values)
    assert (response.status_code, response.json()) == (400, {"password": ["This field is required."]})
    values |= {"password": "another fine horse", "old_password": PASSWORD}
    assert as_alice.put(f"/api/users/{alice.pk}/", values).status_code == 200


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_others_may_not_change_a_user(as_bob: APIClient, anonymous: APIClient, alice: User, method: str) -> None:
    response = getattr(as_bob, method)(f"/api/users/{alice.pk}/", {"username": "mine"})
    detail = "You do not have permission to perform this action."
    assert (response.status_code, response.json()) == (403, {"detail": detail})
    assert getattr(anonymous, method)(f"/api/users/{alice.pk}/").status_code == 401


def test_staff_may_change_and_delete_a_user(as_admin: APIClient, alice: User, make_post: MakePost) -> None:
    make_post(tags=["a"])
    RefreshToken.for_user(alice)
    assert as_admin.patch(f"/api/users/{alice.pk}/", {"username": "alicia"}).json()["username"] == "alicia"
    assert as_admin.delete(f"/api/users/{alice.pk}/").status_code == 204
    assert not Post.objects.exists()
    assert OutstandingToken.objects.get().user is None


def test_a_users_posts_are_the_published_ones_but_all_to_the_user(
    as_alice: APIClient, as_bob: APIClient, alice: User, make_post: MakePost
) -> None:
    make_post(title="draft")
    make_post(title="done", published=True)

    def titles(client: APIClient) -> list[str]:
        return [post["title"] for post in client.get(f"/api/users/{alice.pk}/posts/").json()["results"]]

    assert titles(as_alice) == ["done", "draft"]
    assert titles(as_bob) == ["done"]
    assert as_bob.get("/api/users/999999/posts/").status_code == 404
    assert as_bob.get("/api/users/x/posts/").json() == {"detail": "Not found."}


def test_active_users_have_written_enough(as_bob: APIClient, make_post: MakePost) -> None:
    for _ in range(5):
        make_post()

    def names(query: str) -> list[str]:
        return [user["username"] for user in as_bob.get(f"/api/users/active/{query}").json()["results"]]

    assert names("") == ["alice"]
    assert names("?min_posts=6") == []
    assert sorted(names("?min_posts=0")) == ["alice", "bob"]
    assert names("?min_posts=0&ordering=post_count") == ["bob", "alice"]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("-1", "Ensure this value is greater than or equal to 0."),
        ("2147483648", "Ensure this value is less than or equal to 2147483647."),
        ("many", "A valid integer is required."),
    ],
)
def test_min_posts_is_validated(as_bob: APIClient, value: str, error: str) -> None:
    response = as_bob.get(f"/api/users/active/?min_posts={value}")
    assert (response.status_code, response.json()) == (400, {"min_posts": [error]})
