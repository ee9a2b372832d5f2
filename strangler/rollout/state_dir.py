"""The state of a rollout, and its form on disk: history, applied routes files, journal of an apply, lock."""

import fcntl
import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from strangler.errors import FailedError, UnsafeError
from strangler.rollout.atomic_write import remove_durably, write_durably
from strangler.rollout.history import (
    ApplyOutcome,
    History,
    HistoryEntry,
    HistoryFile,
    not_readable,
    operator,
    utc_now,
)

LOCK_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05
_DIGEST_LENGTH: Final = 16
_HISTORY_FILE: Final = "history.jsonl"


@dataclass(frozen=True, kw_only=True)
class Journal:
    """An apply under way and what to restore if it fails, written before anything is touched.

    `entry` is what the history will say of it, `file_before` the digest of the routes file as it was.
    """

    entry: HistoryEntry
    file_before: str

    @property
    def interrupted(self) -> HistoryEntry:
        """The entry of the history once the apply was interrupted."""
        return replace(self.entry, outcome=ApplyOutcome.INTERRUPTED)

    @property
    def interruption(self) -> str:
        """That it was interrupted, as the beginning of a sentence."""
        return f"{self.entry.command!r} by {self.entry.who} was interrupted at {self.entry.time}"

    @property
    def notice(self) -> str:
        """That it was interrupted, and which command restores what ran before."""
        return f"{self.interruption}: strangler apply restores what ran before"


JOURNAL: Final = TypeAdapter(Journal)
JOURNAL_HINT: Final = "see with strangler plan what runs, then remove it"
_Journal = TypeVar("_Journal")


def journal_load(file: Path, kind: TypeAdapter[_Journal], *, of: str, hint: str) -> _Journal | None:
    """The journal in `file`; None if there is none. `of` is what errors call what it is of.

    :raises FailedError: it isn't readable, or is none.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise not_readable(file, error) from error
    return journal_parse(content, kind, place=str(file), of=of, hint=hint)


def journal_parse(content: bytes | str, kind: TypeAdapter[_Journal], *, place: str, of: str, hint: str) -> _Journal:
    """The journal that `content` is; `place` and `of` are what errors call it.

    :raises FailedError: it is none.
    """
    try:
        return kind.validate_json(content)
    except ValidationError as error:
        raise FailedError(f"{place} is no journal of {of}", hint) from error


class RolloutState(ABC):
    """The state of one gateway's rollout; `path` is the folder of this machine for what belongs to it alone."""

    path: Path
    history: History

    @abstractmethod
    def keep(self, content: bytes) -> str:
        """Keep the bytes of a routes file; returns the digest that `state` takes."""

    @abstractmethod
    def state(self, digest: str) -> bytes:
        """The bytes of a routes file that was kept.

        :raises FailedError: they were removed or changed.
        """

    @abstractmethod
    def journal_open(self, journal: Journal) -> None:
        """Write the journal of an apply, before anything is touched."""

    @abstractmethod
    def journal_read(self) -> Journal | None:
        """The apply under way, or interrupted; None if the last one ended.

        :raises FailedError: the journal isn't readable, or is none.
        """

    @abstractmethod
    def journal_close(self) -> None:
        """The apply has ended."""

    @abstractmethod
    def is_locked(self) -> bool:
        """Whether an apply is under way; does not hold one up."""

    @abstractmethod
    def mark(self) -> object:
        """What differs from before once somebody has applied; cheap to ask again and again.

        :raises FailedError: the state isn't readable.
        """

    @abstractmethod
    def locked(self) -> AbstractContextManager[None]:
        """Hold the lock of the rollout; waits `LOCK_SECONDS` for another apply.

        :raises UnsafeError: the other isn't done by then.
        :raises FailedError: the state can't be written.
        """

    def interrupted(self) -> Journal | None:
        """The apply that was killed before its end and not recovered from yet; None also while one is under way.

        Only reads: the next command that applies restores what ran before.

        :raises FailedError: the state isn't readable.
        """
        journal = self.journal_read()
        # Read again: an apply that has ended between the two looks was not interrupted.
        if journal is None or self.is_locked() or self.journal_read() != journal:
            return None
        return None if any(entry.number == journal.entry.number for entry in self.history.entries()) else journal

    def set_aside(self, content: bytes) -> Path:
        """Save edits of the routes file that were never applied; returns the file."""
        file = self.path / "set-aside" / f"{utc_now():%Y%m%dT%H%M%SZ}-{routes_digest(content)}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_durably(file, content)
        return file


def still_applying(holder: str) -> UnsafeError:
    """The error for a lock that `holder` has not given up in time."""
    return UnsafeError(f"{holder} is applying", "wait until it is done, and try again")


def holder_text() -> str:
    """What others are told of the operator who holds the lock."""
    return f"{operator()} (since {utc_now():%H:%M:%S} UTC)"


def lock_is_held(file: Path) -> bool:
    """Whether another process has the lock of a file.

    The shared lock is released at once, and delays who wants it meanwhile by one poll at most.
    """
    try:
        with file.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def routes_digest(content: bytes) -> str:
    """The digest that identifies the bytes of a routes file."""
    return hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH]


class RolloutFolder(RolloutState):
    """The state as a folder of this machine (`.run/rollout`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.history = HistoryFile(path / _HISTORY_FILE)
        self._states = path / "states"
        self._journal = path / "journal.json"

    def keep(self, content: bytes) -> str:
        """See `RolloutState`."""
        digest = routes_digest(content)
        file = self._states / f"{digest}.toml"
        if not file.exists():
            self._states.mkdir(parents=True, exist_ok=True)
            write_durably(file, content)
        return digest

    def state(self, digest: str) -> bytes:
        """See `RolloutState`."""
        try:
            content = (self._states / f"{digest}.toml").read_bytes()
        except OSError as error:
            message = f"the routes file {digest} is missing from {self._states}"
            raise FailedError(message, "restore it, or apply another file") from error
        if routes_digest(content) != digest:
            message = f"{digest}.toml in {self._states} isn't what was applied"
            raise FailedError(message, "restore it, or apply another file")
        return content

    def journal_open(self, journal: Journal) -> None:
        """See `RolloutState`."""
        write_durably(self._journal, JOURNAL.dump_json(journal, indent=2))

    def journal_read(self) -> Journal | None:
        """See `RolloutState`."""
        return journal_load(self._journal, JOURNAL, of="an apply", hint=JOURNAL_HINT)

    def journal_close(self) -> None:
        """See `RolloutState`."""
        remove_durably(self._journal)

    def is_locked(self) -> bool:
        """See `RolloutState`."""
        return lock_is_held(self.path / "lock")

    def mark(self) -> object:
        """See `RolloutState`: the history grows."""
        try:
            found = (self.path / _HISTORY_FILE).stat()
        except FileNotFoundError:
            return None
        return found.st_size, found.st_mtime_ns

    @contextmanager
    def locked(self) -> Iterator[None]:
        """See `RolloutState`."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / "lock").open("a+", encoding="utf-8")
        except OSError as error:
            message = f"{error.filename} isn't writable ({error.strerror})"
            raise FailedError(message, "run as the user who started the stack") from error
        deadline = time.monotonic() + LOCK_SECONDS
        with lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        lock.seek(0)
                        raise still_applying(lock.read().strip() or "another operator") from None
                    time.sleep(_POLL_SECONDS)
            lock.truncate(0)
            lock.write(holder_text())
            lock.flush()
            yield
