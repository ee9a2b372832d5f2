"""A scratch database: the schema of the live one without its rows, made for a rehearsal and dropped afterwards.

Beside the live database the rehearsal has a role of its own, which owns the clone and may do nothing else: what the
whole server shares (roles, databases, settings, other sessions, replication, files) is out of its reach.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import psycopg
from psycopg import sql

from strangler.databases.connections import (
    Source,
    connected,
    dsn_as,
    dsn_to,
    identity_of,
    is_address,
    login_of,
    refusals,
)
from strangler.databases.dumping import database_dump_into
from strangler.databases.throwaway import Throwaways, database_create, settings_copy
from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.schema.django_side import ManageCommand
from strangler.schema.guard.sampling import copy_sample
from strangler.schema.guard.sequences import copy_positions

# Tables whose rows migrations need: Django's history, and what its own and data migrations look up.
_KEPT: Final = ("django_migrations", "django_content_type", "auth_permission", "django_site")
_KEPT_TABLES: Final = """
    SELECT format('%%I.%%I', nspname, relname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relname = ANY(%s) AND relkind IN ('r', 'p') AND pg_table_is_visible(pg_class.oid) ORDER BY 1
"""
# A replica can't export one.
_SNAPSHOT: Final = "SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_export_snapshot() END"
_SUPERUSER: Final = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
# The objects whose owner the role may change. A table's own sequence goes with it, so sequences come last.
_OWNED: Final = """
    SELECT format('ALTER %%s %%s OWNER TO %%I',
        replace(type, 'statistics object', 'statistics'), identity, %(role)s::text)
    FROM pg_shdepend CROSS JOIN LATERAL pg_identify_object(classid, objid, objsubid)
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND deptype = 'o' AND refclassid = 'pg_authid'::regclass AND pg_has_role(%(owner)s::name, refobjid, 'USAGE')
    AND classid::regclass::text IN ('pg_namespace', 'pg_class', 'pg_proc', 'pg_type', 'pg_collation', 'pg_operator',
        'pg_opclass', 'pg_opfamily', 'pg_ts_config', 'pg_ts_dict', 'pg_statistic_ext', 'pg_conversion')
    ORDER BY type = 'sequence', type <> 'schema'
"""
_DEFAULTS: Final = """
    SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %%I %%s GRANT %%s ON %%s TO %%s', %(role)s::text,
        'IN SCHEMA ' || nullif(defaclnamespace, 0)::regnamespace, privilege_type, CASE defaclobjtype
            WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
            WHEN 'n' THEN 'SCHEMAS' END,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
    FROM pg_default_acl CROSS JOIN LATERAL aclexplode(defaclacl)
    WHERE defaclrole = (SELECT oid FROM pg_roles WHERE rolname = %(owner)s) AND grantee <> defaclrole
    AND defaclobjtype <> 'L'
"""
# A foreign table would lead to the real rows of another server.
_MAPPINGS: Final = """
    SELECT format('DROP USER MAPPING FOR %s SERVER %I', CASE umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(usename) END,
        srvname) FROM pg_user_mappings
"""


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """A database that may be changed in any way.

    Attributes:
        dsn: as the role that migrates; beside the live database one that owns this database and nothing else.
        reading_dsn: as a role that sees everything.
        roles: whether the database is beside the live one, whose roles are there, with what they may do.
    """

    name: str
    role: str
    dsn: str = field(repr=False)
    reading_dsn: str = field(repr=False)
    roles: bool


@contextmanager
def scratch_database(
    source: Source,
    *,
    server: str | None = None,
    rows: int = 0,
    notify: Callable[[str], None] = lambda _sentence: None,
    check: Callable[[], None] = lambda: None,
) -> Iterator[Scratch]:
    """Clone the schema of `source`, which is only read, beside it or on another server; dropped at the end.

    `server` is an address whose role may make databases; `rows` of each table are copied too. `notify`
    receives a sentence for each leftover of a killed run that is dropped. `check` is called while the schema is
    copied; what it raises ends that.

    :raises UsageError: the other server is of another version.
    :raises FailedError: a server refuses, or there is no pg_dump for it.
    """
    admin_dsn = server or source.admin_dsn
    with connected(admin_dsn) as admin, ExitStack() as exits:
        made = Throwaways(admin, admin_dsn=admin_dsn, like=source.name, purpose="guard", tell=notify)
        made.begin()
        name = made.name("scratch")
        beside = _server(identity_of(admin_dsn)) == _server(source.identity)
        exits.callback(made.drop, name)
        password = secrets.token_urlsafe()
        with refusals(hint="give it CREATEDB and CREATEROLE, or name another server with --scratch"):
            if beside:
                made.role_create(name, password)
                database_create(admin, name=name, template="template0", like=source.name)
                admin.execute(sql.SQL("ALTER DATABASE {0} OWNER TO {0}").format(sql.Identifier(name)))
            else:
                admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        scratch = Scratch(
            name=name,
            role=name if beside else login_of(admin_dsn)[0],
            dsn=dsn_as(dsn_to(source.owner_dsn, name), name, password) if beside else dsn_to(admin_dsn, name),
            reading_dsn=dsn_to(admin_dsn, name),
            roles=beside,
        )
        require_scratch(source, scratch)
        _fill(source, scratch, admin, rows, check)
        if beside:
            _hand_over(source, scratch, admin)
        yield scratch


def require_scratch(source: Source, scratch: Scratch) -> None:
    """Refuse a scratch database that is the live one, or that signs in as a real role.

    :raises UnsafeError: an address leads there, or signs in as another role.
    """
    if any(identity_of(dsn) == source.identity for dsn in (scratch.dsn, scratch.reading_dsn)):
        raise UnsafeError(
            f"the scratch database would be the live one, {source.name}",
            "nothing was changed; let DATABASE_URL name its database in its path only",
        )
    with connected(scratch.dsn) as connection:
        if scratch.roles and connection.execute("SELECT current_user::text").fetchone() != (scratch.role,):
            raise UnsafeError(
                "the rehearsal would have the rights of a real role",
                "nothing was changed; let DATABASE_URL name its role before the @ only, and set no role in its options",
            )


def project_on_scratch(project: ManageCommand, source: Source, scratch: Scratch) -> ManageCommand:
    """The project, with every address of the live database in its environment replaced by that of the scratch one.

    Variables besides DATABASE_URL matter too: a project that is run directly has the whole environment.
    """
    env = {name: scratch.dsn if _leads_to(source, value) else value for name, value in project.env.items()}
    return replace(project, env=env).at(scratch.dsn)


def _leads_to(source: Source, value: str) -> bool:
    try:
        return is_address(value) and identity_of(value) == source.identity
    except FailedError:
        return False  # no server answers there


def _fill(source: Source, scratch: Scratch, admin: psycopg.Connection, rows: int, check: Callable[[], None]) -> None:
    owned = scratch.roles and admin.execute(_SUPERUSER).fetchone() == (True,)
    with connected(source.admin_dsn) as live, live.transaction():
        _require_alike(live, admin)
        live.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        snapshot = [f"--snapshot={name}" for (name,) in live.execute(_SNAPSHOT).fetchall() if name]
        kept = [f"--table={name}" for (name,) in live.execute(_KEPT_TABLES, (list(_KEPT),)).fetchall()]
        data = [["--data-only", *kept]] if kept else []
        # Rows come before the keys and the triggers.
        before, after = (["--section=pre-data"], [["--section=post-data"]]) if rows else (["--schema-only"], [])
        for part in (before, *data, None, *after):
            if part is not None:
                database_dump_into(
                    source=source.admin_dsn,
                    target=scratch.reading_dsn,
                    major=live.info.server_version // 10_000,
                    owned=owned,
                    granted=scratch.roles,
                    part=[*part, *snapshot],
                    check=check,
                )
            elif rows:
                with connected(scratch.reading_dsn) as clone:
                    copy_sample(live, clone, count=rows, left_out=list(_KEPT), check=check)
        with connected(scratch.reading_dsn) as clone:
            copy_positions(live, clone)


def _hand_over(source: Source, scratch: Scratch, admin: psycopg.Connection) -> None:
    """Give the clone's role the ownerships, settings and default privileges of the live role that migrates."""
    owner, _password = login_of(source.owner_dsn)
    is_owned = admin.execute(_SUPERUSER).fetchone() == (True,)
    restored = {"role": scratch.role, "owner": owner if is_owned else admin.info.user}
    with connected(scratch.reading_dsn) as clone:
        for query, values in (
            (_OWNED, restored),
            (_DEFAULTS, {"role": scratch.role, "owner": owner}),
            (_MAPPINGS, None),
        ):
            for (statement,) in clone.execute(query, values).fetchall():
                clone.execute(statement)
    role, database = sql.Identifier(scratch.role), sql.Identifier(scratch.name)
    subject = sql.SQL("ROLE {} IN DATABASE {}").format(role, database)
    settings_copy(admin, subject, like=source.name, role=owner)
    with connected(source.owner_dsn) as live:
        ((path,),) = live.execute(
            "SELECT replace(current_setting('search_path'), '\"$user\"', quote_ident(current_user))"
        )
    admin.execute(sql.SQL("ALTER {} SET search_path TO {}").format(subject, sql.SQL(path)))


def _require_alike(live: psycopg.Connection, admin: psycopg.Connection) -> None:
    """Locks and table rewrites differ between major versions."""
    wanted, actual = (connection.info.server_version // 10_000 for connection in (live, admin))
    if wanted != actual:
        message = f"the live server is PostgreSQL {wanted}, that of --scratch {actual}"
        raise UsageError(message, "name one of the same version")


def _server(identity: str) -> str:
    return identity.partition("/")[0]
