"""Containers of the legacy service that start at once on an empty database."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from strangler.handover.baseline import MARK
from tests.example import ROOT

NAME = "startup"
PREPARE = (
    "import sys, django; django.setup(); from django_app.config.startup import database_prepare;"
    " database_prepare(url=sys.argv[1])"
)


@pytest.fixture
def empty_database(database_url: str, worker_id: str) -> Iterator[str]:
    name = f"{NAME}_{worker_id}"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield make_conninfo(database_url, dbname=name)
        connection.execute(drop)


def prepare(url: str, *, environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - this Python
        [sys.executable, "-c", PREPARE, url],
        cwd=ROOT,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "django_app.config.settings",
            "DATABASE_URL": url,
            "ENVIRONMENT": environment,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "JWT_SIGNING_KEY": secrets.token_urlsafe(48),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def count(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.long
def test_of_two_that_start_at_once_one_migrates_and_seeds(empty_database: str) -> None:
    starts = [prepare(empty_database, environment="development") for _ in range(2)]
    outputs = [start.communicate(timeout=60)[0] for start in starts]
    assert [start.returncode for start in starts] == [0, 0], outputs
    assert sorted("No migrations to apply." in output for output in outputs) == [False, True]
    assert count(empty_database, "posts") == 1500


def test_production_is_migrated_and_not_seeded(empty_database: str) -> None:
    start = prepare(empty_database, environment="production")
    output, _ = start.communicate(timeout=60)
    assert start.returncode == 0, output
    assert count(empty_database, "users") == 0


def test_tables_of_alembic_are_not_migrated(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num text)")
        connection.execute(sql.SQL("COMMENT ON TABLE alembic_version IS {}").format(MARK))
    start = prepare(empty_database, environment="production")
    output, _ = start.communicate(timeout=60)
    assert start.returncode == 0, output
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT to_regclass('django_migrations')").fetchone() == (None,)
