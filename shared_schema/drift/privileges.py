"""The rights that a service's features need and a role lacks, by column."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection, text

from shared_schema.catalog import Catalog
from shared_schema.consumer.consumer import Consumer
from shared_schema.consumer.privileges import Right, rights_wanted
from shared_schema.drift.mismatch import Mismatch

_HINT: Final = "run `strangler grant`"
_VERBS: Final = {"SELECT": "read", "INSERT": "insert into", "UPDATE": "update", "DELETE": "delete from"}
_ROLE: Final = text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = CAST(:role AS name))")
# By number, as a column's name may hold anything; what isn't there is no matter of rights.
_DENIED: Final = text("""
    SELECT wanted.place FROM unnest(
        CAST(:schemas AS text[]), CAST(:tables AS text[]), CAST(:columns AS text[]), CAST(:kinds AS text[])
    ) WITH ORDINALITY AS wanted (schema, name, attribute, kind, place)
    JOIN pg_namespace ON nspname = schema
    JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = name
    LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attname = attribute AND NOT attisdropped
    WHERE (kind = 'DELETE' OR attnum IS NOT NULL) AND NOT (
        has_schema_privilege(CAST(:role AS name), pg_namespace.oid, 'USAGE')
        AND CASE WHEN kind = 'DELETE' THEN has_table_privilege(CAST(:role AS name), pg_class.oid, kind)
            ELSE has_column_privilege(CAST(:role AS name), pg_class.oid, attnum, kind) END
    ) ORDER BY wanted.place
""")


def denied_mismatches(
    connection: Connection,
    consumer: Consumer,
    catalog: Catalog,
    *,
    role: str | None = None,
    writers: Collection[str] = (),
) -> list[Mismatch]:
    """Every right that a role, or without one the connection's own, lacks on what is there; a table's as one.

    `writers` are the features that write as well as read.

    Raises:
        SQLAlchemyError: the database refuses.
    """
    wanted = [right for right in rights_wanted(consumer, writers=writers) if right.table in catalog.tables]
    role = str(role or connection.execute(text("SELECT current_user")).scalar_one())
    if not role_exists(connection, role):
        return [Mismatch("", None, f"Role {role} is missing", _HINT)]
    return _mismatches(role, wanted, denied_rights(connection, wanted, catalog, role=role))


def role_exists(connection: Connection, role: str) -> bool:
    """Whether the server has such a role.

    Raises:
        SQLAlchemyError: the database refuses.
    """
    return bool(connection.execute(_ROLE, {"role": role}).scalar_one())


def denied_rights(connection: Connection, wanted: Sequence[Right], catalog: Catalog, *, role: str) -> list[Right]:
    """Those of the rights, on tables that are there, that a role lacks; a right on a missing column isn't among them.

    Raises:
        SQLAlchemyError: the database refuses, or has no such role.
    """
    tables = [catalog.tables[right.table] for right in wanted]
    asked = {
        "role": role,
        "schemas": [table.schema for table in tables],
        "tables": [table.name for table in tables],
        "columns": [right.column for right in wanted],
        "kinds": [right.kind for right in wanted],
    }
    return [wanted[place - 1] for place in connection.execute(_DENIED, asked).scalars()]


def _mismatches(role: str, wanted: list[Right], denied: list[Right]) -> list[Mismatch]:
    found = []
    for table, kind in dict.fromkeys((right.table, right.kind) for right in denied):
        of_both = [[right.column for right in rights if right[:2] == (table, kind)] for rights in (wanted, denied)]
        verb = f"Role {role} may not {_VERBS[kind]}"
        if len(of_both[0]) == len(of_both[1]):
            found.append(Mismatch(table, None, f"{verb} table {table}", _HINT))
            continue
        found.extend(Mismatch(table, column, f"{verb} column {table}.{column}", _HINT) for column in of_both[1])
    return found
