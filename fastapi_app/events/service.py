"""What one client gets: what it missed, then what happens, until its token ends."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator

from fastapi.sse import format_sse_event

from fastapi_app.events.batch import Event, Position
from fastapi_app.events.broadcaster import Broadcaster
from fastapi_app.events.listener import LOST, Listener
from fastapi_app.events.queries import PAGE, EventsGone

logger = logging.getLogger(__name__)

# How long a client waits before it comes back.
RETRY_MS = 3000
_RESET = '{"detail":"Events after the last one you know are no longer kept: read the lists again."}'


async def event_stream(
    *, broadcaster: Broadcaster, listener: Listener, user_id: int, last_id: int | None, seconds: float
) -> AsyncGenerator[bytes]:
    """The stream of one client, for so many seconds at the most; without `last_id` it begins now.

    A client that missed more than is kept gets a `reset`, and goes on from now: what it then reads is no older.

    It ends early where the client does not keep up, the database is lost while missed events are read, or
    the service ends: the client then comes back with the last id that it got.
    """
    with broadcaster.subscribed(user_id=user_id, seconds=seconds) as subscription:
        position = subscription.since
        if last_id is None or last_id == position.id:
            yield format_sse_event(retry=RETRY_MS, id=str(position.id))
        else:
            yield format_sse_event(retry=RETRY_MS)
            try:
                after = await listener.find(last_id)
                async for events in _missed(listener, user_id=user_id, after=after, up_to=position):
                    if subscription.has_ended:
                        return
                    yield b"".join(event.encoded for event in events)
                position = max(position, after)
            except EventsGone:
                yield format_sse_event(event="reset", data_str=_RESET, id=str(position.id))
            except LOST:
                logger.warning("events: the database was lost while missed events were sent")
                return
        while (item := await subscription.next()) is not None:
            if chunk := item.render(user_id=user_id, after=position):
                yield chunk


async def _missed(listener: Listener, *, user_id: int, after: Position, up_to: Position) -> AsyncIterator[list[Event]]:
    """Pages of what the user may see between two positions; none where the second comes first."""
    while after < up_to:
        events = await listener.visible(user_id=user_id, after=after, up_to=up_to)
        if events:
            after = events[-1].position
            yield events
        if len(events) < PAGE:
            return
