"""The event loop at work: nothing holds it up, and no coroutine is forgotten."""

import asyncio
import gc
import threading
import time
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared_schema import passwords
from tests.databases import OwnDatabase
from tests.integration.fastapi_app.conftest import Start
from tests.integration.fastapi_app.running import ALICE, USER_PASSWORD, Running, bearer

ASKED = (
    *(("GET", path, None) for path in ("/feed/", "/posts/?search=a", "/users/2/posts/", "/tags/", "/users/me/")),
    ("POST", "/posts/", {"title": "In the loop", "content": "x", "tags": ["loop"]}),
    ("POST", "/auth/token/", {"username": "alice", "password": USER_PASSWORD}),
    ("POST", "/auth/token/", {"username": "nobody", "password": "x"}),
    ("POST", "/users/", {"username": "looper", "email": "looper@example.com", "password": USER_PASSWORD}),
)


@pytest.fixture
async def running(start: Start, own_database: OwnDatabase) -> AsyncIterator[Running]:
    async with start(own_database) as running:
        yield running


async def test_no_coroutine_is_forgotten(running: Running) -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        requests = [
            running.client.request(method, path, json=body, headers={} if "auth" in path else bearer(ALICE))
            for method, path, body in ASKED
        ]
        responses = await asyncio.gather(*requests)
        gc.collect()
    loop.set_debug(False)
    assert [response.status_code for response in responses if response.status_code >= 500] == []
    assert [str(each.message) for each in caught if "never awaited" in str(each.message)] == []


async def test_nothing_holds_up_the_loop(running: Running) -> None:
    """A ticker's longest wait stays far below the tenth of a second that one password hash takes on purpose.

    What is measured is the loop's own work: time that the machine gave to others doesn't count.
    """
    longest = 0.0
    done = asyncio.Event()

    async def tick() -> None:
        nonlocal longest
        while not done.is_set():
            before = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    for method, path, body in ASKED[:5]:
        # Statements are built and compiled when they are first asked for.
        await running.client.request(method, path, json=body, headers=bearer(ALICE))
    ticker = asyncio.create_task(tick())
    for method, path, body in ASKED[:-1]:
        await running.client.request(method, path, json=body, headers={} if "auth" in path else bearer(ALICE))
    done.set()
    await ticker
    assert longest < 0.05


@pytest.mark.parametrize("function", ["hash_password", "verify_password"])
async def test_passwords_are_hashed_in_a_thread(
    running: Running, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    threads: list[threading.Thread] = []
    # Every hash of either kind goes through these two.
    hasher: Any = passwords._argon2
    for name in ("hash", "verify"):
        monkeypatch.setattr(type(hasher), name, _noted(getattr(type(hasher), name), threads))
    username = "alice" if function == "verify_password" else "nobody"
    body = {"username": username, "password": USER_PASSWORD}
    await running.client.post("/auth/token/", json=body)
    assert threads
    assert threading.main_thread() not in threads


def _noted(function: Any, threads: list[threading.Thread]) -> Any:
    def call(*arguments: Any, **options: Any) -> Any:
        threads.append(threading.current_thread())
        return function(*arguments, **options)

    return call
