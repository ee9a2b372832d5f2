"""The state of a ramp on disk: what it wants, where it is, what was measured; the lock; what others ask of it."""

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from strangler.errors import FailedError, UnsafeError
from strangler.metrics.follower import LogPosition
from strangler.ramp.gates import CanaryLimits
from strangler.rollout.atomic_write import append_durably, remove_durably, write_durably
from strangler.rollout.history import not_readable
from strangler.rollout.state_dir import journal_load

_EVENTS_READ: Final = 10_000_000


class Phase(StrEnum):
    """What a ramp does; the last three are its ends."""

    # It begins later.
    WAITING = "waiting"
    # It is about to go to its step, or has just gone there.
    MOVING = "moving"
    WATCHING = "watching"
    # It is about to take its routes back, or has just done so.
    RETURNING = "returning"
    FINISHED = "finished"
    RETURNED = "returned"
    # Somebody else has moved its routes: they stay where they are.
    SUPERSEDED = "superseded"

    @property
    def is_end(self) -> bool:
        """Whether nothing more will happen."""
        return self in {Phase.FINISHED, Phase.RETURNED, Phase.SUPERSEDED}


@dataclass(frozen=True, kw_only=True)
class RouteState:
    """Where a route stands, as the keys of the routes file say it."""

    stage: str
    percent: float | None = None


@dataclass(frozen=True, kw_only=True)
class RampPlan:
    """What was asked for.

    Attributes:
        routes: their names.
        steps: percentages of callers, 100 for stage migrated.
        hold: seconds that each step is watched at least.
        between: the hours in which it may go on, as minutes of the local day; None for all.
        at: when it begins, in seconds since 1970; None for at once.
        approvals: the steps that a second person has to approve.
        limits: what each route may do worse than the others.
        before: where each route was.
        differences: what the shadow had found of each route before.
        who: the operator.
        command: what was typed.
        reason: why.
    """

    routes: Sequence[str]
    steps: Sequence[float]
    hold: float
    between: tuple[int, int] | None
    approvals: Sequence[float]
    limits: Mapping[str, CanaryLimits]
    before: Mapping[str, RouteState]
    differences: Mapping[str, int]
    who: str
    command: str
    reason: str = ""
    at: float | None = None

    def reason_of(self, what: str) -> str:
        """Why the history has one of its moves."""
        return f"ramp: {what}{f' ({self.reason})' if self.reason else ''}"


@dataclass(kw_only=True)
class RampState:
    """Where a ramp is. `since` is when it came to its step; times are seconds since 1970.

    `why` says why it doesn't go on, or has ended; `results` are the gates' last ones. `measured` holds a measurement of
    each route, read up to `position`; `baseline` what the others did at the step before.
    """

    plan: RampPlan
    phase: Phase
    step: int = 0
    began: float
    since: float
    paused: bool = False
    approved: dict[str, str] = field(default_factory=dict)
    why: str = ""
    results: list[dict[str, Any]] = field(default_factory=list)
    position: LogPosition = field(default_factory=LogPosition)
    measured: dict[str, dict[str, Any]] = field(default_factory=dict)
    baseline: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: float = 0.0

    @property
    def percent(self) -> float:
        """The share of callers at its step."""
        return self.plan.steps[self.step]

    @property
    def standing(self) -> str:
        """The share of callers that it is at, or that it waits for."""
        return f"{'for' if self.phase is Phase.WAITING else 'at'} {self.percent:g}%"

    @property
    def next_percent(self) -> float:
        """The share of callers at the step after it; at the last one all of them."""
        return self.plan.steps[min(self.step + 1, len(self.plan.steps) - 1)]

    @property
    def is_last(self) -> bool:
        """Whether there is no step after it."""
        return self.step + 1 == len(self.plan.steps)

    def document(self, *, percent: float) -> dict[str, Any]:
        """What hooks are given."""
        return {
            "routes": list(self.plan.routes),
            "percent": percent,
            "phase": str(self.phase),
            "why": self.why,
            "who": self.plan.who,
            "results": self.results,
        }


@dataclass(frozen=True, kw_only=True)
class RampRequest:
    """What somebody asks of the ramp that runs."""

    want: Literal["pause", "resume", "abort", "approve"]
    who: str
    reason: str = ""


_STATE: Final = TypeAdapter(RampState)
_REQUEST: Final = TypeAdapter(RampRequest)


class RampFolder:
    """The files of the ramps of one gateway (`.run/rollout/ramp`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state = path / "state.json"
        self._requests = path / "requests"
        self._events = path / "events.jsonl"

    def read(self) -> RampState | None:
        """The ramp under way, or the last one; None if there was none.

        :raises FailedError: the file isn't readable, or is none.
        """
        hint = "see with strangler routes what runs, then remove it"
        return journal_load(self._state, _STATE, of="a ramp", hint=hint)

    def write(self, state: RampState) -> None:
        """Replace the state as a whole."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_durably(self._state, _STATE.dump_json(state))

    def note(self, event: Mapping[str, Any]) -> None:
        """Add a line to what happened."""
        self.path.mkdir(parents=True, exist_ok=True)
        append_durably(self._events, json.dumps(event, ensure_ascii=False).encode())

    def events(self) -> list[dict[str, Any]]:
        """What happened, the oldest first.

        :raises FailedError: the file isn't readable.
        """
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

    def ask(self, request: RampRequest, *, moment: float) -> Path:
        """Ask something of the ramp that runs; gives the file, which is gone once it was done.

        :raises FailedError: the folder isn't writable.
        """
        file = self._requests / f"{moment:.6f}.json"
        try:
            self._requests.mkdir(parents=True, exist_ok=True)
            write_durably(file, json.dumps(asdict(request)).encode())
        except OSError as error:
            raise _not_writable(file, error) from error
        return file

    def asked(self) -> list[tuple[Path, RampRequest]]:
        """What was asked, the oldest first; what is no request is removed."""
        found = []
        for file in sorted(self._requests.glob("[0-9]*.json")):
            try:
                found.append((file, _REQUEST.validate_json(file.read_bytes())))
            except ValueError:
                remove_durably(file)
        return found

    def done(self, file: Path) -> None:
        """Forget a request that was done."""
        remove_durably(file)

    @property
    def runs(self) -> bool:
        """Whether a process watches the ramp."""
        try:
            with (self.path / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that runs a ramp of this gateway.

        :raises UnsafeError: another one does.
        :raises FailedError: the folder isn't writable.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / "lock").open("a")
        except OSError as error:
            raise _not_writable(self.path, error) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                hint = "see strangler status, or end it with strangler ramp abort"
                raise UnsafeError("another process runs a ramp", hint) from error
            yield


def _not_writable(path: Path, error: OSError) -> FailedError:
    message = f"{error.filename or path} isn't writable ({error.strerror})"
    return FailedError(message, "run as the user who started the stack, such as by sudo -u")
