"""Rows that a sign-in wrote to one copy alone, such as a session, written to the other copy as well."""

from collections.abc import Mapping

import psycopg
from psycopg import sql

from strangler.compare.writes.changes import Key, Values
from strangler.compare.writes.tables import Table

# By table, those that were written there.
WrittenRows = Mapping[Table, Mapping[Key, Values]]


def rows_adopt(source: psycopg.Connection, target: psycopg.Connection, rows: WrittenRows) -> None:
    """Write rows of the copy `source` to the copy `target`, where a row of the same key may be; sequences go along.

    A table without a primary key is left as it is.

    :raises psycopg.Error: the server refuses.
    """
    with target.transaction():
        for table, written in rows.items():
            if not written or not table.key:
                continue
            statement = _upsert(target, table)
            for values in written.values():
                target.execute(statement, dict(zip((column.name for column in table.columns), values, strict=True)))
            _sequences_follow(source, target, table)


def _upsert(connection: psycopg.Connection, table: Table) -> sql.Composed:
    generated = {
        name
        for (name,) in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attgenerated <> ''", [_quoted(table)]
        )
    }
    columns = [column for column in table.columns if column.name not in generated]
    names = [sql.Identifier(column.name) for column in columns]
    casts = (sql.SQL("{}::{}").format(sql.Placeholder(column.name), sql.SQL(column.type)) for column in columns)
    return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}").format(
        sql.Identifier(table.schema, table.name),
        sql.SQL(", ").join(names),
        sql.SQL(", ").join(casts),
        sql.SQL(", ").join(map(sql.Identifier, table.key)),
        sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(name) for name in names),
    )


def _sequences_follow(source: psycopg.Connection, target: psycopg.Connection, table: Table) -> None:
    """The next row of either copy has the same id."""
    for name in table.key:
        (found,) = target.execute("SELECT pg_get_serial_sequence(%s, %s)", [_quoted(table), name]).fetchall()
        (last,) = source.execute("SELECT pg_sequence_last_value(%s::regclass)", [found[0]]).fetchall()
        if last[0] is not None:
            target.execute("SELECT setval(%s::regclass, %s)", [found[0], last[0]])


def _quoted(table: Table) -> str:
    return sql.Identifier(table.schema, table.name).as_string()
