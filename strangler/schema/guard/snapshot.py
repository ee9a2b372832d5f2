"""A snapshot of the scratch database between two migrations: catalog, statements, privileges, sizes and files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

import psycopg
from sqlalchemy import Connection

from shared_schema.catalog import Catalog, table_key
from shared_schema.catalog_reading import read_catalog
from shared_schema.consumer.consumer import Consumer
from shared_schema.consumer.privileges import Right, rights_wanted
from shared_schema.drift.privileges import denied_rights, role_exists
from strangler.databases.connections import connected, live_connection, refusals
from strangler.schema.guard.replay import ReplayedQuery, replay_statements
from strangler.schema.guard.scratch import Scratch
from strangler.schema.guard.sequences import Sequences, read_sequences

_SIZES: Final = """
    SELECT nspname, relname, nullif(reltuples, -1)::bigint, pg_total_relation_size(pg_class.oid)
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'm') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
"""
# A table or an index that gets another file has been rewritten.
_FILES: Final = """
    SELECT nspname, owner.relname, part.oid, part.relkind = 'i', part.relname, pg_relation_filenode(part.oid)
    FROM pg_class AS part
    LEFT JOIN pg_index ON indexrelid = part.oid
    JOIN pg_class AS owner ON owner.oid = coalesce(indrelid, part.oid)
    JOIN pg_namespace ON pg_namespace.oid = owner.relnamespace
    WHERE part.relkind IN ('r', 'm', 'i') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
"""
# A column that is renamed keeps its number, a table its oid.
_STORED_PARTS: Final = """
    SELECT pg_class.oid, attnum, nspname, relname, attname FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    WHERE relkind IN ('r', 'p') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
    ORDER BY nspname, relname, attnum
"""
# What the server keeps for all its databases; a role that may read the password hashes sees that one has changed.
_SHARED: Final = """
    SELECT 'role ' || rolname, to_jsonb(pg_roles)::text FROM pg_roles
    UNION ALL SELECT format('role %s', member::regrole), concat_ws(' ', 'in', roleid::regrole) FROM pg_auth_members
    UNION ALL SELECT 'database ' || datname, concat_ws(' ', datdba, datacl, datconnlimit, datallowconn) FROM pg_database
    UNION ALL SELECT concat_ws(' ', CASE setrole WHEN 0 THEN 'database' ELSE 'role' END, coalesce(rolname, datname)),
        setconfig::text FROM pg_db_role_setting
        LEFT JOIN pg_roles ON pg_roles.oid = setrole LEFT JOIN pg_database ON pg_database.oid = setdatabase
    UNION ALL SELECT 'tablespace ' || spcname, concat_ws(' ', spcowner, spcacl, spcoptions) FROM pg_tablespace
    UNION ALL SELECT 'replication slot ' || slot_name, plugin FROM pg_replication_slots
"""
_SECRETS: Final = """
    SELECT 'role ' || rolname, md5(rolpassword) FROM pg_authid
    UNION ALL SELECT 'setting ' || name, setting FROM pg_file_settings
"""
_MAY_READ_SECRETS: Final = """
    SELECT has_table_privilege('pg_authid', 'SELECT')
        AND has_function_privilege('pg_show_all_file_settings()', 'EXECUTE')
"""
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Size:
    """PostgreSQL's estimate of a table: rows, None where it was never analysed, and bytes with its indexes."""

    rows: int | None
    size: int

    def __str__(self) -> str:
        value, unit = float(self.size), 0
        while value >= 1024 and unit < len(_UNITS) - 1:
            value, unit = value / 1024, unit + 1
        rows = "" if self.rows is None else f"about {self.rows:,} rows, "
        return f"{rows}{value:.0f} {_UNITS[unit]}"


@dataclass(frozen=True)
class File:
    """The file of a table or an index."""

    table: str
    index: str | None
    number: int


class StoredPart(NamedTuple):
    """A column that rows are kept in, by the key of its table; a table without a column is all of its columns."""

    table: str
    column: str | None

    def __str__(self) -> str:
        return f"{self.table}.{self.column}" if self.column else self.table


# By the oid of the table and the number of the column, which stay when they get another name.
StoredParts = Mapping[tuple[int, int], StoredPart]


def table_sizes(connection: psycopg.Connection, *, default: str) -> dict[str, Size]:
    """The size of each table, by the key of the contract; `default` is the schema that keys don't name.

    :raises psycopg.Error: the database refuses.
    """
    rows = connection.execute(_SIZES).fetchall()
    return {table_key(schema, name, default=default): Size(count, size) for schema, name, count, size in rows}


def table_files(connection: psycopg.Connection, *, default: str) -> dict[int, File]:
    """The files of tables and indexes, by their oids, which stay when one is rewritten.

    :raises psycopg.Error: the database refuses.
    """
    return {
        oid: File(table_key(schema, table, default=default), name if is_index else None, number)
        for schema, table, oid, is_index, name, number in connection.execute(_FILES).fetchall()
    }


