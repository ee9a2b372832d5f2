"""Commands of this tool in processes of their own: a ramp begun in the background, one that its process has left."""

import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from strangler.deployment.open import ramps_open
from strangler.errors import FailedError
from strangler.project import VARIABLE, Project
from strangler.ramp.state import Phase, RampState
from strangler.ramp.store import RampStore
from strangler.settings import LocalSettings

_POLL_SECONDS: Final = 0.1
_KEEP_SECONDS: Final = 5.0
_END_SECONDS: Final = 10.0
# What a ramp's own process is told by: nobody types it.
KEPT: Final = "--kept"
_LOG = logging.getLogger(__name__)


def command_begin(project: Project, words: Sequence[str], *, said: IO[bytes]) -> "subprocess.Popen[bytes]":
    """A command of this tool, which goes on when this process ends; `said` is the file of what it prints."""
    return subprocess.Popen(  # noqa: S603 - this tool
        [sys.executable, "-m", "strangler.cli", *words],
        cwd=project.root,
        env={**os.environ, VARIABLE: str(project.file)},
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def command_text(settings: LocalSettings, words: Sequence[str]) -> str:
    """What a command that changes nothing prints.

    :raises FailedError: it failed, with its last words.
    """
    with tempfile.TemporaryFile() as said:
        process = command_begin(settings.project, words, said=said)
        process.wait()
        said.seek(0)
        text = said.read().decode(errors="replace")
    _require_success(process, text)
    return text


def ramp_background(settings: LocalSettings, words: Sequence[str]) -> None:
    """Have a ramp begin, go on, pause or end; one that is watched, or waits for its time, is left to itself.

    :raises FailedError: it failed, with its last words.
    """
    ramps = ramps_open(settings)
    before, was_watched = ramps.read(), ramps.runs
    log = _log(settings)
    with log.open("wb") as said:
        process = command_begin(settings.project, words, said=said)
    while process.poll() is None:
        state = ramps.read()
        is_new = state is not None and (before is None or state.began != before.began)
        goes_on = "resume" in words and not was_watched and ramps.runs
        if state is not None and (is_new or goes_on) and goes_by_itself(state):
            # Reaps it once it has ended; whatever it does is in strangler ramp log.
            threading.Thread(target=process.wait, daemon=True).start()
            return
        time.sleep(_POLL_SECONDS)
    _require_success(process, log.read_text(errors="replace"))


class RampKeeper:
    """Goes on with a ramp of `--detach` whose process has ended before it: by a kill, or a reboot."""

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        self._ramps = ramps_open(settings)
        self._process: subprocess.Popen[bytes] | None = None
        self._next = 0.0
        self._reported = ""

    def __enter__(self) -> "RampKeeper":
        return self

    def __exit__(self, *_error: object) -> None:
        """End the process; the ramp keeps its step, and the next stack goes on with it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def step(self) -> None:
        """Look whether there is such a ramp, a few seconds after the last look."""
        now = time.monotonic()
        if now < self._next or (self._process is not None and self._process.poll() is None):
            return
        self._next = now + _KEEP_SECONDS
        if is_left_alone(self._ramps):
            self._failure_report()
            with _log(self._settings).open("wb") as said:
                self._process = command_begin(self._settings.project, ["ramp", "resume", KEPT], said=said)

    def _failure_report(self) -> None:
        """Log why the process before could not go on with it, once for each reason."""
        # One that was killed had nothing to say.
        if self._process is None or (self._process.returncode or 0) <= 0:
            return
        words = _last_words(_log(self._settings).read_text(errors="replace"))
        if words != self._reported:
            self._reported = words
            _LOG.warning("the ramp in the background doesn't go on (%s): it is tried again each few seconds", words)


def is_left_alone(ramps: RampStore) -> bool:
    """Whether a ramp of --detach is under way that nobody watches."""
    try:
        state = ramps.read()
    except FailedError:
        return False  # strangler status says what is wrong with it
    return state is not None and state.plan.kept and not state.phase.is_end and not ramps.runs


def goes_by_itself(state: RampState) -> bool:
    """Whether whoever began it can leave it: it is watched, or waits for its time."""
    return state.phase is Phase.WATCHING or (state.phase is Phase.WAITING and state.plan.at is not None)


def _log(settings: LocalSettings) -> Path:
    """The file of what the process of a ramp prints."""
    log = settings.state_dir / "rollout" / "ramp" / "background.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    return log


def _require_success(process: "subprocess.Popen[bytes]", text: str) -> None:
    if process.returncode:
        raise FailedError(_last_words(text))


def _last_words(text: str) -> str:
    return (text.strip().splitlines() or ["no output"])[-1].removeprefix("strangler: ")
