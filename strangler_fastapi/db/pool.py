"""The pool of an engine's connections, in which whoever waits longest is next."""

import asyncio
from typing import Any

from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool


class FairPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool behind a queue.

    In SQLAlchemy's own, a request that comes while a connection is given back takes it from those that wait, and these
    wait anew behind all others: what makes the slowest answers slow (docs/benchmark.md).
    """

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        super().__init__(*args, **options)
        self._turns = asyncio.Semaphore(self.size())

    @property
    def is_busy(self) -> bool:
        """Whether who comes now has to wait."""
        return self._turns.locked()

    async def begin_turn(self) -> None:
        """Waits for a connection that nobody else will take; `end_turn` is called once it has been given back.

        Raises:
            sqlalchemy.exc.TimeoutError: none was given back within `pool_timeout`.
        """
        if not self.is_busy:
            await self._turns.acquire()
            return
        seconds: float = self._timeout
        try:
            async with asyncio.timeout(seconds):
                await self._turns.acquire()
        except TimeoutError:
            raise PoolTimeoutError(f"no connection of {self.size()} was given back within {seconds:g} s") from None

    def end_turn(self) -> None:
        """Lets the next in: the connection is in the pool again."""
        self._turns.release()
