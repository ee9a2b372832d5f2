"""The state file of a running stack (`stack.json`), and the lock that only one supervisor holds."""

import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Self

import psutil
from pydantic import TypeAdapter, ValidationError

from strangler.errors import UsageError
from strangler.local.process import processes_wait
from strangler.local.services import PostgresProbe, Probe

_STOP_SECONDS: Final = 15.0


@dataclass(frozen=True, kw_only=True)
class ProcessRecord:
    """A process; its creation time (seconds since 1970) distinguishes it from a later one with the same id.

    Attributes:
        address: where it listens, for display.
        probe: whether it is ready; None where there is no way to ask.
        restarts: how often it was started again.
        last_end: how and when it ended last; empty if it never did.
    """

    pid: int
    create_time: float
    address: str = ""
    probe: Probe | PostgresProbe | None = None
    restarts: int = 0
    last_end: str = ""

    @classmethod
    def of_this_process(cls) -> Self:
        """The record of the calling process."""
        return cls(pid=os.getpid(), create_time=psutil.Process().create_time())

    def find(self) -> psutil.Process | None:
        """The process if it still runs; None if it ended, even if its id was given to another."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.create_time) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if same else None

    def group(self) -> list[psutil.Process]:
        """The process and all below it; where it has ended, those of its group and session that it has left behind."""
        try:
            if (leader := self.find()) is not None:
                return [leader, *leader.children(recursive=True)]
        except psutil.NoSuchProcess:
            pass
        # Linux gives the id of a group or a session to no process while one of it is left.
        if psutil.pid_exists(self.pid) or self.create_time < psutil.boot_time():
            return []
        return [each for each in psutil.process_iter() if _is_of(each, self.pid)]


def _is_of(process: psutil.Process, leader: int) -> bool:
    try:
        return os.getpgid(process.pid) == os.getsid(process.pid) == leader
    except (ProcessLookupError, PermissionError):
        return False


@dataclass(kw_only=True)
class StackState:
    """The state of the stack, for `status`, `logs`, `down` and a later `up`.

    `without_django`: FastAPI runs alone; `gateway_alone`: nginx and the shadow worker do, before services that run
    elsewhere. `elsewhere` are services and the addresses that nginx sends their requests to while they are deployed.
    `database_problem` is why the embedded PostgreSQL refuses writes, empty while it does not.
    """

    supervisor: ProcessRecord
    phase: Literal["starting", "ready", "stopping"] = "starting"
    services: dict[str, ProcessRecord] = field(default_factory=dict)
    without_django: bool = False
    gateway_alone: bool = False
    elsewhere: dict[str, str] = field(default_factory=dict)
    database_problem: str = ""


_STATE: Final = TypeAdapter(StackState)


def not_writable(folder: Path, error: OSError) -> UsageError:
    """The error for a folder that this user can't use; names the file within it."""
    message = f"{error.filename or folder} isn't writable ({error.strerror})"
    return UsageError(message, f"give {folder} to the user who starts, or free some of its disk")


class StateFolder:
    """The folder of one stack (`.run`): its lock, its state file, its logs."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "logs"
        self._file = self.path / "stack.json"
        self._lock = self.path / "stack.lock"

    def read(self) -> StackState | None:
        """The state that the last stack wrote; None if it ended cleanly."""
        try:
            return _STATE.validate_json(self._file.read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValidationError):
            return None

    def running(self) -> StackState | None:
        """The state of the stack that runs; None if none does."""
        state = self.read()
        return state if state is not None and state.supervisor.find() is not None else None

    @property
    def runs_without_django(self) -> bool:
        """Whether a stack runs, and was started without Django."""
        state = self.running()
        return state is not None and state.without_django

    def write(self, state: StackState) -> None:
        """Replace the state file atomically."""
        draft = self._file.with_suffix(".new")
        draft.write_bytes(_STATE.dump_json(state, indent=2))
        draft.replace(self._file)

    def forget(self) -> None:
        """Remove the state file, once nothing of the stack runs."""
        self._file.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the folder's only supervisor.

        :raises UsageError: another one runs, or the folder isn't writable.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
            lock = self._lock.open("a")
        except OSError as error:
            raise not_writable(self.path, error) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                state = self.read()
                pid = f" (pid {state.supervisor.pid})" if state else ""
                hint = "end it with strangler down, or see strangler status"
                raise UsageError(f"the stack already runs{pid}", hint) from error
            yield


def stale_end(folder: StateFolder) -> list[str]:
    """End the services of the state file that still run; returns their names.

    The caller holds the folder's lock, so no supervisor runs.
    """
    state = folder.read()
    if state is None:
        return []
    running = {name: group for name, record in state.services.items() if (group := record.group())}
    # In reverse order of their start: nginx first, PostgreSQL last.
    for name in reversed(running):
        stop_signal = signal.SIGINT if name == "postgres" else signal.SIGTERM
        _group_end(running[name], leader=state.services[name].pid, stop_signal=stop_signal)
    folder.forget()
    return list(running)


def _group_end(members: list[psutil.Process], *, leader: int, stop_signal: signal.Signals) -> None:
    """Have the leader end, and with it the others; without one, have each of them end."""
    for each in [member for member in members if member.pid == leader] or members:
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            each.send_signal(stop_signal)
    processes_wait(members, timeout=_STOP_SECONDS)
