"""Migrations are skipped only when neither the sources nor the database's record of them have changed."""

from pathlib import Path

import psycopg
import pytest

from strangler.local import migrations
from strangler.local.databases import database_drop
from strangler.local.migrations import MigrationStamp, migrations_state
from tests.shared_stack import StackAddresses

DATABASE = "migration_stamp"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "django.txt").write_text("django==5.2\n")
    (tmp_path / "django_app" / "blog" / "migrations").mkdir(parents=True)
    (tmp_path / "django_app" / "blog" / "migrations" / "0001_initial.py").write_text("first\n")
    monkeypatch.setattr(migrations, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def dsn(stack: StackAddresses, worker_id: str) -> str:
    name = f"{DATABASE}_{worker_id}"
    database_drop(admin_dsn=stack.admin_dsn, name=name)
    with psycopg.connect(stack.admin_dsn, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    info = psycopg.conninfo.conninfo_to_dict(stack.admin_dsn)
    return psycopg.conninfo.make_conninfo("", **info | {"dbname": name})


def execute(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def stamp(dsn: str, root: Path) -> MigrationStamp:
    """Of a database that has had one migration."""
    assert migrations_state(dsn) is None
    execute(
        dsn,
        "CREATE TABLE django_migrations (id serial, app text, name text, applied timestamptz DEFAULT now())",
        "INSERT INTO django_migrations (app, name) VALUES ('blog', '0001_initial')",
    )
    stamp = MigrationStamp(root / "migrated")
    assert not stamp.is_current(dsn)
    stamp.renew(dsn)
    return stamp


def test_nothing_changed_is_current(stamp: MigrationStamp, dsn: str) -> None:
    assert stamp.is_current(dsn)


@pytest.mark.parametrize("file", ["django_app/blog/migrations/0002_more.py", "requirements/django.txt"])
def test_a_new_migration_or_library_is_not(stamp: MigrationStamp, dsn: str, root: Path, file: str) -> None:
    (root / file).write_text("new\n")
    assert not stamp.is_current(dsn)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM django_migrations",
        "UPDATE django_migrations SET applied = applied - interval '1 day'",
        "DROP TABLE django_migrations",
    ],
)
def test_another_or_a_rolled_back_database_is_not(stamp: MigrationStamp, dsn: str, statement: str) -> None:
    execute(dsn, statement)
    assert not stamp.is_current(dsn)
