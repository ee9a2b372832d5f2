"""What one client gets: what it missed and what happens, without a gap and without anything twice."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from fastapi_app.events.batch import Event, Position
from fastapi_app.events.broadcaster import Broadcaster
from fastapi_app.events.listener import Listener
from fastapi_app.events.queries import PAGE, EventsGone
from fastapi_app.events.service import event_stream
from tests.unit.fastapi_app.events.events import ALICE, ids, make_batch, make_event

NOW = Position(10, PAGE + 20)


class Rows(Listener):
    """A reader over rows in memory."""

    def __init__(self, rows: Sequence[Event]) -> None:
        super().__init__("postgresql://nobody@127.0.0.1:1/nowhere", Broadcaster())
        self.rows = rows
        self.asked = 0
        self.kept_for = 2

    async def find(self, event_id: int) -> Position:
        for row in self.rows:
            if row.position.id == event_id:
                return row.position
        raise EventsGone

    async def visible(self, *, user_id: int, after: Position, up_to: Position) -> list[Event]:
        self.asked += 1
        if self.asked > self.kept_for:
            raise EventsGone
        return [row for row in self.rows if after < row.position <= up_to and row.is_visible_to(user_id)][:PAGE]


class Lost(Rows):
    async def find(self, _event_id: int) -> Position:
        raise ConnectionError("events: no connection")


@pytest.fixture
def broadcaster() -> Broadcaster:
    made = Broadcaster()
    made.begin(NOW)
    return made


@pytest.fixture
def rows() -> Rows:
    """More than a page, up to where the reader stands, and one beyond."""
    return Rows([make_event(number) for number in range(10, NOW.id + 2)])


def opened(broadcaster: Broadcaster, rows: Rows, last_id: int | None) -> AsyncGenerator[bytes]:
    return event_stream(broadcaster=broadcaster, listener=rows, user_id=ALICE, last_id=last_id, seconds=60)


async def test_a_first_stream_begins_now_and_names_where_that_is(broadcaster: Broadcaster, rows: Rows) -> None:
    async with aclosing(opened(broadcaster, rows, None)) as stream:
        assert await anext(stream) == b"id: %d\nretry: 3000\n\n" % NOW.id
        broadcaster.publish(make_batch(make_event(NOW.id + 1)))
        assert ids(await anext(stream)) == [NOW.id + 1]
    assert rows.asked == 0


async def test_a_client_that_missed_nothing_costs_no_query(broadcaster: Broadcaster, rows: Rows) -> None:
    async with aclosing(opened(broadcaster, rows, NOW.id)) as stream:
        await anext(stream)
        broadcaster.publish(make_batch(make_event(NOW.id + 1)))
        assert ids(await anext(stream)) == [NOW.id + 1]
    assert rows.asked == 0


async def test_what_was_missed_comes_in_pages_and_then_what_happened_meanwhile(
    broadcaster: Broadcaster, rows: Rows
) -> None:
    async with aclosing(opened(broadcaster, rows, 12)) as stream:
        assert await anext(stream) == b"retry: 3000\n\n"
        broadcaster.publish(make_batch(make_event(NOW.id + 1)))
        got = [id for _ in range(3) for id in ids(await anext(stream))]
    assert got == list(range(13, NOW.id + 2))


async def test_where_the_last_event_is_gone_a_reset_comes_and_what_happens_from_then_on(
    broadcaster: Broadcaster, rows: Rows
) -> None:
    async with aclosing(opened(broadcaster, rows, 9)) as stream:
        await anext(stream)
        broadcaster.publish(make_batch(make_event(NOW.id + 1)))
        reset = await anext(stream)
        assert reset.startswith(b'event: reset\ndata: {"detail":"Events after the last one')
        assert ids(reset) == [NOW.id]
        assert ids(await anext(stream)) == [NOW.id + 1]
    assert rows.asked == 0


async def test_what_goes_away_while_a_client_is_reported_of_it_is_a_reset_too(
    broadcaster: Broadcaster, rows: Rows
) -> None:
    rows.kept_for = 1
    async with aclosing(opened(broadcaster, rows, 12)) as stream:
        await anext(stream)
        assert ids(await anext(stream))[-1] == 12 + PAGE
        reset = await anext(stream)
        assert (reset.startswith(b"event: reset"), ids(reset)) == (True, [NOW.id])


async def test_a_token_that_ended_meanwhile_gets_a_stream_that_ends(broadcaster: Broadcaster, rows: Rows) -> None:
    stream = event_stream(broadcaster=broadcaster, listener=rows, user_id=ALICE, last_id=None, seconds=-1)
    async with aclosing(stream):
        assert [ids(chunk) async for chunk in stream] == [[NOW.id]]


async def test_a_client_ahead_of_this_process_is_reported_nothing_twice(broadcaster: Broadcaster, rows: Rows) -> None:
    async with aclosing(opened(broadcaster, rows, NOW.id + 1)) as stream:
        assert await anext(stream) == b"retry: 3000\n\n"
        broadcaster.beat()
        assert await anext(stream) == b": heartbeat\n\n"
        broadcaster.publish(make_batch(make_event(NOW.id + 1), make_event(NOW.id + 2)))
        assert ids(await anext(stream)) == [NOW.id + 2]


async def test_a_stream_ends_where_the_database_is_lost_while_it_is_asked(broadcaster: Broadcaster) -> None:
    async with aclosing(opened(broadcaster, Lost([]), 12)) as stream:
        assert [chunk async for chunk in stream] == [b"retry: 3000\n\n"]


async def test_what_is_reported_of_the_past_ends_with_the_service(broadcaster: Broadcaster, rows: Rows) -> None:
    async with aclosing(opened(broadcaster, rows, 12)) as stream:
        await anext(stream)
        await anext(stream)
        broadcaster.close()
        assert [chunk async for chunk in stream] == []


async def test_a_closed_stream_is_forgotten(broadcaster: Broadcaster, rows: Rows) -> None:
    async with aclosing(opened(broadcaster, rows, None)) as stream:
        await anext(stream)
        assert broadcaster.user_ids == {ALICE}
    assert broadcaster.user_ids == set()
