"""A disk that is nearly full closes PostgreSQL to writes, and to nothing else; it opens by itself."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from strangler.local import disk_guard
from strangler.local.disk_guard import DiskGuard
from strangler.local.keeper import Keeper
from strangler.local.postgres import PostgresServer
from tests.servers import server_in


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    # Not in pytest's own folder, which PostgreSQL's account may not enter.
    with tempfile.TemporaryDirectory(prefix="strangler guard ") as folder, server_in(Path(folder), "data") as server:
        yield server


@pytest.fixture
def keeper(server: PostgresServer) -> Keeper:
    keeper = Keeper(server.program, spawn=lambda _program: server.spawn(), changed=lambda _keeper: None)
    keeper.child = server.child
    return keeper


def room(monkeypatch: pytest.MonkeyPatch, *, enough: bool) -> None:
    for name in ("CLOSED_BELOW", "OPEN_FROM"):
        monkeypatch.setattr(disk_guard, name, 0 if enough else 2**62)


def assert_refused(server: PostgresServer, refused: bool) -> None:
    """PostgreSQL takes a setting a moment later."""
    deadline = time.monotonic() + 10
    while _refused(server) is not refused:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _refused(server: PostgresServer) -> bool:
    """Whether writes are; reads have to be answered."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        try:
            connection.execute("CREATE TABLE IF NOT EXISTS written ()")
        except psycopg.errors.ReadOnlySqlTransaction:
            return True
        return False


def test_it_closes_and_opens_by_itself(server: PostgresServer, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = DiskGuard(server, keeper)
    room(monkeypatch, enough=True)
    assert not guard.step()
    assert_refused(server, False)
    room(monkeypatch, enough=False)
    assert guard.step()
    assert_refused(server, True)
    assert not guard.step()
    # PostgreSQL was killed meanwhile, and the supervisor was, too.
    assert server.child is not None
    server.child.process.kill()
    server.child.process.wait()
    keeper.child = server.spawn()
    server.wait_until_ready()
    guard = DiskGuard(server, keeper)
    assert guard.problem.startswith("PostgreSQL refuses writes, since the disk of ")
    assert not guard.step()
    assert_refused(server, True)
    room(monkeypatch, enough=True)
    assert guard.step()
    assert guard.problem == ""
    assert_refused(server, False)


def test_a_server_that_could_not_start_is_tried_at_once_when_there_is_room(
    server: PostgresServer, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = DiskGuard(server, keeper)
    room(monkeypatch, enough=False)
    assert guard.step()
    # It has ended early for the fifth time.
    for _ in range(4):
        keeper.replacement_begins()
    keeper.stop()
    keeper.restart_if_ended()
    assert keeper.child is None
    room(monkeypatch, enough=True)
    assert not guard.step()
    keeper.restart_if_ended()
    assert keeper.child is not None
    server.wait_until_ready()
    assert guard.step()
    assert_refused(server, False)


def test_what_a_person_has_set_stays(server: PostgresServer, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    _refuse_by_hand(server, "SET default_transaction_read_only = on")
    for enough in (True, False, True):
        guard = DiskGuard(server, keeper)
        room(monkeypatch, enough=enough)
        assert not guard.step()
        assert guard.problem == ""
        assert_refused(server, True)
    # Once the person takes them again, the disk alone decides.
    room(monkeypatch, enough=False)
    assert not guard.step()
    _refuse_by_hand(server, "RESET default_transaction_read_only")
    assert guard.step()
    assert_refused(server, True)


def _refuse_by_hand(server: PostgresServer, change: str) -> None:
    options = "-c default_transaction_read_only=off"
    with psycopg.connect(server.admin_dsn, autocommit=True, options=options) as connection:
        connection.execute(f"ALTER SYSTEM {change}".encode())
        connection.execute("SELECT pg_reload_conf()")
