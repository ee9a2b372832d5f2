"""How a canary is judged: against the others of the same route in the same window."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from strangler.metrics.callers import CallerSample
from strangler.metrics.histogram import LatencyHistogram
from strangler.metrics.tally import StackTally
from strangler.ramp.statistics import evidence_above, evidence_of_another, upper_bound
from strangler.routes.route import Stack

# For a million requests, e · ⌈14 · ln 1e6⌉ · exp(-14): a false alarm in 2,000 steps, however often one looks.
_BREACH: Final = 14.0
# One in a thousand for what the others are known to do, one in 20 for what a step may hide (the rule of three).
_CONTROL: Final = 7.0
_PROMOTE: Final = 3.0
# Others that are hardly known are taken to fail no more often than this.
_UNKNOWN_RATE: Final = 0.05
_KNOWN: Final = 150
_SIGMAS: Final = 3
_HALF: Final = 0.5
_PARTS: Final = 3
_TENTHS: Final = 10
_PERCENT: Final = 100


class Verdict(StrEnum):
    """What the figures say so far."""

    PASS = "pass"  # noqa: S105 - no password
    INCONCLUSIVE = "inconclusive"
    BREACH = "breach"


@dataclass(frozen=True, kw_only=True)
class CanaryLimits:
    """How much worse than the others a canary may be.

    Attributes:
        errors: percentage points of requests that fail, more than the others'.
        p95: times the others' 95th percentile.
        p99: times the others' 99th percentile.
        slack: seconds by which either percentile may be higher, whatever the factor: nginx writes whole milliseconds.
        differences: answers that the shadow finds different.
    """

    errors: float = 0.1
    p95: float = 1.2
    p99: float = 1.5
    slack: float = 0.005
    differences: int = 0


@dataclass(kw_only=True)
class Window:
    """What both sides did in one window."""

    canary: StackTally = field(default_factory=StackTally)
    control: StackTally = field(default_factory=StackTally)

    @classmethod
    def of(cls, parts: "Iterable[Window]") -> "Window":
        """The sum of windows."""
        whole = cls()
        for part in parts:
            whole.canary.merge(part.canary)
            whole.control.merge(part.control)
        return whole


@dataclass(frozen=True, kw_only=True)
class Figures:
    """All that is known of one route at one step.

    `percent` of the callers are the canary's, and `next_percent` would be. `recent` is the last minute of `step`;
    `parts` is in how many tenths of the hold the canary was requested. `callers` is None where there are no others.
    """

    route: str
    percent: float
    next_percent: float
    step: Window
    recent: Window
    parts: int
    callers: CallerSample | None

    @property
    def is_alone(self) -> bool:
        """Whether there are no others at the same time: then a slow minute may be the database's."""
        return self.percent >= _PERCENT


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """What one gate says of one route, as a sentence with its figures."""

    route: str
    gate: str
    verdict: Verdict
    sentence: str

    def as_json(self) -> dict[str, Any]:
        """For logs and hooks."""
        return {"route": self.route, "gate": self.gate, "verdict": str(self.verdict), "sentence": self.sentence}


def worst(results: Iterable[GateResult]) -> Verdict:
    """The verdict of all together: a breach is one, and all have to pass."""
    found = {result.verdict for result in results}
    return next((each for each in (Verdict.BREACH, Verdict.INCONCLUSIVE) if each in found), Verdict.PASS)


def judge(figures: Figures, limits: CanaryLimits) -> tuple[GateResult, ...]:
    """What each gate says of a route."""
    found = [
        _traffic(figures),
        _errors(figures, limits),
        _latency(figures, limits, share=0.95, factor=limits.p95),
        _latency(figures, limits, share=0.99, factor=limits.p99),
        *_callers(figures),
    ]
    return tuple(
        GateResult(route=figures.route, gate=gate, verdict=verdict, sentence=text) for gate, verdict, text in found
    )


_Found = tuple[str, Verdict, str]


def _traffic(figures: Figures) -> _Found:
    canary, control = figures.step.canary.requests, figures.step.control.requests
    text = f"{canary:,} requests of the canary, {control:,} of the others"
    if not canary or not control:
        return "traffic", Verdict.INCONCLUSIVE, f"{text}: there is nothing to compare yet"
    if figures.parts < _PARTS:
        return "traffic", Verdict.INCONCLUSIVE, f"{text}: the canary's came in a burst"
    return "traffic", Verdict.PASS, text


