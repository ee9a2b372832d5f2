"""Callers and permissions: one database, DRF's views and the library's over it, asked the same."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection, models
from django.middleware.csrf import _mask_cipher_secret
from django.test.utils import isolate_apps, override_settings
from django.utils import timezone
from fastapi import APIRouter
from rest_framework import authentication as drf
from rest_framework import permissions as drf_permissions
from rest_framework.response import Response as DrfResponse
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication as DrfJwt
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication as DrfStatelessJwt
from rest_framework_simplejwt.tokens import AccessToken
from sqlalchemy.orm import Mapped
from starlette.requests import Request
from starlette.responses import Response

from django_app.blog.models import Tag as DjangoTag
from fastapi_app.models import BLOG
from shared_schema.consumer.derivation import derive_consumer
from shared_schema.mapping import Mapping, Reflected
from strangler_fastapi.auth.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
    auth_of,
)
from strangler_fastapi.auth.bearer_tokens import JWTAuthentication, JWTStatelessUserAuthentication, TokenCookie
from strangler_fastapi.auth.csrf import CsrfCheck
from strangler_fastapi.auth.session_rows import SessionRows
from strangler_fastapi.auth.sessions import Sessions
from strangler_fastapi.auth.tokens import Tokens
from strangler_fastapi.auth.user_tables import UserTables
from strangler_fastapi.db.query import fetch
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.views.model_permissions import (
    DjangoModelPermissions,
    DjangoModelPermissionsOrAnonReadOnly,
    PermissionTables,
)
from strangler_fastapi.drf.views.permissions import AllowAny, IsAdminUser, IsAuthenticated
from strangler_fastapi.drf.views.view import Caller, View, feature_router
from strangler_fastapi.errors import AuthenticationFailed
from tests.databases import migrated_database
from tests.example import CONTRACT_FILE
from tests.integration.fastapi_app.running import USER_HASH, USER_PASSWORD
from tests.shared_stack import StackAddresses
from tests.side_by_side import PREFIXES, BothSides, djangos_database, side_by_side

KEYS = ("the secret key of these tests, of today", "the one of yesterday")
JWT_KEY: str = settings.SIMPLE_JWT["SIGNING_KEY"]
CSRF = "abcdefghijklmnopqrstuvwxyzABCDEF"
MAPPING = Mapping(contract=CONTRACT_FILE)


class Own(Reflected):
    __mapping__ = MAPPING


class User(Own):
    __tablename__ = "users"
    id: Mapped[int]
    username: Mapped[str]
    password: Mapped[str]
    is_active: Mapped[bool]
    is_staff: Mapped[bool]
    is_superuser: Mapped[bool]


class Token(Own):
    __tablename__ = "authtoken_token"
    __columns__ = {"token": "key"}  # noqa: RUF012 - as a project writes it
    token: Mapped[str]
    user_id: Mapped[int]


class SessionRow(Own):
    __tablename__ = "django_session"
    session_key: Mapped[str]
    session_data: Mapped[str]
    expire_date: Mapped[Any]


class OwnPermission(Own):
    __tablename__ = "auth_permission"
    id: Mapped[int]
    codename: Mapped[str]
    content_type_id: Mapped[int]


class ContentType(Own):
    __tablename__ = "django_content_type"
    id: Mapped[int]
    app_label: Mapped[str]
    model: Mapped[str]


class GroupPermission(Own):
    __tablename__ = "auth_group_permissions"
    group_id: Mapped[int]
    permission_id: Mapped[int]


class UserGroup(Own):
    __tablename__ = "users_groups"
    group_id: Mapped[int]
    user_id: Mapped[int]


class UserPermission(Own):
    __tablename__ = "users_user_permissions"
    permission_id: Mapped[int]
    user_id: Mapped[int]


class Tag(Own):
    __tablename__ = "tags"
    id: Mapped[int]


@dataclass(frozen=True)
class Account:
    id: int
    username: str
    is_active: bool
    is_staff: bool
    is_superuser: bool
    password: str = field(repr=False)


USERS = UserTables(user=User, account=Account)
PERMISSIONS = PermissionTables(
    permission=OwnPermission,
    content_type=ContentType,
    group_permission=GroupPermission,
    user_group=UserGroup,
    user_permission=UserPermission,
)
ROWS = SessionRows(mapped=SessionRow)

with isolate_apps("django_app.accounts"):

    class DrfToken(models.Model):
        key = models.CharField(max_length=40, primary_key=True)
        user = models.OneToOneField(get_user_model(), on_delete=models.CASCADE, related_name="+")

        class Meta:
            app_label = "accounts"
            db_table = "authtoken_token"


class DrfTokens(drf.TokenAuthentication):
    model = DrfToken


class DrfBearerTokens(DrfTokens):
    keyword = "Bearer"


class DrfKeys(drf.BaseAuthentication):
    """A project's own."""

    def authenticate(self, request: Any) -> Any:
        name = request.headers.get("X-Key")
        if name is None:
            return None
        user = get_user_model().objects.filter(username=name).first()
        if user is None:
            raise drf.exceptions.AuthenticationFailed("No such key.")
        return user, None

    def authenticate_header(self, request: Any) -> str:  # noqa: ARG002 - DRF's signature
        return "Key"


