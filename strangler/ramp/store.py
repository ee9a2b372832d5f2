"""Where a ramp's state is kept: what it has measured, its events, the lock, what others ask; the form of it on disk."""

import fcntl
import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from strangler.errors import FailedError, UnsafeError
from strangler.ramp.state import REQUEST, STATE, RampRequest, RampState
from strangler.rollout.atomic_write import append_durably, remove_durably, write_durably
from strangler.rollout.history import not_readable
from strangler.rollout.state_dir import journal_load, lock_is_held

_LOCK_TRIES: Final = 3
_LOCK_SECONDS: Final = 0.05
_EVENTS_READ: Final = 10_000_000
STATE_HINT: Final = "see with strangler routes what runs, then remove it"


class RampStore(ABC):
    """The ramps of one gateway: the one under way, or the last one; `most_routes` is how many one may have."""

    most_routes = sys.maxsize

    @abstractmethod
    def read(self) -> RampState | None:
        """The ramp under way, or the last one; None if there was none.

        :raises FailedError: it isn't readable, or is none.
        """

    @abstractmethod
    def write(self, state: RampState) -> None:
        """Replace the state as a whole.

        :raises FailedError: it can't be written.
        """

    @abstractmethod
    def note(self, event: Mapping[str, Any]) -> None:
        """Add a line to what happened."""

    @abstractmethod
    def events(self) -> list[dict[str, Any]]:
        """What happened, the oldest first.

        :raises FailedError: it isn't readable.
        """

    @abstractmethod
    def ask(self, request: RampRequest, *, moment: float) -> str:
        """Ask something of the ramp that runs; gives the name that `is_asked` takes.

        :raises FailedError: it can't be written.
        """

    @abstractmethod
    def asked(self) -> list[tuple[str, RampRequest]]:
        """What was asked, the oldest first, each with its name; what is no request is removed."""

    @abstractmethod
    def is_asked(self, name: str) -> bool:
        """Whether a request is still to be done."""

    @abstractmethod
    def done(self, name: str) -> None:
        """Forget a request that was done."""

    @property
    @abstractmethod
    def runs(self) -> bool:
        """Whether a process watches the ramp."""

    @abstractmethod
    def locked(self) -> AbstractContextManager[None]:
        """Be the only process that runs a ramp of this gateway.

        :raises UnsafeError: another one does.
        :raises FailedError: the lock can't be written.
        """

    @abstractmethod
    def require(self) -> None:
        """Refuse to go on where another process may run the ramp by now.

        :raises FailedError: the lock was lost.
        """


class RampFolder(RampStore):
    """The ramps as files of this machine (`.run/rollout/ramp`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state = path / "state.json"
        self._requests = path / "requests"
        self._events = path / "events.jsonl"

    def read(self) -> RampState | None:
        """See `RampStore`."""
        return journal_load(self._state, STATE, of="a ramp", hint=STATE_HINT)

    def write(self, state: RampState) -> None:
        """See `RampStore`."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_durably(self._state, STATE.dump_json(state))

    def note(self, event: Mapping[str, Any]) -> None:
        """See `RampStore`."""
        self.path.mkdir(parents=True, exist_ok=True)
        append_durably(self._events, json.dumps(event, ensure_ascii=False).encode())

    def events(self) -> list[dict[str, Any]]:
        """See `RampStore`."""
        try:
            with self._events.open("rb") as file:
                file.seek(max(0, self._events.stat().st_size - _EVENTS_READ))
                lines = file.read().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise not_readable(self._events, error) from error
        found = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                continue  # half a line, which a crash or the cut has left
        return found

    def ask(self, request: RampRequest, *, moment: float) -> str:
        """See `RampStore`."""
        file = self._requests / f"{moment:.6f}.json"
        try:
            self._requests.mkdir(parents=True, exist_ok=True)
            write_durably(file, json.dumps(asdict(request)).encode())
        except OSError as error:
            raise _not_writable(file, error) from error
        return file.name

    def asked(self) -> list[tuple[str, RampRequest]]:
        """See `RampStore`."""
        found = []
        for file in sorted(self._requests.glob("[0-9]*.json")):
            try:
                found.append((file.name, REQUEST.validate_json(file.read_bytes())))
            except ValueError:
                remove_durably(file)
        return found

    def is_asked(self, name: str) -> bool:
        """See `RampStore`."""
        return (self._requests / name).exists()

    def done(self, name: str) -> None:
        """See `RampStore`."""
        remove_durably(self._requests / name)

    @property
    def runs(self) -> bool:
        """See `RampStore`."""
        return lock_is_held(self.path / "lock")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """See `RampStore`."""
        with self._held("lock", busy=still_running("another process")):
            yield

    def require(self) -> None:
        """See `RampStore`: a file's lock lasts as long as its process."""

    @property
    def is_kept(self) -> bool:
        """Whether a process goes on with each ramp of --detach."""
        return lock_is_held(self.path / "keeper")

    @contextmanager
    def kept(self, *, hint: str) -> Iterator[None]:
        """Be the only process that goes on with ramps of --detach.

        :raises UnsafeError: another one does; `hint` says how to end it.
        :raises FailedError: the lock can't be written.
        """
        with self._held("keeper", busy=UnsafeError("another process goes on with ramps", hint)):
            yield

    @contextmanager
    def _held(self, name: str, *, busy: UnsafeError) -> Iterator[None]:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / name).open("a")
        except OSError as error:
            raise _not_writable(self.path, error) from error
        with lock:
            for left in reversed(range(_LOCK_TRIES)):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if not left:
                        raise busy from error
                    # Who asks whether somebody has it has it for a moment.
                    time.sleep(_LOCK_SECONDS)
            yield


def still_running(holder: str) -> UnsafeError:
    """The error for a lock that `holder` has."""
    return UnsafeError(f"{holder} runs a ramp", "see strangler status, or end it with strangler ramp abort")


def _not_writable(path: Path, error: OSError) -> FailedError:
    message = f"{error.filename or path} isn't writable ({error.strerror})"
    return FailedError(message, "run as the user who started the stack, such as by sudo -u")
