"""Users, posts and callers. Callers carry real tokens, so each request is authenticated as in production."""

from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import make_password
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from django_app.accounts.models import User
from django_app.blog.models import Post
from django_app.blog.services import post_create

PASSWORD = "correct horse 9 battery"

Caller = Callable[[User | None], APIClient]
MakePost = Callable[..., Post]


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Every test here works on the database."""


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The hash of PASSWORD, made once: Argon2 takes 60 ms on purpose."""
    return make_password(PASSWORD)


@pytest.fixture
def alice(password_hash: str) -> User:
    return User.objects.create(username="alice", email="alice@example.com", password=password_hash)


@pytest.fixture
def bob(password_hash: str) -> User:
    return User.objects.create(username="bob", email="bob@example.com", password=password_hash)


@pytest.fixture
def admin(password_hash: str) -> User:
    return User.objects.create(
        username="admin", email="admin@example.com", password=password_hash, is_staff=True, is_superuser=True
    )


@pytest.fixture
def caller() -> Caller:
    def make(user: User | None = None) -> APIClient:
        client = APIClient()
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")
        return client

    return make


@pytest.fixture
def anonymous(caller: Caller) -> APIClient:
    return caller(None)


@pytest.fixture
def as_alice(caller: Caller, alice: User) -> APIClient:
    return caller(alice)


@pytest.fixture
def as_bob(caller: Caller, bob: User) -> APIClient:
    return caller(bob)


@pytest.fixture
def as_admin(caller: Caller, admin: User) -> APIClient:
    return caller(admin)


@pytest.fixture
def make_post(alice: User) -> MakePost:
    def make(**values: object) -> Post:
        return post_create(**{"author": alice, "title": "Title", "content": "Content", **values})

    return make
