"""Password hashing off the event loop."""

import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from shared_schema.passwords import hash_password, verify_password
from strangler_fastapi.errors import Unavailable

# One Argon2 hash takes 100 MiB and several cores: half of them stay for all other requests.
_limiter = CapacityLimiter(max(1, (os.cpu_count() or 1) // 2))
# Who waits holds neither a thread nor a connection, but nobody waits for long.
_most_waiting = 32

P = ParamSpec("P")
Result = TypeVar("Result")


def set_waiting(most: int) -> None:
    """Lets at most so many in this process wait for their hash; 32 unless it is called."""
    global _most_waiting
    _most_waiting = most


def admit() -> None:
    """Refuses a request that would find no place, before anything is done for it.

    Raises:
        Unavailable: as many wait as may.
    """
    if _limiter.statistics().tasks_waiting >= _most_waiting and not _limiter.available_tokens:
        raise Unavailable("Too many passwords are being checked: try again in a few seconds.")


async def hash_off_loop(password: str) -> str:
    """A new hash of `password`, made in a thread.

    Raises:
        Unavailable: too many are waiting for theirs.
    """
    return await _run(hash_password, password)


async def verify_off_loop(password: str, encoded: str) -> bool:
    """Whether `encoded` is a hash of `password`, checked in a thread.

    Raises:
        Unavailable: too many are waiting for theirs.
    """
    return await _run(verify_password, password, encoded)


async def _run(function: Callable[P, Result], *args: P.args, **_kwargs: P.kwargs) -> Result:
    admit()
    return await to_thread.run_sync(function, *args, limiter=_limiter)
