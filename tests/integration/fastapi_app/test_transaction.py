"""One request has one transaction, whichever way its statements go, and it ends in one place."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import Executable, column, insert, literal, select, table, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.requests import Request

from fastapi_app.database import open_database
from strangler_fastapi.db.driver_errors import DRIVER_ERRORS
from strangler_fastapi.db.query import Rows, fetch
from strangler_fastapi.db.session import RequestSession, open_session
from tests.databases import OwnDatabase
from tests.integration.fastapi_app.conftest import one_loop
from tests.integration.fastapi_app.running import Running
from tests.integration.fastapi_app.settings import app_settings

pytestmark = one_loop

NOTE = table("note", column("id"), column("target_id"))
NO_TARGET = 99
TABLE = (
    "CREATE TABLE note (id int PRIMARY KEY, target_id int DEFAULT 0 REFERENCES note DEFERRABLE INITIALLY DEFERRED);"
    "INSERT INTO note VALUES (0, 0);"
    "GRANT SELECT, INSERT, UPDATE ON note TO PUBLIC"
)


def note(number: int, target: int = 0) -> Executable:
    return insert(NOTE).values(id=number, target_id=target)


async def by_driver(session: RequestSession, number: int, target: int = 0) -> None:
    await fetch(session, Rows(("note", number, target), lambda: note(number, target), {}))


async def by_sqlalchemy(session: RequestSession, number: int, target: int = 0) -> None:
    await session.execute(note(number, target))


async def by_flush(session: RequestSession, number: int, target: int = 0) -> None:
    """As the unit of work does: in the session's transaction, without `execute`."""
    await session.run_sync(lambda sync: sync.scalar(note(number, target).returning(NOTE.c.id)))


Way = Callable[..., Awaitable[None]]
WAYS: tuple[Way, ...] = (by_driver, by_sqlalchemy, by_flush)
with_table = pytest.mark.usefixtures("other")
each_way = pytest.mark.parametrize("way", WAYS)
each_first = pytest.mark.parametrize("first", WAYS)


