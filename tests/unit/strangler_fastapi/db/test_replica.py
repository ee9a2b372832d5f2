"""A standby answers reads while it is current; of calls on behalf of many none gets an answer from before it came."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from strangler_fastapi.db.pool import FairPool
from strangler_fastapi.db.replica import SingleFlight
from strangler_fastapi.db.session import RequestSession


async def _waiting() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_those_that_come_during_a_call_share_the_next() -> None:
    async def play() -> tuple[list[int], int]:
        calls = 0

        async def call() -> int:
            nonlocal calls
            calls += 1
            number = calls
            await _waiting()
            return number

        flight = SingleFlight(call)
        first = asyncio.create_task(flight())
        await asyncio.sleep(0)
        others = [asyncio.create_task(flight()) for _ in range(3)]
        return list(await asyncio.gather(first, *others)), calls

    assert asyncio.run(play()) == ([1, 2, 2, 2], 2)


def test_after_a_call_that_was_cancelled_nobody_gets_an_older_answer() -> None:
    async def play() -> list[object]:
        calls: list[asyncio.Event] = []

        async def call() -> int:
            calls.append(asyncio.Event())
            number = len(calls)
            await calls[-1].wait()
            return number

        flight = SingleFlight(call)
        first = asyncio.create_task(flight())
        await _waiting()
        given_up, last = asyncio.create_task(flight()), asyncio.create_task(flight())
        await _waiting()
        calls[0].set()
        await first
        await _waiting()
        given_up.cancel()
        await _waiting()
        if len(calls) == 3:
            calls[2].set()
        return list(await asyncio.gather(first, given_up, last, return_exceptions=True))

    first, given_up, last = asyncio.run(play())
    assert (first, last) == (1, 3)
    assert isinstance(given_up, asyncio.CancelledError)


class Server:
    """An engine whose pool has one connection."""

    def __init__(self, name: str) -> None:
        self.connection = SimpleNamespace(driver_connection=name, close=lambda: None)
        self.pool = FairPool(self._connect, pool_size=1, timeout=0.01)
        self.dialect = SimpleNamespace(loaded_dbapi=SimpleNamespace(Error=OSError))

    def _connect(self) -> Any:
        raise AssertionError

    async def raw_connection(self) -> Any:
        return self.connection


@pytest.mark.parametrize(
    ("current", "busy", "read"),
    [
        (True, (), "standby"),
        (False, (), "primary"),
        (True, ("standby",), "primary"),
        (True, ("primary",), "standby"),
        (False, ("standby",), "primary"),
    ],
)
async def test_a_standby_is_read_while_it_is_current_and_keeps_nobody_waiting(
    current: bool, busy: tuple[str, ...], read: str
) -> None:
    servers = {name: Server(name) for name in ("primary", "standby")}
    for name in busy:
        await servers[name].pool.begin_turn()

    async def is_current() -> bool:
        return current

    replica = SimpleNamespace(engine=servers["standby"], is_current=is_current)
    session = RequestSession(servers["primary"], replica=replica)  # type: ignore[arg-type] # all that it asks
    found: Any = await session.driver()
    assert (found, session.reads_replica) == (read, read == "standby")
    await session.close()
    assert servers[read].pool.is_busy == (read in busy)
