"""Signing in and out by Django's sessions: either stack writes what the other does, and goes on where it stopped."""

import http.cookies
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth import login as django_login
from django.contrib.auth import logout as django_logout
from django.contrib.sessions.models import Session as DjangoSession
from django.core.cache import cache
from django.db import connection
from django.middleware.csrf import get_token
from django.test import Client
from fastapi import APIRouter
from rest_framework import authentication as drf
from rest_framework import permissions as drf_permissions
from rest_framework.response import Response as DrfResponse
from rest_framework.views import APIView
from sqlalchemy.orm import Mapped
from starlette.requests import Request
from starlette.responses import Response

from shared_schema.consumer.derivation import derive_consumer
from shared_schema.mapping import Mapping, Reflected
from strangler_fastapi.auth.authentication import SessionAuthentication
from strangler_fastapi.auth.csrf import CsrfCheck
from strangler_fastapi.auth.session_rows import SessionRows
from strangler_fastapi.auth.session_store import SessionStore
from strangler_fastapi.auth.sessions import Sessions
from strangler_fastapi.auth.sign_in import SignedIn
from strangler_fastapi.auth.user_tables import UserTables
from strangler_fastapi.db.query import fetch
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.http.bodies import parse_body
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.views.permissions import AllowAny, IsAuthenticated
from strangler_fastapi.drf.views.view import Caller, View, feature_router
from strangler_fastapi.errors import NotFound
from tests.databases import migrated_database
from tests.example import CONTRACT_FILE
from tests.integration.fastapi_app.running import USER_HASH
from tests.integration.strangler_fastapi.auth.test_authentication import Account
from tests.shared_stack import StackAddresses
from tests.side_by_side import PREFIXES, BothSides, djangos_database, side_by_side

KEYS = ("the secret key of these tests, of today", "the one of yesterday")
MAPPING = Mapping(contract=CONTRACT_FILE)
ENGINES = "django.contrib.sessions.backends"
# A time as far away as this one is told to many minutes.
MINUTE, FAR = 60, 10**9
FINALLY = datetime(2099, 1, 1, tzinfo=UTC)


