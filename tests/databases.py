"""Databases of a test's own on the run's PostgreSQL, with Django's tables in them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg.conninfo import conninfo_to_dict

from strangler.local.databases import database_drop, database_ensure
from strangler.local.services import Connections, django_environment, manage_argv
from strangler.local.settings import ROOT, LocalSettings

PASSWORD = "a password of the tests, for a database that they drop"


@dataclass(frozen=True)
class OwnDatabase:
    """A database, and the addresses that roles reach it at."""

    name: str
    admin_dsn: str

    @property
    def owner(self) -> str:
        return f"{self.name}_owner"

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
    database = OwnDatabase(name=name, admin_dsn=admin_dsn)
    database_ensure(admin_dsn=admin_dsn, name=name, owner=database.owner, password=PASSWORD)
    try:
        connections = Connections(
            owner_dsn=database.owner_dsn, fastapi_dsn="", secret_key="s" * 40, jwt_signing_key="j" * 40
        )
        subprocess.run(  # noqa: S603 - Django's own command
            manage_argv("migrate", "--noinput"),
            env=django_environment(LocalSettings(), connections),
            cwd=ROOT,
            check=True,
            stdout=sys.stderr,
        )
        yield database
    finally:
        database_drop(admin_dsn=admin_dsn, name=name)
