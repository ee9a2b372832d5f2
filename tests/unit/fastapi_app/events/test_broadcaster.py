"""Which streams get a batch, and what ends one."""

import asyncio
import time

import pytest

from fastapi_app.events import broadcaster as module
from fastapi_app.events.batch import BEGINNING, Heartbeat, Position
from fastapi_app.events.broadcaster import ROOM, Broadcaster
from strangler_fastapi.errors import Throttled, Unavailable
from tests.unit.fastapi_app.events.events import ALICE, BOB, make_batch, make_event

LONG = 3600.0


@pytest.fixture
def broadcaster() -> Broadcaster:
    """One that has read up to position (10, 1)."""
    made = Broadcaster()
    made.begin(Position(10, 1))
    return made


async def test_a_stream_gets_what_is_published_while_it_is_open(broadcaster: Broadcaster) -> None:
    early, batch, late = (make_batch(make_event(number)) for number in (2, 3, 4))
    broadcaster.publish(early)
    with broadcaster.subscribed(user_id=ALICE, seconds=LONG) as subscription:
        broadcaster.publish(batch)
        broadcaster.beat()
        assert subscription.since == early.position
        assert await subscription.next() is batch
        assert isinstance(await subscription.next(), Heartbeat)
    broadcaster.publish(late)
    assert broadcaster.position == late.position
    assert subscription._waiting.empty()


async def test_a_stream_that_does_not_keep_up_ends_and_lets_go_of_what_it_had(broadcaster: Broadcaster) -> None:
    with (
        broadcaster.subscribed(user_id=ALICE, seconds=LONG) as slow,
        broadcaster.subscribed(user_id=BOB, seconds=LONG) as fast,
    ):
        for number in range(ROOM + 2):
            broadcaster.publish(make_batch(make_event(number + 2)))
            assert await fast.next() is not None
        assert slow._waiting.qsize() == 1
        assert await slow.next() is None
        assert await slow.next() is None


async def test_a_waiting_stream_ends_with_its_time(broadcaster: Broadcaster) -> None:
    started = time.monotonic()
    with broadcaster.subscribed(user_id=ALICE, seconds=0.05) as subscription:
        async with asyncio.timeout(5):
            assert await subscription.next() is None
    assert time.monotonic() - started >= 0.04


async def test_the_timer_of_a_closed_stream_is_gone(broadcaster: Broadcaster) -> None:
    with broadcaster.subscribed(user_id=ALICE, seconds=0.01) as subscription:
        pass
    waited = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, waited.set)
    await waited.wait()
    assert not subscription.has_ended


async def test_only_the_streams_that_are_named_end(broadcaster: Broadcaster) -> None:
    with (
        broadcaster.subscribed(user_id=ALICE, seconds=LONG) as alices,
        broadcaster.subscribed(user_id=BOB, seconds=LONG) as bobs,
    ):
        assert broadcaster.user_ids == {ALICE, BOB}
        broadcaster.end(lambda subscription: subscription.user_id == BOB)
        assert (alices.has_ended, bobs.has_ended) == (False, True)
    assert broadcaster.user_ids == set()


async def test_once_closed_every_stream_ends_at_once_and_no_other_opens(broadcaster: Broadcaster) -> None:
    with broadcaster.subscribed(user_id=ALICE, seconds=LONG) as subscription:
        waiting = asyncio.create_task(subscription.next())
        await asyncio.sleep(0)
        broadcaster.close()
        assert await waiting is None
    with broadcaster.subscribed(user_id=ALICE, seconds=LONG) as late:
        assert await late.next() is None
    with pytest.raises(Unavailable, match="The service is stopping"):
        await broadcaster.require_room(BOB)


async def test_there_is_room_until_there_are_too_many(
    broadcaster: Broadcaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_STREAMS", 1)
    await broadcaster.require_room(BOB)
    with broadcaster.subscribed(user_id=ALICE, seconds=LONG), pytest.raises(Unavailable, match="Too many streams"):
        await broadcaster.require_room(BOB)
    await broadcaster.require_room(BOB)


async def test_one_user_does_not_take_the_places_of_others() -> None:
    broadcaster = Broadcaster(most_of_user=1)
    broadcaster.begin(Position(10, 1))
    with broadcaster.subscribed(user_id=ALICE, seconds=LONG):
        with pytest.raises(Throttled, match="too many streams"):
            await broadcaster.require_room(ALICE)
        await broadcaster.require_room(BOB)
    await broadcaster.require_room(ALICE)


async def test_before_anything_was_read_no_stream_opens_and_no_heart_beats() -> None:
    broadcaster = Broadcaster()
    with pytest.raises(Unavailable, match="The database does not answer"):
        await broadcaster.require_room(BOB)
    with broadcaster.subscribed(user_id=ALICE, seconds=LONG) as subscription:
        broadcaster.beat()
        assert subscription.since == BEGINNING
        assert subscription._waiting.empty()