class User(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "users"
    id: Mapped[int]
    username: Mapped[str]
    password: Mapped[str]
    is_active: Mapped[bool]
    is_staff: Mapped[bool]
    is_superuser: Mapped[bool]


class SessionRow(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "django_session"
    session_key: Mapped[str]
    session_data: Mapped[str]
    expire_date: Mapped[Any]


USERS = UserTables(user=User, account=Account)
ROWS, READ_ROWS = SessionRows(mapped=SessionRow, writes=True), SessionRows(mapped=SessionRow)
SESSION = SessionAuthentication(USERS)
# What is done to a session; both stacks' have these methods.
CHANGES: dict[str, Callable[[Any], object]] = {
    "put": lambda session: session.update({"cart": [1, "é"]}),
    "take": lambda session: session.pop("cart", None),
    "cycle": lambda session: session.cycle_key(),
    "flush": lambda session: session.flush(),
    "clear": lambda session: session.clear(),
    "minute": lambda session: session.set_expiry(60),
    "browser": lambda session: session.set_expiry(0),
    "moment": lambda session: session.set_expiry(FINALLY),
    "hour": lambda session: session.set_expiry(timedelta(hours=1)),
    "always": lambda session: session.set_expiry(None),
    "inner": lambda session: session.get("cart", []).append(2),
}


class Endpoint(APIView):
    authentication_classes = (drf.SessionAuthentication,)
    permission_classes = (drf_permissions.AllowAny,)


class DrfLogin(Endpoint):
    def post(self, request: Any) -> DrfResponse:
        user = get_user_model().objects.get(username=request.data["username"])
        django_login(request, user)
        return DrfResponse({"user": user.username})


class DrfLogout(Endpoint):
    def post(self, request: Any) -> DrfResponse:
        django_logout(request)
        return DrfResponse(status=204)


class DrfChange(Endpoint):
    def post(self, request: Any) -> DrfResponse:
        CHANGES[request.data["change"]](request.session)
        if request.data.get("refused"):
            raise drf.exceptions.NotFound
        return DrfResponse({"cart": request.session.get("cart")})


class DrfCsrf(Endpoint):
    authentication_classes = ()

    def get(self, request: Any) -> DrfResponse:
        return DrfResponse({"token": len(get_token(request))})


class DrfMe(Endpoint):
    permission_classes = (drf_permissions.IsAuthenticated,)

    def get(self, request: Any) -> DrfResponse:
        return DrfResponse({"user": request.user.username, "cart": request.session.get("cart")})


class DrfPlain(Endpoint):
    authentication_classes = ()

    def get(self, request: Any) -> DrfResponse:  # noqa: ARG002 - DRF's signature
        return DrfResponse({})


VIEWS = {"login": DrfLogin, "logout": DrfLogout, "change": DrfChange, "csrf": DrfCsrf, "me": DrfMe, "plain": DrfPlain}


def library_router() -> APIRouter:
    router = feature_router(PREFIXES, "sessions")

    def view(name: str, method: str, permission: Any = AllowAny, authenticators: Any = (SESSION,)) -> View:
        return View(
            router, f"/{name}/", name=name, methods=(method,), permission=permission, authenticators=authenticators
        )

    @view("login", "POST").post()
    async def login(request: Request, session: Session) -> Response:
        """Signs in."""
        data: Any = await parse_body(request)
        user_id, password, _ = (await fetch(session, USERS.account_by_name(data["username"])))[0]
        await request.app.state.sessions.login(request, session, SignedIn(user_id, password))
        return JsonResponse({"user": data["username"]})

    @view("logout", "POST").post(status=204, reads_body=False)
    async def logout(request: Request, session: Session) -> Response:
        """Signs out."""
        await request.app.state.sessions.logout(request, session)
        return Response(status_code=204)

    @view("change", "POST").post()
    async def change(request: Request, session: Session) -> Response:
        """Changes the session."""
        data: Any = await parse_body(request)
        store = await request.app.state.sessions.open(request, session)
        CHANGES[data["change"]](store)
        if data.get("refused"):
            raise NotFound
        return JsonResponse({"cart": store.get("cart")})

    @view("csrf", "GET", authenticators=()).get()
    async def csrf(request: Request, session: Session) -> Response:
        """A token for forms."""
        sessions: Sessions = request.app.state.sessions
        store = await sessions.open(request, session) if sessions.csrf.use_sessions else {}
        return JsonResponse({"token": len(sessions.csrf.token(request, store))})

    @view("me", "GET", IsAuthenticated).get()
    async def me(request: Request, session: Session, caller: Caller) -> Response:
        """The caller."""
        store = await request.app.state.sessions.open(request, session)
        return JsonResponse({"user": caller.username, "cart": store.get("cart")})

    @view("plain", "GET", authenticators=()).get()
    async def plain() -> Response:
        """Nothing of a session."""
        return JsonResponse({})

    return router


@dataclass
class Browser:
    """Keeps cookies as a browser does, and sends the CSRF token that its cookie has."""

    send: Callable[[str, str, dict[str, str], Any], tuple[int, Any, Sequence[str], str]]
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, body: Any = None) -> Any:
        """What is seen of an answer: all but random texts, and times to a minute."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if "csrftoken" in self.cookies:
            headers["X-CSRFToken"] = self.cookies["csrftoken"]
        method = "GET" if path in ("csrf", "me", "plain") else "POST"
        status, seen, set_cookies, vary = self.send(method, f"/{path}/", headers, body)
        made: Any = http.cookies.SimpleCookie()
        for text in set_cookies:
            made.load(text)
        facts = {}
        for name, morsel in made.items():
            is_kept = str(morsel["max-age"]) != "0"
            facts[name] = {key: str(value) for key, value in morsel.items() if key != "expires" and value}
            if morsel["expires"]:
                left = parsedate_to_datetime(morsel["expires"]) - datetime.now(UTC)
                assert not is_kept or abs(left.total_seconds() - int(morsel["max-age"])) < MINUTE / 2
                facts[name]["max-age"] = str(minutes_to(parsedate_to_datetime(morsel["expires"])) if is_kept else 0)
            if is_kept:
                self.cookies[name] = morsel.value
            else:
                self.cookies.pop(name, None)
        return status, seen, facts, {name.strip() for name in vary.split(",") if name}


@dataclass
class World:
    """Both stacks, over one table of sessions."""

    sides: BothSides

    def django(self) -> Browser:
        def send(method: str, url: str, headers: dict[str, str], body: Any) -> tuple[int, Any, Sequence[str], str]:
            client = Client(enforce_csrf_checks=True, raise_request_exception=False, headers=headers)
            given: Any = {} if body is None else {"data": body, "content_type": "application/json"}
            answer = client.get(url) if method == "GET" else client.post(url, **given)
            cookies = [morsel.OutputString() for morsel in answer.cookies.values()]
            seen = answer.json() if answer.content and "json" in answer.headers["Content-Type"] else None
            return answer.status_code, seen, cookies, answer.headers.get("Vary", "")

        return Browser(send)

    def fastapi(self) -> Browser:
        def send(method: str, url: str, headers: dict[str, str], body: Any) -> tuple[int, Any, Sequence[str], str]:
            request = self.sides.library.request(method, url, headers=headers, json=body)
            answer = self.sides.runner.run(request)
            self.sides.library.cookies.clear()
            seen = answer.json() if answer.content else None
            return answer.status_code, seen, answer.headers.get_list("set-cookie"), answer.headers.get("vary", "")

        return Browser(send)


@pytest.fixture(scope="module")
def database(stack: StackAddresses, worker_id: str, django_db_blocker: Any) -> Iterator[Any]:
    with (
        migrated_database(admin_dsn=stack.admin_dsn, name=f"session_login_{worker_id}") as database,
        django_db_blocker.unblock(),
    ):
        with djangos_database(database):
            for name in ("ann", "bob"):
                get_user_model().objects.create(username=name, email=f"{name}@example.com", password=USER_HASH)
        yield database


@contextmanager
def world_of(database: Any, engine: str = "db", **settings: Any) -> Iterator[World]:
    """Both stacks with these settings of Django's."""
    names = {name.removeprefix("SESSION_").lower(): value for name, value in settings.items() if "CSRF" not in name}
    csrf = {name.removeprefix("CSRF_").lower(): value for name, value in settings.items() if "CSRF" in name}

    async def invalidate(key: str) -> None:
        cache.delete(f"{ENGINES.replace('.backends', '')}.cached_db{key}")

    sessions = Sessions(
        secret_key=KEYS[0],
        fallbacks=KEYS[1:],
        rows=None if engine == "signed_cookies" else ROWS,
        csrf=CsrfCheck(**csrf),
        invalidate=invalidate if engine == "cached_db" else None,
        **names,
    )
    given = {
        "SECRET_KEY": KEYS[0],
        "SECRET_KEY_FALLBACKS": KEYS[1:],
        "SESSION_ENGINE": f"{ENGINES}.{engine}",
        "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"],
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": engine}},
    }
    views = {f"{name}/": view.as_view() for name, view in VIEWS.items()}
    with side_by_side(
        database,
        views=views,
        routers=(library_router(),),
        tables=MAPPING,
        settings=given | settings,
        sessions=sessions,
    ) as sides:
        # Else Django takes back what a request that it refuses has done to the table, the end of a session too.
        connection.settings_dict["ATOMIC_REQUESTS"] = False
        DjangoSession.objects.all().delete()
        yield World(sides)


