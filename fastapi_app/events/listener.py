"""The process's one connection for events: listens, reads what is new, comes back after it was lost."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from fastapi_app.events.batch import Batch, Event, Position
from fastapi_app.events.broadcaster import Broadcaster
from fastapi_app.events.queries import (
    CHANNEL,
    PAGE,
    Connection,
    events_after,
    events_visible,
    position_find,
    position_newest,
    users_active,
)
from fastapi_app.models import BLOG
from strangler_fastapi.db.address import libpq_address

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15
# 20 reads a second at the most, however many write: the process has requests to answer.
_PAUSE_SECONDS = 0.05
# Of several transactions at work together one notifies; for this long after it, and while events wait for an older
# transaction to end, it is worth looking again soon.
_BUSY_SECONDS = 1.0
_LOOK_SECONDS = 0.1
# An event without a notification (a writer that took longer than others, a pooler between) is late by this at the most.
_QUIET_SECONDS = 1.0
_CONNECT_SECONDS = 5
_STATEMENT_SECONDS = 10
_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 0.5, 8.0

LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Listener:
    """Reads for `broadcaster`, from the database at `url`."""

    def __init__(self, url: str, broadcaster: Broadcaster) -> None:
        self._url = libpq_address(url)
        self._broadcaster = broadcaster
        self._woken = asyncio.Event()
        self._using = asyncio.Lock()
        self._connection: Connection | None = None
        self._retry_seconds = _FIRST_RETRY_SECONDS

    async def run(self) -> None:
        """Reads for ever. What was written while the connection was lost is read when it is back."""
        while not BLOG.tables:  # noqa: ASYNC110 - the classes are mapped once the database was reflected
            await asyncio.sleep(_PAUSE_SECONDS)
        while True:
            try:
                async with self._connected():
                    await self._follow()
            except Exception as error:  # noqa: BLE001 - whatever it is: without a reader open streams are silent for ever
                _warn(f"can't be read, next try in {self._retry_seconds:.1f} s", error)
            await asyncio.sleep(self._retry_seconds)
            self._retry_seconds = min(2 * self._retry_seconds, _LAST_RETRY_SECONDS)

    async def pulse(self) -> None:
        """Keeps open streams alive for ever, and ends those of users who are no longer active."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self._broadcaster.beat()
            try:
                await self._end_inactive()
            except Exception as error:  # noqa: BLE001 - as above
                _warn("can't ask who is still active", error)

    async def find(self, event_id: int) -> Position:
        """Where the event with this id stands.

        Raises:
            EventsGone: there is none, or what followed it may be gone.
        """
        async with self._used() as connection:
            return await position_find(connection, event_id)

    async def visible(self, *, user_id: int, after: Position, up_to: Position) -> list[Event]:
        """The user's next events up to a position that was read, a page of them at the most.

        Raises:
            EventsGone: some of those after `after` may be gone.
        """
        async with self._used() as connection:
            return await events_visible(connection, user_id=user_id, after=after, up_to=up_to)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        connection = await asyncpg.connect(
            self._url,
            timeout=_CONNECT_SECONDS,
            command_timeout=_STATEMENT_SECONDS,
            server_settings={"application_name": "fastapi_app events"},
        )
        try:
            connection.add_termination_listener(self._wake)
            await connection.add_listener(CHANNEL, self._wake)
            self._connection = connection
            yield
        finally:
            self._connection = None
            connection.terminate()

    @contextlib.asynccontextmanager
    async def _used(self) -> AsyncIterator[Connection]:
        """The connection, for one statement at a time.

        Raises:
            ConnectionError: it is lost.
        """
        async with self._using:
            if self._connection is None:
                raise ConnectionError("events: no connection")
            yield self._connection

    async def _follow(self) -> None:
        position = self._broadcaster.position
        if position is None:
            async with self._used() as connection:
                position = await position_newest(connection)
            self._broadcaster.begin(position)
        busy_until = 0.0
        while True:
            if self._woken.is_set():
                busy_until = time.monotonic() + _BUSY_SECONDS
            self._woken.clear()
            position, are_waiting = await self._read(position)
            self._retry_seconds = _FIRST_RETRY_SECONDS
            await asyncio.sleep(_PAUSE_SECONDS)
            await self._wait(_LOOK_SECONDS if are_waiting or time.monotonic() < busy_until else _QUIET_SECONDS)

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _read(self, position: Position) -> tuple[Position, bool]:
        """Broadcasts every event after `position`; returns the new position, and whether others must still wait."""
        while True:
            async with self._used() as connection:
                page = await events_after(connection, position)
            if not page.is_whole:
                logger.warning("events: some were gone before they could be read, so every stream ends to be reset")
                self._broadcaster.end()
            if page.events:
                position = page.events[-1].position
                self._broadcaster.publish(Batch(page.events, position))
            if len(page.events) < PAGE:
                return position, page.are_waiting

    async def _end_inactive(self) -> None:
        if user_ids := self._broadcaster.user_ids:
            async with self._used() as connection:
                active = await users_active(connection, user_ids)
            self._broadcaster.end(lambda subscription: subscription.user_id not in active)

    def _wake(self, *_: Any) -> None:  # noqa: ANN401 - asyncpg's, for notifications and for the end
        self._woken.set()


def _warn(what: str, error: Exception) -> None:
    """One line for what is expected to happen, the traceback too for what is not."""
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    logger.warning("events: %s (%s)", what, reason, exc_info=None if isinstance(error, LOST) else error)
