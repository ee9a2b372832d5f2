"""A transaction on the driver's connection alone: SQLAlchemy's own has a greenlet for its COMMIT and its ROLLBACK."""

from collections.abc import Awaitable, Callable
from typing import Any, Self

from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError


class DriverTransaction:
    """The transaction of a connection from the pool.

    It is the one that SQLAlchemy's adapter of the driver knows: SQLAlchemy finds it begun when it takes the connection
    over, and ends it then.
    """

    def __init__(self, engine: Engine, adapted: Any) -> None:  # noqa: ANN401 - the adapter has no type
        self._dialect = engine.dialect
        self._adapted = adapted
        # The adapter forgets it with a connection that dies.
        self._begun = adapted._transaction  # noqa: SLF001 - said nowhere else

    @classmethod
    async def begin(cls, engine: Engine, pooled: PoolProxiedConnection) -> Self:
        """Sends BEGIN. Where it raises, or is given up, the connection must not be used again: it may have begun.

        Raises:
            engine.dialect.loaded_dbapi.Error: the database refuses, or the connection is dead.
            TimeoutError: BEGIN wasn't answered within the driver's `command_timeout`.
        """
        adapted: Any = pooled.dbapi_connection
        await adapted._start_transaction()  # noqa: SLF001 - SQLAlchemy sends BEGIN with its own first statement only
        return cls(engine, adapted)

    @property
    def is_dead(self) -> bool:
        """Whether its connection can't be used any more."""
        return bool(self._adapted._connection.is_closed())  # noqa: SLF001 - the driver's own

    async def commit(self) -> None:
        """Sends COMMIT.

        Raises:
            sqlalchemy.exc.DBAPIError: the database refuses, and has rolled back, or the connection is dead.
        """
        await self._end(self._begun.commit)

    async def rollback(self) -> None:
        """Sends ROLLBACK.

        Raises:
            sqlalchemy.exc.DBAPIError: the connection is dead.
        """
        await self._end(self._begun.rollback)

    async def _end(self, end: Callable[[], Awaitable[None]]) -> None:
        try:
            await self._adapted._call_and_discard(end)  # noqa: SLF001 - as its own `commit` does
        except Exception as error:
            raise self._as_sqlalchemy(error) from error

    def _as_sqlalchemy(self, error: Exception) -> BaseException:
        """What SQLAlchemy's own connection would raise, so that whoever handles errors knows one kind of them."""
        kind = self._dialect.loaded_dbapi.Error
        try:
            self._adapted._handle_exception(error)  # noqa: SLF001 - as above
        except kind as translated:
            is_dead = self._dialect.is_disconnect(translated, self._adapted, None)
            return DBAPIError.instance(
                None, None, translated, kind, connection_invalidated=is_dead, dialect=self._dialect
            )
        except type(error):
            # One that the adapter has no other name for.
            pass
        return error
