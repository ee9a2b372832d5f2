"""Events in an order that no transaction can upset, however late it commits."""

import asyncio
from contextlib import nullcontext

import asyncpg
import psycopg
import pytest

from fastapi_app.events.batch import BEGINNING, Event, Position
from fastapi_app.events.queries import (
    KEPT,
    EventsGone,
    events_after,
    events_visible,
    position_find,
    position_newest,
    users_active,
)
from tests.integration.fastapi_app.events.conftest import ALICE, Connect, far_event, write_post

STRANGER = 99
SECONDS = 20
POLL_SECONDS = 0.02
_LAST = "SELECT id FROM post_events ORDER BY transaction_id DESC, id DESC LIMIT 1"


@pytest.fixture
def quick(writers: Connect) -> psycopg.Connection:
    """A writer whose transactions are over at once."""
    return writers()


@pytest.fixture
def slow(writers: Connect) -> psycopg.Connection:
    """A writer whose transaction the test ends."""
    connection = writers()
    connection.autocommit = False
    return connection


@pytest.fixture
async def start(reader: asyncpg.Connection) -> Position:
    """After all that other tests have written. Their transactions, in other databases too, hold events back."""
    async with asyncio.timeout(SECONDS):
        while (newest := await position_newest(reader)).id != (await reader.fetchval(_LAST) or 0):  # noqa: ASYNC110 - asked of the database
            await asyncio.sleep(POLL_SECONDS)
    return newest


async def read(reader: asyncpg.Connection, start: Position, count: int) -> list[Event]:
    """So many events after `start`, waiting until no transaction of another test holds them back."""
    async with asyncio.timeout(SECONDS):
        while len(events := (await events_after(reader, start)).events) < count:  # noqa: ASYNC110 - asked of the database
            await asyncio.sleep(POLL_SECONDS)
    return events


def posts(events: list[Event]) -> list[int]:
    return [event.post_id for event in events]


async def test_events_wait_for_an_older_transaction_and_come_in_its_place(
    reader: asyncpg.Connection, quick: psycopg.Connection, slow: psycopg.Connection, start: Position
) -> None:
    first = write_post(slow)
    second = write_post(quick)
    assert await events_after(reader, start) == ([], True, True)
    assert await position_newest(reader) == start
    slow.commit()
    assert posts(await read(reader, start, 2)) == [first, second]


async def test_a_smaller_id_that_commits_later_is_not_lost(
    reader: asyncpg.Connection, slow: psycopg.Connection, writers: Connect, start: Position
) -> None:
    """By id alone the second read would begin after the late one, and never find it."""
    early = writers()
    with early.transaction():
        early.execute("SELECT pg_current_xact_id()")
        late = write_post(slow)
        soon = write_post(early)
    (reported,) = await read(reader, start, 1)
    assert reported.post_id == soon
    slow.commit()
    (reported_late,) = await read(reader, reported.position, 1)
    assert (reported_late.post_id, reported_late.position.id < reported.position.id) == (late, True)
    found = await position_find(reader, reported.position.id)
    assert found == reported.position
    resumed = await events_visible(reader, user_id=STRANGER, after=found, up_to=reported_late.position)
    assert posts(resumed) == [late]


async def test_as_long_as_all_wait_nothing_is_said_to_be_gone(
    reader: asyncpg.Connection, quick: psycopg.Connection, slow: psycopg.Connection, start: Position
) -> None:
    """Open streams would end, come back and end again until the older transaction does."""
    write_post(slow)
    with far_event(quick, start.id + KEPT + 10):
        assert await events_after(reader, start) == ([], True, True)
        slow.commit()
        await read(reader, start, 2)
        assert (await events_after(reader, start)).is_whole is False


async def test_a_transaction_that_is_rolled_back_leaves_no_trace(
    reader: asyncpg.Connection, quick: psycopg.Connection, slow: psycopg.Connection, start: Position
) -> None:
    write_post(slow)
    written = write_post(quick)
    slow.rollback()
    assert posts(await read(reader, start, 1)) == [written]


