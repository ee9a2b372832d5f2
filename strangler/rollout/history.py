"""The history of applies: when, by whom, why, from which state to which."""

import datetime as dt
import getpass
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NotRequired, Protocol

from pydantic import TypeAdapter, ValidationError

# pydantic reads no other before Python 3.12.
from typing_extensions import TypedDict

from strangler.errors import FailedError
from strangler.rollout.atomic_write import append_durably


class ApplyOutcome(StrEnum):
    """How an apply ended."""

    APPLIED = "applied"
    # Something failed, and what ran before was restored at once.
    FAILED = "failed"
    # It was interrupted, such as by a kill; the next command that applies restores what ran before.
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, kw_only=True)
class Point:
    """A state of the gateway: nginx's version, and the digest of the routes file that it came from."""

    version: str
    routes: str


class RecordedStage(TypedDict):
    """Where a route stood; `percent` of the callers are FastAPI's at stage canary."""

    stage: str
    percent: float | None


class RecordedChange(TypedDict):
    """A route before and after an apply; None where the file doesn't name it. `fields` are its other changes."""

    route: str
    before: RecordedStage | None
    after: RecordedStage | None
    fields: NotRequired[Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One apply. `time` is its start in UTC, `seconds` how long it took; a start not recorded yet has no time.

    `returns_to` is the number of the entry whose state a rollback has brought back. `changes` are the routes that
    changed, `notes` changes of no route, `forced` the reasons for which it would have been refused, `evidence` what was
    known of the moved routes.
    """

    number: int
    time: str
    who: str
    command: str
    reason: str = ""
    outcome: ApplyOutcome = ApplyOutcome.APPLIED
    error: str = ""
    returns_to: int | None = None
    notes: Sequence[str] = ()
    before: Point | None
    after: Point
    changes: Sequence[RecordedChange] = ()
    forced: Sequence[str] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The entry as JSON has it."""
        return asdict(self)

    def as_line(self) -> str:
        """One line of the history."""
        return json.dumps(self.as_json(), ensure_ascii=False)


_ENTRY: Final = TypeAdapter(HistoryEntry)


class History(Protocol):
    """The entries of one gateway, which are only ever added to."""

    def entries(self) -> tuple[HistoryEntry, ...]:
        """All entries, the oldest first.

        :raises FailedError: they can't be read, or hold what no apply has written.
        """

    def append(self, entry: HistoryEntry) -> None:
        """Add an entry; it is kept when this returns.

        :raises FailedError: it can't be.
        """


class HistoryFile:
    """The history as a file of JSON lines."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def entries(self) -> tuple[HistoryEntry, ...]:
        """See `History`; half a line, which a crash has left, is no entry."""
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise not_readable(self._file, error) from error
        return entries_parse((f"{self._file}, line {number}", line) for number, line in enumerate(lines, 1))

    def append(self, entry: HistoryEntry) -> None:
        """See `History`; it is on the disk when this returns."""
        append_durably(self._file, entry.as_line().encode())


def entries_parse(lines: Iterable[tuple[str, str]]) -> tuple[HistoryEntry, ...]:
    """The entries of lines, each with the place that errors name; what is no JSON is no entry.

    :raises FailedError: a line holds what no apply has written.
    """
    entries: list[HistoryEntry] = []
    known: set[int] = set()
    for place, line in lines:
        try:
            entry = _ENTRY.validate_json(line)
        except ValidationError as error:
            if error.errors()[0]["type"] == "json_invalid":
                continue
            raise _wrong(place) from error
        if entry.number in known or not (entry.returns_to is None or entry.returns_to in known):
            raise _wrong(place)
        entries.append(entry)
        known.add(entry.number)
    return tuple(entries)


def _wrong(place: str) -> FailedError:
    return FailedError(f"{place} is nothing that an apply has written", "remove the line")


def applied(entries: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """The entries that changed something."""
    return tuple(entry for entry in entries if entry.outcome is ApplyOutcome.APPLIED)


def stands_at(entries: Sequence[HistoryEntry], entry: HistoryEntry) -> HistoryEntry:
    """The entry whose state `entry` left behind: its own, or the one that it returned to."""
    return entry if entry.returns_to is None else next(each for each in entries if each.number == entry.returns_to)


def step_back(entries: Sequence[HistoryEntry]) -> HistoryEntry | None:
    """The entry whose state a rollback brings back: the one before where the gateway stands; None at the beginning.

    A rollback that follows a rollback goes one more step back, not forth again.
    """
    changed = applied(entries)
    if not changed:
        return None
    place = changed.index(stands_at(changed, changed[-1]))
    return stands_at(changed, changed[place - 1]) if place else None


def not_readable(file: Path, error: OSError) -> FailedError:
    """The error for a file of the history that this user can't read."""
    return FailedError(f"{file} isn't readable ({error.strerror})", "run as the user who started the stack")


def operator() -> str:
    """The user who runs the command, behind sudo, and the name of this machine."""
    return f"{os.environ.get('SUDO_USER') or getpass.getuser()}@{platform.node()}"


def utc_now() -> dt.datetime:
    """Now, to the second."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)
