"""A ramp in the background that can't go on says why, and one that doesn't end holds nothing up."""

import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest

from strangler.cli import ramp_background
from strangler.cli.ramp_background import RampKeeper
from strangler.project import Project
from strangler.ramp.state import Phase
from tests.example import example_settings

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RampKeeper:
    """Of a ramp at a step that nobody watches, looked at without a pause."""
    state = SimpleNamespace(plan=SimpleNamespace(kept=True), phase=Phase.WATCHING)
    monkeypatch.setattr(
        ramp_background, "ramps_open", lambda _settings: SimpleNamespace(read=lambda: state, runs=False)
    )
    monkeypatch.setattr(ramp_background, "_log", lambda _settings: tmp_path / "background.log")
    monkeypatch.setattr(ramp_background, "_KEEP_SECONDS", 0.0)
    return RampKeeper(example_settings())


def test_why_it_does_not_go_on_is_logged_once(
    keeper: RampKeeper, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reasons = iter(["the log is gone", "the log is gone", "nginx refuses", "", ""])

    def begun(_project: Project, words: list[str], *, said: IO[bytes]) -> Any:
        assert words == ["ramp", "resume", "--kept"]
        reason = next(reasons)
        said.write(f"watching\nstrangler: {reason}\n".encode())
        code = 4 if reason else 0
        return SimpleNamespace(poll=lambda: code, returncode=code)

    monkeypatch.setattr(ramp_background, "command_begin", begun)
    caplog.set_level(logging.WARNING, "strangler")
    for _ in range(5):
        keeper.step()
    messages = [each.getMessage() for each in caplog.records]
    assert [message.partition("(")[2].partition(")")[0] for message in messages] == ["the log is gone", "nginx refuses"]


def test_a_process_that_does_not_end_when_asked_is_killed(keeper: RampKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ramp_background, "_END_SECONDS", 0.1)
    with subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE) as process:  # noqa: S603 - this Python
        try:
            assert process.stdout is not None
            process.stdout.readline()
            with keeper:
                keeper._process = process
            assert process.returncode == -9
        finally:
            process.kill()
