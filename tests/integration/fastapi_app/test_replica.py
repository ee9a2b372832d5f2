"""Reads on a standby that PostgreSQL's own streaming feeds: who has written reads it, and no read is lost with it."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text
from starlette.requests import Request

from fastapi_app.feed import router as feed
from strangler.databases.connections import dsn_to
from strangler.local.postgres import PostgresServer
from strangler_fastapi.db import replica
from strangler_fastapi.db.session import RequestSession, open_session
from tests.databases import OwnDatabase
from tests.integration.fastapi_app.conftest import Start, filled_database, one_loop
from tests.integration.fastapi_app.running import ALICE, Running, Statements, bearer
from tests.servers import server_in, standby_of

pytestmark = [one_loop, pytest.mark.long]

SECONDS = 30
POST = "INSERT INTO posts (title, content, author_id, published, created_at) VALUES (%s, '', %s, true, now())"


@dataclass(frozen=True)
class Followed:
    """Two servers, and a database of theirs."""

    database: OwnDatabase
    standby: PostgresServer

    @property
    def replica_url(self) -> str:
        """The standby, as FastAPI's role."""
        followed = self.database.dsn(f"{self.database.name}_fastapi")
        return followed.replace(self.database.admin_dsn.rpartition(":")[2].partition("/")[0], str(self.standby.port))

    def insert(self, title: str) -> None:
        """A row that isn't FastAPI's."""
        with psycopg.connect(self.database.owner_dsn, autocommit=True) as owner:
            owner.execute(POST, (title, ALICE))

    def on_standby(self, statement: str) -> None:
        with psycopg.connect(dsn_to(self.standby.admin_dsn, "postgres"), autocommit=True) as admin:
            admin.execute(statement.encode())


@pytest.fixture(scope="module")
def followed() -> Iterator[Followed]:
    # Not in pytest's own folder: each pytest that starts takes back the search bit that PostgreSQL's account needs.
    with (
        tempfile.TemporaryDirectory(prefix="strangler standby ") as name,
        server_in(Path(name), "first") as primary,
        filled_database(admin_dsn=primary.admin_dsn, name="followed") as database,
        standby_of(primary, Path(name), "second") as standby,
    ):
        yield Followed(database, standby)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reading(start: Start, followed: Followed) -> AsyncIterator[Running]:
    url = followed.database.dsn(f"{followed.database.name}_fastapi")
    async with start(followed.database, url=url, replica_url=followed.replica_url) as running:
        yield running


@pytest.fixture
def asked(reading: Running) -> dict[str, Statements]:
    """The statements of requests that reach each server."""
    return {"primary": Statements(reading.engine), "standby": Statements(_replica(reading).engine)}


def _replica(reading: Running) -> replica.Replica:
    found: replica.Replica = reading.app.state.database.replica
    return found


async def titles(reading: Running) -> list[str]:
    response = await reading.client.get("/posts/", headers=bearer(ALICE))
    assert response.status_code == 200, response.text
    return [post["title"] for post in response.json()["results"]]


async def until_followed(reading: Running) -> None:
    async with asyncio.timeout(SECONDS):
        while not await _replica(reading).is_current():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)


async def test_reads_are_the_standbys_and_writes_the_primarys(reading: Running, asked: dict[str, Statements]) -> None:
    await until_followed(reading)
    await titles(reading)
    # The driver tells of a statement a moment later.
    await asyncio.sleep(0)
    assert asked["standby"]
    assert not asked["primary"]
    asked["standby"].clear()
    written = await reading.client.post("/posts/", headers=bearer(ALICE), json={"title": "Of FastAPI", "content": "."})
    assert written.status_code == 201, written.text
    assert asked["primary"]
    assert not asked["standby"]


async def test_who_has_written_reads_it_whoever_wrote_and_however_late_the_standby_is(
    reading: Running, followed: Followed, asked: dict[str, Statements]
) -> None:
    await until_followed(reading)
    followed.on_standby("SELECT pg_wal_replay_pause()")
    try:
        await reading.client.post("/posts/", headers=bearer(ALICE), json={"title": "Seen at once", "content": "."})
        assert (await titles(reading))[0] == "Seen at once"
        followed.insert("Of Django")
        assert (await titles(reading))[0] == "Of Django"
        assert not asked["standby"]
    finally:
        followed.on_standby("SELECT pg_wal_replay_resume()")
    await until_followed(reading)
    assert (await titles(reading))[0] == "Of Django"
    assert asked["standby"]
    said = [line["message"] for line in reading.log_lines if line["logger"] == replica.__name__]
    assert "the primary answers the replica's reads: it is behind the primary" in said


async def test_among_writes_every_read_is_of_now(
    reading: Running, followed: Followed, asked: dict[str, Statements]
) -> None:
    await until_followed(reading)
    for number in range(100):
        followed.insert(f"Number {number}")
        seen = await asyncio.gather(*(titles(reading) for _ in range(4)))
        assert [each[0] for each in seen] == [f"Number {number}"] * 4
    # Not a figure: that it isn't the primary alone that reads.
    assert len(asked["standby"]) > 0


@pytest.mark.parametrize("statement", ["SELECT 1 FROM posts FOR UPDATE", "UPDATE posts SET title = title WHERE id = 1"])
async def test_what_a_standby_refuses_is_the_primarys(
    reading: Running, asked: dict[str, Statements], monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    async def lock(request: Any, session: RequestSession, *given: Any, **options: Any) -> Any:
        await session.execute(text(statement))
        return await paginate(request, session, *given, **options)

    paginate = feed.paginate
    monkeypatch.setattr(feed, "paginate", lock)
    await until_followed(reading)
    response = await reading.client.get("/feed/")
    assert response.status_code == 200, response.text
    assert asked["standby"] == [statement]
    assert asked["primary"][0] == statement


async def test_a_session_of_a_request_that_nobody_repeats_is_the_primarys(
    reading: Running, asked: dict[str, Statements]
) -> None:
    await until_followed(reading)
    request = Request({"type": "http", "method": "GET", "app": reading.app})
    async with asynccontextmanager(open_session)(request) as session:
        await session.execute(text("UPDATE posts SET title = title WHERE id = 1"))
    assert not asked["standby"]


async def test_a_standby_that_was_promoted_or_is_gone_is_left_alone(reading: Running, followed: Followed) -> None:
    await until_followed(reading)
    followed.on_standby("SELECT pg_promote()")
    followed.insert("After the promotion")
    assert (await titles(reading))[0] == "After the promotion"
    assert not await _replica(reading).is_current()
    child = followed.standby.child
    assert child is not None
    os.killpg(child.pid, signal.SIGKILL)
    followed.insert("After the end")
    seen = await asyncio.gather(*(titles(reading) for _ in range(20)))
    assert {each[0] for each in seen} == {"After the end"}
    async with asyncio.timeout(SECONDS):
        while not any("does not answer" in line["message"] for line in reading.log_lines):
            assert (await titles(reading))[0] == "After the end"
            await asyncio.sleep(0.05)