def _errors(figures: Figures, limits: CanaryLimits) -> _Found:
    margin = limits.errors / _PERCENT
    canary, control = figures.step.canary, figures.step.control
    allowed = _known_rate(control) + margin
    text = f"5xx {_rate_text(canary)} against {_rate_text(control)}"
    if evidence_above(canary.errors, canary.requests, allowed) >= _BREACH:
        return "errors", Verdict.BREACH, f"{text}, more than {limits.errors:g} points above"
    late, others = figures.recent.canary, figures.recent.control
    late_allowed = max(allowed, _known_rate(others) + margin) if others.requests else allowed
    if evidence_above(late.errors, late.requests, late_allowed) >= _BREACH:
        text = f"5xx {_rate_text(late)} against {_rate_text(others)} in the last minute"
        return "errors", Verdict.BREACH, f"{text}, more than {limits.errors:g} points above"
    # What the next step may add to the errors of the whole route has to be excluded, not what this one adds.
    may = control.error_rate + margin * _PERCENT / figures.next_percent
    bound = upper_bound(canary.errors, canary.requests, evidence=_PROMOTE)
    if bound <= may:
        return "errors", Verdict.PASS, text
    return (
        "errors",
        Verdict.INCONCLUSIVE,
        f"{text}: it may be {bound:.2%}, and {figures.next_percent:g}% wants {may:.2%}",
    )


def _latency(figures: Figures, limits: CanaryLimits, *, share: float, factor: float) -> _Found:
    gate = f"p{share * _PERCENT:.0f}"
    canary, control = figures.step.canary.times, figures.step.control.times
    text = f"{gate} {_seconds_text(canary.quantile(share))} against {_seconds_text(control.quantile(share))}"
    limit = _limit(control, limits, share=share, factor=factor)
    if limit is not None and not (figures.is_alone and figures.parts < _TENTHS):
        if evidence_above(canary.slower_than(limit), canary.total, 1 - share) >= _BREACH:
            return gate, Verdict.BREACH, f"{text}, more than {factor:g} times"
        late, others = figures.recent.canary.times, figures.recent.control.times
        late_limit = max(limit, _limit(others, limits, share=share, factor=factor) or 0)
        is_late = evidence_above(late.slower_than(late_limit), late.total, 1 - share) >= _BREACH
        if is_late and not figures.is_alone:
            sides = " against ".join(_seconds_text(times.quantile(share)) for times in (late, others))
            return gate, Verdict.BREACH, f"{gate} {sides} in the last minute, more than {factor:g} times"
    known = control.quantile(share)
    if known is None or not canary.total:
        return gate, Verdict.INCONCLUSIVE, f"{text}: there is nothing to compare yet"
    slow = max(known * factor, known + limits.slack)
    # As for errors: how many slow requests the next step may add to all of the route's.
    may = min(_HALF, (1 - share) * _PERCENT / figures.next_percent)
    bound = upper_bound(canary.slower_than(slow), canary.total, evidence=_PROMOTE)
    if bound <= may:
        return gate, Verdict.PASS, text
    slower = f"{bound:.2%} may take more than {_seconds_text(slow)}"
    return gate, Verdict.INCONCLUSIVE, f"{text}: {slower}, and {figures.next_percent:g}% wants {may:.2%}"


def _callers(figures: Figures) -> Iterator[_Found]:
    if figures.callers is None:
        return
    counts = figures.callers.counts
    total, canary, share = counts.total(), counts[Stack.FASTAPI], figures.percent / _PERCENT
    text = f"{canary:,} of {total:,} callers, {figures.percent:g}% wanted"
    if evidence_of_another(canary, total, share) >= _BREACH:
        yield "callers", Verdict.BREACH, f"{text}: nginx doesn't split them so"
    elif abs(canary - total * share) > 1 + _SIGMAS * math.sqrt(total * share * (1 - share)):
        yield "callers", Verdict.INCONCLUSIVE, f"{text}, more than {_SIGMAS} sigmas apart"
    else:
        yield "callers", Verdict.PASS, text


def _known_rate(control: StackTally) -> float:
    """How often the others fail at most."""
    bound = upper_bound(control.errors, control.requests, evidence=_CONTROL)
    return bound if control.requests >= _KNOWN else max(min(bound, _UNKNOWN_RATE), control.error_rate)


def _limit(control: LatencyHistogram, limits: CanaryLimits, *, share: float, factor: float) -> float | None:
    """Seconds that the canary's quantile may not be above; None where the others' isn't known."""
    bound = upper_bound(share * control.total, control.total, evidence=_CONTROL)
    rank = math.ceil(bound * control.total)
    seconds = control.at_rank(rank) if rank < control.total else None
    return None if seconds is None else max(seconds * factor, seconds + limits.slack)


def _rate_text(tally: StackTally) -> str:
    return f"{tally.error_rate:.2%} ({tally.errors:,} of {tally.requests:,})"


def _seconds_text(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"{seconds * 1000:,.0f} ms"
