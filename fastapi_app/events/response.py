"""The answer that does not end: Server-Sent Events, as they go out."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from strangler_fastapi.drf.http.renderers import EVENT_STREAM
from strangler_fastapi.protocol import ABORT

logger = logging.getLogger(__name__)

# Whoever takes nothing for so long has filled every buffer on the way.
_SEND_SECONDS = 10


class EventStreamResponse(StreamingResponse):
    """A stream of events. A client that takes nothing for 10 s is let go: its connection is reset.

    nginx passes each piece on at once (`X-Accel-Buffering`), and nobody keeps a copy.
    """

    media_type = EVENT_STREAM.media_type

    def __init__(self, chunks: AsyncGenerator[bytes]) -> None:
        super().__init__(chunks, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._chunks = chunks
        self._abort: Callable[[], None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See StreamingResponse."""
        self._abort = scope.get("extensions", {}).get(ABORT)
        await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Sends until the events end; whatever happens, the generator is closed at once."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(_SEND_SECONDS):
                await send(message)

        async with contextlib.aclosing(self._chunks):
            try:
                await super().stream_response(send_in_time)
            except TimeoutError:
                logger.info("events: a client takes nothing, so its stream ends")
                if self._abort is not None:
                    self._abort()


async def no_events() -> AsyncGenerator[bytes]:
    """The body of HEAD."""
    for chunk in list[bytes]():
        yield chunk
