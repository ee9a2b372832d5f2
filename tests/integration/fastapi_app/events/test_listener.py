"""The reader of a process on a real PostgreSQL: what it hands on, and what it comes back from."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from fastapi_app.events import listener as module
from fastapi_app.events.batch import Batch, Heartbeat
from fastapi_app.events.broadcaster import Broadcaster, Subscription
from fastapi_app.events.lifespan import events_running
from fastapi_app.events.queries import KEPT
from tests.databases import OwnDatabase
from tests.integration.fastapi_app.events.conftest import ALICE, Connect, far_event, write_post

SECONDS = 20


class Heard:
    """A stream's batches as the ids of the posts in them."""

    def __init__(self, broadcaster: Broadcaster, subscription: Subscription) -> None:
        self.broadcaster = broadcaster
        self._subscription = subscription
        self._posts: list[int] = []

    async def posts(self, count: int) -> list[int]:
        """The next so many."""
        async with asyncio.timeout(SECONDS):
            while len(self._posts) < count:
                item = await self._subscription.next()
                assert item is not None
                if isinstance(item, Batch):
                    self._posts += [event.post_id for event in item._events]
        taken, self._posts = self._posts[:count], self._posts[count:]
        return taken

    async def end(self) -> None:
        async with asyncio.timeout(SECONDS):
            while await self._subscription.next() is not None:
                pass


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)


@asynccontextmanager
async def hearing(url: str) -> AsyncIterator[Heard]:
    async with events_running(url) as running:
        await until(lambda: running.broadcaster.position is not None)
        with running.broadcaster.subscribed(user_id=ALICE, seconds=3600) as subscription:
            yield Heard(running.broadcaster, subscription)


@pytest.fixture
async def heard(reader_url: str) -> AsyncIterator[Heard]:
    async with hearing(reader_url) as opened:
        yield opened


@pytest.fixture
def writer(writers: Connect) -> psycopg.Connection:
    return writers()


def cut(events_database: OwnDatabase) -> int:
    """Ends every reader's connection; returns how many there were."""
    with psycopg.connect(events_database.superuser_dsn, autocommit=True) as connection:
        return len(
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'fastapi_app events' AND datname = current_database()"
            ).fetchall()
        )


async def test_what_is_written_is_handed_on_in_order(heard: Heard, writer: psycopg.Connection) -> None:
    written = [write_post(writer) for _ in range(3)]
    assert await heard.posts(3) == written


async def test_one_connection_listens_and_reads(heard: Heard, events_database: OwnDatabase) -> None:
    assert heard.broadcaster.position is not None
    assert cut(events_database) == 1


async def test_what_was_written_while_the_connection_was_lost_is_read_once_it_is_back(
    heard: Heard, events_database: OwnDatabase, writer: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    written = [write_post(writer)]
    cut(events_database)
    written += [write_post(writer) for _ in range(3)]
    await until(lambda: "events: can't be read" in caplog.text)
    written.append(write_post(writer))
    assert await heard.posts(5) == written


async def test_events_held_back_by_an_older_transaction_come_when_it_ends(
    heard: Heard, writer: psycopg.Connection, writers: Connect
) -> None:
    """Nobody notifies of the end of a transaction that wrote no post."""
    older = writers()
    with older.transaction():
        older.execute("SELECT pg_current_xact_id()")
        written = write_post(writer)
        waiting = asyncio.create_task(heard.posts(1))
        await asyncio.wait([waiting], timeout=0.5)
        assert not waiting.done()
    assert await waiting == [written]


async def test_a_writer_that_commits_after_the_one_that_notified_is_heard_too(heard: Heard, writers: Connect) -> None:
    """Of writers at work together only one notifies."""
    with ExitStack() as second_ends:
        first, second = writers(), writers()
        with first.transaction():
            written = [write_post(first)]
            second_ends.enter_context(second.transaction())
            written.append(write_post(second))
        assert await heard.posts(1) == written[:1]
    assert await heard.posts(1) == written[1:]


async def test_the_streams_of_a_user_who_is_no_longer_active_end(
    reader_url: str, writer: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.05)
    async with hearing(reader_url) as heard:
        writer.execute("UPDATE users SET is_active = false WHERE id = %s", (ALICE,))
        try:
            await heard.end()
        finally:
            writer.execute("UPDATE users SET is_active = true WHERE id = %s", (ALICE,))


async def test_streams_end_when_events_are_gone_that_they_were_not_reported_of(
    heard: Heard, writer: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a long outage. The client comes back with the last id that it got, and gets a reset."""
    written = write_post(writer)
    assert await heard.posts(1) == [written]
    position = heard.broadcaster.position
    assert position is not None
    with far_event(writer, position.id + KEPT):
        await heard.end()
        assert "events: some were gone before they could be read" in caplog.text
        with heard.broadcaster.subscribed(user_id=ALICE, seconds=3600) as subscription:
            assert subscription.since.id == position.id + KEPT


async def test_an_error_that_nobody_foresaw_is_logged_in_full_and_reading_goes_on(
    heard: Heard, writer: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A reader that ended would leave open streams with heartbeats alone."""
    with monkeypatch.context() as patch:
        patch.setattr(module, "Batch", None)
        written = [write_post(writer)]
        await until(lambda: "events: can't be read, next try in 0.5 s (TypeError" in caplog.text)
    assert "Traceback" in caplog.text
    written.append(write_post(writer))
    assert await heard.posts(2) == written


async def test_the_heart_beats_on_while_nobody_can_say_who_is_active(
    reader_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.05)
    async with events_running(reader_url) as running:
        await until(lambda: running.broadcaster.position is not None)
        with running.broadcaster.subscribed(user_id=ALICE, seconds=3600) as subscription:
            monkeypatch.setattr(running.listener, "_connection", None)
            await until(lambda: caplog.text.count("events: can't ask who is still active (ConnectionError") > 1)
            async with asyncio.timeout(SECONDS):
                assert isinstance(await subscription.next(), Heartbeat)


async def test_without_a_database_it_tries_again_and_ends_when_reported(caplog: pytest.LogCaptureFixture) -> None:
    async with events_running("postgresql://nobody@127.0.0.1:1/nowhere") as running:
        await until(lambda: "events: can't be read, next try in 0.5 s (ConnectionRefusedError" in caplog.text)
        assert "Traceback" not in caplog.text
        assert running.broadcaster.position is None


async def test_a_client_that_asks_while_the_connection_is_lost_is_reported_so(reader_url: str) -> None:
    async with events_running(reader_url) as running:
        await until(lambda: running.broadcaster.position is not None)
        running.listener._connection = None
        with pytest.raises(ConnectionError):
            await running.listener.find(1)


async def test_a_table_that_may_not_be_read_is_named_in_the_log(
    events_database: OwnDatabase, writers: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    role = f"{events_database.name}_fastapi"
    grant = SQL("GRANT SELECT ON post_events TO {}").format(Identifier(role))
    owner = writers()
    owner.execute(SQL("REVOKE SELECT ON post_events FROM {}").format(Identifier(role)))
    try:
        async with events_running(events_database.dsn(role)) as running:
            await until(lambda: "permission denied for table post_events" in caplog.text)
            assert running.broadcaster.position is None
            owner.execute(grant)
            await until(lambda: running.broadcaster.position is not None)
    finally:
        owner.execute(grant)
