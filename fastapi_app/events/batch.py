"""Events as rows and as text: encoded once for all clients of a process."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from fastapi.sse import format_sse_event
from pydantic_core import to_json


class Position(NamedTuple):
    """Where an event stands among all: by its transaction, then by its id."""

    transaction_id: int
    id: int


BEGINNING = Position(0, 0)


@dataclass(frozen=True, kw_only=True)
class Event:
    """A row of `post_events`. `was_…` is how the post was before."""

    position: Position
    kind: str
    post_id: int
    author_id: int
    was_author_id: int
    published: bool
    was_published: bool
    created_at: datetime

    @property
    def is_public(self) -> bool:
        """Whether everybody may see the post, or could until now."""
        return self.published or self.was_published

    @property
    def authors(self) -> frozenset[int]:
        """Those who may see it even if nobody else does."""
        return frozenset((self.author_id, self.was_author_id))

    def is_visible_to(self, user_id: int) -> bool:
        """Whether the user may see the post, or could until now."""
        return self.is_public or user_id in self.authors

    @cached_property
    def encoded(self) -> bytes:
        """The event as the stream has it."""
        data = {
            "post_id": self.post_id,
            "author_id": self.author_id,
            "published": self.published,
            "created_at": self.created_at,
        }
        return format_sse_event(event=self.kind, data_str=to_json(data).decode(), id=str(self.position.id))


class Batch:
    """Events that were read together, in order; `position` is where the reader stands after them."""

    def __init__(self, events: Sequence[Event], position: Position) -> None:
        self.position = position
        self._events = events
        self._insiders = frozenset[int]().union(*(event.authors for event in events if not event.is_public))

    @cached_property
    def _public(self) -> bytes:
        return b"".join(event.encoded for event in self._events if event.is_public)

    def render(self, *, user_id: int, after: Position) -> bytes:
        """What the user may see of it and has not seen; the same object for everybody who sees no drafts in it."""
        if user_id not in self._insiders and (not self._events or after < self._events[0].position):
            return self._public
        seen = (event for event in self._events if event.position > after and event.is_visible_to(user_id))
        return b"".join(event.encoded for event in seen)


class Heartbeat:
    """A comment that keeps the connection open, with the id up to which there are no more events.

    An id without data is no event; the client resumes from it, so that a quiet stream does not fall behind what is
    kept.
    """

    def __init__(self, position: Position) -> None:
        self.position = position
        self._bare = format_sse_event(comment="heartbeat")
        self._with_id = format_sse_event(comment="heartbeat", id=str(position.id))

    def render(self, *, user_id: int, after: Position) -> bytes:  # noqa: ARG002 - as a batch's
        """The comment; without the id for a client that is further on, having heard of more from another process."""
        return self._bare if after > self.position else self._with_id
