"""What a standby refuses is handled once more, and no session of anything else reads one."""

from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx
import pytest
from django.views.defaults import ERROR_PAGE_TEMPLATE
from fastapi import APIRouter, Request
from starlette.responses import Response

from fastapi_app.config import PREFIXES
from strangler_fastapi.application import create_application
from strangler_fastapi.db import session as sessions
from strangler_fastapi.db.session import RequestSession, Session, begin_session
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router

plain = APIRouter(prefix="/api/v2")
router = feature_router(PREFIXES, "notes")
view = View(router, "/notes/", name="Note", methods=("GET", "POST"), permission=AllowAny)

numbered = View(router, "/notes/{pk}/", name="Note", methods=("GET",), patterns={"pk": "[0-9]+"}, permission=AllowAny)
either = View(router, "/drafts/{pk}/", name="Draft", methods=("GET",), optional_slash=True, permission=AllowAny)
fixed = View(router, "/drafts/", name="Drafts", methods=("GET",), optional_slash=True, permission=AllowAny)


@plain.get("/plain/")
async def plain_answer(_session: Session) -> bool:
    return True


@view.get()
async def notes_list(session: Session) -> Response:
    return refuse(session)


@view.post()
async def notes_create(session: Session) -> Response:
    return refuse(session)


@numbered.get()
async def notes_retrieve(request: Request, _session: Session) -> Response:
    return Response(request.path_params["pk"])


@either.get()
async def drafts_retrieve(request: Request, _session: Session) -> Response:
    return Response(request.path_params["pk"])


@fixed.get()
async def drafts_list(_session: Session) -> Response:
    return Response("all")


def refuse(session: Any) -> Response:
    if session.reads_replica:
        raise asyncpg.ReadOnlySQLTransactionError
    return Response()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each session, whether it reads a standby."""
    noted: list[bool] = []

    class Noted(RequestSession):
        def __init__(self, engine: Any, *, is_pooled: bool, replica: Any) -> None:
            super().__init__(engine, is_pooled=is_pooled)
            self._engine = "standby" if replica else engine
            noted.append(self.reads_replica)

    monkeypatch.setattr(sessions, "RequestSession", Noted)
    return noted


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/notes/", [True, False, False]),
        ("OPTIONS", "/notes/", [True, False]),
        ("POST", "/notes/", [False, False]),
        ("GET", "/plain/", [False, False]),
    ],
)
async def test_a_standby_is_for_the_first_try_of_a_views_read(
    opened: list[bool], method: str, path: str, expected: list[bool]
) -> None:
    app = create_application(
        (plain, router), service="notes", prefixes=PREFIXES, database=lambda: pytest.fail("not started")
    )
    app.state.database = SimpleNamespace(problem=None, engine="primary", is_pooled=False, replica="replica")

    async def with_a_session_after(scope: Any, receive: Any, send: Any) -> None:
        """As the middleware that saves sessions of Django's."""
        await app(scope, receive, send)
        begin_session(Request(scope | {"app": app}))

    transport = httpx.ASGITransport(with_a_session_after)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api/v2") as client:
        assert (await client.request(method, path)).status_code == httpx.codes.OK
    assert opened == expected


@pytest.mark.parametrize("path", ["/notes/+3/", "/notes/-1/", "/notes/x/", "/notes/x", "/notes/3/4/", "/no/"])
async def test_a_path_that_nobody_serves_gets_the_page_of_django(path: str, opened: list[bool]) -> None:
    answer = await answered(path)
    details = "The requested resource was not found on this server."
    assert answer.text == ERROR_PAGE_TEMPLATE % {"title": "Not Found", "details": details}
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert not opened


async def test_a_variable_is_what_its_pattern_says(opened: list[bool]) -> None:
    assert (await answered("/notes/007/")).text == "007"
    assert opened
    # Only what there is with a slash is redirected there.
    assert (await answered("/notes/7")).headers["Location"] == "/api/v2/notes/7/"


@pytest.mark.parametrize(
    ("path", "text"), [("/drafts", "all"), ("/drafts/", "all"), ("/drafts/7", "7"), ("/drafts/7/", "7")]
)
async def test_an_optional_slash_may_be_left_out(path: str, text: str, opened: list[bool]) -> None:
    assert (await answered(path)).text == text
    assert opened
    assert (await answered(f"{path.rstrip('/')}//")).status_code == httpx.codes.NOT_FOUND


async def answered(path: str) -> httpx.Response:
    app = create_application(
        (plain, router), service="notes", prefixes=PREFIXES, database=lambda: pytest.fail("not started")
    )
    app.state.database = SimpleNamespace(problem=None, engine="primary", is_pooled=False, replica=None)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://testserver/api/v2", follow_redirects=False
    ) as client:
        return await client.get(path)
