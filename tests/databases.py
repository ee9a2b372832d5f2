"""Databases of a test's own on the run's PostgreSQL, with Django's tables in them, or those of a foreign project."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from fastapi_app.consumer import CONSUMER_FILE
from shared_schema.consumer.consumer import load_consumer
from strangler.local.databases import database_drop, database_ensure
from strangler.local.services import Connections, manage_argv, stack_environment
from strangler.routes.route import Stack
from strangler.schema.django_side import ManageCommand
from strangler.schema.grants import apply_grants
from strangler.settings import base_environment
from tests.example import EXAMPLE, ROOT, example_settings

FOREIGN_MANAGE = ROOT / "tests" / "foreign" / "manage.py"
PASSWORD = "a password of the tests, for a database that they drop"


@dataclass(frozen=True)
class OwnDatabase:
    """A database, and the addresses that roles reach it at."""

    name: str
    admin_dsn: str
    owned_by: str = ""

    @property
    def owner(self) -> str:
        return self.owned_by or f"{self.name}_owner"

    @property
    def owner_dsn(self) -> str:
        return self.dsn(self.owner)

    @property
    def superuser_dsn(self) -> str:
        parts = conninfo_to_dict(self.admin_dsn)
        return self.dsn(str(parts["user"]), str(parts["password"]))

    def dsn(self, role: str, password: str = PASSWORD) -> str:
        """The address as `role`."""
        parts = conninfo_to_dict(self.admin_dsn)
        login = f"{role}:{password.replace(' ', '%20').replace(',', '%2C')}"
        return f"postgresql://{login}@{parts['host']}:{parts['port']}/{self.name}"


@contextmanager
def migrated_database(*, admin_dsn: str, name: str) -> Iterator[OwnDatabase]:
    """A database with every table of the legacy service, owned by a role of its own; dropped at the end."""
    with _copy(migrated_template(admin_dsn), name) as database:
        yield database


@contextmanager
def granted_database(*, admin_dsn: str, name: str) -> Iterator[OwnDatabase]:
    """The same, with a role `NAME_fastapi` that has FastAPI's rights."""
    with migrated_database(admin_dsn=admin_dsn, name=name) as database:
        consumer = load_consumer(CONSUMER_FILE)
        apply_grants(
            owner_dsn=database.owner_dsn,
            role=f"{database.name}_fastapi",
            password=PASSWORD,
            consumer=consumer,
            writers=consumer.features,
        )
        yield database


@contextmanager
def foreign_database(*, admin_dsn: str, name: str) -> Iterator[OwnDatabase]:
    """A database with every table of the foreign project (tests/foreign), owned by a role of its own."""

    def migrate(dsn: str) -> None:
        project = foreign_project(dsn)
        _migrate((*project.argv, "migrate", "--noinput"), project.env)

    with _copy(_template(admin_dsn, "foreign", migrate), name) as database:
        yield database


def migrated_template(admin_dsn: str) -> OwnDatabase:
    """A database with every table of the legacy service, to be copied."""

    def migrate(dsn: str) -> None:
        connections = Connections(owner_dsn=dsn, fastapi_dsn="", secret_key="s" * 40, jwt_signing_key="j" * 40)
        environment = stack_environment(example_settings(), connections, Stack.DJANGO)
        _migrate(manage_argv(EXAMPLE, "migrate", "--noinput"), environment)

    return _template(admin_dsn, "legacy", migrate)


def foreign_project(dsn: str, more: Mapping[str, str] | None = None) -> ManageCommand:
    """How the foreign project's commands are run on a database; `more` are further variables."""
    env = base_environment() | {"DATABASE_URL": dsn} | dict(more or {})
    return ManageCommand(argv=(sys.executable, str(FOREIGN_MANAGE)), env=env, cwd=ROOT)


@contextmanager
def changed(database: OwnDatabase, change: str, back: str) -> Iterator[None]:
    """The database while a statement has changed it, and another has not yet changed it back."""
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute(change)  # type: ignore[call-overload] # a statement of the tests
        try:
            yield
        finally:
            connection.execute(back)  # type: ignore[call-overload] # the same


@contextmanager
def empty_database(*, admin_dsn: str, name: str) -> Iterator[OwnDatabase]:
    """A database without tables, owned by a role of its own; dropped at the end."""
    database = OwnDatabase(name=name, admin_dsn=admin_dsn)
    database_ensure(admin_dsn=admin_dsn, name=name, owner=database.owner, password=PASSWORD)
    try:
        yield database
    finally:
        database_drop(admin_dsn=admin_dsn, name=name)


def _template(admin_dsn: str, kind: str, migrate: Callable[[str], None]) -> OwnDatabase:
    """The run's database of a kind, which nobody connects to; `migrate` fills it at the first call of any worker."""
    template = OwnDatabase(name=f"{kind}_template", admin_dsn=admin_dsn)
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext(%s))", (template.name,))
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", (template.name,)).rowcount:
            unfinished = OwnDatabase(name=f"{kind}_unfinished", admin_dsn=admin_dsn, owned_by=template.owner)
            database_drop(admin_dsn=admin_dsn, name=unfinished.name)
            database_ensure(admin_dsn=admin_dsn, name=unfinished.name, owner=unfinished.owner, password=PASSWORD)
            migrate(unfinished.owner_dsn)
            # So that what its owner has is in the database alone, and a copy can give it to another.
            connection.execute(_sql("ALTER DATABASE {} OWNER TO CURRENT_USER", unfinished.name))
            connection.execute(_sql("ALTER DATABASE {} RENAME TO {}", unfinished.name, template.name))
    return template


@contextmanager
def cloned_database(template: OwnDatabase, name: str) -> Iterator[OwnDatabase]:
    """A copy of `template`, which nobody may be connected to; its roles are those of the template."""
    database = OwnDatabase(name=name, admin_dsn=template.admin_dsn, owned_by=template.owner)
    with _created(template, database):
        yield database


@contextmanager
def _copy(template: OwnDatabase, name: str) -> Iterator[OwnDatabase]:
    """A copy that belongs, with all that is in it, to a role of its own."""
    database = OwnDatabase(name=name, admin_dsn=template.admin_dsn)
    with _created(template, database):
        with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
            connection.execute(_sql("REASSIGN OWNED BY {} TO {}", template.owner, database.owner))
        yield database


@contextmanager
def _created(template: OwnDatabase, database: OwnDatabase) -> Iterator[None]:
    """Makes `database` of a template, with its owner; drops it at the end."""
    database_drop(admin_dsn=database.admin_dsn, name=database.name)
    try:
        with psycopg.connect(database.admin_dsn, autocommit=True) as connection:
            connection.execute(_sql("CREATE DATABASE {} TEMPLATE {}", database.name, template.name))
            database_ensure(admin_dsn=database.admin_dsn, name=database.name, owner=database.owner, password=PASSWORD)
            connection.execute(_sql("ALTER DATABASE {} OWNER TO {}", database.name, database.owner))
        yield
    finally:
        database_drop(admin_dsn=database.admin_dsn, name=database.name)


def _sql(statement: LiteralString, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*(sql.Identifier(name) for name in names))


def _migrate(argv: Sequence[str], environment: Mapping[str, str]) -> None:
    subprocess.run(argv, env=dict(environment), cwd=ROOT, check=True, stdout=sys.stderr)  # noqa: S603 - Django's own command
