"""Databases of a test's own on the run's PostgreSQL, with Django's tables in them, or those of a foreign project."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict

from strangler.local.databases import database_drop, database_ensure
from strangler.local.services import Connections, manage_argv, stack_environment
from strangler.routes.route import Stack
from strangler.schema.django_side import ManageCommand
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
    with empty_database(admin_dsn=admin_dsn, name=name) as database:
        connections = Connections(
            owner_dsn=database.owner_dsn, fastapi_dsn="", secret_key="s" * 40, jwt_signing_key="j" * 40
        )
        _migrate(
            manage_argv(EXAMPLE, "migrate", "--noinput"),
            stack_environment(example_settings(), connections, Stack.DJANGO),
        )
        yield database


@contextmanager
def foreign_database(*, admin_dsn: str, name: str) -> Iterator[OwnDatabase]:
    """A database with every table of the foreign project (tests/foreign), owned by a role of its own."""
    with empty_database(admin_dsn=admin_dsn, name=name) as database:
        project = foreign_project(database.owner_dsn)
        _migrate((*project.argv, "migrate", "--noinput"), project.env)
        yield database


def foreign_project(dsn: str, more: Mapping[str, str] | None = None) -> ManageCommand:
    """How the foreign project's commands are run on a database; `more` is told to them too."""
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


def _migrate(argv: Sequence[str], environment: Mapping[str, str]) -> None:
    subprocess.run(argv, env=dict(environment), cwd=ROOT, check=True, stdout=sys.stderr)  # noqa: S603 - Django's own command
