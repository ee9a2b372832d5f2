"""Statements about events, on a driver's connection of their own.

An id is given when a row is written, and rows are seen when their transaction commits: a smaller id may turn up after
a bigger one was read. So events are in the order of their transactions, and are read only up to the oldest transaction
that still runs (`pg_snapshot_xmin`): whatever turns up later comes after all that was read.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from fastapi_app.events.batch import BEGINNING, Event, Position

CHANNEL = "post_events"
# As the trigger has it (django_app/blog/migrations/0002_post_events.py): older ones may be gone.
KEPT = 100_000
PAGE = 500

# The last id that may be gone. Asked together with the rows, so that both are of one moment.
_LAST_GONE = f"coalesce((SELECT max(id) FROM post_events), 0) - {KEPT}"  # noqa: S608 - a constant from above
_XMIN = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
# A dump that was restored into another server brings transactions along that this one has not had yet.
_XMAX = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"

_NEWEST = f"""
    SELECT transaction_id, id FROM post_events WHERE transaction_id < {_XMIN}
    ORDER BY transaction_id DESC, id DESC LIMIT 1
"""  # noqa: S608 - constants from above
# 0 is the id before the first.
_FIND = f"""
    SELECT transaction_id, id FROM (
        SELECT transaction_id, id FROM post_events WHERE id = $1 AND transaction_id < {_XMAX}
        UNION ALL SELECT 0, 0 WHERE $1 = 0
    ) AS found WHERE id > {_LAST_GONE}
"""  # noqa: S608 - the same
_AFTER = f"""
    SELECT transaction_id, id, kind, post_id, author_id, was_author_id, published, was_published, created_at,
           transaction_id < {_XMIN} AS is_final, $2 > {_LAST_GONE} AS is_whole
    FROM post_events WHERE (transaction_id, id) > ($1, $2) AND transaction_id < {_XMAX}
    ORDER BY transaction_id, id LIMIT $3
"""  # noqa: S608 - the same
_UP_TO = f"""
    SELECT told.*, $2 > {_LAST_GONE} AS is_whole
    FROM (VALUES (1)) AS always LEFT JOIN LATERAL (
        SELECT transaction_id, id, kind, post_id, author_id, was_author_id, published, was_published, created_at
        FROM post_events WHERE (transaction_id, id) > ($1, $2) AND (transaction_id, id) <= ($3, $4)
        AND (published OR was_published OR $5 IN (author_id, was_author_id))
        ORDER BY transaction_id, id LIMIT $6
    ) AS told ON true ORDER BY transaction_id, id
"""  # noqa: S608 - the same
_ACTIVE = "SELECT id FROM users WHERE id = ANY($1) AND is_active"

Connection = Any  # asyncpg, which ships no types


class EventsGone(Exception):
    """Some of the events that followed are no longer kept, or it is not known which did."""


class Page(NamedTuple):
    """Events that were read together.

    `are_waiting`: there are others, which must wait for an older transaction. `is_whole`: none is gone that came before
    them; as long as all are waiting that is left open.
    """

    events: list[Event]
    are_waiting: bool = False
    is_whole: bool = True


async def position_newest(connection: Connection) -> Position:
    """The last event before which no other can turn up."""
    row = await connection.fetchrow(_NEWEST)
    return Position(*row) if row else BEGINNING


async def position_find(connection: Connection, event_id: int) -> Position:
    """Where the event with this id stands.

    Raises:
        EventsGone: there is none, or what followed it may be gone.
    """
    row = await connection.fetchrow(_FIND, event_id)
    if row is None:
        raise EventsGone
    return Position(*row)


async def events_after(connection: Connection, position: Position) -> Page:
    """The next events, `PAGE` of them at the most."""
    rows = await connection.fetch(_AFTER, *position, PAGE)
    final = [row for row in rows if row["is_final"]]
    return Page([_event(row) for row in final], len(final) < len(rows), all(row["is_whole"] for row in final))


async def events_visible(connection: Connection, *, user_id: int, after: Position, up_to: Position) -> list[Event]:
    """The user's next events of those that were read already, a page of them at the most.

    Raises:
        EventsGone: some of those after `after` may be gone.
    """
    rows = await connection.fetch(_UP_TO, *after, *up_to, user_id, PAGE)
    if not rows[0]["is_whole"]:
        raise EventsGone
    return [_event(row) for row in rows if row["id"] is not None]


async def users_active(connection: Connection, user_ids: Collection[int]) -> set[int]:
    """Those of the users who are still there and active."""
    return {row["id"] for row in await connection.fetch(_ACTIVE, list(user_ids))}


def _event(row: Any) -> Event:  # noqa: ANN401 - asyncpg's
    return Event(
        position=Position(row["transaction_id"], row["id"]),
        kind=row["kind"],
        post_id=row["post_id"],
        author_id=row["author_id"],
        was_author_id=row["was_author_id"],
        published=row["published"],
        was_published=row["was_published"],
        created_at=row["created_at"],
    )
