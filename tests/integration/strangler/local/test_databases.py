"""Databases that are made and dropped by a role that is no superuser."""

import os
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from strangler.local.databases import database_drop
from tests.databases import PASSWORD
from tests.shared_stack import StackAddresses

NAME = f"dropping_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
SECONDS = 20


@pytest.fixture
def admin(stack: StackAddresses) -> Iterator[psycopg.Connection]:
    with psycopg.connect(stack.admin_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {NAME} LOGIN CREATEDB PASSWORD '{PASSWORD}'")
        connection.execute(f"CREATE DATABASE {NAME} OWNER {NAME}")
        yield connection
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        connection.execute(f"DROP ROLE {NAME}")


def address(stack: StackAddresses, *, database: str, owner: bool) -> str:
    login = {"user": NAME, "password": PASSWORD} if owner else {}
    return make_conninfo("", **conninfo_to_dict(stack.admin_dsn) | login | {"dbname": database})


def exists(admin: psycopg.Connection) -> bool:
    return admin.execute("SELECT FROM pg_database WHERE datname = %s", (NAME,)).fetchone() is not None


def wait_for_a_plain_drop(admin: psycopg.Connection) -> None:
    """Until the server waits for the sessions of the database to end by themselves."""
    plain = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(NAME)).as_string(admin)
    deadline = time.monotonic() + SECONDS
    while not admin.execute("SELECT FROM pg_stat_activity WHERE state = 'active' AND query = %s", (plain,)).fetchall():
        assert time.monotonic() < deadline, "nobody drops the database"
        time.sleep(0.01)


def test_a_superusers_session_that_ends_soon_is_waited_for(stack: StackAddresses, admin: psycopg.Connection) -> None:
    """As autovacuum's, which nobody can order for a test: an owner may not end it."""
    guest = psycopg.connect(address(stack, database=NAME, owner=False))
    owner_dsn = address(stack, database="postgres", owner=True)
    dropping = threading.Thread(target=database_drop, kwargs={"admin_dsn": owner_dsn, "name": NAME})
    dropping.start()
    wait_for_a_plain_drop(admin)
    guest.close()
    dropping.join(SECONDS)
    assert not dropping.is_alive()
    assert not exists(admin)


def test_the_owners_own_sessions_are_ended(stack: StackAddresses, admin: psycopg.Connection) -> None:
    with psycopg.connect(address(stack, database=NAME, owner=True)):
        database_drop(admin_dsn=address(stack, database="postgres", owner=True), name=NAME)
        assert not exists(admin)


def test_the_demo_data_is_vacuumed_before_anybody_counts_it(stack: StackAddresses) -> None:
    vacuumed = "SELECT relname FROM pg_stat_user_tables WHERE vacuum_count > 0 AND analyze_count > 0"
    with psycopg.connect(stack.owner_dsn) as connection:
        assert {("users",), ("posts",)} <= {*connection.execute(vacuumed).fetchall()}
