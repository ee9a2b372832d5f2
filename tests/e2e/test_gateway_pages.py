"""Browsers get DRF's browsable API of v1 from Django, whichever stack answers other clients."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
import pytest
import uvicorn
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from django.test.utils import override_settings
from django.urls import path
from rest_framework.permissions import AllowAny as DrfAllowAny
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response as DrfResponse
from rest_framework.views import APIView
from starlette.responses import Response

from strangler.local.ports import port_free_pick
from strangler_fastapi.application import create_application
from strangler_fastapi.drf.http.renderers import BROWSABLE_API, JSON_RENDERER
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.http.urls import ApiPrefixes
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from tests.example import parse_routes
from tests.gateways import gateway, marks

PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PREFIXES = ApiPrefixes(service="/api/v2", v1="/api", v2="/api/v2")
ROUTES = parse_routes(
    "".join(
        f'[[route]]\nname = "boats.{name}"\nmethods = ["{method}"]\npath = "/boats/"\nstage = "{stage}"\n'
        for name, method, stage in (("list", "GET", "migrated"), ("create", "POST", "migrated"))
    )
    + '[[route]]\nname = "ships.list"\nmethods = ["GET"]\npath = "/ships/"\nstage = "retired"\n'
    "deprecated = 2026-01-01\nsunset = 2026-06-01\n",
    source="routes.toml",
)


class Boats(APIView):
    renderer_classes = (JSONRenderer, BrowsableAPIRenderer)
    permission_classes = (DrfAllowAny,)
    authentication_classes = ()

    def get(self, request: Any) -> DrfResponse:  # noqa: ARG002 - DRF's signature
        return DrfResponse({"boat": 1})

    post = get


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Logs nothing."""


@contextmanager
def django_server() -> Iterator[str]:
    urls: Any = ModuleType("urls_of_boats")
    # The example's requests have a transaction each, and there is no database here.
    urls.urlpatterns = [path("api/boats/", transaction.non_atomic_requests(Boats.as_view()))]
    with override_settings(ROOT_URLCONF=urls):
        server: WSGIServer = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def library() -> Any:
    router = feature_router(PREFIXES, "boats")
    view = View(
        router,
        "/boats/",
        name="Boats",
        methods=("GET", "POST"),
        permission=AllowAny,
        authenticators=(),
        renderers=(JSON_RENDERER, BROWSABLE_API),
    )

    @view.get(response=dict)
    @view.post(response=dict)
    async def boats() -> Response:
        """All."""
        return JsonResponse({"boat": 1})

    app = create_application((router,), service="boats", prefixes=PREFIXES, database=lambda: None)  # type: ignore[arg-type, return-value] # never started
    app.state.database = SimpleNamespace(problem=None, engine=None, is_pooled=False, replica=None)
    return app


@contextmanager
def fastapi_server() -> Iterator[str]:
    port = port_free_pick()
    config = uvicorn.Config(library(), host="127.0.0.1", port=port, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, str]]:
    with django_server() as django, fastapi_server() as fastapi:
        yield django, fastapi


@pytest.fixture(scope="module")
def front(servers: tuple[str, str]) -> Iterator[str]:
    django, fastapi = servers
    with gateway(
        ROUTES, django=django, fastapi=fastapi, browsable=True, stack_header_networks=("127.0.0.0/8",)
    ) as made:
        yield made.url


def seen(url: str, method: str = "GET", **headers: str) -> tuple[int, str, str]:
    """The status, the stack and the kind of an answer."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = httpx.request(method, url, headers=given)
    return answer.status_code, marks(answer)[0], answer.headers.get("content-type", "").partition(";")[0]


@pytest.mark.parametrize(
    ("query", "accept", "expected"),
    [
        ("", PAGE, ("django", "text/html")),
        ("", "text/html", ("django", "text/html")),
        ("", "TEXT/HTML;q=0.3", ("django", "text/html")),
        ("?format=api", "*/*", ("django", "text/html")),
        ("?boat=1&format=api", PAGE, ("django", "text/html")),
        ("", "*/*", ("fastapi", "application/json")),
        ("", "application/json", ("fastapi", "application/json")),
        ("", "application/json, text/html", ("fastapi", "application/json")),
        ("", "text/htmlx, */*", ("fastapi", "application/json")),
        ("?format=json", PAGE, ("fastapi", "application/json")),
    ],
)
def test_a_browser_gets_the_page_and_everybody_else_the_stack_of_the_route(
    front: str, query: str, accept: str, expected: tuple[str, str]
) -> None:
    assert seen(f"{front}/api/boats/{query}", Accept=accept) == (200, *expected)
    assert seen(f"{front}/api/boats/{query}", "HEAD", Accept=accept) == (200, *expected)


def test_the_page_is_drfs(front: str) -> None:
    page = httpx.get(f"{front}/api/boats/", headers={"Accept": PAGE})
    assert "Django REST framework" in page.text
    assert "&quot;boat&quot;: 1" in page.text
    assert page.headers["vary"].startswith("Accept")
    assert httpx.get(f"{front}/api/boats/").headers["vary"] == "Accept"


def test_what_is_written_what_is_gone_and_v2_have_no_page(front: str) -> None:
    assert seen(f"{front}/api/boats/", "POST", Accept=PAGE) == (200, "fastapi", "application/json")
    assert seen(f"{front}/api/v2/boats/", Accept=PAGE) == (200, "fastapi", "application/json")
    assert seen(f"{front}/api/ships/", Accept=PAGE)[:2] == (410, "nginx")
    assert seen(f"{front}/api/boats/", Accept=PAGE, X_Stack="fastapi") == (200, "fastapi", "application/json")


@pytest.mark.parametrize("changes", [{"browsable": False}, {"browsable": False, "without_django": True}])
def test_without_pages_of_djangos_a_browser_gets_json(servers: tuple[str, str], changes: dict[str, bool]) -> None:
    django, fastapi = servers
    with gateway(ROUTES, django=django, fastapi=fastapi, **changes) as made:
        for accept in (PAGE, "text/html"):
            assert seen(f"{made.url}/api/boats/", Accept=accept) == (200, "fastapi", "application/json")
