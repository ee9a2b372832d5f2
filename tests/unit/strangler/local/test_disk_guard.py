"""When PostgreSQL is told to refuse writes, by what a disk and the settings of the run before say."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from strangler.local.disk_guard import CLOSED_BELOW, OPEN_FROM, DiskGuard
from strangler.local.keeper import Keeper
from strangler.local.postgres import PostgresServer

Changes = list[bool]


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> Changes:
    """What PostgreSQL was told, in place of telling it."""
    found: Changes = []

    def told(_guard: DiskGuard, is_closed: bool) -> bool:
        found.append(is_closed)
        return True

    monkeypatch.setattr(DiskGuard, "_set", told)
    return found


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says how many bytes a disk has left, of `blocks` in all."""

    def has(space: int, *, blocks: int = 2**40) -> None:
        found = SimpleNamespace(f_bavail=space, f_frsize=1, f_blocks=blocks)
        monkeypatch.setattr(os, "statvfs", lambda _path: found)

    return has


def guard_of(folder: Path, settings: str | None = "", *, keeper: object = SimpleNamespace(child=object())) -> DiskGuard:
    """A guard whose server is running; `settings` is what ALTER SYSTEM has written so far."""
    if settings is not None:
        (folder / "postgresql.auto.conf").write_text(settings)
    server = SimpleNamespace(data_dir=folder)
    return DiskGuard(cast("PostgresServer", server), cast("Keeper", keeper))


def test_what_a_run_before_has_closed_is_opened(disk: Callable[..., None], changes: Changes, tmp_path: Path) -> None:
    disk(OPEN_FROM)
    guard = guard_of(tmp_path, "default_transaction_read_only = 'yes'\n")
    assert guard.problem
    assert guard.step()
    assert (changes, guard.problem) == ([False], "")


@pytest.mark.parametrize("settings", ["default_transaction_read_only = 'on'\n", None])
def test_what_a_person_has_closed_stays(
    settings: str | None, disk: Callable[..., None], changes: Changes, tmp_path: Path
) -> None:
    disk(OPEN_FROM)
    assert not guard_of(tmp_path, settings).step()
    assert changes == []


def test_a_file_system_that_gives_no_size_is_not_full(
    disk: Callable[..., None], changes: Changes, tmp_path: Path
) -> None:
    disk(0, blocks=0)
    assert not guard_of(tmp_path).step()
    assert changes == []


def test_a_disk_that_cannot_be_looked_at_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, changes: Changes, tmp_path: Path
) -> None:
    def stale(_path: Path) -> Any:
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(os, "statvfs", stale)
    assert not guard_of(tmp_path).step()
    assert changes == []


def test_a_server_that_ended_while_it_was_closed_is_opened_once_there_is_room(
    disk: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    disk(CLOSED_BELOW - 1)
    guard = guard_of(tmp_path)
    asked: Changes = []

    def ended(_guard: DiskGuard, is_closed: bool) -> bool | None:
        asked.append(is_closed)
        # The server has ended, and its setting was written before.
        return True if len(asked) > 1 else None

    monkeypatch.setattr(DiskGuard, "_set", ended)
    assert not guard.step()
    disk(CLOSED_BELOW)
    assert guard.step()
    assert not guard.step()
    assert asked == [True, False]


def test_a_server_that_does_not_start_for_another_reason_is_tried_at_once_only_once(
    disk: Callable[..., None], tmp_path: Path
) -> None:
    asked: list[str] = []
    ended = SimpleNamespace(child=None, ask_restart=lambda: asked.append("restart"))
    guard = guard_of(tmp_path, "default_transaction_read_only = 'yes'\n", keeper=ended)
    for space in (0, OPEN_FROM, OPEN_FROM):
        disk(space)
        assert not guard.step()
    assert asked == ["restart"]
