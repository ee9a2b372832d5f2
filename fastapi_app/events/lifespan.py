"""Events while the service runs: the reader, the heartbeats, and their end."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from types import FrameType

from fastapi_app.events.broadcaster import Broadcaster
from fastapi_app.events.listener import Listener

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Events:
    """What an endpoint needs to open a stream."""

    broadcaster: Broadcaster
    listener: Listener


@contextlib.asynccontextmanager
async def events_running(url: str, *, most_of_user: int = 50) -> AsyncIterator[Events]:
    """Reads events at `url` while the block runs; at its end, or at a signal to stop, ends every stream.

    `most_of_user` is as in `Broadcaster`.
    """
    broadcaster = Broadcaster(most_of_user=most_of_user)
    listener = Listener(url, broadcaster)
    tasks = [asyncio.create_task(listener.run()), asyncio.create_task(listener.pulse())]
    try:
        with _at_signal(broadcaster.close):
            yield Events(broadcaster, listener)
    finally:
        broadcaster.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def _at_signal(close: Callable[[], None]) -> Iterator[None]:
    """Calls `close` as soon as the process gets a signal to end.

    uvicorn shuts the application down only after every answer is complete, and a stream completes when it is closed.
    Its own handlers, which are there before, are called after.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(close)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    ours = [number for number, handler in before.items() if callable(handler)]
    for number in ours:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
