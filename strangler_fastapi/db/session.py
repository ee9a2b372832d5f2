"""One session for each request: one connection, one transaction, and one place that commits."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from typing import Annotated, Any, Final, TypeVar

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import Connection, Executable, PoolProxiedConnection, Result
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import SessionTransaction

from strangler_fastapi.db.commit_hooks import CommitHooks, Committed
from strangler_fastapi.db.driver_errors import driver_error
from strangler_fastapi.db.driver_transaction import DriverTransaction
from strangler_fastapi.db.engine import Database
from strangler_fastapi.db.late_session import OWNER, LateSession
from strangler_fastapi.db.pool import FairPool
from strangler_fastapi.db.replica import Replica
from strangler_fastapi.errors import Unavailable

# What `AsyncSession.__init__` sets.
_MADE_LATE: Final = frozenset(("sync_session", "_proxied", "bind", "binds", "_async_bind", "_async_binds"))


Begun = TypeVar("Begun")


class RequestSession(AsyncSession):
    """The transaction of one request: whatever it writes is in it, through SQLAlchemy or on the driver's connection.

    It begins with the first statement that goes through SQLAlchemy or that writes (`strangler_fastapi.db.query.fetch`
    sees which do); what only reads on the driver's connection takes none, except behind a pooler, which may give each
    statement outside of one to another server. One place ends it: `open_session` commits when the endpoint has
    returned, before the answer is sent, and rolls back if the endpoint raised. So no service and no endpoint commits,
    and an endpoint that refuses raises.

    The connection is opened when it is first used: one to the `replica`, where that is given and has all that the
    primary has. `committed` is true once the database has committed something.

    Most requests use nothing but the driver's connection. For them neither SQLAlchemy's connection nor its session is
    made, and no greenlet (docs/benchmark.md).
    """

    def __init__(self, engine: AsyncEngine, *, is_pooled: bool = False, replica: Replica | None = None) -> None:
        self._engine = self._primary = engine
        self._replica = replica
        self._is_pooled = is_pooled
        self.committed = False
        self._pooled: PoolProxiedConnection | None = None
        self._connection: AsyncConnection | None = None
        self._driver: asyncpg.Connection | None = None
        self._transaction: DriverTransaction | None = None
        self._turn: FairPool | None = None
        self._on_commit = CommitHooks()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute
        """An attribute of AsyncSession's own, which is made with the first of them that is asked for."""
        if name in _MADE_LATE and name not in self.__dict__:
            super().__init__(expire_on_commit=False, sync_session_class=LateSession)
            if self._pooled is not None:
                self.sync_session.bind = self._wrapped(self._pooled).sync_connection
            self.sync_session.info[OWNER] = self
            return self.__dict__[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    async def driver(self) -> asyncpg.Connection:
        """The driver's own connection, in the session's transaction if it has begun."""
        if self._is_pooled:
            await self.begin_transaction()
        if self._driver is None:
            if self._pooled is None:
                self._pooled = await self._take()
            self._driver = self._pooled.driver_connection
        return self._driver

    async def execute(self, statement: Executable, *args: Any, **options: Any) -> Result[Any]:  # noqa: ANN401 - as AsyncSession's
        """Executes in the session's transaction."""
        await self.begin_transaction()
        return await super().execute(statement, *args, **options)

    async def begin_transaction(self) -> None:
        """Begins the session's transaction, if it hasn't begun: for a SELECT that calls a function that writes.

        Raises:
            asyncpg.PostgresError: the database refuses; and asyncpg's other errors: the connection is dead.
            TimeoutError: the server doesn't answer, or a pooler has no connection to it.
        """
        if self._transaction is not None:
            return
        try:
            if self._connection is not None or self._is_made:
                await self._begin_sqlalchemy()
            else:
                if self._pooled is None:
                    self._pooled = await self._take()
                await self._begin_driver(self._pooled)
        except self._engine.dialect.loaded_dbapi.Error as error:
            # Nobody has wrapped it on the way, so handlers would not know it.
            raise driver_error(error) from error

    async def _begin_driver(self, pooled: PoolProxiedConnection) -> None:
        self._transaction = await self._begun(DriverTransaction.begin(self._engine.sync_engine, pooled))

    async def _begin_sqlalchemy(self) -> None:
        connection = (await self._open()).sync_connection
        assert connection is not None  # noqa: S101 - it is open
        if not connection.in_transaction():
            connection.begin()
        adapted: Any = connection.connection.dbapi_connection
        if adapted._transaction is None:  # noqa: SLF001 - SQLAlchemy sends BEGIN with its own first statement only
            await self._begun(adapted._start_transaction())  # noqa: SLF001 - as above
        if self._is_made and self.in_nested_transaction():
            # As late as BEGIN, SAVEPOINT is sent.
            await self.connection()

    async def _begun(self, begin: Awaitable[Begun]) -> Begun:
        """What `begin` gives once BEGIN is answered; whatever ends the wait for it ends the connection too.

        The server may have begun, and the driver takes its connection for begun as soon as it sends: a transaction of
        whoever has it next would be a savepoint, which nobody commits.
        """
        try:
            return await begin
        except BaseException:
            await self.discard()
            raise

    def on_commit(self, function: Committed) -> None:
        """Has a function called once the session has committed, and not at all where it rolls back.

        What is registered within a savepoint shares its fate. Functions are called in their order, before the answer is
        sent, with the session's connection back in the pool; one that isn't async is called in a thread. What one
        writes by the session is committed when it returns. What they raise is logged, and changes no answer. A process
        that is killed meanwhile calls them no more: what must not be lost is a job, enqueued in the transaction
        (`strangler_fastapi.jobs`).

        Source: `django.db.transaction.on_commit`, with `robust=True`.
        """
        within = self.sync_session.get_nested_transaction() if self._is_made else None
        self._on_commit.add(function, within)

    def forget(self, ended: SessionTransaction) -> None:
        """Drops what was to follow the commit of a transaction that was rolled back."""
        self._on_commit.forget(ended)

    async def commit(self) -> None:
        """Commits, as `open_session` does, and calls what was to follow; deferred constraints are checked here.

        Raises:
            sqlalchemy.exc.DBAPIError: the database refuses, and has rolled back.
        """
        await self._commit()
        if self._on_commit:
            await self._on_commit.run(commit=self._commit, release=self.release)

    async def _commit(self) -> None:
        is_begun = self._transaction is not None or (self._connection is not None and self._connection.in_transaction())
        if self._transaction is not None:
            await self._end(commits=True)
        if self._is_made and self.in_transaction():
            await super().commit()
        if self._connection is not None and self._connection.in_transaction():
            await self._connection.commit()
        self.committed = self.committed or is_begun

    async def rollback(self) -> None:
        """Rolls back what is not committed."""
        self._on_commit.clear()
        if self._is_made:
            await super().rollback()
        if self._connection is not None:
            await self._connection.rollback()
            if self._connection.invalidated:
                # SQLAlchemy would open another one itself, which may have to be waited for.
                await self._connection.close()
                self._connection = self._pooled = self._driver = None
        await self._end(commits=False)

    async def release(self) -> None:
        """Rolls back and gives the connection to the pool, for a time in which the database is not needed.

        What was to follow a commit of what is rolled back doesn't.
        """
        self._on_commit.clear()
        try:
            if self._is_made and self.in_transaction():
                await super().rollback()
        finally:
            await self._give_back()

    async def _end(self, *, commits: bool) -> None:
        """Ends the transaction that the driver alone has begun, if it has."""
        transaction, self._transaction = self._transaction, None
        if transaction is None:
            return
        is_lost = self._pooled is None or not self._pooled.is_valid
        try:
            if commits:
                await transaction.commit()
            elif not is_lost:
                await transaction.rollback()
        except BaseException as error:
            # Whoever is given up now, or lost the connection, leaves one that nobody can use.
            is_lost = is_lost or not commits or not isinstance(error, Exception) or transaction.is_dead
            raise
        finally:
            if is_lost:
                await self.discard()

    async def _give_back(self) -> None:
        turn, self._turn = self._turn, None
        left = None
        try:
            await self._end(commits=False)
            connection, self._connection = self._connection, None
            pooled, self._pooled, self._driver = self._pooled, None, None
            if connection is not None:
                await connection.close()
            else:
                left = pooled
        finally:
            if turn is not None:
                turn.end_turn(left)

    async def close(self) -> None:
        """Rolls back what is not committed and gives the connection to the pool."""
        self._on_commit.clear()
        try:
            if self._is_made and self.in_transaction():
                await super().close()
        finally:
            await self._give_back()

    async def discard(self) -> None:
        """Closes a connection that died, so that the pool doesn't hand it to the next request."""
        if self._connection is not None:
            await self._connection.invalidate()
        elif self._pooled is not None:
            if self._pooled.is_valid:
                self._pooled.invalidate()
            # What is left of a transaction must not be done in another one: its connection stays, dead.
            if self._transaction is None:
                self._pooled = self._driver = None

    @property
    def has_begun(self) -> bool:
        """Whether the transaction of SQLAlchemy's connection has begun on the server too."""
        connection = self._connection and self._connection.sync_connection
        if connection is None or not connection.in_transaction():
            return False
        adapted: Any = connection.connection.dbapi_connection
        return adapted._transaction is not None  # noqa: SLF001 - as in `_begin_sqlalchemy`

    @property
    def reads_replica(self) -> bool:
        """Whether its connection is one to a standby."""
        return self._engine is not self._primary

    @property
    def _is_made(self) -> bool:
        return "sync_session" in self.__dict__

    async def _take(self) -> PoolProxiedConnection:
        if self._turn is None:
            self._engine = await self._engine_chosen()
        pool: Any = self._engine.pool
        if self._turn is None:
            left: PoolProxiedConnection | None = await pool.begin_turn()
            self._turn = pool
            if left is not None:
                return left
        try:
            if pool.checkedin():
                # One that is dead or too old is replaced, which has to be waited for.
                with suppress(MissingGreenlet):
                    return self._engine.sync_engine.raw_connection()
            return await self._engine.raw_connection()
        except self._engine.dialect.loaded_dbapi.Error as error:
            # As in `begin_transaction`: a server that is starting, or takes no more connections, refuses here.
            raise driver_error(error) from error

    async def _engine_chosen(self) -> AsyncEngine:
        """The standby's where it is current, and has a connection to give or the primary has none either."""
        if self._replica is None or not await self._replica.is_current():
            return self._primary
        standby: Any = self._replica.engine.pool
        primary: Any = self._primary.pool
        return self._primary if standby.is_busy and not primary.is_busy else self._replica.engine

    async def _open(self) -> AsyncConnection:
        if self._pooled is None:
            self._pooled = await self._take()
        return self._wrapped(self._pooled)

    def _wrapped(self, pooled: PoolProxiedConnection) -> AsyncConnection:
        """SQLAlchemy's connection, of the session too if that is made."""
        if self._connection is None:
            engine = self._engine
            connection = Connection(engine.sync_engine, pooled)
            if self._transaction is not None:
                # Sends nothing: the driver has begun.
                connection.begin()
                self._transaction = None
                if not pooled.is_valid:
                    connection.invalidate()
            self._connection = AsyncConnection(engine, connection)
            if self._is_made:
                self.sync_session.bind = self._connection.sync_connection
        return self._connection


def begin_session(request: Request) -> RequestSession:
    """The session of one request; whoever begins it commits and closes it, as `open_session` does.

    It reads a standby only where the request is handled once more if that refuses (`request.state.may_read_replica`).

    Raises:
        Unavailable: the tables are not ready.
    """
    database: Database = request.app.state.database
    if database.problem is not None:
        raise Unavailable(database.problem)
    reads = getattr(request.state, "may_read_replica", False)
    session = request.state.session = RequestSession(
        database.engine, is_pooled=database.is_pooled, replica=database.replica if reads else None
    )
    return session


async def open_session(request: Request) -> AsyncIterator[RequestSession]:
    """The session of one request, committed where the endpoint returns and rolled back where it raises.

    Raises:
        Unavailable: the tables are not ready.
    """
    session = begin_session(request)
    try:
        yield session
        await session.commit()
    finally:
        await session.close()


# Committed and closed when the endpoint returns, before the answer is sent: it is true, and a slow client holds no
# connection.
Session = Annotated[RequestSession, Depends(open_session, scope="function")]
