"""OAuth 2.0 access tokens: django-oauth-toolkit's authenticator and permissions, and the library's, asked the same."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone
from fastapi import APIRouter
from rest_framework import permissions as drf_permissions
from rest_framework.response import Response as DrfResponse
from rest_framework.views import APIView
from sqlalchemy.orm import Mapped
from starlette.requests import Request
from starlette.responses import Response

from shared_schema.mapping import Mapping, Reflected
from strangler_fastapi.auth.oauth_tokens import AccessToken, OAuth2Authentication
from strangler_fastapi.auth.token_scopes import (
    IsAuthenticatedOrTokenHasScope,
    TokenHasReadWriteScope,
    TokenHasResourceScope,
    TokenHasScope,
    TokenMatchesOASRequirements,
)
from strangler_fastapi.auth.user_tables import UserTables
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.views.model_permissions import DjangoModelPermissionsOrAnonReadOnly
from strangler_fastapi.drf.views.permissions import AllowAny, IsAuthenticated
from strangler_fastapi.drf.views.view import Caller, View, feature_router
from tests.databases import migrated_database
from tests.example import CONTRACT_FILE
from tests.installed_app import installed_app
from tests.integration.strangler_fastapi.auth.test_authentication import Account, DrfKeys, Keys
from tests.shared_stack import StackAddresses
from tests.side_by_side import PREFIXES, BothSides, djangos_database, side_by_side

# The package warns of tokens in a query, as RFC 9700 does, and takes them.
pytestmark = pytest.mark.filterwarnings("ignore:Presenting an OAuth 2.0 access token:DeprecationWarning")

MAPPING = Mapping(contract=CONTRACT_FILE)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MODELS = ("Application", "IDToken", "AccessToken", "RefreshToken", "Grant")
METHODS = ("GET", "POST", "PUT", "DELETE")
LATER = timedelta(hours=1)


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
    __tablename__ = "oauth2_provider_accesstoken"
    token_checksum: Mapped[str]
    user_id: Mapped[int | None]
    expires: Mapped[datetime]
    scope: Mapped[str]
    resource: Mapped[Any]


class OldToken(Reflected):
    """As before version 3 of the package, which looks for the token itself."""

    __mapping__ = MAPPING
    __tablename__ = "oauth2_provider_accesstoken"
    token: Mapped[str]
    user_id: Mapped[int | None]
    expires: Mapped[datetime]
    scope: Mapped[str]


USERS = UserTables(user=User, account=Account)
OAUTH, KEYS = OAuth2Authentication(USERS, Token), Keys(USERS)
OLD, STRICT, OPEN_ID = (
    OAuth2Authentication(USERS, OldToken),
    OAuth2Authentication(USERS, Token, query_tokens=False),
    OAuth2Authentication(USERS, Token, id_tokens=True),
)
ALTERNATIVES: dict[str, tuple[tuple[str, ...], ...]] = {
    "GET": (("read",),),
    "POST": (("a", "b"), ("write",)),
    "PUT": (),
}
# The authenticators and permission of each view, Django's by their names, and its attributes.
VIEWS: dict[str, tuple[tuple[Any, ...], Any, str, dict[str, Any]]] = {
    "public": ((OAUTH,), AllowAny, "AllowAny", {}),
    "signed-in": ((OAUTH,), IsAuthenticated, "IsAuthenticated", {}),
    "old": ((OLD,), IsAuthenticated, "IsAuthenticated", {}),
    "keys-first": ((KEYS, OAUTH), IsAuthenticated, "IsAuthenticated", {}),
    "keys-last": ((OAUTH, KEYS), IsAuthenticated, "IsAuthenticated", {}),
    "scope": ((OAUTH, KEYS), TokenHasScope("a", "b"), "TokenHasScope", {"required_scopes": ["a", "b"]}),
    "reveals": ((OAUTH, KEYS), TokenHasScope("a", "b", reveals=True), "TokenHasScope", {"required_scopes": ["a", "b"]}),
    "no-scope": ((OAUTH,), TokenHasScope(), "TokenHasScope", {"required_scopes": []}),
    "read-write": ((OAUTH,), TokenHasReadWriteScope("a"), "TokenHasReadWriteScope", {"required_scopes": ["a"]}),
    "read-write-alone": ((OAUTH,), TokenHasReadWriteScope(), "TokenHasReadWriteScope", {}),
    "resource": ((OAUTH,), TokenHasResourceScope("a"), "TokenHasResourceScope", {"required_scopes": ["a"]}),
    "either": (
        (OAUTH, KEYS),
        IsAuthenticatedOrTokenHasScope("a"),
        "IsAuthenticatedOrTokenHasScope",
        {"required_scopes": ["a"]},
    ),
    "alternatives": (
        (OAUTH,),
        TokenMatchesOASRequirements(**ALTERNATIVES),
        "TokenMatchesOASRequirements",
        {"required_alternate_scopes": ALTERNATIVES},
    ),
}
CALLERS = ("ann", "app", "gone", "late")
SCOPES = ("", "read", "write", "a", "a b", "a:read", "a:write", "a read", "a write")


@pytest.fixture(scope="module")
def toolkit(django_db_blocker: Any) -> Iterator[Any]:
    """The package, as an app of the project; its settings are those of these tests."""
    with installed_app("oauth2_provider"), django_db_blocker.unblock():
        from oauth2_provider.contrib.rest_framework import authentication, permissions

        yield SimpleNamespace(
            authentication=authentication,
            permissions=permissions,
            model=lambda name: apps.get_model("oauth2_provider", name),
        )


@pytest.fixture(scope="module")
def database(toolkit: Any, stack: StackAddresses, worker_id: str) -> Iterator[Any]:
    with migrated_database(admin_dsn=stack.admin_dsn, name=f"oauth_tokens_{worker_id}") as database:
        with djangos_database(database):
            with connection.schema_editor() as editor:
                for name in MODELS:
                    editor.create_model(toolkit.model(name))
            users = get_user_model().objects
            people = {
                name: users.create(username=name, email=f"{name}@x.com", is_active=name != "gone") for name in CALLERS
            }
            for name in CALLERS:
                for scope in SCOPES:
                    toolkit.model("AccessToken").objects.create(
                        user=people[name] if name != "app" else None,
                        token=token_of(name, scope),
                        expires=timezone.now() + (-LATER if name == "late" else LATER),
                        scope=scope,
                    )
            toolkit.model("AccessToken").objects.create(
                user=people["ann"], token="narrow", expires=timezone.now() + LATER, resource=["https://x.example/api"]
            )
        yield database


@pytest.fixture(scope="module")
def sides(toolkit: Any, database: Any) -> Iterator[BothSides]:
    views = {f"{name}/": drf_view(toolkit, name) for name in VIEWS}
    with side_by_side(database, views=views, routers=(library_router(),), tables=MAPPING) as made:
        yield made


def drf_view(toolkit: Any, name: str) -> Any:
    authenticators, _, permission, attributes = VIEWS[name]
    found = getattr(toolkit.permissions, permission, None) or getattr(drf_permissions, permission)

    classes = [DrfKeys if each is KEYS else toolkit.authentication.OAuth2Authentication for each in authenticators]

    class Endpoint(APIView):
        authentication_classes = classes
        permission_classes = (found,)

        def get(self, request: Any) -> DrfResponse:
            scope = getattr(request.auth, "scope", None)
            name = getattr(request.user, "username", None) or None
            return DrfResponse({"caller": name, "scopes": None if scope is None else sorted(scope.split())})

        post = put = delete = get

    for attribute, value in attributes.items():
        setattr(Endpoint, attribute, value)
    return Endpoint.as_view()


def library_router() -> APIRouter:
    router = feature_router(PREFIXES, "tokens")
    extra = {"strict": STRICT, "open-id": OPEN_ID}
    given = {name: (authenticators, permission) for name, (authenticators, permission, _, _) in VIEWS.items()}
    given |= {name: ((each,), AllowAny) for name, each in extra.items()}
    for name, (authenticators, permission) in given.items():
        view = View(
            router, f"/{name}/", name="Endpoint", methods=METHODS, permission=permission, authenticators=authenticators
        )

        @view.get()
        @view.post()
        @view.put()
        @view.delete()
        async def answer(request: Request, caller: Caller) -> Response:
            """The caller's name, and what the token is for."""
            scopes = getattr(request.state.auth, "scopes", None)
            found = {"caller": None if caller is None else caller.username}
            return JsonResponse({**found, "scopes": None if scopes is None else sorted(scopes)})

    return router


