"""The pool of an engine's connections, in which whoever waits longest is next."""

import asyncio
from collections import deque
from typing import Any, Self

from sqlalchemy import PoolProxiedConnection, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool


class FairPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool behind a queue.

    In SQLAlchemy's own, a request that comes while a connection is given back takes it from those that wait, and these
    wait anew behind all others: what makes the slowest answers slow. A connection that somebody waits for goes from
    hand to hand, without the pool between (docs/benchmark.md).
    """

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        super().__init__(*args, **options)
        self._free = self.size()
        self._queue: deque[asyncio.Future[PoolProxiedConnection | None]] = deque()
        # Statements prepared before a change of the tables may not be what PostgreSQL would prepare now.
        self._renewed = 0
        event.listen(self, "connect", self._mark)
        event.listen(self, "checkout", self._refuse_old)

    @property
    def is_busy(self) -> bool:
        """Whether who comes now has to wait."""
        return not self._free

    async def begin_turn(self) -> PoolProxiedConnection | None:
        """Waits for a connection that nobody else will take; `end_turn` is called once it is no longer needed.

        Returns the connection where somebody has left one, and None where there is one in the pool.

        Raises:
            sqlalchemy.exc.TimeoutError: none was given back within `pool_timeout`.
        """
        if self._free:
            self._free -= 1
            return None
        loop = asyncio.get_running_loop()
        left: asyncio.Future[PoolProxiedConnection | None] = loop.create_future()
        self._queue.append(left)
        timer = loop.call_later(self._timeout, self._give_up, left)
        try:
            return await left
        except asyncio.CancelledError:
            if left.done() and not left.cancelled() and left.exception() is None:
                self.end_turn(left.result())
            raise
        finally:
            timer.cancel()

    def end_turn(self, connection: PoolProxiedConnection | None = None) -> None:
        """Lets the next in; `connection`, on which nothing is to be rolled back, is its or goes back to the pool."""
        while self._queue and self._queue[0].done():
            self._queue.popleft()
        try:
            if connection is not None and not (self._queue and self._is_good(connection)):
                connection.close()
                connection = None
        finally:
            if self._queue:
                self._queue.popleft().set_result(connection)
            else:
                self._free += 1

    def recreate(self) -> Self:
        """See Pool; the new one has the old one's listeners too, and each refuses what its pool has not marked."""
        pool: Self = super().recreate()  # type: ignore[assignment] # SQLAlchemy makes one of the same class
        pool._renewed = self._renewed
        return pool

    def renew(self) -> None:
        """Has each connection replaced before it is used again, with what was prepared on it."""
        self._renewed += 1

    def _give_up(self, left: "asyncio.Future[PoolProxiedConnection | None]") -> None:
        if not left.done():
            sentence = f"no connection of {self.size()} was given back within {self._timeout:g} s"
            left.set_exception(PoolTimeoutError(sentence))

    def _is_good(self, connection: PoolProxiedConnection) -> bool:
        driver: Any = connection.driver_connection
        return connection.is_valid and not driver.is_closed() and connection.info["renewed"] == self._renewed

    def _mark(self, _connection: object, record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        record.info["renewed"] = self._renewed

    def _refuse_old(self, connection: Any, record: Any, _proxy: object) -> None:  # noqa: ANN401 - SQLAlchemy's own
        """Has a connection replaced that is dead or too old, before a request meets it; a ping would cost a trip."""
        if connection.driver_connection.is_closed() or record.info["renewed"] < self._renewed:
            raise DisconnectionError
