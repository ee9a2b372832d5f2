"""What is answered is committed, what fails leaves nothing behind, and one token is exchanged once."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from starlette.types import Message

from fastapi_app.models import BLOG, SignInAttempts
from tests.asgi import call
from tests.databases import OwnDatabase
from tests.integration.fastapi_app.conftest import Start
from tests.integration.fastapi_app.running import ADMIN, ALICE, BOB, TOKENS, USER_HASH, USER_PASSWORD, Running, bearer

REFRESH = TOKENS.encode(TOKENS.new_refresh(BOB, datetime.now(UTC), password_hash=USER_HASH))
POST = {"title": "Fig trees", "content": "They grow.", "tags": ["garden", "brand new"]}
CAROL = {"username": "carol", "email": "carol@example.com", "password": USER_PASSWORD}
REFUSED = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused by a trigger'; END $$"


@dataclass(frozen=True)
class Write:
    """A request, the table that it changes, and what holds once it is done and not before."""

    method: str
    path: str
    caller: int | None
    body: Any
    table: str
    done: str


WRITES = {
    "sign in": Write(
        "POST",
        "/auth/token/",
        None,
        {"username": "bob", "password": USER_PASSWORD},
        "token_blacklist_outstandingtoken",
        "EXISTS (SELECT FROM token_blacklist_outstandingtoken)",
    ),
    "refresh": Write(
        "POST",
        "/auth/token/refresh/",
        None,
        {"refresh": REFRESH},
        "token_blacklist_blacklistedtoken",
        "EXISTS (SELECT FROM token_blacklist_blacklistedtoken)",
    ),
    "sign out": Write(
        "POST",
        "/auth/token/blacklist/",
        None,
        {"refresh": REFRESH},
        "token_blacklist_blacklistedtoken",
        "EXISTS (SELECT FROM token_blacklist_blacklistedtoken)",
    ),
    "register": Write("POST", "/users/", None, CAROL, "users", "EXISTS (SELECT FROM users WHERE username = 'carol')"),
    "rename oneself": Write(
        "PATCH",
        "/users/me/",
        BOB,
        {"username": "robert"},
        "users",
        "EXISTS (SELECT FROM users WHERE username = 'robert')",
    ),
    "remove a user": Write(
        "DELETE", "/users/3/", ADMIN, None, "users", "NOT EXISTS (SELECT FROM users WHERE username = 'bob')"
    ),
    "write a post": Write(
        "POST", "/posts/", ALICE, POST, "posts", "EXISTS (SELECT FROM posts WHERE title = 'Fig trees')"
    ),
    "change a post": Write(
        "PUT", "/posts/3/", ALICE, POST, "posts", "EXISTS (SELECT FROM posts WHERE id = 3 AND title = 'Fig trees')"
    ),
    "tag a post": Write(
        "PATCH",
        "/posts/3/",
        ALICE,
        {"title": "Tagged", "tags": ["brand new"]},
        "blog_post_tags",
        "EXISTS (SELECT FROM tags JOIN blog_post_tags ON tag_id = tags.id WHERE name = 'brand new' AND post_id = 3)",
    ),
    "write a post with a new tag": Write(
        "POST", "/posts/", ALICE, POST, "blog_post_tags", "EXISTS (SELECT FROM posts WHERE title = 'Fig trees')"
    ),
    "publish a post": Write(
        "POST", "/posts/3/publish/", ALICE, None, "posts", "EXISTS (SELECT FROM posts WHERE id = 3 AND published)"
    ),
    "remove a post": Write("DELETE", "/posts/3/", ALICE, None, "posts", "NOT EXISTS (SELECT FROM posts WHERE id = 3)"),
    "add a tag": Write(
        "POST", "/tags/", BOB, {"name": "added"}, "tags", "EXISTS (SELECT FROM tags WHERE name = 'added')"
    ),
    "rename a tag": Write(
        "PATCH", "/tags/3/", ADMIN, {"name": "used"}, "tags", "EXISTS (SELECT FROM tags WHERE name = 'used')"
    ),
    "remove a tag": Write("DELETE", "/tags/3/", ADMIN, None, "tags", "NOT EXISTS (SELECT FROM tags WHERE id = 3)"),
}
each_write = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())


@pytest.fixture
async def running(start: Start, own_database: OwnDatabase) -> AsyncIterator[Running]:
    async with start(own_database) as running:
        yield running


@pytest.fixture
def owner(own_database: OwnDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(own_database.owner_dsn, autocommit=True) as connection:
        yield connection


def is_done(owner: psycopg.Connection, write: Write) -> bool:
    row = owner.execute(f"SELECT {write.done}").fetchone()  # type: ignore[call-overload] # texts of this file
    assert row is not None
    return bool(row[0])


def rows_of(owner: psycopg.Connection) -> dict[str, list[Any]]:
    """Every row of every table that the service knows, but attempts to sign in: a refused one stays, and counts."""
    names = [cls.__tablename__ for cls in BLOG.classes if cls is not SignInAttempts]
    return {name: owner.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in names}  # type: ignore[call-overload] # noqa: S608 - as above


async def answer(running: Running, write: Write) -> int:
    headers = {} if write.caller is None else bearer(write.caller)
    response = await running.client.request(write.method, write.path, json=write.body, headers=headers)
    return response.status_code


@contextmanager
def refusing(owner: psycopg.Connection, table: str, *, at_commit: bool) -> Iterator[None]:
    """While this lasts, rows of `table` can't be changed: refused at once, or only when the transaction commits."""
    kind, when = ("CONSTRAINT TRIGGER", "DEFERRABLE INITIALLY DEFERRED") if at_commit else ("TRIGGER", "")
    owner.execute(REFUSED)
    statement: Any = f"CREATE {kind} refuse AFTER INSERT OR UPDATE OR DELETE ON {table} {when} FOR EACH ROW"
    owner.execute(f"{statement} EXECUTE FUNCTION refuse()")
    try:
        yield
    finally:
        owner.execute("DROP FUNCTION refuse CASCADE")


