"""One session for each request, on one connection, which reads use without SQLAlchemy in between."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import Executable, Result
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from strangler_fastapi.db.engine import Database
from strangler_fastapi.errors import Unavailable


class RequestSession(AsyncSession):
    """A session whose connection is opened when it is first used, and serves its writes and the driver's reads alike.

    What is not committed is rolled back at the end; `committed` tells whether something was committed.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(expire_on_commit=False)
        self._engine = engine
        self.committed = False
        self._connection: AsyncConnection | None = None
        self._driver: asyncpg.Connection | None = None
        self._transaction: asyncpg.transaction.Transaction | None = None

    async def driver(self) -> asyncpg.Connection:
        """The driver's own connection, in the session's transaction if it has begun one."""
        if self._driver is None:
            connection = (await self._open()).sync_connection
            assert connection is not None  # noqa: S101 - it is open
            self._driver = connection.connection.driver_connection
        return self._driver

    async def execute(self, statement: Executable, *args: Any, **options: Any) -> Result[Any]:  # noqa: ANN401 - as AsyncSession's
        """Executes in the session's transaction, which begins with the first statement."""
        await self._open()
        return await super().execute(statement, *args, **options)

    async def begin_writing(self) -> None:
        """Begins a transaction on the driver's connection, which `commit` ends: for statements that go there."""
        transaction = (await self.driver()).transaction()
        await transaction.start()
        self._transaction = transaction

    async def commit(self) -> None:
        """Makes what was written last; deferred foreign keys are checked here, so commit before you answer."""
        transaction, self._transaction = self._transaction, None
        self.committed = True
        if transaction is None:
            await super().commit()
        else:
            await transaction.commit()

    async def release(self) -> None:
        """Rolls back and gives the connection to the pool, for a time in which the database is not needed."""
        if self.in_transaction():
            await super().rollback()
        transaction, self._transaction = self._transaction, None
        if transaction is not None and self._driver is not None and not self._driver.is_closed():
            await transaction.rollback()
        connection, self._connection, self._driver = self._connection, None, None
        if connection is not None:
            await connection.close()

    async def close(self) -> None:
        """Rolls back what is not committed and gives the connection to the pool."""
        if self.in_transaction():
            await super().close()
        await self.release()

    async def discard(self) -> None:
        """Closes a connection that died, so that the pool doesn't hand it to the next request."""
        if self._connection is not None:
            await self._connection.invalidate()

    async def _open(self) -> AsyncConnection:
        if self._connection is None:
            self._connection = await self._engine.connect()
            self.sync_session.bind = self._connection.sync_connection
        return self._connection


async def open_session(request: Request) -> AsyncIterator[RequestSession]:
    """The session of one request.

    Raises:
        Unavailable: the tables are not ready.
    """
    database: Database = request.app.state.database
    if database.problem is not None:
        raise Unavailable(database.problem)
    session = request.state.session = RequestSession(database.engine)
    try:
        yield session
    finally:
        await session.close()


def driver_error(error: BaseException) -> BaseException:
    """What asyncpg said, where SQLAlchemy has wrapped it."""
    wrapped = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    cause = wrapped.__cause__
    return cause if isinstance(cause, asyncpg.PostgresError | asyncpg.InterfaceError) else wrapped


# Closed when the handler returns, before the answer is sent: a slow client holds no connection.
Session = Annotated[RequestSession, Depends(open_session, scope="function")]
