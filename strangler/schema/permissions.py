"""What a role may do with the columns that a consumer needs, in one database."""

from collections.abc import Iterator
from typing import Final

import psycopg

from shared_schema.catalog import Catalog
from shared_schema.privileges import Right

_ROLE: Final = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)"
# By number, as a column's name may hold anything; a table of another kind than wanted isn't there.
_ALLOWED: Final = """
    SELECT asked.place FROM unnest(%(schemas)s::text[], %(tables)s::text[], %(columns)s::text[], %(kinds)s::text[])
        WITH ORDINALITY AS asked (schema, name, attribute, kind, place)
    JOIN pg_namespace ON nspname = schema
    JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = name
    LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attname = attribute AND NOT attisdropped
    WHERE has_schema_privilege(%(role)s, pg_namespace.oid, 'USAGE')
    AND CASE WHEN kind = 'DELETE' THEN has_table_privilege(%(role)s, pg_class.oid, kind)
        WHEN attnum IS NOT NULL THEN has_column_privilege(%(role)s, pg_class.oid, attnum, kind) ELSE false END
"""


def rights_of(connection: psycopg.Connection, role: str, wanted: list[Right], catalog: Catalog) -> set[Right]:
    """Those of the `wanted` rights that a role has; none if there is no such role.

    :raises psycopg.Error: the connection is lost.
    """
    if connection.execute(_ROLE, (role,)).fetchone() != (True,):
        return set()
    names = [_name(right.table, catalog) for right in wanted]
    rows = connection.execute(
        _ALLOWED,
        {
            "role": role,
            "schemas": [schema for schema, _ in names],
            "tables": [name for _, name in names],
            "columns": [right.column for right in wanted],
            "kinds": [right.kind for right in wanted],
        },
    ).fetchall()
    return {wanted[place - 1] for (place,) in rows}


def find_lost(before: set[Right], after: set[Right], catalog: Catalog) -> Iterator[Right]:
    """The rights that are gone on what is still there; those on what is gone are another matter."""
    for right in sorted(before - after):
        table = catalog.tables.get(right.table)
        if table is not None and (not right.column or right.column in table.columns):
            yield right


def _name(key: str, catalog: Catalog) -> tuple[str, str]:
    table = catalog.tables.get(key)
    return (table.schema, table.name) if table else (catalog.schema, key)
