"""Hands what one reader reads to every open stream of the process."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from fastapi_app.events.batch import BEGINNING, Batch, Heartbeat, Position
from shared_schema.refusals import AWAY
from strangler_fastapi.errors import Throttled, Unavailable

# 1,000 open streams take 41 MB; the rest of the process has to go on.
MOST_STREAMS = 2000
# A client that has so many batches before it does not keep up. Batches are shared: a place costs a pointer.
ROOM = 256
# A service that has just started reads for the first time a moment after it is ready for other requests.
_FIRST_READ_SECONDS = 5.0


class Subscription:
    """One open stream: gets every batch after `since`, until it ends."""

    def __init__(self, *, user_id: int, since: Position) -> None:
        self.user_id = user_id
        self.since = since
        self._waiting: asyncio.Queue[Batch | Heartbeat | None] = asyncio.Queue(ROOM)
        self.has_ended = False

    def offer(self, item: Batch | Heartbeat) -> None:
        """Adds a batch; ends where there is no room for it."""
        if self._waiting.full():
            self.end()
        elif not self.has_ended:
            self._waiting.put_nowait(item)

    def end(self) -> None:
        """Ends at once; what was not fetched yet is dropped, and the client asks for it when it comes back."""
        self.has_ended = True
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    async def next(self) -> Batch | Heartbeat | None:
        """The next batch, waiting for it; None at the end."""
        return None if self.has_ended else await self._waiting.get()


class Broadcaster:
    """The open streams, and where the reader stands; `position` is None while it has never read.

    `most_of_user` is how many streams one user may have in this process, lest one takes the places of all others.
    """

    def __init__(self, *, most_of_user: int = 50) -> None:
        self._most_of_user = most_of_user
        self.position: Position | None = None
        self._begun = asyncio.Event()
        self._open: set[Subscription] = set()
        self._closed = False

    def begin(self, position: Position) -> None:
        """Notes where the reader starts."""
        self.position = position
        self._begun.set()

    async def require_room(self, user_id: int) -> None:
        """Passes where the user may open one more stream.

        Raises:
            Throttled: the user has as many as one may have in this process.
            Unavailable: events can't be read yet, too many streams are open, or the service ends.
        """
        try:
            async with asyncio.timeout(_FIRST_READ_SECONDS):
                await self._begun.wait()
        except TimeoutError:
            raise Unavailable.of(AWAY) from None
        if self._closed:
            raise Unavailable("The service is stopping: try again in a few seconds.")
        if sum(subscription.user_id == user_id for subscription in self._open) >= self._most_of_user:
            raise Throttled("You have too many streams open: end one first.")
        if len(self._open) >= MOST_STREAMS:
            raise Unavailable("Too many streams are open: try again in a few seconds.")

    @contextlib.contextmanager
    def subscribed(self, *, user_id: int, seconds: float) -> Iterator[Subscription]:
        """A subscription while the block runs, for so many seconds at the most."""
        subscription = Subscription(user_id=user_id, since=self.position or BEGINNING)
        if self._closed:
            subscription.end()
        timer = asyncio.get_running_loop().call_later(seconds, subscription.end)
        self._open.add(subscription)
        try:
            yield subscription
        finally:
            self._open.discard(subscription)
            timer.cancel()

    @property
    def user_ids(self) -> set[int]:
        """Whose streams are open."""
        return {subscription.user_id for subscription in self._open}

    def publish(self, batch: Batch) -> None:
        """Hands a batch to every open stream."""
        self.position = batch.position
        self._offer(batch)

    def beat(self) -> None:
        """Hands every open stream a heartbeat."""
        if self.position is not None:
            self._offer(Heartbeat(self.position))

    def end(self, where: Callable[[Subscription], bool] = lambda _: True) -> None:
        """Ends the streams for which `where` holds; all by default."""
        for subscription in filter(where, self._open):
            subscription.end()

    def close(self) -> None:
        """Ends every stream and opens no other."""
        self._closed = True
        self.end()

    def _offer(self, item: Batch | Heartbeat) -> None:
        for subscription in self._open:
            subscription.offer(item)
