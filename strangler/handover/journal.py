"""The state of a handover on disk: the journal of what is done, its history, the schema before and after it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Generic, Literal, Protocol, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from strangler.errors import FailedError, UsageError
from strangler.handover.steps import Action, Step
from strangler.rollout.atomic_write import append_durably, remove_durably, write_durably
from strangler.rollout.state_dir import RolloutFolder, journal_load


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A transaction that was about to be committed: whether it was, PostgreSQL tells by its number."""

    transaction: int
    done_after: int


@dataclass(frozen=True, kw_only=True)
class ActionJournal:
    """Actions under way, or finished.

    `done` is how many of the steps' actions are committed, apart from `pending`; `direction` is where it goes.
    """

    steps: tuple[Step, ...]
    done: int = 0
    pending: Pending | None = None
    direction: Literal["forward", "back"] = "forward"

    @property
    def actions(self) -> tuple[Action, ...]:
        """The transactions of all steps, in their order."""
        return tuple(action for step in self.steps for action in step.actions)

    @property
    def is_applied(self) -> bool:
        """Whether every action is committed, and none is to be undone."""
        return self.direction == "forward" and self.done == len(self.actions) and self.pending is None

    def at(self, done: int, *, pending: Pending | None = None) -> Self:
        """The same journal with so many actions committed."""
        return replace(self, done=done, pending=pending)

    def turned(self) -> Self:
        """The same journal on its way back."""
        return replace(self, direction="back")


@dataclass(frozen=True, kw_only=True)
class HandoverJournal(ActionJournal):
    """A handover under way, or finished.

    `database` identifies the server and the database; `skipped` are names of constraints that rows would break,
    `without` kinds of steps that were left out, `accepted` differences from Django's migrations that were forced.
    """

    database: str
    checksum: str
    without: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    who: str
    time: str
    command: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class HandoverEntry:
    """One line of the history. `outcome` is `applied`, `rolled back`, `failed` or `verified`."""

    time: str
    who: str
    command: str
    outcome: str
    checksum: str
    reason: str = ""
    error: str = ""
    steps: Sequence[str] = ()
    forced: Sequence[str] = ()
    seconds: float = 0.0


_JOURNAL: Final = TypeAdapter(HandoverJournal)
_ENTRY: Final = TypeAdapter(HandoverEntry)
_Kept = TypeVar("_Kept", bound="_OfDatabase")


class _OfDatabase(Protocol):
    """A journal of what is done on one database."""

    @property
    def database(self) -> str: ...


class JournalFolder(Generic[_Kept]):
    """A folder with the journal of what is done, and its history; `of` is what errors call it the journal of."""

    def __init__(self, path: Path, kind: TypeAdapter[_Kept], *, of: str) -> None:
        self.path = path
        self._kind = kind
        self._of = of
        self._journal = path / "journal.json"
        self._history = path / "history.jsonl"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the folder.

        :raises UnsafeError: another operator is at work.
        :raises FailedError: the folder isn't writable.
        """
        with RolloutFolder(self.path).locked():
            yield

    def read(self) -> _Kept | None:
        """The journal; None where nothing was begun.

        :raises FailedError: it isn't readable, or is none.
        """
        return journal_load(self._journal, self._kind, of=self._of, hint="restore it from a backup")

    def read_of(self, database: str) -> _Kept | None:
        """The journal, which has to be of this database; None where nothing was begun.

        :raises UsageError: it belongs to another database.
        :raises FailedError: as `read`.
        """
        journal = self.read()
        if journal is not None and journal.database != database:
            raise UsageError(
                f"{self.path} holds {self._of} of another database",
                "let DATABASE_URL lead to that one, or restore the state folder of this one",
            )
        return journal

    def write(self, journal: _Kept) -> None:
        """Replace the journal; it is on the disk when this returns."""
        write_durably(self._journal, self._kind.dump_json(journal, indent=2))

    def close(self) -> None:
        """Everything was undone: there is nothing to come back from."""
        remove_durably(self._journal)

    def record(self, entry: HandoverEntry) -> None:
        """Add a line to the history."""
        append_durably(self._history, _ENTRY.dump_json(entry))

    def entries(self) -> tuple[HandoverEntry, ...]:
        """The history, the oldest first; half a line, which a crash has left, is no entry."""
        entries = []
        lines = self._history.read_bytes().splitlines() if self._history.exists() else []
        for line in lines:
            try:
                entries.append(_ENTRY.validate_json(line))
            except ValidationError:
                continue
        return tuple(entries)


class HandoverFolder(JournalFolder[HandoverJournal]):
    """The state folder of the handover (`.run/handover`)."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _JOURNAL, of="a handover")

    def keep(self, name: Literal["before", "after"], schema: str) -> None:
        """Keep the schema as it was before or after the steps."""
        write_durably(self.path / f"{name}.sql", schema.encode())

    def kept(self, name: Literal["before", "after"]) -> str:
        """The schema that was kept.

        :raises FailedError: it is missing.
        """
        file = self.path / f"{name}.sql"
        try:
            return file.read_text(encoding="utf-8")
        except OSError as error:
            raise FailedError(f"{file} isn't readable ({error.strerror})", "restore it from a backup") from error
