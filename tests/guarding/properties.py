"""What must hold of the guard's judgement for whatever schema, service and migration."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg
from django.db.migrations import RunSQL
from django.db.migrations.state import ProjectState
from hypothesis import assume, event
from hypothesis import strategies as st
from sqlalchemy import MetaData, insert
from sqlalchemy.exc import SQLAlchemyError

from shared_schema.consumer.consumer import Consumer
from strangler.local.databases import database_drop, database_ensure
from strangler.schema.compatibility import find_breaks
from tests.databases import PASSWORD, OwnDatabase
from tests.guarding.aimed import aimed_changes
from tests.guarding.harmless import harmless_operations
from tests.guarding.migrations import operations, raw_sql
from tests.guarding.schemas import first_migrations
from tests.guarding.services import Answer, Fields, Service, outcome, services
from tests.guarding.world import World

# SQLAlchemy doesn't know a CHECK that is NOT VALID, and warns of a key that nothing counts.
IGNORED: Final = "ignore::sqlalchemy.exc.SAWarning"


@contextmanager
def made_world(*, admin_dsn: str, name: str) -> Iterator[World]:
    """A world in a database of its own."""
    database = OwnDatabase(name=name, admin_dsn=admin_dsn)
    database_ensure(admin_dsn=admin_dsn, name=name, owner=database.owner, password=PASSWORD)
    try:
        world = World(database.superuser_dsn)
        yield world
        world.close()
    finally:
        database_drop(admin_dsn=admin_dsn, name=name)


def what_is_called_safe_works(world: World, data: st.DataObject) -> None:
    """Whatever is done to the schema: it is a break, or every statement answers as before."""
    with world.example():
        state, metadata = _built(world, data)
        before, sequences = world.catalog(), world.sequences()
        service = _running(world, data, services(metadata, Fields(state), before), sequences)
        answers = _answers(world, service, sequences)
        aim = _migrated(world, data, state, service.consumer())
        found = find_breaks(before, world.catalog(), service.consumer())
        now = _answers(world, service, sequences)
        # What was refused before, as the same row once more, proves nothing.
        broken = [_difference(old, new) for old, new in zip(answers, now, strict=True) if not isinstance(old, str)]
        event(f"{aim}: {'broken' if any(broken) else 'works'}, {'breaks' if found else 'safe'}")
        assert found or not any(broken), broken


def what_harms_nobody_is_called_safe(world: World, data: st.DataObject) -> None:
    """Operations that no running service has to fear aren't held against it."""
    with world.example():
        state, metadata = _built(world, data, by_hand=0)
        before = world.catalog()
        service = _running(world, data, services(metadata, Fields(state), before), world.sequences())
        for _ in range(data.draw(st.integers(1, 3), label="operations")):
            drawn = data.draw(harmless_operations(state, service.consumer()), label="operation")
            event(type(drawn).__name__)
            state = world.migrate(state, drawn) or state
        assert [str(found) for found in find_breaks(before, world.catalog(), service.consumer())] == []


def _built(world: World, data: st.DataObject, *, by_hand: int = 1) -> tuple[ProjectState, MetaData]:
    """A schema, made by Django and by hand, with some rows."""
    state = ProjectState()
    for operation in data.draw(first_migrations(), label="models"):
        state = world.migrate(state, operation) or state
    catalog = world.catalog()
    # Names that are exchanged here would have Django's fields give values of other types.
    by_hand_sql = raw_sql(catalog, sorted(catalog.tables)).filter(lambda text: "RENAME" not in text)
    for text in data.draw(st.lists(by_hand_sql, max_size=by_hand), label="below Django"):
        state = world.migrate(state, RunSQL(text)) or state
    fields, metadata = Fields(state), world.tables()
    world.raw.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in metadata.sorted_tables:
        if table.name in fields.by_table:
            for row in data.draw(st.lists(Fields.row(fields, table.name), min_size=1, max_size=4), label=table.name):
                with suppress(SQLAlchemyError, psycopg.Error), world.attempt():
                    world.alchemy.execute(insert(table).values(row))
    world.raw.execute("SET CONSTRAINTS ALL DEFERRED")
    return state, metadata


def _running(world: World, data: st.DataObject, some: st.SearchStrategy[Service], sequences: list[int]) -> Service:
    """A service all of whose transactions work."""
    drawn = data.draw(some, label="service")
    tried = [(transaction, outcome(world, transaction, sequences)) for transaction in drawn.transactions]
    working = tuple(transaction for transaction, answer in tried if not isinstance(answer, str))
    assume(working)
    return Service(working, drawn.needs)


def _answers(world: World, service: Service, sequences: list[int]) -> list[Answer | str]:
    return [outcome(world, transaction, sequences) for transaction in service.plays]


def _migrated(world: World, data: st.DataObject, state: ProjectState, consumer: Consumer) -> str:
    """Changes the schema, in half of the examples by what is aimed at the service; says what it is aimed at."""
    aimed = aimed_changes(state, consumer)
    if aimed is None or data.draw(st.booleans(), label="random"):
        _changed_at_random(world, data, state, frozenset(consumer.tables))
        return "random"
    aim, after = "", state
    # The rows that are there are often in the way.
    for _ in range(3):
        aim, drawn = data.draw(aimed, label="aimed")
        for operation in drawn:
            after = world.migrate(after, operation) or after
        if after is not state:
            break
    assume(after is not state)
    return aim


def _changed_at_random(world: World, data: st.DataObject, state: ProjectState, touched: frozenset[str]) -> None:
    """Changes the schema by one to four operations, at least one of which can be done."""
    done = 0
    for _ in range(data.draw(st.integers(1, 4), label="operations")):
        after = world.migrate(state, data.draw(operations(state, world.catalog, touched), label="operation"))
        done, state = done + (after is not None), after or state
    assume(done)


def _difference(before: Answer, now: Answer | str) -> str:
    """What is different, empty if nothing is; NULL may have been filled."""
    if isinstance(now, str):
        return now
    for (names, rows), (names_now, rows_now) in zip(before, now, strict=True):
        if names != names_now or len(rows) != len(rows_now):
            return f"{names} {rows} became {names_now} {rows_now}"
        for row, row_now in zip(rows, rows_now, strict=True):
            for old, new in zip(row, row_now, strict=True):
                if old not in (None, type(None)) and repr(old) != repr(new):
                    return f"{old!r} became {new!r}"
    return ""
