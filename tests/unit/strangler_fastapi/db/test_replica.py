"""One call on behalf of many, of which none gets an answer from before it came."""

import asyncio

from strangler_fastapi.db.replica import SingleFlight


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
