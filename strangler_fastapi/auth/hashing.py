"""Password hashing off the event loop."""

import os

from anyio import CapacityLimiter, to_thread

from shared_schema.passwords import hash_password, verify_password

# One Argon2 hash takes 100 MiB and every core: more at once than there are cores only makes all of them slower.
_limiter = CapacityLimiter(os.cpu_count() or 1)


async def hash_off_loop(password: str) -> str:
    """A new hash of `password`, made in a thread."""
    return await to_thread.run_sync(hash_password, password, limiter=_limiter)


async def verify_off_loop(password: str, encoded: str) -> bool:
    """Whether `encoded` is a hash of `password`, found out in a thread."""
    return await to_thread.run_sync(verify_password, password, encoded, limiter=_limiter)
