"""Endpoints that take nothing but the request, the session and the caller are called without FastAPI's solver."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi import routing as fastapi_routing
from starlette.responses import Response

from fastapi_app.config import PREFIXES
from strangler_fastapi.application import create_application
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.http.rendering import JsonResponse
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import Caller, View, feature_router

router = feature_router(PREFIXES, "notes")


def view(path: str, *methods: str) -> View:
    return View(router, path, name="Note", methods=methods or ("GET",), permission=AllowAny)


async def who() -> str:
    return "its own dependency"


@view("/notes/").get()
async def notes_list(request: Request, session: Session, caller: Caller) -> Response:
    return JsonResponse({"path": request.url.path, "session": type(session).__name__, "caller": caller})


@view("/notes/solved/").get()
async def notes_solved(_session: Session, answer: Annotated[str, Depends(who)]) -> Response:
    return JsonResponse(answer)


@view("/notes/counted/").get()
async def notes_counted(_request: Request, number: int = 3) -> Response:
    return JsonResponse(number)


@view("/notes/bare/").get()
async def notes_bare() -> Any:
    return {"bare": True}


@view("/notes/{pk}/").get()
async def notes_retrieve(request: Request) -> Response:
    return JsonResponse({"pk": request.path_params["pk"], "route": request.scope["route"].path})


@view("/notes/last/").get()
async def notes_last(request: Request) -> Response:
    return JsonResponse({"route": request.scope["route"].path})


@view("/notes/{pk}/{part}/").get()
async def notes_part(request: Request) -> Response:
    return JsonResponse({"route": request.scope["route"].path})


plain = APIRouter(prefix="/api/v2")


@plain.get("/notes/{pk}/first/")
async def notes_first() -> dict[str, bool]:
    return {"first": True}


@pytest.fixture
def app() -> FastAPI:
    """The application, not started: its database is taken to be ready, and no endpoint asks it anything."""
    app = create_application(
        (plain, router), service="notes", prefixes=PREFIXES, database=lambda: pytest.fail("not started")
    )
    app.state.database = SimpleNamespace(problem=None, engine=None, is_pooled=False, replica=None)
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api/v2") as client:
        yield client


async def test_a_plain_endpoint_is_answered_without_the_solver(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastapi_routing, "solve_dependencies", lambda **_: pytest.fail("it was solved"))
    answer = await client.get("/notes/")
    assert answer.json() == {"path": "/api/v2/notes/", "session": "RequestSession", "caller": None}
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert (await client.put("/notes/")).status_code == httpx.codes.METHOD_NOT_ALLOWED


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/notes/solved/", "its own dependency"),
        ("/notes/counted/?number=4", 4),
        ("/notes/bare/", {"bare": True}),
    ],
)
async def test_an_endpoint_with_more_is_left_to_fastapi(client: httpx.AsyncClient, path: str, body: object) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()) == (httpx.codes.OK, body)
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


async def test_the_first_route_that_matches_answers(client: httpx.AsyncClient) -> None:
    assert (await client.get("/notes/last/")).json() == {"pk": "last", "route": "/api/v2/notes/{pk}/"}
    assert (await client.get("/notes/7/part/")).json() == {"route": "/api/v2/notes/{pk}/{part}/"}
    assert (await client.get("/notes/7/first/")).json() == {"first": True}
    assert (await client.get("/notes/7/8/9/")).status_code == httpx.codes.NOT_FOUND
    assert (await client.get("/notes/solved/")).json() == "its own dependency"
