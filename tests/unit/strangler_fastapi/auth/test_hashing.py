"""Hashing leaves room for other requests."""

import asyncio
import threading

import pytest

from strangler_fastapi.auth import hashing
from strangler_fastapi.errors import Unavailable


async def test_few_hash_at_once_and_who_would_wait_too_long_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    go, running, most = threading.Event(), [], []

    def verify(_password: str, _encoded: str) -> bool:
        running.append(1)
        most.append(len(running))
        go.wait(10)
        running.pop()
        return True

    monkeypatch.setattr(hashing, "verify_password", verify)
    places = int(hashing._limiter.total_tokens)
    tasks = [asyncio.create_task(hashing.verify_off_loop("a", "b")) for _ in range(places + hashing._most_waiting)]
    for _ in range(100):
        await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="Too many passwords"):
        await hashing.verify_off_loop("a", "b")
    go.set()
    assert all(await asyncio.gather(*tasks))
    assert max(most) == places