def token_of(name: str, scope: str = "") -> str:
    return f"{name}-{scope.replace(' ', '+').replace(':', '.')}"


def bearer(name: str, scope: str = "") -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(name, scope)}"}


@pytest.mark.parametrize("view", sorted({*VIEWS} - {"reveals"}))
@pytest.mark.parametrize("name", [*CALLERS, "nobody"])
def test_a_token_names_its_caller_and_what_it_may_do(sides: BothSides, view: str, name: str) -> None:
    for scope in SCOPES:
        for method in METHODS:
            sides.ask(method, f"/{view}/", bearer(name, scope))
    sides.ask("OPTIONS", f"/{view}/", bearer(name, "a b"))
    sides.ask("GET", f"/{view}/")


def test_what_is_accepted_and_what_is_not(sides: BothSides) -> None:
    assert sides.ask("GET", "/signed-in/", bearer("ann")).json() == {"caller": "ann", "scopes": []}
    assert sides.ask("GET", "/signed-in/", bearer("gone")).status_code == 200
    assert sides.ask("GET", "/signed-in/", bearer("app")).status_code == 403
    assert sides.ask("GET", "/scope/", bearer("app", "a b")).json() == {"caller": None, "scopes": ["a", "b"]}
    late = sides.ask("GET", "/signed-in/", bearer("late"))
    assert late.status_code == 401
    expired = 'Bearer realm="api",error="invalid_token",error_description="The access token has expired."'
    assert late.headers["www-authenticate"] == expired
    assert sides.ask("GET", "/public/", bearer("late")).json() == {"caller": None, "scopes": None}
    assert sides.ask("GET", "/scope/", bearer("ann", "a")).status_code == 403
    assert sides.ask("POST", "/alternatives/", bearer("ann", "a b")).status_code == 200
    assert sides.ask("PUT", "/alternatives/", bearer("ann", "a b")).status_code == 403


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "bearer ann-",
        "BEARER   ann-",
        "Bearer ann- more",
        "Bearer\tann-",
        "Bearer \xa0ann-",
        "Bearer ann-\xe9",
        "Token ann-",
        "Basic YTpi",
        "Bearer eyJ.a.b",
    ],
)
@pytest.mark.parametrize("view", ["signed-in", "old", "keys-first", "keys-last", "scope"])
def test_headers_are_read_alike(sides: BothSides, view: str, header: str) -> None:
    sides.ask("GET", f"/{view}/?access_token=ann-", {"Authorization": header})


