"""What requests may cost the right side: SQL statements, time and memory, measured against the left."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Final

from strangler.compare.comparison import CaseOutcome, CaseResult
from strangler.compare.differ import DifferenceKind, ResponseDifference
from strangler.compare.report.model import MemoryUse, Timing

TIMES_MORE: Final = 3.0
MEGABYTES_MORE: Final = 64.0
_MEGABYTE: Final = 1_000_000
# Against a single statement, three are no sign of a loop: relations take one each.
FEW_STATEMENTS: Final = 2
# The median of fewer answers says nothing.
_FEWEST_ANSWERS: Final = 10
# A bucket ends 4 % above where it begins: finer than one run repeats another.
_GROWTH: Final = 2 ** (1 / 16)
_SHORTEST: Final = 1e-5


@dataclass(frozen=True, kw_only=True)
class CostLimits:
    """From which cost on the right side is different, though its answers are equal; 0 for no limit.

    Attributes:
        statements: times the left side's SQL statements of the same request, and of 2 at least.
        ratio: times the left side's median time of a route.
        memory: megabytes by which its servers grow beyond what the left side's grow by.
    """

    statements: float = TIMES_MORE
    ratio: float = 0.0
    memory: float = MEGABYTES_MORE

    def difference(self, result: CaseResult) -> ResponseDifference | None:
        """The statements of both sides; None within the limit, where none are reported, or if the answers differ."""
        if not self.statements or result.outcome not in {CaseOutcome.EQUAL, CaseOutcome.DECLARED}:
            return None
        left, right = (asked.statements if asked else None for asked in (result.left, result.right))
        if left is None or right is None or right < self.statements * max(left, FEW_STATEMENTS):
            return None
        return ResponseDifference(kind=DifferenceKind.STATEMENTS, left=left, right=right)

    def slowness(self, left: Timing | None, right: Timing | None) -> str:
        """In words, empty if the right side is as quick as it has to be."""
        if not self.ratio or left is None or right is None or right.p50 <= self.ratio * left.p50:
            return ""
        if min(sum(count for _, count in side.buckets) for side in (left, right)) < _FEWEST_ANSWERS:
            return ""
        return f"{right.p50 / left.p50:.2g} times as slow at the median, with a limit of {self.ratio:g} times"

    def memory_use(self, scenario: str, left: tuple[int, int], right: tuple[int, int]) -> MemoryUse:
        """What both sides' servers held after the first requests of a scenario and at its end, judged."""
        ours, theirs = (max(0, after - before) / _MEGABYTE for before, after in (left, right))
        excess = ""
        if self.memory and theirs - ours > self.memory:
            excess = (
                f"{theirs:.0f} MB, {theirs - ours:.0f} MB more than the other side, where {self.memory:g} MB may be"
            )
        return MemoryUse(scenario=scenario, left=left, right=right, excess=excess)


class Histogram:
    """Counts times in seconds by buckets whose bounds grow by the same factor."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._lowest = math.inf
        self._highest = 0.0
        self.total = 0

    def add(self, seconds: float) -> None:
        """Count one answer."""
        self._counts[max(0, math.ceil(math.log(max(seconds, _SHORTEST) / _SHORTEST, _GROWTH)))] += 1
        self._lowest = min(self._lowest, seconds)
        self._highest = max(self._highest, seconds)
        self.total += 1

    def quantile(self, share: float) -> float:
        """The seconds that this share of the answers (0 to 1) took at most, within 4 %; 0 where there are none."""
        rank, seen = max(1, math.ceil(share * self.total)), 0
        for bucket, count in sorted(self._counts.items()):
            seen += count
            if seen >= rank:
                middle = _bound(bucket) / math.sqrt(_GROWTH)
                return min(max(middle, self._lowest), self._highest)
        return 0.0

    @property
    def buckets(self) -> tuple[tuple[float, int], ...]:
        """Upper bounds in seconds and how many answers lie below each and above the one before; none is empty."""
        return tuple((_bound(bucket), count) for bucket, count in sorted(self._counts.items()))


def _bound(bucket: int) -> float:
    return float(_SHORTEST * _GROWTH**bucket)
