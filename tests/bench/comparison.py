"""What the rounds of a run say: medians, ratios, and whether the targets are met."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from tests.bench.wrk import Load

P99: Final = "p99 < v1's"


@dataclass(frozen=True, kw_only=True)
class Round:
    """Both stacks under the same load, one right after the other."""

    v1: Load
    v2: Load

    @property
    def ratio(self) -> float:
        """How many times as many requests v2 answered."""
        return self.v2.rate / self.v1.rate


@dataclass(frozen=True, kw_only=True)
class Medians:
    """One stack over all rounds: requests per second, milliseconds of waiting and of a core."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A target, in words, and whether it is met."""

    target: str
    met: bool


class Comparison:
    """One endpoint over all rounds.

    The ratio is the median of the rounds' own ratios, not the ratio of the medians: what slows the machine for a
    while slows both halves of a round.
    """

    def __init__(self, name: str, *, target: float | None, rounds: list[Round]) -> None:
        self.name = name
        self.target = target
        self.rounds = rounds

    @property
    def v1(self) -> Medians:
        """DRF."""
        return self._medians(lambda round_: round_.v1)

    @property
    def v2(self) -> Medians:
        """FastAPI."""
        return self._medians(lambda round_: round_.v2)

    @property
    def ratio(self) -> float:
        """How many times as many requests v2 answers, in the middle."""
        return median(round_.ratio for round_ in self.rounds)

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest ratio of a round."""
        ratios = [round_.ratio for round_ in self.rounds]
        return min(ratios), max(ratios)

    @property
    def verdicts(self) -> list[Verdict]:
        """Each target of the endpoint."""
        verdicts = [Verdict(target=P99, met=self.v2.p99_ms < self.v1.p99_ms)]
        if self.target is not None:
            verdicts.insert(0, Verdict(target=f"≥ {self.target:g} ×", met=self.ratio >= self.target))
        return verdicts

    @property
    def met(self) -> bool:
        """Whether all of them are."""
        return all(verdict.met for verdict in self.verdicts)

    def document(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "endpoint": self.name,
            "v1": vars(self.v1),
            "v2": vars(self.v2),
            "ratio": self.ratio,
            "ratio_least": self.spread[0],
            "ratio_most": self.spread[1],
            "targets": [vars(verdict) for verdict in self.verdicts],
            "rounds": [{"v1": vars(round_.v1), "v2": vars(round_.v2)} for round_ in self.rounds],
        }

    def _medians(self, stack: Callable[[Round], Load]) -> Medians:
        loads = [stack(round_) for round_ in self.rounds]
        return Medians(
            rate=median(load.rate for load in loads),
            p50_ms=median(load.p50_ms for load in loads),
            p99_ms=median(load.p99_ms for load in loads),
            cpu_ms=median(load.cpu_ms for load in loads),
        )