class Keys(BaseAuthentication):
    def __init__(self, users: UserTables[Account]) -> None:
        self._users = users

    async def authenticate(self, request: Request, session: Any) -> Account | None:
        name = request.headers.get("x-key")
        if name is None:
            return None
        rows = await fetch(session, self._users.account_by_name(name))
        if not rows:
            raise AuthenticationFailed("No such key.")
        return await self._users.find_account(session, rows[0][0])

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - see BaseAuthentication
        return "Key"


class DrfCookieJwt(DrfJwt):
    """The header, else the cookie, as `dj_rest_auth.jwt_auth.JWTCookieAuthentication` has it."""

    always = False

    def authenticate(self, request: Any) -> Any:
        if self.get_header(request) is not None:
            return super().authenticate(request)
        token = request.COOKIES.get("access")
        if self.always or token is not None:
            drf.SessionAuthentication().enforce_csrf(request)
        if token is None:
            return None
        validated = self.get_validated_token(token)
        return self.get_user(validated), validated


class DrfCheckedJwt(DrfCookieJwt):
    always = True


class DrfStateless(DrfStatelessJwt):
    def get_user(self, validated_token: Any) -> Any:
        user = super().get_user(validated_token)
        user.username = f"user {user.id}"
        return user


class DrfHeaderJwt(DrfJwt):
    def get_header(self, request: Any) -> Any:
        return request.headers.get("X-Token", "").encode() or None


COOKIE_JWT = JWTAuthentication(USERS.find_account, cookie=TokenCookie(name="access", csrf=CsrfCheck()))
CHECKED_JWT = JWTAuthentication(
    USERS.find_account, cookie=TokenCookie(name="access", csrf=CsrfCheck(), csrf_always=True)
)
HEADER_JWT = JWTAuthentication(USERS.find_account, header="X-Token")
STATELESS = JWTStatelessUserAuthentication(lambda claims: SimpleNamespace(username=f"user {claims['user_id']}"))
TOKEN, BEARER_TOKEN = TokenAuthentication(USERS, Token), TokenAuthentication(USERS, Token, keyword="Bearer")
BASIC, SESSION, JWT, KEY = (
    BasicAuthentication(USERS),
    SessionAuthentication(USERS),
    JWTAuthentication(USERS.find_account),
    Keys(USERS),
)
# Both stacks' authenticators and permission of each view.
VIEWS: dict[str, tuple[list[Any], Any, tuple[BaseAuthentication, ...], Any]] = {
    "token": ([DrfTokens], drf_permissions.IsAuthenticated, (TOKEN,), IsAuthenticated),
    "bearer-token": ([DrfBearerTokens], drf_permissions.IsAuthenticated, (BEARER_TOKEN,), IsAuthenticated),
    "basic": ([drf.BasicAuthentication], drf_permissions.IsAuthenticated, (BASIC,), IsAuthenticated),
    "session": ([drf.SessionAuthentication], drf_permissions.IsAuthenticated, (SESSION,), IsAuthenticated),
    "public-session": ([drf.SessionAuthentication], drf_permissions.AllowAny, (SESSION,), AllowAny),
    "session-token": (
        [drf.SessionAuthentication, DrfTokens],
        drf_permissions.IsAdminUser,
        (SESSION, TOKEN),
        IsAdminUser,
    ),
    "token-session": (
        [DrfTokens, drf.SessionAuthentication],
        drf_permissions.IsAdminUser,
        (TOKEN, SESSION),
        IsAdminUser,
    ),
    "key-jwt": ([DrfKeys, DrfJwt], drf_permissions.IsAuthenticated, (KEY, JWT), IsAuthenticated),
    "cookie-jwt": ([DrfCookieJwt], drf_permissions.IsAuthenticated, (COOKIE_JWT,), IsAuthenticated),
    "checked-jwt": ([DrfCheckedJwt], drf_permissions.AllowAny, (CHECKED_JWT,), AllowAny),
    "header-jwt": ([DrfHeaderJwt], drf_permissions.IsAuthenticated, (HEADER_JWT,), IsAuthenticated),
    "stateless-jwt": ([DrfStateless], drf_permissions.IsAuthenticated, (STATELESS,), IsAuthenticated),
    "jwt-basic": ([DrfJwt, drf.BasicAuthentication], drf_permissions.IsAuthenticated, (JWT, BASIC), IsAuthenticated),
    "nobody": ([], drf_permissions.IsAuthenticated, (), IsAuthenticated),
    "model": (
        [DrfKeys],
        drf_permissions.DjangoModelPermissions,
        (KEY,),
        DjangoModelPermissions(PERMISSIONS, Tag),
    ),
    "anon-model": (
        [DrfKeys],
        drf_permissions.DjangoModelPermissionsOrAnonReadOnly,
        (KEY,),
        DjangoModelPermissionsOrAnonReadOnly(PERMISSIONS, Tag) & AllowAny,
    ),
}
METHODS = ("GET", "POST", "PUT", "DELETE")


