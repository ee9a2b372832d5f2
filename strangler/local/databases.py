"""Databases and the roles that own them, made through a superuser's connection."""

from contextlib import suppress
from typing import Final

import psycopg
from psycopg import sql

from strangler.errors import UsageError

# Functions that make a large object, which any role may fill without a right on any table.
_LARGE_OBJECT_MAKERS: Final = ("lo_creat(integer)", "lo_create(oid)", "lo_from_bytea(oid, bytea)")


def database_ensure(*, admin_dsn: str, name: str, owner: str, password: str) -> None:
    """Create the role `owner` and the database `name` that it owns, unless they exist, and set the password.

    The owner may create roles, since it creates the role that FastAPI connects as. Only the owner may store anything
    outside the tables, such as temporary tables and large objects.

    :raises psycopg.Error: the server refused.
    """
    role, database = sql.Identifier(owner), sql.Identifier(name)
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", owner):
            connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        encrypted = connection.pgconn.encrypt_password(password.encode(), owner.encode(), b"scram-sha-256").decode()
        connection.execute(sql.SQL("ALTER ROLE {} LOGIN CREATEROLE PASSWORD {}").format(role, sql.Literal(encrypted)))
        if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", name):
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
        # A restore that was killed may have left it closed.
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(database))
        connection.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(database))
    with psycopg.connect(admin_dsn, dbname=name) as connection:
        for function in _LARGE_OBJECT_MAKERS:
            connection.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(sql.SQL(function)))
            connection.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(sql.SQL(function), role))


def database_drop(*, admin_dsn: str, name: str) -> None:
    """Remove a database and end the sessions in it; does nothing if there is none.

    :raises psycopg.Error: the server refused.
    """
    drop = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
    forced = sql.SQL("{} WITH (FORCE)").format(drop)
    with psycopg.connect(admin_dsn, autocommit=True, application_name="strangler") as connection:
        try:
            connection.execute(forced)
        except psycopg.errors.InsufficientPrivilege:
            # Autovacuum, a superuser's, is connected: without FORCE PostgreSQL cancels it and waits up to 5 s.
            with suppress(psycopg.errors.ObjectInUse):
                connection.execute(drop)
            connection.execute(forced)


def database_require(*, dsn: str, hint: str) -> None:
    """Refuse a database that doesn't answer, with `hint`.

    :raises UsageError: gives the reason without the password.
    """
    try:
        psycopg.connect(dsn, connect_timeout=5).close()
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise UsageError(f"the database doesn't answer ({reason})", hint) from error


def has_rows(*, dsn: str, table: str) -> bool:
    """Whether a table holds anything.

    :raises psycopg.Error: there is no such table, or the server refused.
    """
    query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(table))
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query).fetchone()
    return row is not None and bool(row[0])


def database_vacuum(*, dsn: str) -> None:
    """Do at once what autovacuum does within a minute of many inserts: until then a count reads whole tables.

    Catalogs, which the role of `dsn` doesn't own, are left out.

    :raises psycopg.Error: the server refused.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query, (name,)).fetchone() is not None
