"""The state of a rollout on disk: history, applied routes files, the journal of an apply under way, the lock."""

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from strangler.errors import FailedError, UnsafeError
from strangler.rollout.atomic_write import remove_durably, write_durably
from strangler.rollout.history import ApplyOutcome, History, HistoryEntry, not_readable, operator, utc_now

LOCK_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05
_DIGEST_LENGTH: Final = 16


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


_JOURNAL: Final = TypeAdapter(Journal)
_Journal = TypeVar("_Journal")


def journal_load(file: Path, kind: TypeAdapter[_Journal], *, of: str, hint: str) -> _Journal | None:
    """The journal in `file`; None if there is none. `of` is what errors call what it is of.

    :raises FailedError: it isn't readable, or is none.
    """
    try:
        return kind.validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise not_readable(file, error) from error
    except ValidationError as error:
        raise FailedError(f"{file} is no journal of {of}", hint) from error


def routes_digest(content: bytes) -> str:
    """The digest that identifies the bytes of a routes file."""
    return hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH]


class RolloutFolder:
    """The state folder of one gateway's rollout (`.run/rollout`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.history = History(path / "history.jsonl")
        self._states = path / "states"
        self._journal = path / "journal.json"

    def keep(self, content: bytes) -> str:
        """Keep the bytes of a routes file; returns the digest that `state` takes."""
        digest = routes_digest(content)
        file = self._states / f"{digest}.toml"
        if not file.exists():
            self._states.mkdir(parents=True, exist_ok=True)
            write_durably(file, content)
        return digest

    def state(self, digest: str) -> bytes:
        """The bytes of a routes file that was kept.

        :raises FailedError: they were removed or changed.
        """
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
        """Write the journal of an apply, before anything is touched."""
        write_durably(self._journal, _JOURNAL.dump_json(journal, indent=2))

    def journal_read(self) -> Journal | None:
        """The apply under way, or interrupted; None if the last one ended.

        :raises FailedError: the journal isn't readable, or is none.
        """
        hint = "see with strangler plan what runs, then remove it"
        return journal_load(self._journal, _JOURNAL, of="an apply", hint=hint)

    def journal_close(self) -> None:
        """The apply has ended."""
        remove_durably(self._journal)

    def interrupted(self) -> Journal | None:
        """The apply that was killed before its end and not recovered from yet; None also while one is under way.

        Only reads: the next command that applies restores what ran before.

        :raises FailedError: the folder isn't readable.
        """
        journal = self.journal_read()
        # Read again: an apply that has ended between the two looks was not interrupted.
        if journal is None or self._is_locked() or self.journal_read() != journal:
            return None
        return None if any(entry.number == journal.entry.number for entry in self.history.entries()) else journal

    def _is_locked(self) -> bool:
        """Whether an apply is under way; the shared lock is released at once and delays it by one poll at most."""
        try:
            with (self.path / "lock").open(encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def set_aside(self, content: bytes) -> Path:
        """Save edits of the routes file that were never applied; returns the file."""
        file = self.path / "set-aside" / f"{utc_now():%Y%m%dT%H%M%SZ}-{self.keep(content)}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_durably(file, content)
        return file

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the folder; waits `LOCK_SECONDS` for another apply.

        :raises UnsafeError: the other isn't done by then.
        :raises FailedError: the folder isn't writable.
        """
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
                        holder = lock.read().strip() or "another operator"
                        raise UnsafeError(f"{holder} is applying", "wait until it is done, and try again") from None
                    time.sleep(_POLL_SECONDS)
            lock.truncate(0)
            lock.write(f"{operator()} (since {utc_now():%H:%M:%S} UTC)")
            lock.flush()
            yield
