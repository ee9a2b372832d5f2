"""Whoever waits longest has the next connection, and a connection that somebody waits for goes from hand to hand."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.util import greenlet_spawn

from strangler_fastapi.db.pool import FairPool


class Left:
    """A connection that somebody no longer needs."""

    def __init__(self, *, renewed: int = 0, is_dead: bool = False, is_valid: bool = True) -> None:
        self.info = {"renewed": renewed}
        self.is_valid = is_valid
        self.is_in_pool = False
        self._is_dead = is_dead

    @property
    def driver_connection(self) -> "Left":
        return self

    def is_closed(self) -> bool:
        return self._is_dead

    def close(self) -> None:
        self.is_in_pool = True


class Opened(Left):
    """A connection as a driver opens it."""

    def rollback(self) -> None:
        pass


def pool_of(size: int = 1, *, seconds: float = 10) -> Any:
    def connect() -> Any:
        raise AssertionError

    return FairPool(connect, pool_size=size, timeout=seconds)


async def waiting(pool: Any, *, number: int) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.create_task(pool.begin_turn()) for _ in range(number)]
    await asyncio.sleep(0)
    return tasks


async def test_a_connection_goes_to_whoever_waits_longest_and_never_to_who_comes_now() -> None:
    pool, left = pool_of(), Left()
    assert await pool.begin_turn() is None
    first, second = await waiting(pool, number=2)
    pool.end_turn(left)
    (late,) = await waiting(pool, number=1)
    assert await first is left
    assert not second.done()
    pool.end_turn(left)
    assert await second is left
    pool.end_turn(left)
    assert await late is left
    assert (left.is_in_pool, pool.is_busy) == (False, True)


async def test_a_connection_that_nobody_waits_for_goes_back_to_the_pool() -> None:
    pool, left = pool_of(), Left()
    await pool.begin_turn()
    pool.end_turn(left)
    assert (left.is_in_pool, pool.is_busy) == (True, False)


@pytest.mark.parametrize("bad", [{"renewed": -1}, {"is_dead": True}, {"is_valid": False}])
async def test_a_connection_that_is_dead_or_too_old_is_left_to_nobody(bad: dict[str, Any]) -> None:
    pool, left = pool_of(), Left(**bad)
    await pool.begin_turn()
    (waits,) = await waiting(pool, number=1)
    pool.end_turn(left)
    assert await waits is None
    assert left.is_in_pool


async def test_after_a_change_of_the_tables_none_is_left_that_was_opened_before() -> None:
    pool, left = pool_of(), Left()
    await pool.begin_turn()
    (waits,) = await waiting(pool, number=1)
    pool.renew()
    pool.end_turn(left)
    assert await waits is None


async def test_who_is_given_up_when_its_turn_has_come_leaves_the_connection_to_the_next() -> None:
    pool, left = pool_of(), Left()
    await pool.begin_turn()
    first, second = await waiting(pool, number=2)
    pool.end_turn(left)
    first.cancel()
    assert await second is left
    pool.end_turn()
    assert not pool.is_busy


async def test_who_is_given_up_before_is_passed_over() -> None:
    pool, left = pool_of(), Left()
    await pool.begin_turn()
    first, second = await waiting(pool, number=2)
    first.cancel()
    await asyncio.sleep(0)
    pool.end_turn(left)
    assert await second is left


async def test_who_has_waited_too_long_is_refused_and_no_connection_is_lost() -> None:
    pool = pool_of(seconds=0.01)
    await pool.begin_turn()
    with pytest.raises(PoolTimeoutError, match=r"no connection of 1 was given back within 0\.01 s"):
        await pool.begin_turn()
    pool.end_turn()
    assert await pool.begin_turn() is None


async def test_a_pool_that_was_disposed_of_opens_connections_whatever_was_renewed_before_or_after() -> None:
    pool = FairPool(Opened)
    for number in (1, 2):
        pool.renew()
        pool = pool.recreate()
        connection: Any = await greenlet_spawn(pool.connect)
        assert connection.info["renewed"] == number
        await greenlet_spawn(connection.close)
