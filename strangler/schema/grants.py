"""Grants FastAPI's database role its rights: to read for all features, to write for those with moved write routes."""

from collections.abc import Collection, Iterable, Mapping
from itertools import groupby
from typing import Final, NamedTuple

import psycopg
from psycopg import sql

from shared_schema.catalog import table_key
from shared_schema.catalog_reading import read_catalog
from shared_schema.consumer.consumer import Consumer
from shared_schema.consumer.privileges import Right, rights_wanted
from shared_schema.drift.consumer import consumer_mismatches
from strangler.databases.connections import live_connection
from strangler.errors import FailedError

# Below PostgreSQL's deadlock_timeout (1 s): beside a running migration the grants give way and are retried, and
# the migration is never ended as a deadlock's victim.
_PATIENCE = "SET LOCAL lock_timeout = '800ms'"
# A long statement or an open transaction must not block Django's migrations.
_LIMITS = {"statement_timeout": "30s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "60s"}

# All relations but PostgreSQL's own. Those of an extension may have another owner.
_RELATIONS: Final = """
    SELECT coalesce(current_schema(), 'public'), nspname, relname,
        CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, pg_has_role(relowner, 'USAGE')
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    ORDER BY nspname, relname
"""
_SCHEMAS: Final = """
    SELECT nspname FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' AND pg_has_role(nspowner, 'USAGE')
"""
# Ids made by Django before 4.1 come from a sequence that needs a right of its own; identity columns don't.
_SERIALS: Final = """
    SELECT DISTINCT sequence_schema.nspname, sequence.relname FROM pg_attrdef
    JOIN pg_depend ON classid = 'pg_attrdef'::regclass AND objid = pg_attrdef.oid AND refclassid = 'pg_class'::regclass
    JOIN pg_class AS sequence ON sequence.oid = refobjid AND sequence.relkind = 'S'
    JOIN pg_namespace AS sequence_schema ON sequence_schema.oid = sequence.relnamespace
    JOIN pg_class AS owner ON owner.oid = adrelid
    JOIN pg_namespace AS owner_schema ON owner_schema.oid = owner.relnamespace
    JOIN unnest(%s::text[], %s::text[]) AS inserted (schema, name)
        ON inserted.schema = owner_schema.nspname AND inserted.name = owner.relname
"""


class Relation(NamedTuple):
    """A table, a view or a sequence of the database."""

    schema: str
    name: str
    kind: str = "TABLE"
    owned: bool = True

    @property
    def identifier(self) -> sql.Composable:
        """Its name in a statement."""
        return sql.Identifier(self.schema, self.name)


def apply_grants(
    *,
    owner_dsn: str,
    role: str,
    password: str,
    consumer: Consumer,
    writers: Collection[str] = (),
    keep: bool = False,
) -> None:
    """Create `role` if it is missing and grant it exactly the rights that the consumer needs; others are revoked.

    `owner_dsn` is the role that owns the tables; it needs CREATEROLE only while `role` is missing or its password
    changes. `consumer` is the service that connects as the role, `writers` those of its features that may write. With
    `keep` nothing is revoked, for a running service of another version.

    :raises FailedError: the database refuses; nothing was changed.
    """
    try:
        with psycopg.connect(owner_dsn, connect_timeout=5) as connection:
            connection.execute(_PATIENCE)
            _ensure_role(connection, role, password)
            if not keep:
                _revoke_all(connection, role)
            give_rights(connection, role, consumer, writers=writers)
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise FailedError(
            f"Role {role} can't be given its grants ({reason})", "migrate, and let DATABASE_URL name the tables' owner"
        ) from error


def writing_features(routes: Iterable[str], consumer: Consumer) -> frozenset[str]:
    """The features that may write once these routes have moved.

    The route `users.create` belongs to the feature `users.create` or else `users`. If there is neither, it is unknown
    what the route writes, and every feature may write.
    """
    features = set[str]()
    for route in routes:
        parts = route.split(".")
        names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        feature = next((name for name in names if name in consumer.features), None)
        features.update(consumer.features if feature is None else {feature})
    return frozenset(features)


def require_tables(owner_dsn: str, consumer: Consumer) -> None:
    """Refuse live tables that aren't as the consumer needs them: migrations are pending.

    :raises FailedError: names the first mismatch.
    """
    with live_connection(owner_dsn) as connection:
        mismatches = consumer_mismatches(consumer, read_catalog(connection))
    if mismatches:
        raise FailedError(mismatches[0].message, mismatches[0].hint)


def give_rights(connection: psycopg.Connection, role: str, consumer: Consumer, *, writers: Collection[str]) -> None:
    """Grant `role` to read for all features of the consumer and to write for `writers`; nothing is revoked.

    :raises psycopg.Error: the database refuses, or a table is missing or has another owner.
    """
    wanted = rights_wanted(consumer, writers=writers)
    relations = _relations(connection)
    needed = {right.table: _granted(relations, right.table) for right in wanted}
    for statement in grant_statements(role=role, database=connection.info.dbname, rights=wanted, relations=needed):
        connection.execute(statement)
    inserting = {needed[right.table] for right in wanted if right.kind == "INSERT"}
    _give_serials(connection, role, inserting)


def grant_statements(
    *, role: str, database: str, rights: Iterable[Right], relations: Mapping[str, Relation]
) -> list[sql.Composed]:
    """The statements that grant `role` these rights; `relations` are by the rights' table keys."""
    name = sql.Identifier(role)
    statements = [sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), name)]
    for schema in sorted({relation.schema for relation in relations.values()}):
        statements.append(sql.SQL("REVOKE CREATE ON SCHEMA {} FROM {}").format(sql.Identifier(schema), name))
        statements.append(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), name))
    for table, of_table in groupby(sorted(rights), key=lambda right: right.table):
        privileges = [_privilege(kind, list(of_kind)) for kind, of_kind in groupby(of_table, lambda right: right.kind)]
        statements.append(
            sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(", ").join(privileges), relations[table].identifier, name)
        )
    return statements


