"""The state of a ramp: what it wants, where it is, what was measured, and what others ask of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from strangler.metrics.follower import LogPosition
from strangler.ramp.gates import CanaryLimits


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
        kept: whether `strangler up` goes on with it where its process has ended before it.
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
    kept: bool = False

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


STATE: Final = TypeAdapter(RampState)
REQUEST: Final = TypeAdapter(RampRequest)
