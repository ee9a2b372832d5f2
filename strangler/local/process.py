"""One child process in its own group: started with a log file, ended without leaving anything behind."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final, Self

import psutil

from strangler.errors import FailedError
from strangler.local.account import UnixAccount
from strangler.local.ending import signal_on_parent_death

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program of the stack; `stop_seconds` is how long it may take to end after its `stop_signal`."""

    name: str
    argv: tuple[str, ...]
    env: dict[str, str] = field(repr=False)
    cwd: Path
    stop_seconds: float = 15.0
    stop_signal: signal.Signals = signal.SIGTERM


class Child:
    """A started process, the leader of its own process group.

    Its output goes directly into a file opened for appending, so a killed supervisor doesn't break its writes, and no
    thread is needed here that would make the fork hook unsafe.
    """

    def __init__(self, *, name: str, process: "subprocess.Popen[bytes]", stop_signal: signal.Signals) -> None:
        self.name = name
        self.process = process
        self.stop_signal = stop_signal
        self.create_time = psutil.Process(process.pid).create_time()

    @property
    def pid(self) -> int:
        """The process id, which is the id of its group too."""
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.process.poll()

    @property
    def group_runs(self) -> bool:
        """Whether a process of its group runs; after its end that is one that it has left behind."""
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def stop(self, *, timeout: float) -> None:
        """Signal it to end, wait `timeout` seconds, then kill the rest of its group."""
        if self.exit_code is None:
            self.process.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()


def child_start(
    *,
    name: str,
    argv: Sequence[str | Path],
    env: Mapping[str, str],
    cwd: Path,
    log_path: Path,
    stop_signal: signal.Signals = signal.SIGTERM,
    account: UnixAccount | None = None,
) -> Child:
    """Start `argv` with exactly `env`, as `account` if one is given, its output appended to `log_path`.

    :raises FailedError: the program can't be executed, or its log can't be opened.
    """
    try:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        opened = log_path.open("ab")
    except OSError as error:
        message = f"{name} can't be started: {log_path} isn't writable ({error.strerror})"
        raise FailedError(message, "free some of its disk, or give it to the user who starts") from error
    with opened as log:
        try:
            process = subprocess.Popen(  # noqa: S603 - the programs of this stack, never a shell
                [str(part) for part in argv],
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=signal_on_parent_death(stop_signal),
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        except OSError as error:
            message = f"{name} can't be started: {argv[0]} ({error.strerror})"
            raise FailedError(message, "install it, or correct the command in the project file") from error
    return Child(name=name, process=process, stop_signal=stop_signal)


def processes_wait(processes: Sequence[psutil.Process], *, timeout: float) -> None:
    """Wait `timeout` seconds for processes to end, then kill the others; psutil never signals a reused id."""
    _ended, alive = psutil.wait_procs(processes, timeout=timeout)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=timeout)


class StopRequested(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal; not an error, and only the supervisor may catch it."""


class StopSignals:
    """Defers stop signals: inside the block they only set a flag, so that no fork goes unrecorded."""

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type] # what signal.signal gave is what it takes

    def check(self) -> None:
        """Raise StopRequested if a signal has come."""
        if self.requested:
            raise StopRequested

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