def _privilege(kind: str, rights: list[Right]) -> sql.Composable:
    columns = [sql.Identifier(right.column) for right in rights if right.column]
    return sql.SQL("{} ({})").format(sql.SQL(kind), sql.SQL(", ").join(columns)) if columns else sql.SQL(kind)


def _relations(connection: psycopg.Connection) -> dict[str, Relation]:
    """Every table, view and sequence by its key."""
    rows = connection.execute(_RELATIONS).fetchall()
    return {
        table_key(schema, name, default=default): Relation(schema, name, kind, owned)
        for default, schema, name, kind, owned in rows
    }


def _granted(relations: Mapping[str, Relation], table: str) -> Relation:
    """The relation that a right is on.

    PostgreSQL only warns if a role that doesn't own a table grants rights on it.
    """
    relation = relations.get(table)
    if relation is None:
        raise psycopg.errors.UndefinedTable(f'relation "{table}" does not exist')
    if not relation.owned:
        raise psycopg.errors.InsufficientPrivilege(f"table {table} has another owner")
    return relation


def _revoke_all(connection: psycopg.Connection, role: str) -> None:
    """Revoke every right on objects that this connection's role owns; rights on columns go with those on the table."""
    name = sql.Identifier(role)
    for relation in _relations(connection).values():
        if relation.owned:
            statement = sql.SQL("REVOKE ALL ON {} {} FROM {}")
            connection.execute(statement.format(sql.SQL(relation.kind), relation.identifier, name))
    for (schema,) in connection.execute(_SCHEMAS).fetchall():
        connection.execute(sql.SQL("REVOKE ALL ON SCHEMA {} FROM {}").format(sql.Identifier(schema), name))


def _give_serials(connection: psycopg.Connection, role: str, tables: Iterable[Relation]) -> None:
    """Let `role`, which inserts into `tables`, use their sequences."""
    names = sorted((table.schema, table.name) for table in tables)
    inserted = ([schema for schema, _ in names], [name for _, name in names])
    for schema, name in connection.execute(_SERIALS, inserted).fetchall():
        statement = sql.SQL("GRANT USAGE ON SEQUENCE {} TO {}")
        connection.execute(statement.format(sql.Identifier(schema, name), sql.Identifier(role)))


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
