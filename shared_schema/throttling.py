"""The table in which both stacks keep the requests that DRF's throttles count."""

import hashlib
from datetime import datetime, timedelta
from typing import Final

TABLE: Final = "strangler_throttle_histories"
# Expired rows that a new one removes; each adds one at the most.
PRUNED: Final = 10
# A client can send an X-Forwarded-For of any length, and it is a part of the key.
_LONGEST_KEY: Final = 200
_MINUTE: Final = timedelta(minutes=1)


def history_key(cache_key: str) -> str:
    """The row's key: DRF's cache key, a digest of it where it is long."""
    if len(cache_key) <= _LONGEST_KEY:
        return cache_key
    return hashlib.sha256(cache_key.encode("utf-8", "surrogatepass")).hexdigest()


def prune_until(now: datetime) -> datetime:
    """Rows that expired by then are removed. It moves once a minute: both stacks, a moment apart, remove the same."""
    return now - (now - datetime.min.replace(tzinfo=now.tzinfo)) % _MINUTE
