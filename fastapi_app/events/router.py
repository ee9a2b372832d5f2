"""`events/`: what happens to posts, as Server-Sent Events, for signed-in callers and what they may see."""

import time

import jwt
from fastapi import Request
from starlette.responses import Response

from fastapi_app.config import PREFIXES
from fastapi_app.events.lifespan import Events
from fastapi_app.events.response import EventStreamResponse, no_events
from fastapi_app.events.schemas import PostEventRead
from fastapi_app.events.service import event_stream
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.parameters import IntegerParameter, integer_parameter
from strangler_fastapi.drf.views.permissions import IsAuthenticated
from strangler_fastapi.drf.views.view import Caller, View, feature_router

router = feature_router(PREFIXES, "events")

_LAST_ID = IntegerParameter(
    default=0,
    least=0,
    most=2**63 - 1,
    description="Go on after this event. The header `Last-Event-ID`, which browsers send, wins.",
)

events = View(
    router,
    "/events/",
    name="Events",
    description="What happens to posts, as Server-Sent Events.",
    methods=("GET",),
    permission=IsAuthenticated,
)


@events.stream(data=PostEventRead, query={"last_event_id": _LAST_ID.description})
async def events_stream(request: Request, session: Session, caller: Caller) -> Response:
    """Follow published posts and all of your own: `created`, `published`, `updated`, `deleted`.

    An event that is no longer kept is answered with an event `reset`, and with those from then on. The stream ends with
    the access token.
    """
    given = request.headers.get("last-event-id") or request.query_params.get("last_event_id")
    last_id = integer_parameter({"last_event_id": given}, "last_event_id", _LAST_ID) if given else None
    running: Events = request.app.state.events
    # The first read may take seconds to come, and other requests need the pool's connections meanwhile.
    await session.release()
    await running.broadcaster.require_room(caller.id)
    if request.method == "HEAD":
        return EventStreamResponse(no_events())
    return EventStreamResponse(
        event_stream(
            broadcaster=running.broadcaster,
            listener=running.listener,
            user_id=caller.id,
            last_id=last_id,
            seconds=_token_seconds(request),
        )
    )


def _token_seconds(request: Request) -> float:
    """How long the caller's token is still good, negative where it ended just now; it was accepted."""
    token = request.headers["authorization"].split()[1]
    return float(jwt.decode(token, options={"verify_signature": False})["exp"]) - time.time()
