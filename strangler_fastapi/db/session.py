"""One session for each request: one connection, one transaction, and one place that commits."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import Executable, Result
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from strangler_fastapi.db.engine import Database
from strangler_fastapi.errors import Unavailable

# asyncpg's own, which have no base in common; of a connection that the server has ended while it was idle the first
# statement is an InternalClientError.
DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class RequestSession(AsyncSession):
    """The transaction of one request: whatever it writes is in it, through SQLAlchemy or on the driver's connection.

    It begins with the first statement that goes through SQLAlchemy or that writes (`strangler_fastapi.db.query.fetch`
    sees which do); what only reads on the driver's connection takes none. One place ends it: `open_session` commits
    when the endpoint has returned, before the answer is sent, and rolls back if the endpoint raised. So no service and
    no endpoint commits, and an endpoint that refuses raises.

    The connection is opened when it is first used. `committed` is true once the database has committed something.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(expire_on_commit=False)
        self._engine = engine
        self.committed = False
        self._connection: AsyncConnection | None = None
        self._driver: asyncpg.Connection | None = None

    async def driver(self) -> asyncpg.Connection:
        """The driver's own connection, in the session's transaction if it has begun."""
        if self._driver is None:
            connection = (await self._open()).sync_connection
            assert connection is not None  # noqa: S101 - it is open
            self._driver = connection.connection.driver_connection
        return self._driver

    async def execute(self, statement: Executable, *args: Any, **options: Any) -> Result[Any]:  # noqa: ANN401 - as AsyncSession's
        """Executes in the session's transaction."""
        await self.begin_transaction()
        return await super().execute(statement, *args, **options)

    async def begin_transaction(self) -> None:
        """Begins the session's transaction, if it hasn't begun: for a SELECT that calls a function that writes."""
        connection = (await self._open()).sync_connection
        assert connection is not None  # noqa: S101 - it is open
        if not connection.in_transaction():
            connection.begin()
        adapted: Any = connection.connection.dbapi_connection
        if adapted._transaction is None:  # noqa: SLF001 - SQLAlchemy sends BEGIN with its own first statement only
            try:
                await adapted._start_transaction()  # noqa: SLF001 - as above
            except connection.dialect.loaded_dbapi.Error as error:
                # Nobody has wrapped it on the way, so handlers would not know it.
                raise driver_error(error) from error
        if self.in_nested_transaction():
            # As late as BEGIN, SAVEPOINT is sent.
            await self.connection()

    async def commit(self) -> None:
        """Commits, as `open_session` does; deferred constraints are checked here.

        Raises:
            sqlalchemy.exc.DBAPIError: the database refuses, and has rolled back.
        """
        is_begun = self._connection is not None and self._connection.in_transaction()
        if self.in_transaction():
            await super().commit()
        if self._connection is not None and self._connection.in_transaction():
            await self._connection.commit()
        self.committed = self.committed or is_begun

    async def rollback(self) -> None:
        """Rolls back what is not committed."""
        await super().rollback()
        if self._connection is not None:
            await self._connection.rollback()

    async def release(self) -> None:
        """Rolls back and gives the connection to the pool, for a time in which the database is not needed."""
        if self.in_transaction():
            await super().rollback()
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
    """The session of one request, committed where the endpoint returns and rolled back where it raises.

    Raises:
        Unavailable: the tables are not ready.
    """
    database: Database = request.app.state.database
    if database.problem is not None:
        raise Unavailable(database.problem)
    session = request.state.session = RequestSession(database.engine)
    try:
        yield session
        await session.commit()
    finally:
        await session.close()


def driver_error(error: BaseException) -> BaseException:
    """What asyncpg said, where SQLAlchemy has wrapped it."""
    wrapped = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    cause = wrapped.__cause__
    return cause if isinstance(cause, DRIVER_ERRORS) else wrapped


# Committed and closed when the endpoint returns, before the answer is sent: it is true, and a slow client holds no
# connection.
Session = Annotated[RequestSession, Depends(open_session, scope="function")]
