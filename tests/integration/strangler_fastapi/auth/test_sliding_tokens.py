"""Sliding tokens of simplejwt: one stack's sign requests on the other, and both refuse the same in the same words."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from fastapi import APIRouter
from rest_framework import permissions as drf_permissions
from rest_framework.response import Response as DrfResponse
from rest_framework.views import APIView
from rest_framework_simplejwt import views as simplejwt
from rest_framework_simplejwt.authentication import JWTAuthentication as DrfJwt
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, SlidingToken
from sqlalchemy.orm import Mapped
from starlette.responses import Response

from shared_schema.consumer.derivation import derive_consumer
from shared_schema.contract.token_settings import TokenSettings
from shared_schema.mapping import Mapping, Reflected
from strangler_django.contract.tokens import token_settings
from strangler_fastapi.auth.bearer_tokens import JWTAuthentication
from strangler_fastapi.auth.token_tables import TokenTables
from strangler_fastapi.auth.token_views import token_router
from strangler_fastapi.auth.tokens import Payload, Tokens
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.views.permissions import IsAuthenticated
from strangler_fastapi.drf.views.view import Caller, View, feature_router
from tests.databases import migrated_database
from tests.example import CONTRACT_FILE
from tests.integration.fastapi_app.running import USER_HASH, USER_PASSWORD
from tests.integration.strangler_fastapi.auth.test_authentication import Account
from tests.shared_stack import StackAddresses
from tests.side_by_side import CODED, PREFIXES, BothSides, djangos_database, side_by_side

KEY: str = settings.SIMPLE_JWT["SIGNING_KEY"]
MAPPING = Mapping(contract=CONTRACT_FILE)
CLASSES = (AccessToken, SlidingToken)


class User(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "users"
    id: Mapped[int]
    username: Mapped[str]
    password: Mapped[str]
    is_active: Mapped[bool]
    is_staff: Mapped[bool]
    is_superuser: Mapped[bool]
    last_login: Mapped[datetime | None]


class Outstanding(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "token_blacklist_outstandingtoken"
    id: Mapped[int]
    user_id: Mapped[int | None]
    jti: Mapped[str]
    token: Mapped[str]
    created_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class Blacklisted(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "token_blacklist_blacklistedtoken"
    id: Mapped[int]
    token_id: Mapped[int]
    blacklisted_at: Mapped[datetime]


TABLES = TokenTables(user=User, account=Account, outstanding=Outstanding, blacklisted=Blacklisted)
PATHS = {"sliding": "/token/", "sliding_refresh": "/refresh/", "verify": "/verify/", "refresh": "/exchange/"}


class DrfMe(APIView):
    authentication_classes = (DrfJwt,)
    permission_classes = (drf_permissions.IsAuthenticated,)

    def get(self, request: Any) -> DrfResponse:
        return DrfResponse({"caller": request.user.username})


def library_router() -> APIRouter:
    router = feature_router(PREFIXES, "callers")
    bearer = JWTAuthentication(TABLES.find_account, blacklist=TABLES)
    view = View(router, "/me/", name="Me", methods=("GET",), permission=IsAuthenticated, authenticators=(bearer,))

    @view.get()
    async def me(caller: Caller) -> Response:
        """The caller's name."""
        return JsonResponse({"caller": caller.username})

    return router


@pytest.fixture(scope="module")
def database(stack: StackAddresses, worker_id: str, django_db_blocker: Any) -> Iterator[Any]:
    with (
        migrated_database(admin_dsn=stack.admin_dsn, name=f"sliding_{worker_id}") as database,
        django_db_blocker.unblock(),
    ):
        with djangos_database(database):
            for name in ("ann", "gone"):
                get_user_model().objects.create(
                    username=name, email=f"{name}@example.com", password=USER_HASH, is_active=name != "gone"
                )
        yield database


