"""A small Django project of a test's own, a live database that it has migrated, and the FastAPI that runs on it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from shared_schema.consumer.consumer import Consumer
from shared_schema.contract.contract import Contract
from strangler.databases.connections import Source, dsn_to, identity_of
from strangler.local.databases import database_drop, database_ensure
from strangler.schema.django_side import ManageCommand
from strangler.schema.guard.guard import Guarded, guard
from strangler.schema.guard.report import GuardReport
from strangler.settings import base_environment
from tests.databases import PASSWORD, OwnDatabase
from tests.example import ROOT, example_settings

MANAGE = """
import os
import sys
from pathlib import Path

sys.path[:1] = [str(Path(__file__).parent), {root!r}]

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
"""
SETTINGS = """
import os
from urllib.parse import unquote, urlsplit

found = urlsplit(os.environ.get("SHOP_DATABASE") or os.environ["DATABASE_URL"])
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": found.path[1:], "HOST": found.hostname, "PORT": found.port,
    "USER": unquote(found.username), "PASSWORD": unquote(found.password),
}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "strangler_django", "shop"]
SECRET_KEY = "of a test"
USE_TZ = True
"""
INITIAL = """
from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Author", [
            ("id", models.BigAutoField(primary_key=True)),
            ("name", models.CharField(max_length=100)),
        ]),
        migrations.CreateModel("Post", [
            ("id", models.BigAutoField(primary_key=True)),
            ("title", models.CharField(max_length=200)),
            ("body", models.TextField(null=True)),
            ("views", models.IntegerField()),
            ("author", models.ForeignKey("shop.Author", models.CASCADE)),
        ]),
    ]
"""
NEXT = """
from django.contrib.postgres.operations import *
from django.db import migrations, models
from django.db.models import F, Func, Q
from django.db.models.functions import Now


def forwards(apps, editor):
    apps.get_model("shop", "Post").objects.update(views=0)


class Migration(migrations.Migration):
    atomic = {atomic}
    dependencies = [("shop", "{before}")]
    operations = [
        {operations}
    ]
"""
CONSUMER = Consumer.model_validate(
    {
        "features": {
            "posts.list": {
                "reads": {"shop_post": ["id", "title", "author_id"], "shop_author": ["id", "name"]},
                "statements": [
                    {
                        "name": "page",
                        "sql": "SELECT p.id, p.title, a.name FROM shop_post AS p JOIN shop_author AS a ON a.id = "
                        "p.author_id WHERE p.title LIKE $1 ORDER BY p.id LIMIT $2",
                        "values": ["a%", 20],
                    }
                ],
            },
            "posts.create": {
                "reads": {"shop_post": ["id"]},
                "inserts": {"shop_post": ["title", "views", "author_id"]},
                "statements": [
                    {
                        "name": "insert",
                        "sql": "INSERT INTO shop_post (title, views, author_id) VALUES ($1, $2, $3) RETURNING id",
                        "values": ["of a test", 0, 1],
                    }
                ],
            },
        }
    }
)


@dataclass(frozen=True)
class Shop:
    """The project in a folder, and the database that it has migrated."""

    folder: Path
    database: OwnDatabase
    role: str

    @property
    def project(self) -> ManageCommand:
        return ManageCommand(
            argv=(sys.executable, str(self.folder / "manage.py")),
            env={**base_environment(), "DATABASE_URL": self.database.owner_dsn, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=self.folder,
        )

    @property
    def source(self) -> Source:
        return Source(
            settings=example_settings(),
            owner_dsn=self.database.owner_dsn,
            fastapi_dsn=self.database.dsn(self.role),
            admin_dsn=self.database.superuser_dsn,
            secrets={},
            name=self.database.name,
            identity=identity_of(self.database.owner_dsn),
        )

    def copy(self, folder: Path) -> "Shop":
        """The same project in another folder, for migrations of a test's own."""
        shutil.copytree(self.folder, folder)
        return Shop(folder, self.database, self.role)

    def migration(
        self, *operations: str, name: str = "0002_next", before: str = "0001_initial", atomic: bool = True
    ) -> None:
        """Write a migration that nobody has applied yet."""
        text = NEXT.format(operations=",\n        ".join(operations), before=before, atomic=atomic)
        (self.folder / "shop" / "migrations" / f"{name}.py").write_text(text)

    def manage(self, *arguments: str) -> None:
        """Run a management command on the live database."""
        argv = [*self.project.argv, *arguments]
        subprocess.run(argv, env=dict(self.project.env), cwd=self.folder, check=True, stdout=sys.stderr)  # noqa: S603 - the project's own

    def guard(
        self,
        consumer: Consumer = CONSUMER,
        *,
        coming: Consumer = CONSUMER,
        contract: Contract | None = None,
        timeout: float = 600,
        rows: int = 0,
    ) -> GuardReport:
        """What the guard says."""
        project = self.project
        return guard(
            Guarded(
                source=self.source,
                running=consumer,
                coming=coming,
                contract=contract,
                project=project,
                timeout=timeout,
                rows=rows,
            )
        )


@contextmanager
def shop(*, admin_dsn: str, name: str, folder: Path) -> Iterator[Shop]:
    """The project with its first migration applied, and FastAPI's role with what it needs; gone at the end."""
    database = OwnDatabase(name=name, admin_dsn=admin_dsn)
    made = Shop(folder, database, f"{name}_fastapi")
    migrations = folder / "shop" / "migrations"
    migrations.mkdir(parents=True)
    for package in (folder / "shop", migrations):
        (package / "__init__.py").touch()
    (folder / "manage.py").write_text(MANAGE.format(root=str(ROOT)))
    (folder / "settings.py").write_text(SETTINGS)
    (migrations / "0001_initial.py").write_text(INITIAL)
    database_ensure(admin_dsn=admin_dsn, name=name, owner=database.owner, password=PASSWORD)
    try:
        made.manage("migrate", "--verbosity=0")
        with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
            _role_make(admin, made.role)
            yield made
    finally:
        database_drop(admin_dsn=admin_dsn, name=name)


def _role_make(admin: psycopg.Connection, role: str) -> None:
    admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
    admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    for grant in (
        "SELECT, INSERT (title, views, author_id) ON shop_post",
        "SELECT ON shop_author",
    ):
        admin.execute(sql.SQL("GRANT {} TO {}").format(sql.SQL(grant), sql.Identifier(role)))


def leftovers(admin_dsn: str, name: str) -> list[str]:
    """The scratch databases of a live one that are there."""
    with psycopg.connect(dsn_to(admin_dsn, "postgres"), autocommit=True) as admin:
        query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY 1"
        return [found for (found,) in admin.execute(query, (f"{name}_guard_",)).fetchall()]