def drf_view(name: str) -> Any:
    authenticators, permission, _, _ = VIEWS[name]

    class Endpoint(APIView):
        authentication_classes = authenticators
        permission_classes = (permission,)
        queryset = DjangoTag.objects.all()

        def get(self, request: Any) -> DrfResponse:
            auth = getattr(request.auth, "payload", getattr(request.auth, "key", None))
            return DrfResponse({"caller": request.user.username or None, "auth": auth})

        post = put = delete = get

    return Endpoint.as_view()


def library_router() -> APIRouter:
    router = feature_router(PREFIXES, "callers")
    for name, (_, _, authenticators, permission) in VIEWS.items():
        view = View(
            router, f"/{name}/", name=name, methods=METHODS, permission=permission, authenticators=authenticators
        )

        @view.get()
        @view.post()
        @view.put()
        @view.delete()
        async def answer(request: Request, caller: Caller) -> Response:
            """The caller's name, and what it signed in by."""
            return JsonResponse({"caller": None if caller is None else caller.username, "auth": auth_of(request)})

    return router


@dataclass
class World:
    """Both stacks, and the users in their database."""

    sides: BothSides
    users: dict[str, Any]

    def ask(
        self,
        name: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        cookies: dict[str, str] | None = None,
    ) -> int:
        """The status that both answer with."""
        given = dict(headers or {})
        if cookies:
            given["Cookie"] = "; ".join(f"{cookie}={value}" for cookie, value in cookies.items())
        status: int = self.sides.ask(method, f"/{name}/", given).status_code
        return status


def fill() -> dict[str, Any]:
    users = {
        name: get_user_model().objects.create(
            username=name,
            email=f"{name}@example.com",
            password=USER_HASH,
            is_active=name != "gone",
            is_staff=name == "staff",
            is_superuser=name == "root",
        )
        for name in ("plain", "staff", "root", "gone", "adds", "member")
    }
    of_tags = Permission.objects.filter(content_type__app_label="blog", content_type__model="tag")
    users["adds"].user_permissions.set(of_tags.filter(codename="add_tag"))
    users["gone"].user_permissions.set(of_tags)
    group = Group.objects.create(name="of the tests")
    group.permissions.set(of_tags.filter(codename__in=["change_tag", "delete_tag"]))
    users["member"].groups.add(group)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE authtoken_token (key varchar(40) PRIMARY KEY, user_id bigint NOT NULL UNIQUE)")
    for name, user in users.items():
        DrfToken.objects.create(key=name * 5, user=user)
    return users


