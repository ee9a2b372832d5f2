"""So many a second, and no burst after a rest."""

import asyncio

from strangler.compare.client.client import RateLimit


async def test_turns_are_an_interval_apart() -> None:
    loop = asyncio.get_running_loop()
    pace = RateLimit(200)
    await asyncio.sleep(0)
    started = loop.time()
    await asyncio.gather(*(pace.wait() for _ in range(11)))
    assert loop.time() - started >= 10 / 200 - 0.005
