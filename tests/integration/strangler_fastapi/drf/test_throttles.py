"""Throttles: both stacks count requests in one table, and refuse the same ones in the same words."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.db.migrations.state import ProjectState
from fastapi import APIRouter
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework import throttling as drf
from rest_framework.authentication import BaseAuthentication as DrfAuthentication
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response as DrfResponse
from rest_framework.views import APIView
from sqlalchemy.orm import Mapped
from starlette.requests import Request
from starlette.responses import Response

from shared_schema.consumer.consumer import Consumer
from shared_schema.consumer.derivation import derive_feature
from shared_schema.consumer.privileges import rights_wanted
from shared_schema.mapping import Mapping, Reflected
from shared_schema.throttling import TABLE
from strangler_django.throttling.histories import HistoryCache
from strangler_fastapi.auth.authentication import BaseAuthentication
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.throttles import (
    AnonRateThrottle,
    BaseThrottle,
    Histories,
    ScopedRateThrottle,
    UserRateThrottle,
)
from strangler_fastapi.drf.views.view import View, feature_router
from strangler_fastapi.errors import ValidationFailed
from tests.databases import migrated_database
from tests.example import CONTRACT_FILE
from tests.shared_stack import StackAddresses
from tests.side_by_side import PREFIXES, BothSides, djangos_database, side_by_side

MAPPING = Mapping(contract=CONTRACT_FILE)
COLUMNS = ("cache_key", "history", "expires")
# In cache keys, so that what is compared is counted apart.
OWN = "library_%(scope)s_%(ident)s"


class Row(Reflected):
    __mapping__ = MAPPING
    __tablename__ = TABLE
    cache_key: Mapped[str]
    history: Mapped[list[datetime]]
    expires: Mapped[datetime]


class Clock:
    """The time of both stacks."""

    now = datetime(2026, 1, 2, tzinfo=UTC)

    def seconds(self) -> float:
        return self.now.timestamp()


CLOCK = Clock()
HISTORIES = Histories(Row, now=lambda: CLOCK.now)
# Rates of each view, by the kind of DRF's throttle and the scope.
RATES: dict[str, list[tuple[str, str, str]]] = {
    "anon": [("Anon", "anon", "2/min")],
    "user": [("User", "user", "3/hour")],
    "burst": [("User", "burst", "2/s"), ("User", "sustained", "4/d")],
    "both": [("Anon", "anon", "3/m"), ("User", "user", "2/sec")],
    "scoped": [("Scoped", "uploads", "2/minute")],
    "lower": [("Scoped", "uploads", "1/minute")],
    "none": [("User", "closed", "0/day")],
}
REQUEST = st.fixed_dictionaries(
    {
        "view": st.sampled_from([*RATES]),
        "method": st.sampled_from(["GET", "GET", "POST", "OPTIONS", "DELETE"]),
        "key": st.sampled_from([None, None, "7", "8"]),
        "forwarded": st.sampled_from([None, "10.0.0.1", " 10.0.0.1 ,10.0.0.2", "10.0.0.2", "x" * 500]),
        "after": st.sampled_from([0, 0, 0, 0.25, 1, 20, 61, 3_600]),
    }
)


class DrfKeys(DrfAuthentication):
    def authenticate(self, request: Any) -> Any:
        key = request.headers.get("X-Key")
        return key and (SimpleNamespace(pk=int(key), is_authenticated=True), None)


class Keys(BaseAuthentication):
    async def authenticate(self, request: Request, session: Any) -> Any:  # noqa: ARG002 - see BaseAuthentication
        key = request.headers.get("x-key")
        return key and SimpleNamespace(id=int(key))


def drf_view(name: str, *, shared: bool) -> Any:
    """DRF's view, which counts with the library's under one key where `shared`."""
    made = []
    for kind, its_scope, its_rate in RATES[name]:
        facts = {
            "cache": HistoryCache(),
            "timer": staticmethod(CLOCK.seconds),
            "THROTTLE_RATES": {its_scope: its_rate},
        }
        facts |= {} if shared else {"cache_format": "drf_%(scope)s_%(ident)s"}
        facts |= {} if kind == "Scoped" else {"scope": its_scope}
        made.append(type("Made", (getattr(drf, f"{kind}RateThrottle"),), facts))

    class Counted(APIView):
        authentication_classes = (DrfKeys,)
        permission_classes = ()
        throttle_classes = made
        throttle_scope = RATES[name][0][1]

        def get(self, _request: Any) -> DrfResponse:
            return DrfResponse({})

        def post(self, _request: Any) -> DrfResponse:
            raise ValidationError(["no"])

    return Counted.as_view()


def library_router(*, shared: bool, num_proxies: int | None) -> APIRouter:
    router = feature_router(PREFIXES, "counted")
    for name, rates in RATES.items():
        view = View(
            router,
            f"/{name}/",
            name="Counted",
            methods=("GET", "POST"),
            permission=AllowAny,
            authenticators=(Keys(),),
            throttles=tuple(throttle(*each, shared=shared, num_proxies=num_proxies) for each in rates),
        )

        @view.get(response=dict)
        async def read() -> Response:
            """Nothing."""
            return JsonResponse({})

        @view.post()
        async def refuse() -> Response:
            """Nothing is right."""
            raise ValidationFailed(["no"])

    return router


def throttle(kind: str, scope: str, rate: str, *, shared: bool, num_proxies: int | None) -> BaseThrottle:
    if kind == "Scoped" and shared:
        return ScopedRateThrottle(HISTORIES, rate, scope=scope, num_proxies=num_proxies)
    given = {"scope": scope, "num_proxies": num_proxies} | ({} if shared else {"cache_format": OWN})
    return (AnonRateThrottle if kind == "Anon" else UserRateThrottle)(HISTORIES, rate, **given)


@pytest.fixture(scope="module")
def database(stack: StackAddresses, worker_id: str, django_db_blocker: Any) -> Iterator[Any]:
    with (
        migrated_database(admin_dsn=stack.admin_dsn, name=f"throttles_{worker_id}") as database,
        django_db_blocker.unblock(),
    ):
        with djangos_database(database), connection.schema_editor() as editor:
            module = import_module("strangler_django.throttling.migrations.0001_initial")
            module.Migration("0001_initial", "strangler_throttling").apply(ProjectState(), editor)
        yield database


@pytest.fixture(params=[None, 0, 1, 2], ids=lambda number: f"proxies-{number}")
def sides(request: pytest.FixtureRequest, database: Any) -> Iterator[BothSides]:
    views = {f"{name}/": drf_view(name, shared=False) for name in RATES}
    router = library_router(shared=False, num_proxies=request.param)
    proxies = {"REST_FRAMEWORK": {**django_settings.REST_FRAMEWORK, "NUM_PROXIES": request.param}}
    with side_by_side(database, views=views, routers=(router,), tables=MAPPING, settings=proxies) as made:
        yield made


@pytest.fixture
def one_count(database: Any) -> Iterator[BothSides]:
    """Both stacks, which count together."""
    views = {f"{name}/": drf_view(name, shared=True) for name in RATES}
    router = library_router(shared=True, num_proxies=None)
    with side_by_side(database, views=views, routers=(router,), tables=MAPPING) as made:
        clear()
        yield made


def clear() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {TABLE}")


def rows() -> list[tuple[str, list[datetime], datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT cache_key, history, expires FROM {TABLE} ORDER BY cache_key")  # noqa: S608 - a constant
        return cursor.fetchall()


def test_generated_requests_are_refused_as_by_drf(sides: BothSides) -> None:
    statuses = set()

    @given(sent=st.lists(REQUEST, min_size=1, max_size=12))
    @settings(max_examples=25, derandomize=True)
    def ask(sent: list[dict[str, Any]]) -> None:
        clear()
        for each in sent:
            CLOCK.now += timedelta(seconds=each["after"])
            headers = {"X-Key": each["key"], "X-Forwarded-For": each["forwarded"]}
            given = {name: value for name, value in headers.items() if value is not None}
            statuses.add(sides.ask(each["method"], f"/{each['view']}/", given).status_code)
        kept = rows()
        theirs = [(key.removeprefix("drf_"), *row) for key, *row in kept if key.startswith("drf_")]
        ours = [(key.removeprefix("library_"), *row) for key, *row in kept if key.startswith("library_")]
        assert ours == theirs

    ask()
    assert statuses == {200, 400, 405, 429}


def test_what_either_stack_counts_the_other_counts_too(one_count: BothSides) -> None:
    assert one_count.ask("GET", "/anon/").status_code == 200
    assert [len(history) for _, history, _ in rows()] == [2]
    refused = one_count.ask("GET", "/anon/")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    CLOCK.now += timedelta(seconds=60)
    assert one_count.ask("GET", "/anon/").status_code == 200


def test_of_many_at_once_no_more_are_let_pass_than_the_rate(one_count: BothSides) -> None:
    async def ask_all() -> list[int]:
        answers = await asyncio.gather(*(one_count.library.get("/user/", headers={"X-Key": "9"}) for _ in range(12)))
        return [answer.status_code for answer in answers]

    assert sorted(one_count.runner.run(ask_all())) == [200] * 3 + [429] * 9


def test_a_failed_request_is_counted(one_count: BothSides) -> None:
    assert connection.settings_dict["ATOMIC_REQUESTS"], "Django's side would take its count back"
    assert one_count.ask("POST", "/scoped/").status_code == 400
    assert [len(history) for _, history, _ in rows()] == [2]
    assert one_count.ask("POST", "/scoped/").status_code == 429


def test_expired_rows_are_removed(one_count: BothSides) -> None:
    for number in range(3):
        one_count.ask("GET", "/anon/", {"X-Forwarded-For": f"10.0.0.{number}"})
    assert len(rows()) == 3
    CLOCK.now += timedelta(minutes=3)
    one_count.ask("GET", "/anon/", {"X-Forwarded-For": "10.0.0.9"})
    assert [key for key, _, _ in rows()] == ["throttle_anon_10.0.0.9"]


@pytest.mark.usefixtures("one_count")
def test_reads_are_counted_by_a_role_that_may_write_nothing_else() -> None:
    feature = derive_feature(HISTORIES.statements(), MAPPING.contract)
    rights = rights_wanted(Consumer(features={"counted": feature}), writers=())
    assert {str(right) for right in rights} == {
        *(f"{kind} {TABLE}.{name}" for kind in ("SELECT", "INSERT", "UPDATE") for name in COLUMNS),
        f"DELETE {TABLE}",
    }