@pytest.mark.parametrize(
    "query",
    [
        "access_token=ann-",
        "access_token=x&access_token=ann-",
        "access_token=",
        "access_token",
        "access_token=ann%2D",
        "access_token=ann%2",
        "access_token=%00",
        "q=100%",
        "q=%e",
        "q=[a]|{}^%5B",
        "q=;access_token=ann-",
    ],
)
@pytest.mark.parametrize("view", ["signed-in", "old", "public"])
def test_tokens_of_the_query_are_read_alike(sides: BothSides, view: str, query: str) -> None:
    sides.ask("GET", f"/{view}/?{query}")


@pytest.mark.parametrize("query", ["access_token=ann-&q=%zz", "q=%e&r=1"])
def test_a_query_that_is_no_encoded_text_is_refused(sides: BothSides, query: str) -> None:
    assert ask_here(sides, f"/public/?{query}", **bearer("ann")).status_code == 400
    assert Client(headers=bearer("ann")).get(f"/public/?{query}").status_code == 400


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (FORM, b"access_token=ann-"),
        (FORM, b"access_token=&q=1"),
        (FORM, b"access_token=x&access_token=ann-"),
        (FORM, b"access_token=%zz"),
        (FORM, b"access_token=ann-\xff"),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="access_token"\r\n\r\nann-\r\n--b--\r\n',
        ),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="access_token"; filename="f"\r\n\r\nann-\r\n--b--\r\n',
        ),
        ({}, b'{"access_token": "ann-"}'),
        ({}, b"{"),
        ({"Content-Type": "text/plain"}, b"x"),
        ({"Content-Type": "text/plain"}, b""),
        ({**FORM, "Authorization": "Bearer ann-"}, b"access_token=x"),
        ({**FORM, "Authorization": "Token x"}, b"access_token=ann-"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize("query", ["", "?access_token=app-", "?access_token=ann-"])
def test_bodies_are_read_before_anything_is_decided(
    sides: BothSides, method: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    for view in ("signed-in", "old", "scope", "public"):
        sides.ask(method, f"/{view}/{query}", headers, body)


@pytest.mark.usefixtures("toolkit")
def test_a_refusal_lists_the_scopes_where_the_project_has_it_so(sides: BothSides) -> None:
    with override_settings(OAUTH2_PROVIDER={"ERROR_RESPONSE_WITH_SCOPES": True}):
        assert sides.ask("GET", "/reveals/", bearer("ann", "a")).json()["required_scopes"] == ["a", "b"]
        for name in CALLERS:
            for scope in SCOPES:
                sides.ask("GET", "/reveals/", bearer(name, scope))


def ask_here(sides: BothSides, url: str, **headers: str) -> Any:
    return sides.runner.run(sides.library.get(url, headers=headers))


def test_tokens_that_only_django_understands_are_not_ported(sides: BothSides) -> None:
    assert ask_here(sides, "/public/", Authorization="Bearer narrow").status_code == 501
    assert ask_here(sides, "/open-id/", Authorization="Bearer eyJ.a.b").status_code == 501
    assert ask_here(sides, "/open-id/", Authorization="Bearer ann-").json()["caller"] == "ann"


def test_no_token_is_read_of_a_query_where_the_project_forbids_it(sides: BothSides) -> None:
    assert ask_here(sides, "/strict/?access_token=ann-").json()["caller"] is None
    assert ask_here(sides, "/strict/?access_token=ann-", Authorization="Bearer ann-").json()["caller"] is None
    assert ask_here(sides, "/strict/?q=ann-", Authorization="Bearer ann-").json()["caller"] == "ann"


def test_a_token_without_a_user_is_not_anonymous() -> None:
    """DRF's DjangoModelPermissionsOrAnonReadOnly refuses a request whose user is None."""
    permission = DjangoModelPermissionsOrAnonReadOnly(SimpleNamespace(), Token)  # type: ignore[arg-type] # asked for nothing
    token = AccessToken(frozenset(), timezone.now() + LATER)
    request = SimpleNamespace(method="GET", state=SimpleNamespace(auth=token), user=None)
    assert permission.has_permission(request, None) is False  # type: ignore[arg-type] # as much of one as is looked at
    assert drf_permissions.DjangoModelPermissionsOrAnonReadOnly().has_permission(request, APIView()) is False  # type: ignore[arg-type] # the same
