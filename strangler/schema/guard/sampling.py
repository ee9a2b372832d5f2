"""A sample of the live rows in the clone: a migration that fails on data fails in its rehearsal.

Rows that a foreign key points at are copied too, so that every key holds; possible secrets are masked.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

# Each table that holds rows, with its columns and whether each is masked: a text whose name suggests a secret. Parts of
# a partitioned table count, tables of extensions don't.
_TABLES: Final = """
    SELECT pg_class.oid::bigint, nspname, relname, greatest(reltuples, 0),
        array_agg(attname::text ORDER BY attnum), array_agg(typcategory = 'S' AND attname ~*
            'passw|secret|token|api_?key|private|session|credential|salt|hash|e?mail|phone' ORDER BY attnum),
        (SELECT attname FROM pg_index JOIN pg_attribute AS key ON key.attrelid = indrelid AND key.attnum = indkey[0]
            WHERE indrelid = pg_class.oid AND indisprimary AND indnkeyatts = 1)
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    JOIN pg_type ON pg_type.oid = atttypid
    WHERE relkind = 'r' AND left(nspname, 3) <> 'pg_' AND nspname <> 'information_schema' AND relname <> ALL(%s)
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid
        AND deptype = 'e')
    GROUP BY pg_class.oid, nspname, relname, reltuples
"""
_KEYS: Final = """
    SELECT conrelid::bigint, conrelid::regclass::text, confrelid::regclass::text,
        (SELECT string_agg(format('child.%%I = parent.%%I', own.attname, other.attname), ' AND ')
            FROM unnest(conkey, confkey) AS pair (own_number, other_number)
            JOIN pg_attribute AS own ON own.attrelid = conrelid AND own.attnum = own_number
            JOIN pg_attribute AS other ON other.attrelid = confrelid AND other.attnum = other_number)
    FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY(%s)
"""
_POINTED_AT: Final = """
    SELECT DISTINCT parent.tableoid::bigint, parent.ctid::text FROM {} AS child JOIN {} AS parent ON {}
    WHERE child.ctid = ANY(%s::tid[])
"""


@dataclass(frozen=True)
class _Table:
    name: sql.Composable
    columns: list[str]
    masked: list[bool]
    estimate: float
    key: str | None


def copy_sample(
    live: psycopg.Connection,
    clone: psycopg.Connection,
    *,
    count: int,
    left_out: list[str],
    check: Callable[[], None] = lambda: None,
) -> None:
    """Copy about `count` rows of each table, the one with the greatest key among them, into a clone without keys.

    `left_out` are names of tables that are there already. `check` is called between two tables.

    :raises psycopg.Error: a database refuses, such as a CHECK that a masked value violates.
    """
    tables = {
        oid: _Table(sql.Identifier(schema, name), columns, masked, estimate, key)
        for oid, schema, name, estimate, columns, masked, key in live.execute(_TABLES, (left_out,)).fetchall()
    }
    chosen = {oid: set(_sample(live, table, count)) for oid, table in tables.items()}
    _add_pointed_at(live, chosen)
    for oid, table in tables.items():
        check()
        _copy(live, clone, table, sorted(chosen[oid]))


def _sample(live: psycopg.Connection, table: _Table, count: int) -> Iterator[str]:
    # Random pages, so that a large table isn't read as a whole; a small one is.
    percent = min(100.0, 1000.0 * count / max(table.estimate, 1))
    some = sql.SQL("(SELECT ctid::text FROM {0} TABLESAMPLE SYSTEM ({1}) LIMIT {2})")
    query: sql.Composed = some.format(table.name, sql.Literal(percent), sql.Literal(count))
    if table.key is not None:
        last = sql.SQL(" UNION (SELECT ctid::text FROM {0} ORDER BY {1} DESC LIMIT 1)")
        query += last.format(table.name, sql.Identifier(table.key))
    return (ctid for (ctid,) in live.execute(query).fetchall())


def _add_pointed_at(live: psycopg.Connection, chosen: dict[int, set[str]]) -> None:
    keys = defaultdict(list)
    for oid, *key in live.execute(_KEYS, (list(chosen),)).fetchall():
        keys[oid].append(sql.SQL(_POINTED_AT).format(*map(sql.SQL, key)))
    waiting = {oid: list(rows) for oid, rows in chosen.items()}
    while waiting:
        oid, rows = waiting.popitem()
        for query in keys[oid]:
            for parent, ctid in live.execute(query, (rows,)).fetchall():
                if parent in chosen and ctid not in chosen[parent]:
                    chosen[parent].add(ctid)
                    waiting.setdefault(parent, []).append(ctid)


def _copy(live: psycopg.Connection, clone: psycopg.Connection, table: _Table, rows: list[str]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    values = sql.SQL(", ").join(map(_value, table.columns, table.masked))
    out = sql.SQL("COPY (SELECT {} FROM {} WHERE ctid = ANY({}::tid[])) TO STDOUT")
    source, target = live.cursor(), clone.cursor()
    with (
        source.copy(out.format(values, table.name, sql.Literal(rows))) as read,
        target.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table.name, names)) as written,
    ):
        for data in read:
            written.write(data)


def _value(column: str, is_masked: bool) -> sql.Composable:
    """The column, or its hash cut to the same length, so that distinct values stay distinct."""
    name: Any = sql.Identifier(column)
    masked = sql.SQL("left(repeat(md5({0}::text), 1 + length({0}::text) / 32), length({0}::text))")
    return masked.format(name) if is_masked else name
