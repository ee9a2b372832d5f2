"""A scratch database: the schema of the live one without its rows, made for a rehearsal and gone afterwards."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import psycopg
from psycopg import sql

from strangler.databases.connections import Source, connected, dsn_to, identity_of, is_address
from strangler.databases.dumping import database_dump_into
from strangler.databases.throwaway import Throwaways, database_create
from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.schema.django_side import ManageCommand

# What Django migrates by: which migrations were applied, and the rows that its own and data migrations look up.
_KEPT: Final = ("django_migrations", "django_content_type", "auth_permission", "django_site")
_FOUND: Final = """
    SELECT format('%%I.%%I', nspname, relname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relname = ANY(%s) AND relkind IN ('r', 'p') AND pg_table_is_visible(pg_class.oid) ORDER BY 1
"""
# A replica can't export one.
_SNAPSHOT: Final = "SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_export_snapshot() END"
_SUPERUSER: Final = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """A database that may be changed in any way.

    Attributes:
        dsn: as the role that migrates.
        reading_dsn: as a role that sees everything.
        roles: whether the roles of the live server are there, with what they may do.
    """

    name: str
    dsn: str = field(repr=False)
    reading_dsn: str = field(repr=False)
    roles: bool


@contextmanager
def scratch_database(
    source: Source,
    *,
    server: str | None = None,
    tell: Callable[[str], None] = lambda _sentence: None,
    check: Callable[[], None] = lambda: None,
) -> Iterator[Scratch]:
    """Clone the schema of `source`, which is only read, beside it or on another server; dropped at the end.

    `server` is an address whose role may make databases. `tell` receives a sentence for each leftover of a killed run
    that is dropped. `check` is called while the schema is copied; what it raises ends that.

    :raises UsageError: the other server is of another version.
    :raises FailedError: a server refuses, or there is no pg_dump for it.
    """
    admin_dsn = server or source.admin_dsn
    with connected(admin_dsn) as admin, ExitStack() as exits:
        made = Throwaways(admin, admin_dsn=admin_dsn, like=source.name, purpose="guard", tell=tell)
        made.begin()
        name = made.name("scratch")
        beside = _server(identity_of(admin_dsn)) == _server(source.identity)
        exits.callback(made.drop, name)
        if beside:
            database_create(admin, name=name, template="template0", like=source.name)
        else:
            admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        scratch = Scratch(
            name=name,
            dsn=dsn_to(source.owner_dsn if beside else admin_dsn, name),
            reading_dsn=dsn_to(admin_dsn, name),
            roles=beside,
        )
        for dsn in (scratch.dsn, scratch.reading_dsn):
            require_scratch(source, dsn)
        _fill(source, scratch, admin, check)
        yield scratch


def require_scratch(source: Source, dsn: str) -> None:
    """Let nothing be changed in the live database.

    :raises UnsafeError: the address leads there.
    """
    if identity_of(dsn) == source.identity:
        raise UnsafeError(
            f"the scratch database would be the live one, {source.name}",
            "nothing was changed; let DATABASE_URL name its database in its path only",
        )


def project_on_scratch(project: ManageCommand, source: Source, scratch: Scratch) -> ManageCommand:
    """A project to whom every address of the live database is one of the scratch database.

    It may read others than DATABASE_URL: one's own project has the whole environment.
    """
    env = {name: scratch.dsn if _leads_to(source, value) else value for name, value in project.env.items()}
    return replace(project, env=env).at(scratch.dsn)


def _leads_to(source: Source, value: str) -> bool:
    try:
        return is_address(value) and identity_of(value) == source.identity
    except FailedError:
        return False  # nobody answers there


def _fill(source: Source, scratch: Scratch, admin: psycopg.Connection, check: Callable[[], None]) -> None:
    owned = scratch.roles and admin.execute(_SUPERUSER).fetchone() == (True,)
    with connected(source.admin_dsn) as live, live.transaction():
        _require_alike(live, admin)
        live.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        snapshot = [f"--snapshot={found}" for (found,) in live.execute(_SNAPSHOT).fetchall() if found]
        kept = [f"--table={name}" for (name,) in live.execute(_FOUND, (list(_KEPT),)).fetchall()]
        for part in (["--schema-only"], ["--data-only", *kept]):
            if part != ["--data-only"]:
                database_dump_into(
                    source=source.admin_dsn,
                    target=scratch.reading_dsn,
                    major=live.info.server_version // 10_000,
                    owned=owned,
                    granted=scratch.roles,
                    part=[*part, *snapshot],
                    check=check,
                )


def _require_alike(live: psycopg.Connection, admin: psycopg.Connection) -> None:
    """What locks and what rewrites a table is another matter in each version."""
    wanted, found = (connection.info.server_version // 10_000 for connection in (live, admin))
    if wanted != found:
        raise UsageError(
            f"the live server is PostgreSQL {wanted}, that of --scratch {found}", "name one of the same version"
        )


def _server(identity: str) -> str:
    return identity.partition("/")[0]
