"""What a standby refuses is handled once more, and no session of anything else reads one."""

from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Request
from starlette.responses import Response

from fastapi_app.config import PREFIXES
from strangler_fastapi.application import create_application
from strangler_fastapi.db import session as sessions
from strangler_fastapi.db.session import RequestSession, Session, begin_session
from strangler_fastapi.drf.permissions import AllowAny
from strangler_fastapi.drf.view import View, feature_router

plain = APIRouter(prefix="/api/v2")
router = feature_router(PREFIXES, "notes")
view = View(router, "/notes/", name="Note", methods=("GET", "POST"), permission=AllowAny)


@plain.get("/plain/")
async def plain_answer(_session: Session) -> bool:
    return True


@view.get()
async def notes_list(session: Session) -> Response:
    return refuse(session)


@view.post()
async def notes_create(session: Session) -> Response:
    return refuse(session)


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
