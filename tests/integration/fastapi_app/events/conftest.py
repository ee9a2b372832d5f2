"""A database of its own with Django's tables, where nobody else writes posts, and FastAPI's role in it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import asyncpg
import psycopg
import pytest
from sqlalchemy import create_engine, make_url

from fastapi_app.models import BLOG
from tests.databases import OwnDatabase, granted_database
from tests.shared_stack import StackAddresses

ALICE = 1
_USER = """
    INSERT INTO users (id, password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
                       date_joined, created_at)
    VALUES (%s, '', false, 'alice', '', '', 'alice@example.com', false, true, now(), now())
"""
_POST = """
    INSERT INTO posts (title, content, author_id, created_at, published) VALUES ('t', 'c', 1, now(), true) RETURNING id
"""

Connect = Callable[[], psycopg.Connection]


@pytest.fixture(scope="session")
def events_database(stack: StackAddresses, worker_id: str) -> Iterator[OwnDatabase]:
    with granted_database(admin_dsn=stack.admin_dsn, name=f"events_{worker_id}") as database:
        with psycopg.connect(database.owner_dsn) as connection:
            connection.execute(_USER, (ALICE,))
        _map(database)
        yield database


def _map(database: OwnDatabase) -> None:
    """As the service does once it is ready; the reader waits for that."""
    engine = create_engine(make_url(database.owner_dsn).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        BLOG.map(BLOG.reflect(connection))
    engine.dispose()


@pytest.fixture
def reader_url(events_database: OwnDatabase) -> str:
    """The database as FastAPI's role, which may only read events."""
    return events_database.dsn(f"{events_database.name}_fastapi")


@pytest.fixture
async def reader(reader_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(reader_url)
    yield connection
    await connection.close()


@pytest.fixture
def writers(events_database: OwnDatabase) -> Iterator[Connect]:
    """Opens connections as the owner; each statement stands alone outside of `transaction()`."""
    opened: list[psycopg.Connection] = []

    def connect() -> psycopg.Connection:
        opened.append(psycopg.connect(events_database.owner_dsn, autocommit=True))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


def write_post(connection: psycopg.Connection) -> int:
    """Writes a published post; returns its id."""
    row = connection.execute(_POST).fetchone()
    assert row is not None
    post_id: int = row[0]
    return post_id


@contextmanager
def far_event(connection: psycopg.Connection, event_id: int) -> Iterator[None]:
    """An event with this id, as if as many had been written as lie between, while the block runs."""
    connection.execute(
        "INSERT INTO post_events SELECT %s, kind, post_id, author_id, was_author_id, published, was_published, "
        "pg_current_xact_id()::text::bigint, created_at FROM post_events ORDER BY id DESC LIMIT 1",
        (event_id,),
    )
    try:
        yield
    finally:
        connection.execute("DELETE FROM post_events WHERE id = %s", (event_id,))