def rows() -> list[Any]:
    """What the table holds; secrets are random, and times are told to a minute."""
    found = []
    for row in DjangoSession.objects.all():
        data = {name: value for name, value in row.get_decoded().items() if name != "_csrftoken"}
        data |= {"csrf": "_csrftoken" in row.get_decoded()}
        if "_session_expiry" in data and isinstance(data["_session_expiry"], str):
            moment = datetime.fromisoformat(data["_session_expiry"])
            data["_session_expiry"] = minutes_to(moment)
        found.append((data, minutes_to(row.expire_date), len(row.session_key)))
    return sorted(found, key=repr)


def minutes_to(moment: datetime) -> float:
    seconds = (moment - datetime.now(UTC)).total_seconds()
    return round(seconds / MINUTE, -5 if seconds > FAR else 0)


STEPS: list[tuple[str, Any]] = [
    ("me", None),
    ("plain", None),
    ("change", {"change": "inner"}),
    ("change", {"change": "put"}),
    ("change", {"change": "inner"}),
    ("csrf", None),
    ("login", {"username": "ann"}),
    ("me", None),
    ("csrf", None),
    ("login", {"username": "ann"}),
    ("login", {"username": "bob"}),
    ("me", None),
    ("change", {"change": "minute"}),
    ("change", {"change": "put", "refused": True}),
    ("plain", None),
    ("change", {"change": "hour"}),
    ("change", {"change": "moment"}),
    ("change", {"change": "browser"}),
    ("change", {"change": "always"}),
    ("change", {"change": "always"}),
    ("change", {"change": "cycle"}),
    ("me", None),
    ("change", {"change": "take"}),
    ("change", {"change": "clear"}),
    ("me", None),
    ("login", {"username": "ann"}),
    ("logout", None),
    ("logout", None),
    ("me", None),
    ("change", {"change": "cycle"}),
    ("change", {"change": "flush"}),
]
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "every request": {"SESSION_SAVE_EVERY_REQUEST": True},
    "until it is closed": {"SESSION_EXPIRE_AT_BROWSER_CLOSE": True},
    "another cookie": {
        "SESSION_COOKIE_NAME": "shop",
        "SESSION_COOKIE_AGE": 3600,
        "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_DOMAIN": "testserver",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": False,
        "SESSION_COOKIE_SAMESITE": "None",
    },
    "a secret in the session": {"CSRF_USE_SESSIONS": True},
    "another secret's cookie": {
        "CSRF_COOKIE_AGE": None,
        "CSRF_COOKIE_DOMAIN": "testserver",
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Strict",
    },
}