async def test_pages_follow_one_another_without_a_gap(
    reader: asyncpg.Connection, quick: psycopg.Connection, start: Position, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastapi_app.events.queries.PAGE", 2)
    with quick.transaction():
        written = [write_post(quick) for _ in range(5)]
    pages = []
    for count in (2, 2, 1):
        pages.append(await read(reader, start, count))
        start = pages[-1][-1].position
    assert [posts(page) for page in pages] == [written[:2], written[2:4], written[4:]]


@pytest.mark.parametrize(
    ("user", "sees"),
    [(ALICE, ["created", "published", "updated", "updated", "deleted"]), (STRANGER, ["published", "updated"])],
)
async def test_a_draft_is_its_authors_and_what_was_published_everybodys(
    reader: asyncpg.Connection, quick: psycopg.Connection, start: Position, user: int, sees: list[str]
) -> None:
    for statement in (
        "INSERT INTO posts (title, content, author_id, created_at, published) VALUES ('mine', 'c', 1, now(), false)",
        "UPDATE posts SET published = true WHERE title = 'mine'",
        "UPDATE posts SET published = false WHERE title = 'mine'",
        "UPDATE posts SET content = 'd' WHERE title = 'mine'",
        "DELETE FROM posts WHERE title = 'mine'",
    ):
        quick.execute(statement)
    up_to = (await read(reader, start, 5))[-1].position
    events = await events_visible(reader, user_id=user, after=start, up_to=up_to)
    assert [event.kind for event in events] == sees


@pytest.mark.parametrize(("user", "hears"), [(ALICE, 1), (STRANGER, 1), (STRANGER + 1, 0)])
async def test_a_draft_that_changed_hands_is_reported_to_both_authors(
    reader: asyncpg.Connection, quick: psycopg.Connection, start: Position, user: int, hears: int
) -> None:
    quick.execute(
        "INSERT INTO post_events (kind, post_id, author_id, was_author_id, published, was_published, transaction_id, "
        "created_at) VALUES ('updated', 1, %s, %s, false, false, pg_current_xact_id()::text::bigint, now())",
        (STRANGER, ALICE),
    )
    up_to = (await read(reader, start, 1))[-1].position
    assert len(await events_visible(reader, user_id=user, after=start, up_to=up_to)) == hears


async def test_an_id_that_is_gone_unknown_or_far_behind_has_no_position(
    reader: asyncpg.Connection, quick: psycopg.Connection, start: Position
) -> None:
    write_post(quick)
    newest = (await read(reader, start, 1))[0].position
    assert await position_find(reader, newest.id) == newest
    assert await position_find(reader, 0) == BEGINNING
    for unknown in (newest.id + 1, 2**63 - 1):
        with pytest.raises(EventsGone):
            await position_find(reader, unknown)


@pytest.mark.parametrize(("distance", "is_whole"), [(KEPT - 1, True), (KEPT, False)])
async def test_what_may_be_gone_is_never_passed_over(
    distance: int, is_whole: bool, reader: asyncpg.Connection, quick: psycopg.Connection, start: Position
) -> None:
    """Neither when it is looked for, nor when a client reads page after page, nor for open streams."""
    write_post(quick)
    write_post(quick)
    position, last = (event.position for event in await read(reader, start, 2))
    with far_event(quick, position.id + distance):
        assert (await events_after(reader, position)).is_whole is is_whole
        with nullcontext() if is_whole else pytest.raises(EventsGone):
            assert await position_find(reader, position.id) == position
        for up_to, count in ((last, 1), (position, 0)):
            with nullcontext() if is_whole else pytest.raises(EventsGone):
                assert len(await events_visible(reader, user_id=ALICE, after=position, up_to=up_to)) == count


async def test_events_of_another_servers_transactions_are_never_reported(
    reader: asyncpg.Connection, quick: psycopg.Connection, start: Position
) -> None:
    """As a restored dump brings them along: their transactions have not been yet."""
    row = quick.execute(
        "INSERT INTO post_events (kind, post_id, author_id, was_author_id, published, was_published, transaction_id, "
        "created_at) VALUES ('created', 1, 1, 1, true, true, 4000000000, now()) RETURNING id"
    ).fetchone()
    assert row is not None
    assert await events_after(reader, start) == ([], False, True)
    assert await position_newest(reader) == start
    with pytest.raises(EventsGone):
        await position_find(reader, row[0])
    quick.execute("DELETE FROM post_events WHERE id = %s", row)


async def test_who_is_active(reader: asyncpg.Connection, quick: psycopg.Connection) -> None:
    assert await users_active(reader, {ALICE, STRANGER}) == {ALICE}
    quick.execute("UPDATE users SET is_active = false WHERE id = %s", (ALICE,))
    assert await users_active(reader, {ALICE, STRANGER}) == set()
    quick.execute("UPDATE users SET is_active = true WHERE id = %s", (ALICE,))


async def test_the_reader_may_write_no_events_though_its_posts_leave_some(
    reader: asyncpg.Connection, start: Position
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.execute("DELETE FROM post_events")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.execute("SELECT post_events_tell(1, 1)")
    post_id = await reader.fetchval(
        "INSERT INTO posts (title, content, author_id, created_at, published) "
        "VALUES ('t', 'c', 1, now(), true) RETURNING id"
    )
    assert posts(await read(reader, start, 1)) == [post_id]


def test_positions_are_in_the_order_of_transactions() -> None:
    assert sorted([Position(11, 1), Position(10, 5), Position(10, 4)]) == [(10, 4), (10, 5), (11, 1)]