@each_write
async def test_what_is_answered_is_committed(running: Running, owner: psycopg.Connection, write: Write) -> None:
    seen: list[tuple[int, bool]] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            # From another connection, before the client has a byte of the answer.
            seen.append((message["status"], is_done(owner, write)))

    assert not is_done(owner, write)
    headers = {} if write.caller is None else bearer(write.caller)
    body = b"" if write.body is None else json.dumps(write.body).encode()
    url = f"/api/v2{write.path}"
    await call(running.app, url, send=send, method=write.method, headers=headers, body=body)
    assert len(seen) == 1
    assert seen[0][0] < 300
    assert seen[0][1]


@each_write
async def test_what_the_database_refuses_is_no_success_and_leaves_nothing(
    running: Running, owner: psycopg.Connection, write: Write
) -> None:
    before = rows_of(owner)
    for at_commit in (False, True):
        with refusing(owner, write.table, at_commit=at_commit):
            assert await answer(running, write) == 500
        assert rows_of(owner) == before
        assert running.in_use == 0
    assert await answer(running, write) < 300
    assert is_done(owner, write)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/posts/", {"title": "x", "content": "x", "tags": ["new", "y" * 51]}, 400),
        ("PUT", "/posts/1/", {"title": "", "content": "x", "tags": ["new"]}, 400),
        ("DELETE", "/users/3/", None, 403),
        ("POST", "/users/", {"username": "alice", "email": "new@example.com", "password": USER_PASSWORD}, 400),
        ("POST", "/auth/token/", {"username": "alice", "password": "wrong"}, 401),
        ("POST", "/auth/token/refresh/", {"refresh": REFRESH + "x"}, 401),
    ],
)
async def test_a_refused_request_leaves_nothing(
    running: Running, owner: psycopg.Connection, method: str, path: str, body: Any, status: int
) -> None:
    before = rows_of(owner)
    headers = {} if path.startswith("/auth/") or path == "/users/" else bearer(ALICE)
    response = await running.client.request(method, path, json=body, headers=headers)
    assert response.status_code == status, response.text
    assert rows_of(owner) == before


async def test_of_eight_exchanges_of_one_token_at_once_two_succeed(running: Running, owner: psycopg.Connection) -> None:
    body = {"refresh": REFRESH}
    asked = [running.client.post("/auth/token/refresh/", json=body) for _ in range(8)]
    responses = await asyncio.gather(*asked)
    assert sorted(response.status_code for response in responses) == [200] * 2 + [401] * 6
    rows = rows_of(owner)
    # The old token is noted as issued when it is ended, and each new one as it is issued.
    assert len(rows["token_blacklist_outstandingtoken"]) == 3
    assert len(rows["token_blacklist_blacklistedtoken"]) == 1
