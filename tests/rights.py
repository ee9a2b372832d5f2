"""What a role may do in a database, as PostgreSQL says it, and by trying."""

from typing import Final

import psycopg
from psycopg import sql

from shared_schema.consumer.privileges import Kind, Right

_KEY: Final = "CASE nspname WHEN 'public' THEN '' ELSE nspname || '.' END || relname"
_TABLES: Final = f"""
    SELECT {_KEY} AS key, pg_class.oid, nspname, relname FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND relkind IN ('r', 'p', 'v', 'm', 'f')
"""  # noqa: S608 - a constant from above
_COLUMNS: Final = f"""
    SELECT key, nspname, relname, attname FROM ({_TABLES}) AS found
    JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped ORDER BY key, attnum
"""  # noqa: S608 - the same
_ALLOWED: Final = f"""
    SELECT key, kind, attname FROM ({_TABLES}) AS found
    JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS kind
    WHERE has_schema_privilege(%(role)s, nspname, 'USAGE') AND has_column_privilege(%(role)s, oid, attnum, kind)
    UNION ALL SELECT key, kind, '' FROM ({_TABLES}) AS found
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES', 'DELETE', 'TRUNCATE', 'TRIGGER', 'MAINTAIN'])
        AS kind
    WHERE has_table_privilege(%(role)s, oid, kind)
"""  # noqa: S608 - the same
_SEQUENCES: Final = """
    SELECT seqrelid::regclass::text FROM pg_sequence WHERE has_sequence_privilege(%s, seqrelid, 'USAGE, SELECT, UPDATE')
"""
_TRIED: Final[dict[Kind, str]] = {
    "SELECT": "SELECT {column} FROM {table}",
    "INSERT": "INSERT INTO {table} ({column}) VALUES (DEFAULT)",
    "UPDATE": "UPDATE {table} SET {column} = DEFAULT",
    "DELETE": "DELETE FROM {table}",
}


def rights_of(superuser_dsn: str, role: str) -> set[Right]:
    """Every right of the role on any table or column, whoever's."""
    with psycopg.connect(superuser_dsn) as connection:
        return {Right(*row) for row in connection.execute(_ALLOWED, {"role": role}).fetchall()}


def sequences_of(superuser_dsn: str, role: str) -> list[str]:
    """Every sequence that the role may use in any way."""
    with psycopg.connect(superuser_dsn) as connection:
        return [name for (name,) in connection.execute(_SEQUENCES, (role,)).fetchall()]


def rights_tried(superuser_dsn: str, role_dsn: str) -> set[Right]:
    """What the role is not refused: each column read, inserted and set, rows of each table deleted."""
    with psycopg.connect(superuser_dsn) as connection:
        columns = connection.execute(_COLUMNS).fetchall()
    found = set()
    with psycopg.connect(role_dsn) as connection:
        for key, schema, table, column in columns:
            names = {"table": sql.Identifier(schema, table), "column": sql.Identifier(column)}
            for kind, statement in _TRIED.items():
                if not _is_refused(connection, sql.SQL(statement).format(**names)):  # type: ignore[arg-type] # from above
                    found.add(Right(key, kind, "" if kind == "DELETE" else column))
    return found


def _is_refused(connection: psycopg.Connection, statement: sql.Composed) -> bool:
    """Whether a right is missing; whatever else is wrong with the statement comes after that."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return True
    except psycopg.Error:
        return False
    return False
