"""Statements about events, on a driver's connection of their own.

An id is given when a row is written, and rows are seen when their transaction commits: a smaller id may turn up after
a bigger one was read. So events are in the order of their transactions, and are read only up to the oldest transaction
that still runs (`pg_snapshot_xmin`): whatever turns up later comes after all that was read.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Executable,
    Integer,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union_all,
    values,
)
from sqlalchemy.dialects.postgresql import ARRAY

from fastapi_app.events.batch import BEGINNING, Event, Position
from fastapi_app.models import PostEvent, User
from strangler_fastapi.db.query import Rows, as_sent

CHANNEL = "post_events"
# As the trigger has it (django_app/blog/migrations/0002_post_events.py): older ones may be gone.
KEPT = 100_000
PAGE = 500

Connection = Any  # asyncpg, which ships no types


class EventsGone(Exception):
    """Some of the events that followed are no longer kept, or it is not known which did."""


class EventPage(NamedTuple):
    """Events that were read together.

    `are_waiting`: there are others, which must wait for an older transaction. `is_whole`: none is gone that came before
    them; as long as all are waiting that is left open.
    """

    events: list[Event]
    are_waiting: bool = False
    is_whole: bool = True


async def position_newest(connection: Connection) -> Position:
    """The last event before which no other can turn up."""
    rows = await _fetch(connection, newest_position())
    return Position(*rows[0]) if rows else BEGINNING


async def position_find(connection: Connection, event_id: int) -> Position:
    """Where the event with this id stands.

    Raises:
        EventsGone: there is none, or what followed it may be gone.
    """
    rows = await _fetch(connection, position_of(event_id))
    if not rows:
        raise EventsGone
    return Position(*rows[0])


async def events_after(connection: Connection, position: Position) -> EventPage:
    """The next events, `PAGE` of them at the most."""
    rows = await _fetch(connection, next_events(position))
    final = [row for row in rows if row["is_final"]]
    return EventPage([_event(row) for row in final], len(final) < len(rows), all(row["is_whole"] for row in final))


async def events_visible(connection: Connection, *, user_id: int, after: Position, up_to: Position) -> list[Event]:
    """The user's next events of those that were read already, a page of them at the most.

    Raises:
        EventsGone: some of those after `after` may be gone.
    """
    rows = await _fetch(connection, visible_events(user_id=user_id, after=after, up_to=up_to))
    if not rows[0]["is_whole"]:
        raise EventsGone
    return [_event(row) for row in rows if row["id"] is not None]


async def users_active(connection: Connection, user_ids: Collection[int]) -> set[int]:
    """Those of the users who are still there and active."""
    return {row["id"] for row in await _fetch(connection, active_users(user_ids))}


def newest_position() -> Rows:
    """The last event before which no other can turn up: `transaction_id`, `id`."""

    def build() -> Executable:
        final = select(PostEvent.transaction_id, PostEvent.id).where(PostEvent.transaction_id < _oldest_running())
        return final.order_by(PostEvent.transaction_id.desc(), PostEvent.id.desc()).limit(literal_column("1"))

    return Rows("newest position", build, {})


def position_of(event_id: int) -> Rows:
    """Where the event with this id stands, if nothing that followed it may be gone: `transaction_id`, `id`."""

    def build() -> Executable:
        sought: BindParameter[int] = bindparam("event_id", type_=BigInteger)
        positions = select(PostEvent.transaction_id, PostEvent.id)
        zero = literal_column("0", BigInteger)
        # 0 is the id before the first.
        found = union_all(
            positions.where(PostEvent.id == sought, PostEvent.transaction_id < _first_to_come()),
            select(zero.label("transaction_id"), zero.label("id")).where(sought == zero),
        ).subquery("found")
        return select(found.c.transaction_id, found.c.id).where(found.c.id > _last_gone())

    return Rows("position of", build, {"event_id": event_id})


def next_events(position: Position) -> Rows:
    """A page of the events after a position, and of each whether it `is_final`, and all before it `is_whole`."""

    def build() -> Executable:
        known: BindParameter[int] = bindparam("id", type_=BigInteger)
        after = tuple_(bindparam("transaction_id", type_=BigInteger), known)
        rows = select(
            *_columns(),
            (PostEvent.transaction_id < _oldest_running()).label("is_final"),
            (known > _last_gone()).label("is_whole"),
        ).where(_place() > after, PostEvent.transaction_id < _first_to_come())
        return rows.order_by(PostEvent.transaction_id, PostEvent.id).limit(bindparam("page", type_=Integer))

    return Rows("next events", build, {**position._asdict(), "page": PAGE})


def visible_events(*, user_id: int, after: Position, up_to: Position) -> Rows:
    """A page of what a user may see between two positions; one row at the least, which says whether it `is_whole`."""

    def build() -> Executable:
        known: BindParameter[int] = bindparam("id", type_=BigInteger)
        start = tuple_(bindparam("transaction_id", type_=BigInteger), known)
        end = tuple_(bindparam("last_transaction_id", type_=BigInteger), bindparam("last_id", type_=BigInteger))
        viewer: BindParameter[int] = bindparam("user_id", type_=BigInteger)
        is_visible = or_(
            PostEvent.published,
            PostEvent.was_published,
            viewer.in_([PostEvent.author_id, PostEvent.was_author_id]),
        )
        page = select(*_columns()).where(_place() > start, _place() <= end, is_visible)
        page = page.order_by(PostEvent.transaction_id, PostEvent.id).limit(bindparam("page", type_=Integer))
        visible = page.lateral("visible")
        always = values(column("one", Integer), name="always", literal_binds=True).data([(1,)])
        rows = select(*visible.c, (known > _last_gone()).label("is_whole")).select_from(
            always.outerjoin(visible, true())
        )
        return rows.order_by(visible.c.transaction_id, visible.c.id)

    last = {"last_transaction_id": up_to.transaction_id, "last_id": up_to.id}
    return Rows("visible events", build, {**after._asdict(), **last, "user_id": user_id, "page": PAGE})


def active_users(user_ids: Collection[int]) -> Rows:
    """Those of the users who are still there and active: `id`."""

    def build() -> Executable:
        ids: BindParameter[Any] = bindparam("user_ids", type_=ARRAY(BigInteger))
        return select(User.id).where(User.id == func.any(ids), User.is_active)

    return Rows("active users", build, {"user_ids": list(user_ids)})


async def _fetch(connection: Connection, rows: Rows) -> list[Any]:
    text, arguments = as_sent(rows)
    records: list[Any] = await connection.fetch(text, *arguments)
    return records


def _columns() -> list[Any]:
    """What an event is made of."""
    return [
        PostEvent.transaction_id,
        PostEvent.id,
        PostEvent.kind,
        PostEvent.post_id,
        PostEvent.author_id,
        PostEvent.was_author_id,
        PostEvent.published,
        PostEvent.was_published,
        PostEvent.created_at,
    ]


def _place() -> ColumnElement[Any]:
    return tuple_(PostEvent.transaction_id, PostEvent.id)


def _last_gone() -> ColumnElement[int]:
    """The last id that may be gone. Asked together with the rows, so that both are of one moment."""
    newest = select(func.max(PostEvent.id)).correlate(None).scalar_subquery()
    return func.coalesce(newest, literal_column("0")) - literal_column(str(KEPT))


def _oldest_running() -> ColumnElement[int]:
    return cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger)


def _first_to_come() -> ColumnElement[int]:
    """A dump that was restored into another server brings transactions along that this one has not had yet."""
    return cast(cast(func.pg_snapshot_xmax(func.pg_current_snapshot()), Text), BigInteger)


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
