"""How long answers took, in constant memory."""

import math
from collections import Counter
from typing import Final

# A bucket ends 4 % above where it begins: finer than one run repeats another.
_GROWTH: Final = 2 ** (1 / 16)
_SHORTEST: Final = 1e-5


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
