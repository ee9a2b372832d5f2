"""The number of statements that FastAPI reports is that of the statements the driver sent."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from fastapi_app.posts import queries
from fastapi_app.users.queries import user_stored
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.pagination import listing
from tests.databases import OwnDatabase, cloned_database
from tests.integration.fastapi_app.conftest import Start, one_loop
from tests.integration.fastapi_app.running import (
    ALICE,
    BOB,
    USER_PASSWORD,
    Running,
    Statements,
    bearer,
)

pytestmark = one_loop


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(start: Start, template: OwnDatabase) -> AsyncIterator[Running]:
    """Over a database of its own, on one connection, that what is sent stands in one order."""
    with cloned_database(template, f"{template.name}_reported") as database:
        async with start(database, pool_max=1, report_sql=True) as running:
            yield running


@pytest.fixture(scope="module")
def seen(running: Running) -> Statements:
    return Statements(running.engine)


def reported(response: httpx.Response) -> int:
    return int(response.headers["Server-Timing"].removeprefix('sql;desc="').removesuffix('"'))


async def all_seen() -> None:
    """The driver tells of a statement in the loop's next round."""
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "number"),
    [
        ("GET", "/posts/", None, 200, 2),
        ("HEAD", "/posts/", None, 200, 2),
        ("GET", "/posts/1/", None, 200, 2),
        ("GET", "/posts/999999/", None, 404, 2),
        ("GET", "/posts/?page=last", None, 200, 3),
        ("GET", "/feed/", None, 200, 2),
        ("POST", "/posts/", {"title": "a", "content": "b", "tags": ["garden", "a new one"]}, 201, None),
        ("POST", "/posts/", {"title": ""}, 400, 1),
        # Through SQLAlchemy.
        ("PATCH", f"/users/{ALICE}/", {"email": "alice2@example.com"}, 200, None),
        ("PATCH", f"/users/{ALICE}/", {"username": "bob"}, 400, None),
        ("POST", "/auth/token/", {"username": "bob", "password": USER_PASSWORD}, 200, None),
        ("POST", "/auth/token/", {"username": "bob", "password": "wrong"}, 401, 3),
        ("GET", "/health/ready", None, 200, None),
        ("GET", "/posts", None, 301, 0),
        ("GET", "/nope/", None, 404, 0),
    ],
)
async def test_what_was_sent_is_what_is_reported(
    running: Running, seen: Statements, method: str, path: str, body: Any, status: int, number: int | None
) -> None:
    headers = bearer(ALICE)
    await all_seen()
    seen.clear()
    response = await running.client.request(method, path, json=body, headers=headers)
    await all_seen()
    assert response.status_code == status, response.text
    assert reported(response) == len(seen), "\n".join(seen)
    assert number in (None, len(seen)), "\n".join(seen)


async def test_requests_at_once_are_counted_apart(running: Running) -> None:
    paths = ("/posts/", "/tags/", "/nope/", "/posts/?page=last") * 5
    answers = await asyncio.gather(*(running.client.get(path, headers=bearer(ALICE)) for path in paths))
    alone = [reported(await running.client.get(path, headers=bearer(ALICE))) for path in paths[:4]]
    assert [reported(answer) for answer in answers] == alone * 5


async def test_a_new_user_is_counted(running: Running, seen: Statements) -> None:
    name = f"u{secrets.token_hex(4)}"
    body = {"username": name, "email": f"{name}@example.com", "password": USER_PASSWORD}
    await all_seen()
    seen.clear()
    response = await running.client.post("/users/", json=body)
    await all_seen()
    assert response.status_code == 201, response.text
    assert reported(response) == len(seen) > 1, "\n".join(seen)


async def test_statements_for_each_post_stand_out_however_they_are_sent(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = listing.fetch
    usual = {user: reported(await running.client.get("/posts/recent/", headers=bearer(user))) for user in (ALICE, BOB)}
    assert usual[ALICE] == usual[BOB]

    async def fetch_each(session: RequestSession, rows: Any) -> Any:
        found = await fetch(session, rows)
        for _ in found:
            await fetch(session, queries.POSTS.count(()))
            await session.execute(user_stored(BOB))
            await (await session.driver()).fetchval("SELECT 1")
        return found

    monkeypatch.setattr(listing, "fetch", fetch_each)
    answer = await running.client.get("/posts/recent/", headers=bearer(ALICE))
    assert len(answer.json()) > 1
    assert reported(answer) == usual[ALICE] + 3 * len(answer.json())