@pytest_asyncio.fixture(loop_scope="module")
async def other(database: OwnDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Another connection, which sees what is committed; with an empty table."""
    # A transaction that is left open holds the table: an error, and no wait without end.
    connection = await asyncpg.connect(database.owner_dsn, server_settings={"lock_timeout": "5s"})
    try:
        await connection.execute(TABLE)
        yield connection
    finally:
        await connection.execute("DROP TABLE note")
        await connection.close()


@pytest_asyncio.fixture(loop_scope="module", params=[False, True], ids=["straight", "behind a pooler"])
async def session(
    running: Running,
    other: asyncpg.Connection,  # noqa: ARG001 - outlives the session, which locks its table
    request: pytest.FixtureRequest,
) -> AsyncIterator[RequestSession]:
    session = RequestSession(running.engine, is_pooled=request.param)
    yield session
    await session.close()
    assert running.in_use == 0


async def committed(other: asyncpg.Connection) -> list[int]:
    return [row[0] for row in await other.fetch("SELECT id FROM note WHERE id > 0 ORDER BY id")]


@each_first
@each_way
async def test_writes_of_each_way_are_committed_together(
    session: RequestSession, other: asyncpg.Connection, first: Way, way: Way
) -> None:
    await session.execute(select(1))
    await first(session, 1)
    await way(session, 2)
    assert (session.committed, await committed(other)) == (False, [])
    await session.commit()
    assert (session.committed, await committed(other)) == (True, [1, 2])


@each_first
@each_way
async def test_writes_of_each_way_are_rolled_back_together(
    session: RequestSession, other: asyncpg.Connection, first: Way, way: Way
) -> None:
    await first(session, 1)
    await way(session, 2)
    await session.rollback()
    await way(session, 3)
    await session.release()
    await session.commit()
    assert (session.committed, await committed(other)) == (False, [])


@each_way
async def test_a_commit_that_the_database_refuses_is_none(
    session: RequestSession, other: asyncpg.Connection, way: Way
) -> None:
    await way(session, 1, NO_TARGET)
    with pytest.raises(DBAPIError):
        await session.commit()
    assert (session.committed, await committed(other)) == (False, [])
    await session.rollback()
    await way(session, 2)
    await session.commit()
    assert (session.committed, await committed(other)) == (True, [2])


@each_way
async def test_what_follows_a_refused_statement_is_refused(
    session: RequestSession, other: asyncpg.Connection, way: Way
) -> None:
    await way(session, 1)
    with pytest.raises((DBAPIError, asyncpg.PostgresError)):
        await way(session, 1)
    with pytest.raises((DBAPIError, asyncpg.PostgresError)):
        await way(session, 2)
    await session.close()
    assert await committed(other) == []


@each_way
async def test_a_savepoint_holds_writes_of_each_way(
    session: RequestSession, other: asyncpg.Connection, way: Way
) -> None:
    await way(session, 1)
    savepoint = await session.begin_nested()
    await way(session, 2)
    await savepoint.rollback()
    await way(session, 3)
    await session.commit()
    assert await committed(other) == [1, 3]


@each_way
async def test_what_follows_a_commit_is_called_once_and_not_for_what_was_rolled_back(
    session: RequestSession, other: asyncpg.Connection, way: Way
) -> None:
    called: list[tuple[str, list[int]]] = []

    def calls(name: str) -> Callable[[], Awaitable[None]]:
        async def call() -> None:
            called.append((name, await committed(other)))

        return call

    session.on_commit(calls("rolled back"))
    await way(session, 1)
    await session.rollback()
    await way(session, 2)
    session.on_commit(calls("first"))
    outer = await session.begin_nested()
    session.on_commit(calls("kept"))
    inner = await session.begin_nested()
    session.on_commit(calls("of a savepoint that is given up"))
    await inner.rollback()
    inner = await session.begin_nested()
    session.on_commit(calls("released"))
    await inner.commit()
    await outer.commit()
    outer = await session.begin_nested()
    inner = await session.begin_nested()
    session.on_commit(calls("of one within it"))
    await inner.commit()
    await outer.rollback()
    session.on_commit(lambda: called.append(("no coroutine", [])))
    await session.commit()
    await session.commit()
    assert called == [("first", [2]), ("kept", [2]), ("released", [2]), ("no coroutine", [])]


@each_way
async def test_what_a_function_writes_after_a_commit_is_committed_unless_it_fails(
    session: RequestSession, other: asyncpg.Connection, way: Way
) -> None:
    async def fail() -> None:
        await way(session, 2)
        raise LookupError

    session.on_commit(fail)
    session.on_commit(lambda: way(session, 3))
    await way(session, 1)
    await session.commit()
    await session.close()
    assert await committed(other) == [1, 3]


@each_way
async def test_the_session_of_a_request_commits_when_the_endpoint_returns(
    running: Running, other: asyncpg.Connection, way: Way
) -> None:
    opened = open_session(Request({"type": "http", "method": "POST", "app": running.app}))
    await way(await anext(opened), 1)
    assert await committed(other) == []
    with pytest.raises(StopAsyncIteration):
        await anext(opened)
    assert await committed(other) == [1]
    assert running.in_use == 0


@each_way
async def test_the_session_of_a_request_rolls_back_when_the_endpoint_raises(
    running: Running, other: asyncpg.Connection, way: Way
) -> None:
    opened = open_session(Request({"type": "http", "method": "POST", "app": running.app}))
    await way(await anext(opened), 1)
    with pytest.raises(LookupError):
        await opened.athrow(LookupError())
    assert await committed(other) == []
    assert running.in_use == 0


@each_way
async def test_a_request_that_is_given_up_in_its_transaction_holds_no_connection(
    running: Running, other: asyncpg.Connection, way: Way
) -> None:
    waiting = asyncio.Event()

    async def linger() -> None:
        async with asynccontextmanager(open_session)(
            Request({"type": "http", "method": "POST", "app": running.app})
        ) as session:
            await way(session, 1)
            waiting.set()
            await session.execute(text("SELECT pg_sleep(60)"))

    request = asyncio.create_task(linger())
    await waiting.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert (running.in_use, await committed(other)) == (0, [])


async def test_a_write_on_the_driver_needs_nothing_of_sqlalchemys(
    session: RequestSession, other: asyncpg.Connection
) -> None:
    await by_driver(session, 1)
    assert session._connection is None
    await session.commit()
    assert (session._connection, session.committed, await committed(other)) == (None, True, [1])


@each_way
@pytest.mark.parametrize("catches", [True, False])
async def test_what_is_left_of_a_transaction_whose_connection_died_is_not_done_in_another(
    session: RequestSession, other: asyncpg.Connection, way: Way, catches: bool
) -> None:
    await by_driver(session, 1)
    (await session.driver()).terminate()
    for each in (by_driver, way) if catches else ():
        with pytest.raises((*DRIVER_ERRORS, SQLAlchemyError)):
            await each(session, 2)
    with pytest.raises(SQLAlchemyError):
        await session.commit()
    assert (session.committed, await committed(other)) == (False, [])
    await session.rollback()
    await way(session, 3)
    await session.commit()
    assert (session.committed, await committed(other)) == (True, [3])


@each_way
@pytest.mark.parametrize("again", [False, True], ids=["first", "after a rollback"])
@pytest.mark.parametrize("error", [asyncio.CancelledError, TimeoutError, asyncpg.FeatureNotSupportedError])
async def test_a_begin_that_is_given_up_leaves_no_transaction_to_the_next(
    running: Running,
    session: RequestSession,
    other: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    way: Way,
    again: bool,
    error: type[BaseException],
) -> None:
    execute = asyncpg.Connection.execute

    async def sent_and_given_up(connection: asyncpg.Connection, query: str, *args: Any, **options: Any) -> str:
        await execute(connection, query, *args, **options)
        raise error("given up")

    if again:
        await way(session, 1)
        await session.rollback()
    monkeypatch.setattr(asyncpg.Connection, "execute", sent_and_given_up)
    with pytest.raises(error):
        await way(session, 1)
    monkeypatch.undo()
    # An endpoint that goes on all the same.
    answered: list[int] = []
    with suppress(SQLAlchemyError):
        await way(session, 2)
        await session.commit()
        answered = [2]
    await session.close()
    assert running.in_use == 0
    # The pool's connections, one after the other, are as new.
    for number in range(3, 6):
        following = RequestSession(running.engine)
        await by_driver(following, number)
        await following.commit()
        await following.close()
    assert await committed(other) == [*answered, 3, 4, 5]


@with_table
async def test_a_read_on_the_driver_takes_a_transaction_behind_a_pooler_only(
    session: RequestSession, request: pytest.FixtureRequest
) -> None:
    await fetch(session, Rows("notes", lambda: select(NOTE.c.id), {}))
    straight = "behind a pooler" not in request.node.name
    assert (await session.driver()).is_in_transaction() is not straight
    await session.commit()
    assert session.committed is not straight


@with_table
@pytest.mark.parametrize(
    "build",
    [
        lambda: select(NOTE.c.id).with_for_update(),
        lambda: select(insert(NOTE).values(id=1).returning(NOTE.c.id).cte("written").c.id),
    ],
    ids=["locks", "writes in a CTE"],
)
async def test_what_locks_or_writes_within_takes_one(session: RequestSession, build: Callable[[], Executable]) -> None:
    await fetch(session, Rows(build, build, {}))
    assert (await session.driver()).is_in_transaction()


async def test_behind_a_pooler_no_statement_outlives_its_transaction(running: Running) -> None:
    url = running.engine.url.render_as_string(hide_password=False).replace("+asyncpg", "")
    settings = app_settings(url).model_copy(update={"fastapi_pooler_url": url, "statement_timeout": 7})
    pooled = open_database(settings, url=url)
    session = RequestSession(pooled.engine, is_pooled=pooled.is_pooled)
    try:
        assert await session.scalar(select(literal(1))) == 1
        driver = await session.driver()
        assert await fetch(session, Rows("two", lambda: select(literal(2)), {})) == [(2,)]
        assert driver.is_in_transaction()
        # The wire's own statements, which a pooler would have to know of: there is none with a name.
        named = "SELECT count(*) FROM pg_prepared_statements WHERE name <> ''"
        assert await driver.fetchval(named) == 0
        assert await driver.fetchval("SELECT current_setting('statement_timeout')") != "7s"
        await session.commit()
        assert not driver.is_in_transaction()
        await fetch(session, Rows("two", lambda: select(literal(2)), {}))
        assert driver.is_in_transaction()
    finally:
        await session.close()
        await pooled.close()
