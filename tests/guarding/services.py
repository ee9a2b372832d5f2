"""Random services: statements made by SQLAlchemy on the tables as they are, with what each reads and writes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import models
from django.db.migrations.state import ProjectState
from hypothesis import strategies as st
from psycopg import RawCursor
from sqlalchemy import MetaData, Table, delete, func, select, update
from sqlalchemy.dialects.postgresql import asyncpg, insert

from shared_schema.catalog import Catalog, table_key
from shared_schema.consumer.consumer import Consumer, Feature, Need, SampleQuery
from shared_schema.consumer.usage import Usage, usage_of
from tests.guarding.values import values_for
from tests.guarding.world import APP, World

_DIALECT = asyncpg.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's own


@dataclass(frozen=True)
class Sent:
    """A statement as it is sent. What it gives is the same each time unless PostgreSQL makes it up."""

    sql: str
    values: tuple[Any, ...]
    usage: Usage
    repeatable: bool

    @property
    def writes(self) -> bool:
        """Whether it does more than to read."""
        return bool(self.usage.inserts or self.usage.updates or self.usage.deletes)


@dataclass(frozen=True)
class Service:
    """Transactions, each of some statements, by what is needed of columns."""

    transactions: tuple[tuple[Sent, ...], ...]
    needs: dict[str, dict[str, Need]] = field(default_factory=dict)

    @property
    def plays(self) -> list[tuple[Sent, ...]]:
        """What a day brings: each transaction, and those that write twice, with the same values."""
        return [*self.transactions, *(each * 2 for each in self.transactions if any(sent.writes for sent in each))]

    def consumer(self) -> Consumer:
        """What is passed to the guard: each transaction is a feature."""
        features = {str(number): _feature(sent) for number, sent in enumerate(self.transactions)}
        return Consumer(features=features, needs=self.needs)


def _feature(sent: Sequence[Sent]) -> Feature:
    usage = Usage()
    for one in sent:
        usage |= one.usage
    statements = [SampleQuery(name=str(number), sql=one.sql, values=one.values) for number, one in enumerate(sent)]
    columns: dict[str, Any] = {
        kind: {table: tuple(names) for table, names in getattr(usage, kind).items()}
        for kind in ("reads", "inserts", "updates")
    }
    return Feature(**columns, deletes=tuple(usage.deletes), statements=tuple(statements))


Answer = list[tuple[list[str], list[tuple[Any, ...]]]]


def outcome(world: World, transaction: tuple[Sent, ...], sequences: list[int]) -> Answer | str:
    """The columns and rows of each statement of a transaction, or what PostgreSQL says against it.

    `sequences` count as they did the last time.
    """
    found: Answer = []
    world.count_from(1000, sequences)
    try:
        with world.attempt(keep=False), RawCursor(world.raw) as cursor:
            for sent in transaction:
                cursor.execute(sent.sql, sent.values)  # type: ignore[call-overload] # a statement of SQLAlchemy's
                rows = cursor.fetchall() if cursor.description else []
                shown = rows if sent.repeatable else [tuple(type(value) for value in row) for row in rows]
                found.append(([each.name for each in cursor.description or ()], shown))
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.Error as error:
        return f"{type(error).__name__}: {error}"
    return found


class Fields:
    """Django's fields by the table and column that they are kept in."""

    def __init__(self, state: ProjectState) -> None:
        found = [model for model in state.apps.get_models(include_auto_created=True) if model._meta.app_label == APP]
        self.by_table: dict[str, dict[str, Any]] = {
            model._meta.db_table: {each.column: each for each in model._meta.local_concrete_fields} for model in found
        }

    def values(self, table: str, column: str) -> tuple[Any, ...]:
        """Values that fit; a key points at one of the first rows, or at none."""
        found = self.by_table[table][column]
        if found.is_relation or isinstance(found, models.AutoField | models.BigAutoField):
            return (1, 2, 3)
        return values_for(found)

    @st.composite
    @staticmethod
    def row(draw: st.DrawFn, self: "Fields", table: str) -> dict[str, Any]:
        """A row as Django would insert it, or with less where PostgreSQL knows the rest."""
        found: dict[str, Any] = {}
        for column, each in self.by_table[table].items():
            if isinstance(each, models.AutoField | models.BigAutoField) and draw(st.integers(0, 9)):
                continue
            may_be_left = each.null or each.has_db_default()
            if may_be_left and draw(st.booleans()):
                continue
            is_null = each.null and draw(st.booleans())
            found[column] = None if is_null else draw(st.sampled_from(self.values(table, column)))
        return found


@st.composite
def statements(draw: st.DrawFn, tables: list[Table], fields: Fields) -> Sent:
    """A statement on one or two of the tables."""
    table = draw(st.sampled_from(tables))
    if table.name not in fields.by_table:
        return draw(_select(table, tables, fields))
    make = draw(st.sampled_from((_select, _select, _insert, _insert, _upsert, _update, _update, _delete)))
    return draw(make(table, tables, fields))


