"""A standby that answers reads, as long as it has all that the primary has."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from strangler_fastapi.db.address import libpq_address

logger = logging.getLogger(__name__)

# What PostgreSQL has acknowledged is flushed, unless `synchronous_commit` is off.
_FLUSHED: Final = "SELECT pg_current_wal_flush_lsn()::text"
# Of a standby that was promoted, nobody knows what it shares with the primary.
_REPLAYED: Final = "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= $1::text::pg_lsn"
# A standby nearby replays within a few milliseconds; who waits for longer had better ask the primary.
_WAIT_SECONDS: Final = 0.02
_POLL_SECONDS: Final = 0.002
# For so long nobody waits for a standby that was too late, and nobody connects to one that does not answer.
_LATE_SECONDS: Final = 0.25
_AWAY_SECONDS: Final = 1.0
_ANSWER_SECONDS: Final = 1.0

Answer = TypeVar("Answer")


class SingleFlight(Generic[Answer]):
    """One call on behalf of many: those that come during a call share the next one, which begins after they came."""

    def __init__(self, call: Callable[[], Awaitable[Answer]]) -> None:
        self._call = call
        self._begun = 0
        self._answered = 0
        self._calling = asyncio.Lock()
        self._answer: Answer

    async def __call__(self) -> Answer:
        """What the first call gives that begins from now on."""
        begun = self._begun
        async with self._calling:
            # A call that failed or was cancelled has left the answer of one before it.
            if self._answered <= begun:
                self._begun += 1
                self._answer = await self._call()
                self._answered = self._begun
            return self._answer


class Replica:
    """A read may go to the standby when this holds all that was committed on the primary before the read came.

    So whoever has written reads what was written, through whichever stack, and no reader goes back in time. The
    primary is asked for its position for each read, or once for all that come meanwhile: much less than the read
    itself. A standby that is late, is away or was promoted is left alone, and the primary reads.

    Args:
        engine: the connections of requests to the standby.
        primary_url: where the primary is, as libpq has it.
        url: where the standby is.
        service: the service's name, as in `Database`.
    """

    def __init__(self, engine: AsyncEngine, *, primary_url: str, url: str, service: str) -> None:
        self.engine = engine
        self._urls = (primary_url, url)
        self._service = service
        self._connections: list[asyncpg.Connection] = []
        self._resting = 0.0
        self._said: str | None = None
        self.is_current: Callable[[], Awaitable[bool]] = SingleFlight(self._ask)

    async def close(self) -> None:
        """Closes every connection."""
        self._hang_up()
        await self.engine.dispose()

    async def _ask(self) -> bool:
        if time.monotonic() < self._resting:
            return False
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                is_there = await self._has_all()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            self._hang_up()
            self._rest(_AWAY_SECONDS, f"it or the primary does not answer ({type(error).__name__})")
            return False
        except asyncio.CancelledError:
            # An answer that is still to come would be taken for the next one.
            self._hang_up()
            raise
        if is_there:
            self._say(None)
        else:
            self._rest(_LATE_SECONDS, "it is behind the primary")
        return is_there

    async def _has_all(self) -> bool:
        if not self._connections:
            for url in self._urls:
                settings = {"application_name": self._service}
                self._connections.append(await asyncpg.connect(libpq_address(url), server_settings=settings))
        primary, standby = self._connections
        position = await primary.fetchval(_FLUSHED)
        until = time.monotonic() + _WAIT_SECONDS
        while not await standby.fetchval(_REPLAYED, position):
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(_POLL_SECONDS)
        return True

    def _hang_up(self) -> None:
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.terminate()

    def _rest(self, seconds: float, reason: str) -> None:
        self._resting = time.monotonic() + seconds
        self._say(reason)

    def _say(self, reason: str | None) -> None:
        """One line for each change."""
        if reason == self._said:
            return
        self._said = reason
        if reason is None:
            logger.info("the replica answers reads")
        else:
            logger.warning("the primary answers the replica's reads: %s", reason)
