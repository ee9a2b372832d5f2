"""Events and batches as a reader would make them."""

from datetime import UTC, datetime
from typing import Any

from fastapi_app.events.batch import Batch, Event, Position

AT = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)
ALICE, BOB, CAROL = 1, 2, 3


def make_event(number: int, *, transaction: int = 10, **columns: Any) -> Event:
    """A published post's creation by ALICE."""
    given = {"author_id": ALICE, "was_author_id": ALICE, "published": True, "was_published": True} | columns
    return Event(position=Position(transaction, number), **{"kind": "created", "post_id": 7, "created_at": AT} | given)


def make_draft(number: int, **columns: Any) -> Event:
    return make_event(number, published=False, was_published=False, **columns)


def make_batch(*events: Event) -> Batch:
    return Batch(events, events[-1].position)


def ids(chunk: bytes) -> list[int]:
    """The ids in a piece of a stream."""
    return [int(line.removeprefix("id: ")) for line in chunk.decode().splitlines() if line.startswith("id: ")]