Make = Callable[[Table, list[Table], Fields], st.SearchStrategy[Sent]]


@st.composite
def _select(draw: st.DrawFn, table: Table, tables: list[Table], fields: Fields) -> Sent:
    columns = draw(st.lists(st.sampled_from(list(table.columns)), min_size=1, unique=True))
    query: Any = select(*columns)
    if table.name not in fields.by_table:
        return _sent(query.order_by(*columns))
    query = query.order_by(table.c.id)
    match draw(st.sampled_from(("all", "where", "join", "group", "sum"))):
        case "where":
            column = draw(st.sampled_from(sorted(fields.by_table[table.name])))
            query = query.where(table.c[column] == draw(st.sampled_from(fields.values(table.name, column))))
        case "join":
            other = draw(st.sampled_from(tables)).alias("other")
            query = query.add_columns(draw(st.sampled_from(list(other.columns))).label("of_other"))
            query = query.outerjoin(other, other.c[next(iter(other.c.keys()))] == table.c.id)
        case "group":
            query = query.add_columns(func.count()).group_by(table.c.id)
        case "sum":
            query = select(func.sum(table.c.id), func.max(draw(st.sampled_from(columns))))
    return _sent(query)


@st.composite
def _insert(draw: st.DrawFn, table: Table, _: list[Table], fields: Fields) -> Sent:
    row = draw(Fields.row(fields, table.name))
    statement = insert(table).values(draw(_rows(row, table.name, fields)))
    returned = draw(_returned(table))
    return _sent(statement.returning(*returned) if returned else statement, False)


def _returned(table: Table) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(list(table.columns)), unique=True)


@st.composite
def _rows(draw: st.DrawFn, row: dict[str, Any], table: str, fields: Fields) -> Any:
    """The row, or it and another that shares some of its values."""
    if not row or draw(st.booleans()):
        return row
    other = row | draw(Fields.row(fields, table))
    return [row, {column: draw(st.sampled_from((value, other[column]))) for column, value in row.items()}]


@st.composite
def _upsert(draw: st.DrawFn, table: Table, _: list[Table], fields: Fields) -> Sent:
    row = draw(Fields.row(fields, table.name))
    uniques = [sorted(index.columns.keys()) for index in table.indexes if index.unique]
    target = draw(st.sampled_from([["id"], *uniques]))
    changed = draw(st.sampled_from(sorted(row) or ["id"]))
    statement = insert(table).values(row)
    match draw(st.sampled_from(("update", "nothing", "whatever"))):
        case "update":
            statement = statement.on_conflict_do_update(
                index_elements=target, set_={changed: statement.excluded[changed]}
            )
        case "nothing":
            statement = statement.on_conflict_do_nothing(index_elements=target)
        case _:
            statement = statement.on_conflict_do_nothing()
    return _sent(statement, False)


@st.composite
def _update(draw: st.DrawFn, table: Table, _: list[Table], fields: Fields) -> Sent:
    row = draw(Fields.row(fields, table.name))
    columns = sorted(row.keys() - {"id"})
    chosen = draw(st.lists(st.sampled_from(columns), min_size=1, unique=True)) if columns else []
    values = {column: row[column] for column in chosen} or {"id": table.c.id}
    statement = update(table).values(values).where(table.c.id == draw(st.integers(1, 3)))
    returned = draw(_returned(table))
    return _sent(statement.returning(*returned) if returned else statement)


@st.composite
def _delete(draw: st.DrawFn, table: Table, _: list[Table], fields: Fields) -> Sent:  # noqa: ARG001 - as the others
    return _sent(delete(table).where(table.c.id == draw(st.integers(1, 3))))


def _sent(statement: Any, repeatable: bool = True) -> Sent:
    compiled = statement.compile(dialect=_DIALECT)
    values = tuple(
        compiled._bind_processors.get(name, lambda value: value)(compiled.params[name])
        for name in compiled.positiontup or ()
    )
    return Sent(str(compiled), values, usage_of(statement), repeatable)


@st.composite
def services(draw: st.DrawFn, metadata: MetaData, fields: Fields, catalog: Catalog) -> Service:
    """Some transactions, and what is needed of the columns that are read."""
    tables = sorted(metadata.tables.values(), key=lambda table: table.name)
    some = st.lists(statements(tables, fields), min_size=1, max_size=2).map(tuple)
    transactions = draw(st.lists(some, min_size=2, max_size=6))
    needs: dict[str, dict[str, Need]] = {}
    for table in tables:
        key = table_key(table.schema, table.name)
        for column, facts in catalog.tables[key].columns.items():
            if draw(st.booleans()):
                nullable = facts.nullable or draw(st.booleans())
                needs.setdefault(key, {})[column] = Need(type="object", nullable=nullable)
    return Service(tuple(transactions), needs)
