"""A running application, the rows below it, and ways to watch it."""

import asyncio
import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from fastapi_app import main
from fastapi_app.models import BLOG
from shared_schema import passwords
from strangler_fastapi.auth.tokens import Tokens
from strangler_fastapi.logs import JsonFormatter

ADMIN, ALICE, BOB, GONE = 1, 2, 3, 4
JWT_KEY = "the signing key of these tests, never to be logged"
TOKENS = Tokens(JWT_KEY, BLOG.contract.token_settings)
USER_PASSWORD = "correct horse 9 battery"
# The same in every process: the tokens of `bearer` say which it is.
USER_HASH = f"argon2{passwords._argon2.hash(USER_PASSWORD, salt=b'of the tests, 22 bytes')}"
POSTS = 25
_DEADLINE = 20


@dataclass(frozen=True)
class Running:
    """The application after its start, a client of it, and its log."""

    app: FastAPI
    client: httpx.AsyncClient
    log: io.StringIO

    @property
    def engine(self) -> AsyncEngine:
        engine: AsyncEngine = self.app.state.database.engine
        return engine

    @property
    def in_use(self) -> int:
        """How many connections the pool has given away."""
        pool: Any = self.engine.pool
        return int(pool.checkedout())

    @property
    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


class Statements(list[str]):
    """Every statement that reaches the database, through SQLAlchemy or the driver; no BEGIN, COMMIT or ROLLBACK."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__()
        event.listen(engine.sync_engine, "checkout", self._watch)
        event.listen(engine.sync_engine, "before_cursor_execute", self._of_sqlalchemy)

    def _watch(self, connection: Any, *_: Any) -> None:
        # A set holds the loggers of a connection: to add this one again changes nothing.
        connection.driver_connection.add_query_logger(self._of_driver)

    def _of_driver(self, query: Any) -> None:
        self._note(query.query)

    def _of_sqlalchemy(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self._note(statement)

    def _note(self, text: str) -> None:
        # What asyncpg asks once on each connection, to learn of a type, is no request's.
        own = "typeinfo_tree" in text or "set_config('jit'" in text
        if not own and text.rstrip(";").split()[0].upper() not in ("BEGIN", "COMMIT", "ROLLBACK"):
            self.append(text)


def fill(connection: psycopg.Connection) -> None:
    """Users admin, alice, bob and gone (inactive); POSTS posts of alice, every third a draft; one of bob; tags."""
    encoded = USER_HASH
    for name in ("admin", "alice", "bob", "gone"):
        connection.execute(
            "INSERT INTO users (username, email, password, is_staff, is_active, is_superuser, first_name, last_name,"
            " date_joined, created_at) VALUES (%s, %s, %s, %s, %s, false, '', '', now(), now())",
            (name, f"{name}@example.com", encoded, name == "admin", name != "gone"),
        )
    connection.execute("INSERT INTO tags (name) VALUES ('garden'), ('trees'), ('unused')")
    connection.execute(
        "INSERT INTO posts (title, content, author_id, published, created_at)"
        " SELECT 'Post ' || n, 'Content of ' || n, %s, n %% 3 <> 0, timestamptz '2025-01-01' + n * interval '1 hour'"
        " FROM generate_series(1, %s) n",
        (ALICE, POSTS),
    )
    connection.execute(
        "INSERT INTO posts (title, content, author_id, published, created_at)"
        " VALUES ('Of bob', '', %s, true, timestamptz '2025-01-01 00:00:00.5')",
        (BOB,),
    )
    connection.execute(
        "INSERT INTO blog_post_tags (post_id, tag_id) SELECT p.id, t.id FROM posts p, tags t WHERE t.id < 3"
    )


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """What is logged meanwhile, as it is written; the application's own handler would outlive the test."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(JsonFormatter())
    root, of_app = logging.getLogger(), logging.getLogger("fastapi_app")
    level = of_app.level
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "configure_logs", lambda _level: None)
        root.addHandler(handler)
        of_app.setLevel(logging.DEBUG)
        try:
            yield handler.stream
        finally:
            root.removeHandler(handler)
            of_app.setLevel(level)


def bearer(user_id: int) -> dict[str, str]:
    """The headers of a user who signed in."""
    now = datetime.now(UTC)
    refresh = TOKENS.new_refresh(user_id, now, password_hash=USER_HASH)
    return {"Authorization": f"Bearer {TOKENS.encode(TOKENS.access_of(refresh, now))}"}


async def until_ready(client: httpx.AsyncClient) -> None:
    await until(lambda: client.get("/health/ready"), 200)
    # The check that a request makes may be faster than the one that opens the service.
    await until(lambda: client.get("/feed/"), 200)


async def until(ask: Callable[[], Any], status: int) -> httpx.Response:
    """Asks until the status is the one wanted."""
    deadline = time.monotonic() + _DEADLINE
    while True:
        response: httpx.Response = await ask()
        if response.status_code == status:
            return response
        assert time.monotonic() < deadline, f"still {response.status_code}: {response.text}"
        await asyncio.sleep(0.02)
