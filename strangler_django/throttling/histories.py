"""Requests that throttles have counted; FastAPI's `strangler_fastapi.drf.views.throttles` counts in the same table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.backends.utils import CursorWrapper

from shared_schema.throttling import PRUNED, TABLE, history_key, prune_until

_READ: Final = f"SELECT history FROM {TABLE} WHERE cache_key = %(key)s"  # noqa: S608 - a constant
# Whoever has counted since the history was read stays in it.
_COUNT: Final = (
    f"INSERT INTO {TABLE} AS found (cache_key, history, expires) VALUES (%(key)s, ARRAY[%(now)s], %(expires)s)"  # noqa: S608
    " ON CONFLICT (cache_key) DO UPDATE SET expires = %(expires)s, history = array_prepend(%(now)s,"
    " ARRAY(SELECT moment FROM unnest(found.history) AS moment WHERE moment > %(since)s ORDER BY moment DESC))"
    " RETURNING cardinality(history)"
)
# But for rows that another request has locked.
_PRUNE: Final = (
    f"DELETE FROM {TABLE} WHERE cache_key IN (SELECT cache_key FROM {TABLE}"  # noqa: S608 - as above
    " WHERE expires <= %(until)s ORDER BY expires LIMIT %(pruned)s FOR UPDATE SKIP LOCKED)"
)


class HistoryCache:
    """What DRF's throttles call of a cache: the moments of a caller's requests by key, the latest first.

    They are in seconds since 1970, as `time.time` gives them.
    """

    # What `manage.py export_endpoints` knows it by, which runs where this module's own needs aren't installed.
    counts_for_both_stacks = True

    def get(self, key: str, default: Sequence[float] = ()) -> list[float]:
        """The moments, or `default`."""
        with _cursor() as cursor:
            cursor.execute(_READ, {"key": history_key(key)})
            row = cursor.fetchone()
        return [moment.timestamp() for moment in row[0]] if row else list(default)

    def set(self, key: str, history: Sequence[float], timeout: float) -> None:
        """Adds the first moment of `history` to what has been counted in the last `timeout` seconds."""
        now, lasts = datetime.fromtimestamp(history[0], UTC), timedelta(seconds=timeout)
        values = {"key": history_key(key), "now": now, "since": now - lasts, "expires": now + lasts}
        with _cursor() as cursor:
            cursor.execute(_COUNT, values)
            if cursor.fetchone() == (1,):
                cursor.execute(_PRUNE, {"until": prune_until(now), "pruned": PRUNED})


@contextmanager
def _cursor() -> Iterator[CursorWrapper]:
    """A cursor whose statements nobody takes back: with ATOMIC_REQUESTS a request that is refused would."""
    if not connection.in_atomic_block:
        with connection.cursor() as cursor:
            yield cursor
        return
    own: Any = connection.copy()  # type: ignore[no-untyped-call] # Django's own
    try:
        with own.cursor() as cursor:
            yield cursor
    finally:
        own.close()
