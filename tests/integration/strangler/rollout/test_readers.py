"""The commands that show something change nothing: not after a crash, not beside an apply, not without permission."""

import importlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from strangler.cli import command_line
from strangler.local.state import ProcessRecord, StackState, StateFolder
from strangler.rollout import state_dir
from strangler.rollout.apply import rollout_recover
from strangler.rollout.history import ApplyOutcome
from strangler.settings import LocalSettings, settings_load
from tests.checkouts import command_run
from tests.parameters import rest_long
from tests.rollouts import STEPS, Moves, moves

READERS = ("plan", "routes", "history", "status", "check")
CANARY = {"stage": "canary", "percent": 10}
NOBODY = 65534

Snapshot = dict[Path, tuple[int, int, bytes]]


@pytest.fixture
def moving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Moves]:
    """Moves whose state is `.run/rollout` of the checkout that the commands look at; other users may read it."""
    for name in LocalSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    with tempfile.TemporaryDirectory(prefix="strangler readers ") as folder:
        Path(folder).chmod(0o755)
        run = Path(folder, ".run")
        run.mkdir()
        with moves(run) as made:
            made.nginx.folder.parent.chmod(0o755)
            state = StackState(supervisor=ProcessRecord.of_this_process())
            state.services["nginx"] = ProcessRecord.of_this_process()
            StateFolder(run).write(state)
            for module in ("check", "moves"):
                command = importlib.import_module(f"strangler.cli.{module}")
                monkeypatch.setattr(command, "rollout_open", lambda _settings: made.rollout)
            status = importlib.import_module("strangler.cli.status")
            loaded = settings_load()
            files = loaded.project.files.model_copy(update={"state": run})
            project = loaded.project.model_copy(update={"files": files})
            settings = loaded.model_copy(update={"project": project})
            monkeypatch.setattr(status, "settings_load", lambda: settings)
            yield made


def snapshot(moving: Moves) -> Snapshot:
    """Every file and folder of the state, and of nginx's configuration."""
    roots = (moving.file.parent, moving.nginx.folder / "versions", moving.nginx.current)
    paths = [path for root in roots for path in (root, *root.rglob("*"))]
    return {
        path: (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in paths
    }


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """The folder belongs to another user than the one who calls."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
        try:
            with pytest.raises(PermissionError):
                (folder / "mine").touch()
            yield
        finally:
            os.seteuid(0)
        return
    modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    for path, mode in modes.items():
        path.chmod(mode & 0o555)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def test_a_reader_changes_nothing(moving: Moves) -> None:
    moving.apply(moving.edited(posts__list=CANARY))
    moving.file.write_bytes(moving.edited(tags__list=CANARY))
    before = snapshot(moving)
    for name in READERS:
        assert "was interrupted" not in command_run(name).output
        command_run(name, "--json")
        assert snapshot(moving) == before, name


@pytest.mark.parametrize("step", rest_long(STEPS))
def test_a_reader_leaves_a_crash_to_the_commands_that_apply(moving: Moves, step: str) -> None:
    moving.kill_after(step)
    before = snapshot(moving)
    due = step != "append"  # Then only the end of the journal is missing.
    for name in READERS:
        said, document = command_run(name), json.loads(command_run(name, "--json").stdout)
        assert snapshot(moving) == before, name
        notice = said.stdout if name == "check" else said.stderr
        assert ("'move to legacy' by " in notice and "strangler apply restores what ran before" in notice) == due
        if name != "check":
            rows = document if isinstance(document, list) else [document]
            assert {row["recovery_due"] for row in rows} == {due}, name


def test_a_reader_needs_no_permission_to_write(moving: Moves) -> None:
    moving.kill_after("activate")
    before = snapshot(moving)
    with unwritable(moving.rollout.folder.path):
        for name in READERS:
            assert "was interrupted" in command_run(name).output, name
    assert snapshot(moving) == before


def test_a_reader_does_not_wait_for_an_apply(moving: Moves, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_dir, "LOCK_SECONDS", 0)
    moving.kill_after("activate")
    with moving.rollout.folder.locked():
        before = snapshot(moving)
        for name in READERS:
            assert "was interrupted" not in command_run(name).output, name
        assert snapshot(moving) == before
    for name in READERS:
        assert "was interrupted" in command_run(name).output, name


def test_a_reader_makes_no_folder(moving: Moves, tmp_path: Path) -> None:
    rollout = moving.rollout.folder.path
    rollout.rename(tmp_path / "rollout")
    for name in READERS:
        command_run(name)
    assert not rollout.exists()


def test_an_interrupted_apply_is_in_the_history_before_it_is_recorded(moving: Moves) -> None:
    moving.kill_after("activate")
    shown: list[dict[str, Any]] = json.loads(command_run("history", "--json").stdout)
    assert [(entry["number"], entry["outcome"]) for entry in shown] == [(0, "applied"), (1, "interrupted")]
    assert len(moving.rollout.entries()) == 1
    rollout_recover(moving.rollout)
    recorded = moving.rollout.entries()[-1]
    assert recorded.outcome is ApplyOutcome.INTERRUPTED
    assert shown[-1] == json.loads(json.dumps(recorded.as_json())) | {"recovery_due": True}


def test_a_start_that_nobody_recorded_is_shown_and_recorded_by_the_first_apply(moving: Moves) -> None:
    history = moving.rollout.folder.path / "history.jsonl"
    history.unlink()
    (shown,) = json.loads(command_run("history", "--json").stdout)
    assert (shown["number"], shown["command"], shown["time"]) == (0, "start", "")
    assert {row["since"] for row in json.loads(command_run("routes", "--json").stdout)} == {None}
    assert command_run("plan").stdout == "nothing to do\n"
    assert not history.exists()
    moving.apply(moving.edited(posts__list=CANARY))
    recorded = moving.rollout.folder.history.entries()
    assert [(entry.number, entry.command) for entry in recorded] == [(0, "start"), (1, "a test")]
    assert recorded[0].time


def test_a_plan_names_no_apply_while_a_recovery_is_due(moving: Moves) -> None:
    moving.kill_after("activate")
    shown = command_run("plan")
    assert "parallel → legacy" in shown.stdout
    assert "strangler apply --plan" not in shown.stdout
    rollout_recover(moving.rollout)
    assert command_run("plan").stdout == "nothing to do\n"


def test_a_rollback_after_a_crash_is_the_recovery_and_no_step_more(moving: Moves) -> None:
    moving.apply(moving.edited(tags__list=CANARY))
    before = moving.seen()
    moving.kill_after("activate")
    said = CliRunner().invoke(command_line(["rollback"]), ["rollback", "--yes"])
    assert "what ran before the interrupted change runs again" in said.stdout
    assert moving.seen() == before
    assert CliRunner().invoke(command_line(["rollback"]), ["rollback", "--yes"]).exit_code == 0
    assert moving.rollout.entries()[-1].returns_to == 0
