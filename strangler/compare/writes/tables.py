"""The tables of a database, whatever project they belong to, as its catalogue names them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

import psycopg
from psycopg import sql

from shared_schema.throttling import TABLE as THROTTLES

# Sequences aren't rows, a partition's rows are those of its table, and a view has none of its own.
_TABLES: Final = """
    SELECT json_build_object(
        'schema', nspname, 'name', relname, 'partitioned', relkind = 'p',
        'columns', (
            SELECT json_agg(json_build_object(
                'name', attname, 'type', format_type(atttypid, NULL), 'category', typcategory) ORDER BY attnum)
            FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
            WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped),
        'key', (
            SELECT json_agg(attname ORDER BY array_position(conkey, attnum))
            FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY(conkey)
            WHERE conrelid = pg_class.oid AND contype = 'p'),
        'references', (
            SELECT json_object_agg(own.attname, other_space.nspname || '.' || other.relname)
            FROM pg_constraint
            JOIN pg_attribute AS own ON own.attrelid = conrelid AND own.attnum = conkey[1]
            JOIN pg_class AS other ON other.oid = confrelid
            JOIN pg_namespace AS other_space ON other_space.oid = other.relnamespace
            WHERE conrelid = pg_class.oid AND contype = 'f' AND cardinality(conkey) = 1))
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND relpersistence <> 't'
    AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'
    ORDER BY nspname, relname
"""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column; `category` is PostgreSQL's `typcategory`, such as D for times and S for texts."""

    name: str
    type: str
    category: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A table; `key` is empty where it has no primary key, `references` names the table that a column points to."""

    schema: str
    name: str
    partitioned: bool
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    references: Mapping[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """With its schema."""
        return f"{self.schema}.{self.name}"

    @property
    def shown(self) -> str:
        """What a person calls it."""
        return self.name if self.schema == "public" else self.full_name

    @property
    def key_indexes(self) -> tuple[int, ...]:
        """Where the columns of its key are among its columns."""
        names = [column.name for column in self.columns]
        return tuple(names.index(name) for name in self.key)

    @property
    def rows_of(self) -> sql.Composed:
        """Its rows in a FROM, called `_row`; those of tables that inherit from it belong to them."""
        only = sql.SQL("" if self.partitioned else "ONLY ")
        return sql.SQL("{}{} AS _row").format(only, sql.Identifier(self.schema, self.name))


def tables_of(connection: psycopg.Connection) -> tuple[Table, ...]:
    """Every table with its columns; those that others point to come before them where that's possible.

    Without that of throttles: it holds the moments at which each side was sent requests, which are never the same.

    :raises psycopg.Error: the server refuses.
    """
    rows = (row for (row,) in connection.execute(_TABLES).fetchall())
    return _referenced_first([_table(row) for row in rows if row["name"] != THROTTLES])


def _table(row: dict[str, Any]) -> Table:
    columns = tuple(Column(**column) for column in row["columns"] or ())
    return Table(**row | {"columns": columns, "key": tuple(row["key"] or ()), "references": row["references"] or {}})


def _referenced_first(tables: Iterable[Table]) -> tuple[Table, ...]:
    by_name = {table.full_name: table for table in tables}
    graph = {name: set(table.references.values()) - {name} for name, table in by_name.items()}
    while True:
        try:
            order = [*TopologicalSorter(graph).static_order()]
        except CycleError as error:
            # Tables that point at one another: one of them has to come first.
            first, second = error.args[1][:2]
            graph[second].discard(first)
        else:
            return tuple(by_name[name] for name in order if name in by_name)
