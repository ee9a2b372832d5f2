"""What a signal to end does while streams are open."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from fastapi_app.events.lifespan import _at_signal

Handler = Callable[[int, FrameType | None], None]


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> Iterator[list[int]]:
    """The signals that the server's own handler, there before, has seen."""
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, getattr(request, "param", lambda number, _frame: seen.append(number)))
    yield seen
    signal.signal(signal.SIGTERM, before)


async def test_streams_are_closed_and_the_server_is_reported_as_well(servers: list[int]) -> None:
    closed = asyncio.Event()
    handler = signal.getsignal(signal.SIGTERM)
    with _at_signal(closed.set):
        signal.raise_signal(signal.SIGTERM)
        assert servers == [signal.SIGTERM]
        await asyncio.wait_for(closed.wait(), timeout=5)
    assert signal.getsignal(signal.SIGTERM) is handler


@pytest.mark.parametrize("servers", [signal.SIG_IGN], indirect=True)
async def test_a_signal_that_nobody_handles_stays_so(servers: list[int]) -> None:  # noqa: ARG001 - sets the handler
    with _at_signal(lambda: None):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


async def test_outside_of_the_main_thread_no_handler_is_set() -> None:
    handler = signal.getsignal(signal.SIGTERM)
    during: list[object] = []

    def run() -> None:
        with _at_signal(lambda: None):
            during.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert during == [handler]
