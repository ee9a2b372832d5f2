"""Open streams never keep a service from ending."""

import asyncio
import time
from contextlib import AsyncExitStack

import psutil
import pytest

from strangler.local.ports import port_free_pick
from tests.fastapi_process import fastapi_process
from tests.shared_stack import StackAddresses
from tests.streams import stream_of_new_service

pytestmark = pytest.mark.long


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_at_sigterm_every_stream_ends_at_once_and_properly(
    workers: str, stack: StackAddresses, access_tokens: dict[str, str]
) -> None:
    async with AsyncExitStack() as opened:
        service = fastapi_process(stack, port=port_free_pick(), FASTAPI_WORKERS=workers)
        url = opened.enter_context(service)
        streams = [
            await opened.enter_async_context(stream_of_new_service(url, access_tokens["bob"])) for _ in range(10)
        ]
        for one in streams:
            assert one.status == 200
            await one.block()
        (process,) = [
            child for child in psutil.Process().children() if child.environ().get("FASTAPI_PORT") == url.rsplit(":")[-1]
        ]
        started = time.monotonic()
        process.terminate()
        ends = await asyncio.gather(*(one.next() for one in streams))
        took = time.monotonic() - started
        await asyncio.to_thread(process.wait, 20)
    assert ends == [None] * 10
    # The deadline for answers under way is 10 s: nobody waits for it.
    assert took < 5
