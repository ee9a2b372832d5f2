"""DRF's views and the library's over one database, in one process, asked the same."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import httpx
from django.conf import settings as djangos
from django.db import connections
from django.test import Client
from django.test.utils import override_settings
from django.urls import path
from fastapi import APIRouter
from rest_framework.exceptions import _get_full_details
from rest_framework.views import exception_handler
from starlette.requests import Request
from starlette.responses import Response

from django_app.config.database import database_settings
from shared_schema.consumer.consumer import Consumer
from shared_schema.mapping import Mapping as Tables
from strangler_fastapi.application import create_application
from strangler_fastapi.db.engine import Database
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.views.view import View
from strangler_fastapi.errors import full_details
from tests.databases import OwnDatabase
from tests.integration.fastapi_app.running import until

PREFIXES = ApiPrefixes(service="/", v1="/", v2="/v2")
INTERNAL_ERROR = 500
# Settings of `side_by_side` with which errors are answered with the codes of their texts.
CODED: dict[str, Any] = {
    "settings": {"REST_FRAMEWORK": {**djangos.REST_FRAMEWORK, "EXCEPTION_HANDLER": "tests.side_by_side.coded"}},
    "error_body": lambda _request, body, _status: full_details(body),
}
COMPARED = ("www-authenticate", "allow", "content-type", "retry-after", "cache-control", "vary")


def coded(error: Exception, context: dict[str, Any]) -> Any:
    """DRF's answer to an error, each text with its code (an EXCEPTION_HANDLER)."""
    response = exception_handler(error, context)
    if response is not None:
        response.data = _get_full_details(response.data)
    return response


@dataclass
class BothSides:
    """Both stacks over one database."""

    runner: asyncio.Runner
    library: httpx.AsyncClient
    app: Any

    def ask(self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Any:
        """The library's answer, once it is Django's: status, body and the headers that a view decides on.

        Where Django fails with 500, all that is wanted of the library is that it doesn't.
        """
        given = {"Content-Type": "application/json"} | dict(headers or {})
        sent = {name.encode(): value.encode("latin-1") for name, value in given.items()}
        # The library first: Django ends or renews the sessions that it doesn't like.
        ours = self.runner.run(self.library.request(method, url, headers=sent, content=body))
        content_type = given.pop("Content-Type")
        django = Client(enforce_csrf_checks=True, raise_request_exception=False, headers=given)
        theirs = django.generic(method, url, body, content_type=content_type)
        asked = f"{method} {url} {given} {body!r}"
        if theirs.status_code == INTERNAL_ERROR:
            assert ours.status_code != INTERNAL_ERROR, asked
            return ours
        assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content), asked
        for name in COMPARED:
            found = ours.headers.get(name), theirs.headers.get(name)
            # Methods of a function (`@api_view`) are a set of Django's, in any order.
            same = sorted(str(found[0])) == sorted(str(found[1])) if name == "allow" else found[0] == found[1]
            assert same, f"{name} of {asked}: {found}"
        return ours


@contextmanager
def side_by_side(
    database: OwnDatabase,
    *,
    views: Mapping[Any, Any],
    routers: Sequence[APIRouter],
    tables: Tables,
    state: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    **options: Any,
) -> Iterator[BothSides]:
    """Django's `views` by path, or by path and name, and the library's `routers`.

    `state` is the application's, `settings` are Django's.
    """
    urls: Any = ModuleType("urls_side_by_side")
    named = {each if isinstance(each, tuple) else (each, None): view for each, view in views.items()}
    urls.urlpatterns = [path(address, view, name=name) for (address, name), view in named.items()]
    with (
        djangos_database(database),
        override_settings(**{"ROOT_URLCONF": urls, **(settings or {})}),
        asyncio.Runner() as runner,
        _library(runner, database.owner_dsn, routers, tables, options) as (app, client),
    ):
        for name, value in (state or {}).items():
            setattr(app.state, name, value)
        yield BothSides(runner, client, app)


@contextmanager
def djangos_database(database: OwnDatabase) -> Iterator[None]:
    """Django works on `database` meanwhile."""
    django: Any = connections["default"]
    before = dict(django.settings_dict)
    django.close()
    # Tests of Django itself, before these in the same process, have filled it with connections to their own database.
    django.close_pool()
    django.settings_dict.update(database_settings(url=database.owner_dsn, pool_max=2))
    try:
        yield
    finally:
        django.close()
        django.close_pool()
        django.settings_dict.clear()
        django.settings_dict.update(before)


@contextmanager
def _library(
    runner: asyncio.Runner, url: str, routers: Sequence[APIRouter], tables: Tables, options: Mapping[str, Any]
) -> Iterator[tuple[Any, httpx.AsyncClient]]:
    def database() -> Database:
        nothing = Consumer(features={})
        return Database(url, setting="NONE", service="sides", mapping=tables, consumer=nothing, pool_max=2)

    app = create_application(routers, service="sides", prefixes=PREFIXES, database=database, **options)
    context = app.router.lifespan_context(app)
    runner.run(context.__aenter__())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    client = httpx.AsyncClient(transport=transport, base_url="http://testserver")

    async def is_ready() -> httpx.Response:
        return httpx.Response(503 if app.state.database.problem else 200)

    try:
        runner.run(until(is_ready, 200))
        yield app, client
    finally:
        runner.run(client.aclose())
        runner.run(context.__aexit__(None, None, None))


def add_endpoints(many: View, one: View, rows: Resource) -> None:
    """The list, new rows, one row and its changes, as the resource answers them."""

    @many.get(many=list, query=rows.query)
    async def rows_list(request: Request, session: Session) -> Response:
        return await rows.list(request, session)

    @many.post(status=201)
    async def rows_create(request: Request, session: Session) -> Response:
        return await rows.create(request, session)

    @one.get()
    async def rows_retrieve(request: Request, session: Session) -> Response:
        return await rows.retrieve(request, session)

    @one.put()
    @one.patch()
    async def rows_update(request: Request, session: Session) -> Response:
        return await rows.update(request, session)