def find_rewritten(before: Mapping[int, File], after: Mapping[int, File]) -> Iterator[File]:
    """The tables and indexes that have another file than before."""
    for oid, file in after.items():
        if oid in before and before[oid].number != file.number:
            yield file


def shared_objects(connection: psycopg.Connection, *, only: str | None = None) -> frozenset[tuple[str, str]]:
    """The roles, databases and settings of the whole server, each with its state; with `only`, those of that name.

    :raises psycopg.Error: the database refuses.
    """
    rows = connection.execute(_SHARED).fetchall()
    if connection.execute(_MAY_READ_SECRETS).fetchone() == (True,):
        rows += connection.execute(_SECRETS).fetchall()
    return frozenset(row for row in rows if only is None or row[0] in (f"role {only}", f"database {only}"))


def stored_parts(connection: psycopg.Connection, *, default: str) -> StoredParts:
    """The columns that rows are kept in, by numbers that stay when a column or table is renamed.

    :raises psycopg.Error: the database refuses.
    """
    return {
        (oid, number): StoredPart(table_key(schema, table, default=default), column)
        for oid, number, schema, table, column in connection.execute(_STORED_PARTS).fetchall()
    }


def find_added(before: StoredParts, after: StoredParts) -> list[StoredPart]:
    """The columns and tables that are new; the columns of a new table are one part."""
    tables = {oid for oid, _ in before}
    added = (
        part if key[0] in tables else StoredPart(part.table, None) for key, part in after.items() if key not in before
    )
    return list(dict.fromkeys(added))


def find_renamed(before: StoredParts, after: StoredParts) -> dict[StoredPart, StoredPart]:
    """The columns that have, or whose table has, another name now: the new part by the old one."""
    return {part: after[key] for key, part in before.items() if key in after and after[key] != part}


def rights_of(connection: Connection, role: str, consumer: Consumer, catalog: Catalog) -> frozenset[Right]:
    """The rights that the consumer needs and a role has; none if there is no such role.

    :raises SQLAlchemyError: the database refuses.
    """
    if not role_exists(connection, role):
        return frozenset()
    wanted = [right for right in rights_wanted(consumer, writers=consumer.features) if _exists(right, catalog)]
    return frozenset(wanted) - set(denied_rights(connection, wanted, catalog, role=role))


def find_lost_rights(before: frozenset[Right], after: frozenset[Right], catalog: Catalog) -> Iterator[Right]:
    """The rights that are lost on tables and columns that still exist."""
    return (right for right in sorted(before - after) if _exists(right, catalog))


def _exists(right: Right, catalog: Catalog) -> bool:
    table = catalog.tables.get(right.table)
    return table is not None and (not right.column or right.column in table.columns)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The state of the scratch database: its catalog, the consumer's replayed statements, rights, files, sequences."""

    catalog: Catalog
    replayed: Mapping[tuple[str, str], ReplayedQuery]
    rights: frozenset[Right]
    shared: frozenset[tuple[str, str]]
    files: Mapping[int, File]
    parts: StoredParts
    sequences: Sequences


class SnapshotReader:
    """Takes snapshots through connections that stay open, whatever a migration does to its role's login.

    Args:
        migrating: as the role that migrates.
        reading: as that role, in transactions that only read.
        admin: as a role that sees everything.
    """

    def __init__(
        self, scratch: Scratch, migrating: psycopg.Connection, reading: Connection, admin: psycopg.Connection
    ) -> None:
        self._scratch = scratch
        self._migrating = migrating
        self._reading = reading
        self._admin = admin

    @property
    def server_version(self) -> int:
        """PostgreSQL's version, such as 180001."""
        return self._migrating.info.server_version

    def snapshot(self, consumer: Consumer, *, role: str) -> Snapshot:
        """The state now, with the rights of `role` where the live roles exist beside the scratch database.

        :raises FailedError: the database refuses.
        """
        scratch = self._scratch
        with refusals():
            catalog = read_catalog(self._reading)
            rights = rights_of(self._reading, role, consumer, catalog) if scratch.roles else frozenset()
            self._reading.rollback()  # an open transaction would block CREATE INDEX CONCURRENTLY
            return Snapshot(
                catalog=catalog,
                replayed=replay_statements(self._migrating, consumer),
                rights=rights,
                shared=shared_objects(self._admin, only=scratch.role if scratch.roles else None),
                files=table_files(self._migrating, default=catalog.schema),
                parts=stored_parts(self._migrating, default=catalog.schema),
                sequences=read_sequences(self._admin, default=catalog.schema),
            )


@contextmanager
def observe(scratch: Scratch) -> Iterator[SnapshotReader]:
    """Connect an observer to the scratch database.

    :raises FailedError: the server doesn't answer.
    """
    with (
        connected(scratch.dsn) as migrating,
        live_connection(scratch.dsn) as reading,
        connected(scratch.reading_dsn) as admin,
    ):
        yield SnapshotReader(scratch, migrating, reading, admin)
