"""DRF's view of tokens: either stack gives a user the same one, and refuses in the same words."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import check_password, make_password
from django.db import connection, models
from django.test import Client
from django.test.utils import isolate_apps
from rest_framework.authtoken import views as drf
from rest_framework.authtoken.models import Token as AbstractToken
from sqlalchemy.orm import Mapped

from shared_schema.consumer.derivation import derive_feature
from shared_schema.mapping import Mapping, Reflected
from strangler_fastapi.auth.auth_tokens import AuthTokenTables, auth_token_router
from tests.databases import migrated_database
from tests.example import CONTRACT_FILE
from tests.integration.fastapi_app.running import USER_HASH, USER_PASSWORD
from tests.integration.strangler_fastapi.auth.test_authentication import Account
from tests.shared_stack import StackAddresses
from tests.side_by_side import CODED, PREFIXES, BothSides, djangos_database, side_by_side

MAPPING = Mapping(contract=CONTRACT_FILE)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class User(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "users"
    id: Mapped[int]
    username: Mapped[str]
    password: Mapped[str]
    is_active: Mapped[bool]
    is_staff: Mapped[bool]
    is_superuser: Mapped[bool]


class Token(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "authtoken_token"
    key: Mapped[str]
    user_id: Mapped[int]
    created: Mapped[datetime]


TABLES = AuthTokenTables(user=User, account=Account, token=Token)

with isolate_apps("django_app.accounts"):

    class DrfToken(AbstractToken):
        user = models.OneToOneField(get_user_model(), on_delete=models.CASCADE, related_name="+")

        class Meta:
            app_label = "accounts"
            db_table = "authtoken_token"


@pytest.fixture(scope="module")
def database(stack: StackAddresses, worker_id: str, django_db_blocker: Any) -> Iterator[Any]:
    with (
        migrated_database(admin_dsn=stack.admin_dsn, name=f"auth_tokens_{worker_id}") as database,
        django_db_blocker.unblock(),
    ):
        with djangos_database(database), connection.schema_editor() as editor:
            editor.create_model(DrfToken)
            for name in ("ann", "bob", "old", "gone"):
                stored = make_password("weak", hasher="pbkdf2_sha256") if name == "old" else USER_HASH
                get_user_model().objects.create(
                    username=name, email=f"{name}@example.com", password=stored, is_active=name != "gone"
                )
        yield database


@pytest.fixture
def sides(database: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[BothSides]:
    monkeypatch.setattr(drf, "Token", DrfToken)
    views = {"token/": drf.ObtainAuthToken.as_view(authentication_classes=())}
    router = auth_token_router(PREFIXES, TABLES, path="/token/", authenticators=())
    own = {**CODED["settings"], "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"]}
    with side_by_side(database, views=views, routers=(router,), tables=MAPPING, **CODED | {"settings": own}) as made:
        DrfToken.objects.all().delete()
        yield made


def form(username: str, password: str = USER_PASSWORD) -> bytes:
    return urlencode({"username": username, "password": password}).encode()


def test_either_stack_gives_a_user_one_token(sides: BothSides) -> None:
    made_here = sides.ask("POST", "/token/", FORM, form("ann"))
    assert re.fullmatch(r'\{"token":"[0-9a-f]{40}"\}', made_here.text)
    made_there = Client().post("/token/", {"username": "bob", "password": USER_PASSWORD})
    assert sides.ask("POST", "/token/", FORM, form("bob")).content == made_there.content
    for token in DrfToken.objects.all():
        assert abs(token.created - datetime.now(UTC)) < timedelta(minutes=2)
    assert DrfToken.objects.count() == 2


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (FORM, form("ann", "wrong")),
        (FORM, form("nobody")),
        (FORM, form("gone")),
        (FORM, form("  ann  ", " ")),
        (FORM, b""),
        ({}, b""),
        ({}, b'{"username": "ann"}'),
        ({}, b'{"username": null, "password": 7}'),
        ({}, b'{"username": "a\\u0000", "password": []}'),
        ({}, b"[1]"),
        ({"Content-Type": "text/plain"}, b"x"),
    ],
)
def test_what_is_wrong_is_refused_in_the_same_words(sides: BothSides, headers: dict[str, str], body: bytes) -> None:
    assert sides.ask("POST", "/token/", headers, body).status_code in (400, 415)
    assert not DrfToken.objects.exists()


def test_other_methods_are_answered_alike(sides: BothSides) -> None:
    assert sides.ask("OPTIONS", "/token/").json()["actions"]["POST"]["token"]["read_only"]
    assert sides.ask("GET", "/token/").status_code == 405


def test_a_weak_hash_is_renewed(sides: BothSides) -> None:
    assert sides.runner.run(sides.library.post("/token/", data={"username": "old", "password": "weak"})).is_success
    stored = get_user_model().objects.get(username="old").password
    assert stored.startswith("argon2")
    assert check_password("weak", stored)


@pytest.mark.usefixtures("sides")
def test_what_the_feature_may_do_is_derived() -> None:
    feature = derive_feature(TABLES.statements(), MAPPING.contract)
    assert feature.inserts == {"authtoken_token": ("created", "key", "user_id")}
    assert feature.updates == {"users": ("password",)}