@pytest.fixture(scope="module")
def world(stack: StackAddresses, worker_id: str, django_db_blocker: Any) -> Iterator[World]:
    settings = {
        "SECRET_KEY": KEYS[0],
        "SECRET_KEY_FALLBACKS": KEYS[1:],
        "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"],
    }
    state = {"tokens": Tokens(JWT_KEY, BLOG.contract.token_settings)}
    sessions = Sessions(secret_key=KEYS[0], fallbacks=KEYS[1:], rows=ROWS, csrf=CsrfCheck())
    views = {f"{name}/": drf_view(name) for name in VIEWS}
    with (
        migrated_database(admin_dsn=stack.admin_dsn, name=f"callers_{worker_id}") as database,
        django_db_blocker.unblock(),
    ):
        with djangos_database(database):
            users = fill()
        routers = (library_router(),)
        with side_by_side(
            database,
            views=views,
            routers=routers,
            tables=MAPPING,
            state=state,
            settings=settings,
            sessions=sessions,
        ) as sides:
            yield World(sides, users)


def basic(name: str, password: str = USER_PASSWORD) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


def bearer(user: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {AccessToken.for_user(user)}"}


def session_of(user: Any, *, key: str = KEYS[0], **changed: Any) -> str:
    """The key of a session that Django would make as the user signs in."""
    with override_settings(SECRET_KEY=key, SECRET_KEY_FALLBACKS=[]):
        store = SessionStore()
        store[SESSION_KEY] = str(user.pk)
        store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        store[HASH_SESSION_KEY] = user.get_session_auth_hash()
        for name, value in changed.items():
            store[name] = value
        store.save()
    return store.session_key or ""


def test_tokens_of_a_table(world: World) -> None:
    headers = ("Token", "Token a b", "Token é", f"token {'plain' * 5}", "Token nobody", "Bearer x", "")
    for name in ("token", "bearer-token"):
        for header in headers:
            world.ask(name, headers={"Authorization": header})
        for user in world.users:
            for keyword in ("Token", "Bearer"):
                world.ask(name, headers={"Authorization": f"{keyword} {user * 5}"})
    assert world.ask("token", headers={"Authorization": f"Token {'plain' * 5}"}) == 200
    assert world.ask("token", headers={"Authorization": f"Token {'gone' * 5}"}) == 401


def test_passwords(world: World) -> None:
    for header in ("Basic", "Basic a b", "Basic x", "basic cGxhaW4", "Basic é", f"Token {'plain' * 5}"):
        world.ask("basic", headers={"Authorization": header})
    assert world.ask("basic", headers=basic("plain")) == 200
    assert [world.ask("basic", headers=basic(*given)) for given in (("plain", "no"), ("nobody",), ("gone",))] == [
        401
    ] * 3


def test_sessions(world: World) -> None:
    plain, gone = world.users["plain"], world.users["gone"]
    good = session_of(plain)
    sessions = {
        "good": good,
        "of an older key": session_of(plain, key=KEYS[1]),
        "of another key": session_of(plain, key="another key of nobody"),
        "of another password": session_of(plain, **{HASH_SESSION_KEY: "0" * 64}),
        "without a hash": session_of(plain, **{HASH_SESSION_KEY: ""}),
        "of another backend": session_of(plain, **{BACKEND_SESSION_KEY: "shop.backends.Ldap"}),
        "inactive": session_of(gone),
        "of nobody": session_of(plain, **{SESSION_KEY: "99999999"}),
        "none": "x" * 32,
        "long": "y" * 300,
    }
    expired = session_of(plain)
    Session.objects.filter(session_key=expired).update(expire_date=timezone.now() - timedelta(seconds=1))
    granted = []
    for name, key in (sessions | {"expired": expired}).items():
        if world.ask("session", cookies={"sessionid": key}) == 200:
            granted.append(name)
    assert granted == ["good", "of an older key"]


def test_a_session_that_changes_something_needs_the_token(world: World) -> None:
    cookies = {"sessionid": session_of(world.users["plain"]), "csrftoken": CSRF}
    masked = _mask_cipher_secret(CSRF)
    for name in ("session", "public-session"):
        assert world.ask(name, "GET", cookies=cookies) == 200
        assert world.ask(name, "POST", cookies=cookies) == 403
        assert world.ask(name, "PUT", {"X-CSRFToken": masked}, cookies) == 200
        assert world.ask(name, "DELETE", {"X-CSRFToken": masked, "Origin": "https://evil.example"}, cookies) == 403
    # Who is anonymous needs none.
    assert world.ask("public-session", "POST") == 200


def test_several_authenticators_are_asked_in_their_order(world: World) -> None:
    token = {"Authorization": f"Token {'staff' * 5}"}
    cookies = {"sessionid": session_of(world.users["plain"])}
    assert world.ask("session-token") == 403
    assert world.ask("token-session") == 401
    assert world.ask("session-token", headers=token) == 200
    assert world.ask("session-token", headers=token, cookies=cookies) == 403
    assert world.ask("token-session", headers=token, cookies=cookies) == 200
    assert world.ask("session-token", headers={"Authorization": "Token nobody"}) == 403
    assert world.ask("token-session", headers={"Authorization": "Token nobody"}) == 401
    assert world.ask("key-jwt") == 401
    assert world.ask("key-jwt", headers=bearer(world.users["plain"])) == 200
    assert world.ask("key-jwt", headers={"X-Key": "nobody"} | bearer(world.users["plain"])) == 401
    assert world.ask("jwt-basic", headers=basic("plain")) == 200
    assert world.ask("jwt-basic", headers={"Authorization": "Bearer x"}) == 401
    assert world.ask("nobody", headers=token) == 403


def test_bearer_tokens_in_other_places(world: World) -> None:
    user = world.users["plain"]
    token = bearer(user)["Authorization"].split()[1]
    cookies, masked = {"access": token, "csrftoken": CSRF}, {"X-CSRFToken": _mask_cipher_secret(CSRF)}
    assert world.ask("cookie-jwt", cookies=cookies) == 200
    assert world.ask("cookie-jwt", "POST", cookies=cookies) == 403
    assert world.ask("cookie-jwt", "POST", masked, cookies) == 200
    assert world.ask("cookie-jwt", cookies={"access": "x"}) == 401
    assert world.ask("cookie-jwt", cookies={"access": ""}) == 401
    assert world.ask("checked-jwt", "POST", cookies=cookies) == 403
    assert world.ask("checked-jwt", "POST") == 403
    assert world.ask("checked-jwt", "POST", masked, {"csrftoken": CSRF}) == 200
    assert world.ask("checked-jwt", "POST", bearer(user)) == 200
    assert world.ask("cookie-jwt", headers=bearer(user), cookies={"access": "x"}) == 200
    assert world.ask("header-jwt", headers={"X-Token": f"Bearer {token}"}) == 200
    assert world.ask("header-jwt", headers=bearer(user)) == 401
    assert world.ask("stateless-jwt", headers=bearer(user)) == 200
    assert world.ask("stateless-jwt", headers={"Authorization": "Bearer x"}) == 401


def test_permissions_of_models_come_from_the_user_and_its_groups(world: World) -> None:
    granted = {}
    for name in ("model", "anon-model"):
        for user in (None, *world.users):
            headers = {} if user is None else {"X-Key": user}
            methods = [method for method in METHODS if world.ask(name, method, headers) == 200]
            granted[name, user] = "".join(method[0] if method != "PUT" else "U" for method in methods)
    assert {user: granted["model", user] for user in (None, "plain", "root", "gone", "adds", "member")} == {
        None: "",
        "plain": "G",
        "root": "GPUD",
        "gone": "G",
        "adds": "GP",
        "member": "GUD",
    }
    assert granted["anon-model", None] == "G"


def test_what_a_service_reads_for_it_is_derived() -> None:
    features = {
        "sessions": lambda: (*USERS.password_statements(), *ROWS.statements()),
        "permissions": PERMISSIONS.statements,
    }
    consumer = derive_consumer(MAPPING, MAPPING.contract, features)
    assert consumer.features["sessions"].reads["django_session"] == ("expire_date", "session_data", "session_key")
    assert set(consumer.features["permissions"].reads) == {
        "auth_group_permissions",
        "auth_permission",
        "django_content_type",
        "users_groups",
        "users_user_permissions",
    }
