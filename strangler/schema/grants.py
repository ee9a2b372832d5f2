"""FastAPI's database role: it may read the tables that it needs, and write only once a write route has moved."""

import psycopg
from psycopg import sql

from shared_schema.privileges import role_privileges
from strangler.errors import FailedError
from strangler.routes.table import RouteTable

# Below PostgreSQL's deadlock_timeout (1 s): beside a running migration it is the grants that give way, and are tried
# again, and never the migration that is ended as a deadlock's victim.
_PATIENCE = "SET LOCAL lock_timeout = '800ms'"
# A statement that runs away or a session left open must not hold up Django's migrations.
_LIMITS = {"statement_timeout": "30s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "60s"}

# Not ALL TABLES IN SCHEMA: that fails where an extension has brought tables of another owner.
_OWNED = """
    SELECT relname, CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND pg_has_role(relowner, 'USAGE')
"""
# Ids made by Django before 4.1 come from a sequence that asks for a right of its own; identity columns don't.
_SERIALS = """
    SELECT sequence.relname FROM pg_class AS sequence
    JOIN pg_depend ON objid = sequence.oid AND classid = 'pg_class'::regclass AND deptype = 'a'
    JOIN pg_class AS owner ON owner.oid = refobjid AND owner.relnamespace = 'public'::regnamespace
    WHERE sequence.relkind = 'S' AND owner.relname = ANY(%s)
"""


def apply_grants(
    *, owner_dsn: str, role: str, password: str, table: RouteTable, read_only: bool = False, writes: bool = False
) -> None:
    """Makes `role` if it isn't there and gives it exactly what the routes ask for; what it had before is revoked.

    `owner_dsn` is the role that owns the tables; it needs CREATEROLE only while `role` is missing or its password
    changes. Until a write route has moved or is about to (`writes`), and while `read_only`, every privilege but SELECT
    is withheld.

    Raises:
        FailedError: the database refuses; nothing was changed.
    """
    writing = (writes or table.writes_moved) and not read_only
    try:
        with psycopg.connect(owner_dsn, connect_timeout=5) as connection:
            connection.execute(_PATIENCE)
            _ensure_role(connection, role, password)
            owned = _revoke_all(connection, role)
            for statement in grant_statements(role=role, database=connection.info.dbname, writing=writing):
                connection.execute(statement)
            _require_owned(owned, writing)
            if writing:
                grant_serials(connection, role)
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise FailedError(
            f"Role {role} can't be given its grants ({reason}): migrate, and let DATABASE_URL name the tables' owner."
        ) from error


def grant_statements(*, role: str, database: str, writing: bool) -> list[sql.Composed]:
    """The statements that give `role`, which has nothing, what `role_privileges` names."""
    name = sql.Identifier(role)
    statements = [
        sql.SQL("REVOKE CREATE ON SCHEMA public FROM {}").format(name),
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), name),
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name),
    ]
    statements.extend(
        sql.SQL("GRANT {} ON {} TO {}").format(
            sql.SQL(", ".join(sorted(privileges))),
            sql.Identifier(table),
            name,
        )
        for table, privileges in sorted(role_privileges(writing=writing).items())
    )
    return statements


def _revoke_all(connection: psycopg.Connection, role: str) -> set[str]:
    """Takes every right on what this connection's role owns; returns the names of that."""
    owned = connection.execute(_OWNED).fetchall()
    for name, kind in owned:
        statement = sql.SQL("REVOKE ALL ON {} {} FROM {}")
        connection.execute(statement.format(sql.SQL(kind), sql.Identifier(name), sql.Identifier(role)))
    return {name for name, _ in owned}


def _require_owned(owned: set[str], writing: bool) -> None:
    """PostgreSQL only warns where somebody who may read a table, but doesn't own it, grants rights on it."""
    for table in sorted(role_privileges(writing=writing).keys() - owned):
        raise psycopg.errors.InsufficientPrivilege(f"table {table} has another owner")


def grant_serials(connection: psycopg.Connection, role: str) -> None:
    """Lets `role`, which may insert, take ids from sequences.

    Raises:
        psycopg.Error: the database refuses.
    """
    tables = [table for table, privileges in role_privileges(writing=True).items() if "INSERT" in privileges]
    for (name,) in connection.execute(_SERIALS, (tables,)).fetchall():
        statement = sql.SQL("GRANT USAGE ON SEQUENCE {} TO {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(role)))


def _ensure_role(connection: psycopg.Connection, role: str, password: str) -> None:
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    if exists and _can_sign_in(connection, role, password):
        return
    verb = "ALTER" if exists else "CREATE"
    encrypted = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(sql.SQL(verb), sql.Identifier(role), sql.Literal(encrypted))
    )
    for setting, value in _LIMITS.items():
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(
                sql.Identifier(role), sql.Identifier(setting), sql.Literal(value)
            )
        )


def _can_sign_in(connection: psycopg.Connection, role: str, password: str) -> bool:
    """Whether the role's password is already this one, so that an owner without CREATEROLE may refresh grants."""
    info = connection.info
    try:
        psycopg.connect(
            host=info.host, port=info.port, dbname=info.dbname, user=role, password=password, connect_timeout=5
        ).close()
    except psycopg.OperationalError:
        return False
    return True