@pytest.fixture
def sides(database: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[BothSides]:
    monkeypatch.setattr(api_settings, "AUTH_TOKEN_CLASSES", CLASSES)
    exported = TokenSettings.model_validate(token_settings())
    views = {
        "token/": simplejwt.TokenObtainSlidingView.as_view(),
        "refresh/": simplejwt.TokenRefreshSlidingView.as_view(),
        "exchange/": simplejwt.TokenRefreshView.as_view(),
        "verify/": simplejwt.TokenVerifyView.as_view(),
        "me/": DrfMe.as_view(),
    }
    routers = (token_router(PREFIXES, TABLES, paths=PATHS), library_router())
    state = {"tokens": Tokens(KEY, exported)}
    with side_by_side(database, views=views, routers=routers, tables=MAPPING, state=state, **CODED) as made:
        yield made


def body(token: str) -> bytes:
    return json.dumps({"token": token}).encode()


def claims_of(token: str) -> Payload:
    found: Payload = jwt.decode(token, options={"verify_signature": False})
    return found


def obtain(sides: BothSides) -> dict[str, str]:
    """A token of each stack."""
    sent = {"username": "ann", "password": USER_PASSWORD}
    ours = sides.runner.run(sides.library.post("/token/", json=sent)).json()["token"]
    theirs = Client().post("/token/", sent, content_type="application/json").json()["token"]
    return {"fastapi": ours, "django": theirs}


def test_a_sliding_token_of_either_stack_signs_requests_of_both(sides: BothSides) -> None:
    tokens = obtain(sides)
    made = {name: claims_of(token) for name, token in tokens.items()}
    assert [*made["fastapi"]] == [*made["django"]]
    for claims in made.values():
        assert (claims["token_type"], claims["user_id"]) == ("sliding", made["django"]["user_id"])
        assert claims["exp"] - claims["iat"] == 300
        assert claims["refresh_exp"] - claims["iat"] == 86_400
    for token in tokens.values():
        assert sides.ask("GET", "/me/", {"Authorization": f"Bearer {token}"}).json() == {"caller": "ann"}
        assert sides.ask("POST", "/verify/", body=body(token)).status_code == 200
    rows = OutstandingToken.objects.filter(jti__in=[claims["jti"] for claims in made.values()])
    assert {(row.user_id, row.token) for row in rows} == {
        (get_user_model().objects.get(username="ann").pk, token) for token in tokens.values()
    }


def test_a_sliding_token_is_exchanged_for_a_later_one_of_the_same_id(sides: BothSides) -> None:
    for token in obtain(sides).values():
        early = claims_of(token) | {"iat": 1_700_000_000}
        sent = {"token": jwt.encode(early, KEY)}
        ours = sides.runner.run(sides.library.post("/refresh/", json=sent)).json()["token"]
        theirs = Client().post("/refresh/", sent, content_type="application/json").json()["token"]
        found = [claims_of(each) for each in (ours, theirs)]
        assert [*found[0]] == [*found[1]] == [*early]
        for claims in found:
            assert {name: claims[name] for name in claims if name not in ("exp", "iat")} == {
                name: early[name] for name in early if name not in ("exp", "iat")
            }
            assert abs(claims["iat"] - datetime.now(UTC).timestamp()) < 60
            assert claims["exp"] - claims["iat"] == 300


def test_what_is_no_good_sliding_token_is_refused_in_the_same_words(sides: BothSides) -> None:
    ann, gone = (get_user_model().objects.get(username=name) for name in ("ann", "gone"))
    good = SlidingToken.for_user(ann)
    ended = SlidingToken.for_user(ann)
    BlacklistedToken.objects.create(token=OutstandingToken.objects.get(jti=ended["jti"]))
    claims = good.payload
    tokens = {
        "access": str(AccessToken.for_user(ann)),
        "refresh": str(RefreshToken.for_user(ann)),
        "of nobody": jwt.encode(claims | {"user_id": "99999999"}, KEY),
        "inactive": str(SlidingToken.for_user(gone)),
        "ended": str(ended),
        "expired": jwt.encode(claims | {"exp": 1}, KEY),
        "exchanged too late": jwt.encode(claims | {"refresh_exp": 1}, KEY),
        "not exchanged": jwt.encode({name: claims[name] for name in claims if name != "refresh_exp"}, KEY),
        "without an end": jwt.encode({name: claims[name] for name in claims if name != "exp"}, KEY),
        "of another kind": jwt.encode(claims | {"token_type": "other"}, KEY),
        "of no kind": jwt.encode({name: claims[name] for name in claims if name != "token_type"}, KEY),
        "of another password": jwt.encode(claims | {"hash_password": "x"}, KEY),
        "of another key": jwt.encode(claims, "another key that is long enough for HS256"),
        "no token": "x",
    }
    signs = [
        name
        for name, token in tokens.items()
        if sides.ask("GET", "/me/", {"Authorization": f"Bearer {token}"}).status_code == 200
    ]
    assert signs == ["access", "exchanged too late", "not exchanged"]
    for name, token in tokens.items():
        sides.ask("POST", "/verify/", body=body(token))
        if name not in ("of nobody", "inactive", "of another password"):
            assert sides.ask("POST", "/refresh/", body=body(token)).status_code == 401
    for sent in (b"{}", b"[]", b'{"token": null}', b'{"token": ""}', b'{"username": "ann", "password": "wrong"}'):
        for path in ("/token/", "/refresh/"):
            assert sides.ask("POST", path, body=sent).status_code in (400, 401)
    for path in ("/token/", "/refresh/"):
        assert sides.ask("OPTIONS", path).json()["name"].endswith("Sliding")


def test_who_may_no_longer_exchange_a_refresh_token_is_refused_with_the_same_codes(sides: BothSides) -> None:
    ann, gone = (get_user_model().objects.get(username=name) for name in ("ann", "gone"))
    claims = RefreshToken.for_user(ann).payload
    tokens = {
        "inactive": str(RefreshToken.for_user(gone)),
        "of nobody": jwt.encode(claims | {"user_id": "99999999"}, KEY),
        "of another password": jwt.encode(claims | {"hash_password": "x"}, KEY),
        "access": str(AccessToken.for_user(ann)),
    }
    found = {}
    for name, token in tokens.items():
        answer = sides.ask("POST", "/exchange/", body=json.dumps({"refresh": token}).encode())
        found[name] = (answer.status_code, answer.json()["detail"]["code"])
    assert found == {
        "inactive": (401, "no_active_account"),
        "of nobody": (401, "no_active_account"),
        "of another password": (401, "authentication_failed"),
        "access": (401, "token_not_valid"),
    }


def test_what_the_contract_says_of_them_is_there_where_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not {name for name in token_settings() or {} if "sliding" in name or "classes" in name}
    monkeypatch.setattr(api_settings, "AUTH_TOKEN_CLASSES", CLASSES)
    found = token_settings() or {}
    assert found["auth_token_classes"] == [["AccessToken", "access"], ["SlidingToken", "sliding"]]
    assert found["sliding_token_refresh_exp_claim"] == "refresh_exp"


def test_what_a_service_reads_for_it_is_derived() -> None:
    features = {"callers": TABLES.blacklist_statements}
    consumer = derive_consumer(MAPPING, MAPPING.contract, features)
    assert {*consumer.features["callers"].reads} == {Outstanding.__tablename__, Blacklisted.__tablename__}
