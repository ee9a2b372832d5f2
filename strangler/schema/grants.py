"""FastAPI's database role: it may read the tables that it needs, and write only once a write route has moved."""

import psycopg
from psycopg import sql

from shared_schema.privileges import role_privileges
from strangler.errors import FailedError
from strangler.routes.route import Stage
from strangler.routes.table import RouteTable

# Below PostgreSQL's deadlock_timeout (1 s): beside a running migration it is the grants that give way, and are tried
# again, and never the migration that is ended as a deadlock's victim.
_PATIENCE = "SET LOCAL lock_timeout = '800ms'"
# A statement that runs away or a session left open must not hold up Django's migrations.
_LIMITS = {"statement_timeout": "30s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "60s"}


def apply_grants(*, owner_dsn: str, role: str, password: str, table: RouteTable) -> None:
    """Makes `role` if it isn't there and gives it exactly what the routes ask for; what it had before is revoked.

    `owner_dsn` is the role that owns the tables; it needs CREATEROLE only while `role` is missing or its password
    changes. Without a role that a write route has moved to, every privilege but SELECT is withheld.

    Raises:
        FailedError: the database refuses; nothing was changed.
    """
    writing = any(route.writes and route.stage is not Stage.LEGACY for route in table.routes)
    try:
        with psycopg.connect(owner_dsn, connect_timeout=5) as connection:
            connection.execute(_PATIENCE)
            _ensure_role(connection, role, password)
            for statement in grant_statements(role=role, database=connection.info.dbname, writing=writing):
                connection.execute(statement)
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise FailedError(
            f"Role {role} can't be given its grants ({reason}): migrate, and let DATABASE_URL name the tables' owner."
        ) from error


def grant_statements(*, role: str, database: str, writing: bool) -> list[sql.Composed]:
    """The statements that take from `role` what it had and give it what `role_privileges` names."""
    name = sql.Identifier(role)
    statements = [
        sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(name),
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
