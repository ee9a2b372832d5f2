"""One session for each request, and its connection back in the pool when the request ends, however it ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Message

from fastapi_app.feed import router as feed
from strangler_fastapi.auth import hashing
from strangler_fastapi.db import engine
from strangler_fastapi.db import session as sessions
from strangler_fastapi.db.driver_errors import DRIVER_ERRORS
from strangler_fastapi.db.session import RequestSession
from tests.asgi import call
from tests.databases import OwnDatabase
from tests.integration.fastapi_app.conftest import Start, one_loop
from tests.integration.fastapi_app.running import ALICE, USER_PASSWORD, Running, bearer

pytestmark = one_loop


ASKED = (
    *(("GET", "/feed/"), ("HEAD", "/feed/"), ("GET", "/posts/"), ("GET", "/posts/1/"), ("OPTIONS", "/posts/")),
    *(("GET", "/posts/999999/"), ("GET", "/feed/?page=0"), ("GET", "/feed/?created_after=x"), ("DELETE", "/feed/")),
    *(("POST", "/posts/"), ("PATCH", "/posts/1/"), ("POST", "/auth/token/"), ("POST", "/auth/token/refresh/")),
)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[RequestSession]:
    """Every session, as it is opened."""
    noted: list[RequestSession] = []

    class Noted(RequestSession):
        def __init__(self, engine: AsyncEngine, **options: Any) -> None:
            super().__init__(engine, **options)
            noted.append(self)

    monkeypatch.setattr(sessions, "RequestSession", Noted)
    return noted


@pytest_asyncio.fixture(loop_scope="module")
async def narrow(start: Start, database: OwnDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """The application with two connections, for which requests wait as long as a busy machine takes."""
    monkeypatch.setattr(engine, "_POOL_WAIT_SECONDS", 60)
    async with start(database, pool_max=2) as running:
        yield running


async def test_each_request_has_a_session_of_its_own(running: Running, opened: list[RequestSession]) -> None:
    for method, path in ASKED:
        await running.client.request(method, path, headers=bearer(ALICE))
    assert len(opened) == len({id(session) for session in opened}) == len(ASKED)
    assert not any(session.in_transaction() for session in opened)


@pytest.mark.parametrize(("method", "path"), ASKED)
async def test_the_connection_is_back_in_the_pool_after_the_answer(running: Running, method: str, path: str) -> None:
    for headers in ({}, bearer(ALICE), {"Authorization": "Bearer nonsense"}, {"Accept": "text/html"}):
        response = await running.client.request(method, path, headers=headers)
        assert response.status_code < 500, response.text
        assert running.in_use == 0


async def test_after_an_unforeseen_error_too(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_request: Any, session: RequestSession, *_: Any, **__: Any) -> None:
        await session.execute(text("SELECT 1"))
        raise LookupError("broken")

    monkeypatch.setattr(feed, "paginate", fail)
    response = await running.client.get("/feed/")
    assert (response.status_code, running.in_use) == (500, 0)


async def test_after_a_statement_that_the_database_refuses(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_request: Any, session: RequestSession, *_: Any, **__: Any) -> None:
        await session.execute(text("SELECT 1 / 0"))

    monkeypatch.setattr(feed, "paginate", fail)
    for _ in range(3):
        assert (await running.client.get("/feed/")).status_code == 500
        assert running.in_use == 0
    monkeypatch.undo()
    assert (await running.client.get("/feed/")).status_code == 200


async def test_a_slow_client_holds_no_connection(running: Running) -> None:
    in_use: list[int] = []

    async def send(_message: Message) -> None:
        in_use.append(running.in_use)

    await call(running.app, "/api/v2/feed/", send=send)
    assert in_use == [0, 0]


async def test_a_client_that_is_gone_holds_no_connection(running: Running) -> None:
    async def send(_message: Message) -> None:
        raise OSError("the client is gone")

    with pytest.raises((OSError, RuntimeError)):
        await call(running.app, "/api/v2/feed/", send=send)
    assert running.in_use == 0


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("way", ["SQLAlchemy", "driver"])
async def test_a_request_that_is_given_up_in_the_middle_holds_no_connection(
    running: Running, monkeypatch: pytest.MonkeyPatch, way: str, times: int
) -> None:
    asked = asyncio.Event()

    async def linger(_request: Any, session: RequestSession, *_: Any, **__: Any) -> None:
        driver = await session.driver()
        asked.set()
        if way == "driver":
            await driver.fetch("SELECT pg_sleep(60)")
        else:
            await session.execute(text("SELECT pg_sleep(60)"))

    monkeypatch.setattr(feed, "paginate", linger)
    request = asyncio.create_task(running.client.get("/feed/"))
    await asked.wait()
    assert running.in_use == 1
    for _ in range(times):
        request.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await request
    assert running.in_use == 0
    monkeypatch.undo()
    assert (await running.client.get("/feed/")).status_code == 200


async def test_fifty_at_once_share_two_connections(narrow: Running) -> None:
    paths = ("/feed/", "/posts/", "/users/2/posts/", "/tags/", "/posts/1/")
    requests = [narrow.client.get(paths[number % 5], headers=bearer(ALICE)) for number in range(50)]
    assert [response.status_code for response in await asyncio.gather(*requests)] == [200] * 50
    assert narrow.in_use == 0


async def test_who_waits_for_a_connection_is_before_who_comes(narrow: Running) -> None:
    first, second, waiting, late = (RequestSession(narrow.engine) for _ in range(4))
    served: list[str] = []

    async def take(session: RequestSession, name: str) -> None:
        await session.driver()
        served.append(name)
        await session.close()

    await first.driver()
    await second.driver()
    waits = asyncio.create_task(take(waiting, "waiting"))
    await asyncio.sleep(0)
    await first.close()
    await take(late, "late")
    await waits
    await second.close()
    assert served == ["waiting", "late"]
    assert narrow.in_use == 0


async def test_who_waits_for_too_long_is_told_to_come_again(
    start: Start, database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_POOL_WAIT_SECONDS", 0.05)
    async with start(database, pool_max=1) as running:
        holding = RequestSession(running.engine)
        await holding.driver()
        refused = await running.client.get("/feed/")
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
        assert "no connection of 1 was given back within 0.05 s" in running.log.getvalue()
        await holding.close()
        assert (await running.client.get("/feed/")).status_code == 200


@pytest.mark.parametrize("end", [RequestSession.close, RequestSession.release])
async def test_a_connection_that_dies_in_a_transaction_keeps_nobody_waiting(
    narrow: Running, end: Callable[[RequestSession], Awaitable[None]]
) -> None:
    async with asyncio.timeout(20):
        for _ in range(3):
            session = RequestSession(narrow.engine)
            await session.begin_nested()
            await session.execute(text("SELECT 1"))
            (await session.driver()).terminate()
            with pytest.raises((*DRIVER_ERRORS, DBAPIError)):
                await end(session)
        assert (await narrow.client.get("/feed/")).status_code == 200
    assert narrow.in_use == 0


@pytest.mark.parametrize("way", ["driver", "SQLAlchemy", "SQLAlchemy's statement"])
async def test_a_connection_that_the_server_has_ended_is_no_failure_of_the_service(
    running: Running, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    # The driver has read why, and not yet that there is nothing more to read: it isn't closed.
    fields = b"SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
    ended = b"E" + (len(fields) + 4).to_bytes(4) + fields

    async def lose(_request: Any, session: RequestSession, *_: Any, **__: Any) -> None:
        if way == "driver":
            await session.begin_transaction()
        else:
            await session.execute(text("SELECT 1"))
        (await session.driver())._protocol.data_received(ended)
        if way == "SQLAlchemy's statement":
            await session.execute(text("SELECT 2"))

    monkeypatch.setattr(feed, "paginate", lose)
    for _ in range(12):
        refused = await running.client.get("/feed/")
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True), refused.text
        assert running.in_use == 0
    monkeypatch.undo()
    assert [(await running.client.get("/feed/")).status_code for _ in range(12)] == [200] * 12


async def test_signing_in_holds_no_connection_while_the_password_is_hashed(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:

    in_use: list[int] = []
    verify = hashing.verify_password

    def watched(password: str, encoded: str) -> bool:
        in_use.append(running.in_use)
        return verify(password, encoded)

    monkeypatch.setattr(hashing, "verify_password", watched)
    body = {"username": "alice", "password": USER_PASSWORD}
    assert (await running.client.post("/auth/token/", json=body)).status_code == 200
    assert in_use == [0]