@pytest.mark.parametrize(
    ("engine", "settings"),
    [
        *itertools.product(("db",), SETTINGS),
        *itertools.product(("signed_cookies",), ("plain", "every request", "a secret in the session")),
        *itertools.product(("cached_db",), ("plain", "every request")),
    ],
)
def test_either_stack_signs_in_and_out_alike(database: Any, engine: str, settings: str) -> None:
    with world_of(database, engine, **SETTINGS[settings]) as world:
        seen = {}
        for name, browser in (("django", world.django()), ("fastapi", world.fastapi())):
            DjangoSession.objects.all().delete()
            seen[name] = [(step, browser.ask(*step), rows()) for step in STEPS]
        for theirs, ours in zip(seen["django"], seen["fastapi"], strict=True):
            assert ours == theirs


@pytest.mark.parametrize("engine", ["db", "cached_db", "signed_cookies"])
def test_what_one_stack_has_begun_the_other_goes_on_with(database: Any, engine: str) -> None:
    with world_of(database, engine) as world:
        for first, second in ((world.django(), world.fastapi()), (world.fastapi(), world.django())):
            first.ask("change", {"change": "put"})
            first.ask("login", {"username": "ann"})
            second.cookies = first.cookies
            assert second.ask("me")[:2] == (200, {"user": "ann", "cart": [1, "é"]})
            before = dict(first.cookies)
            assert second.ask("change", {"change": "take"})[0] == 200
            assert first.ask("me")[1] == {"user": "ann", "cart": None}
            assert second.ask("logout")[0] == 204
            first.cookies = before
            # What a cookie alone holds lives on in every copy of it.
            assert first.ask("me")[0] == (200 if engine == "signed_cookies" else 403)


def test_sessions_that_are_no_longer_good_are_ended_or_renewed_alike(database: Any) -> None:
    ann = get_user_model().objects
    with world_of(database) as world:
        seen = {}
        for name, make in (("django", world.django), ("fastapi", world.fastapi)):
            steps = []
            for changed in ("password", "key", "row", "short", "expired"):
                DjangoSession.objects.all().delete()
                ann.filter(username="ann").update(password=USER_HASH)
                browser = make()
                browser.ask("login", {"username": "ann"})
                if changed == "password":
                    ann.filter(username="ann").update(password="argon2$another")
                elif changed == "row":
                    DjangoSession.objects.all().delete()
                elif changed == "expired":
                    DjangoSession.objects.update(expire_date=datetime.now(UTC) - timedelta(seconds=1))
                elif changed == "short":
                    browser.cookies["sessionid"] = "short"
                else:
                    resign(ann.get(username="ann"), KEYS[1])
                steps.append((changed, browser.ask("me"), browser.ask("me"), rows()))
            seen[name] = steps
        ann.filter(username="ann").update(password=USER_HASH)
        assert seen["fastapi"] == seen["django"]
        assert [step[1][0] for step in seen["django"]] == [403, 200, 403, 403, 403]


def resign(user: Any, key: str) -> None:
    """The only session is of an older key."""
    row = DjangoSession.objects.get()
    data = row.get_decoded() | {"_auth_user_hash": user._get_session_auth_hash(secret=key)}
    row.session_data = DjangoSession.get_session_store_class()().encode(data)
    row.save()


def test_a_session_that_was_ended_meanwhile_is_not_made_again(database: Any) -> None:
    with world_of(database) as world:
        for browser in (world.django(), world.fastapi()):
            browser.ask("login", {"username": "ann"})
            CHANGES["vanish"] = vanish
            try:
                assert browser.ask("change", {"change": "vanish"})[0] == 400
            finally:
                del CHANGES["vanish"]
            assert rows() == []


def vanish(session: Any) -> None:
    """Changes a session, as another request signs out."""
    session["cart"] = [3]
    worker = threading.Thread(target=_delete_all)
    worker.start()
    worker.join()


def _delete_all() -> None:
    DjangoSession.objects.all().delete()
    connection.close()


def test_only_who_may_write_sessions_signs_in() -> None:
    with pytest.raises(LookupError, match="writes=True"):
        Sessions(secret_key=KEYS[0], rows=READ_ROWS)._require_writes()


def test_what_a_service_writes_for_it_is_derived() -> None:
    features = {"written": ROWS.statements, "read": READ_ROWS.statements}
    found = derive_consumer(MAPPING, MAPPING.contract, features).features
    assert found["written"].inserts == {"django_session": ("expire_date", "session_data", "session_key")}
    assert found["written"].updates == {"django_session": ("expire_date", "session_data")}
    assert found["written"].deletes == ("django_session",)
    assert {*found["read"].model_dump(exclude_defaults=True)} == {"reads", "statements"}


def test_moments_of_expiry_are_djangos() -> None:
    store = SessionStore(None, age=100)
    now = datetime.now(UTC)
    store.set_expiry(FINALLY)
    assert store.expire_date(now) == FINALLY
