"""A histogram of times in bounded memory, whose buckets are as wide as a 64th of their time."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

# Milliseconds, nginx's own resolution, have a bucket each below 128, and 64 for each doubling above.
_EXACT: Final = 7
_HALF: Final = 1 << (_EXACT - 1)
_MILLISECONDS: Final = 1000


class LatencyHistogram:
    """Counts times in seconds. A quantile is the upper end of its bucket: at most 1.6 % too high."""

    __slots__ = ("counts", "total")

    def __init__(self, counts: Iterable[tuple[int, int]] = ()) -> None:
        self.counts: Counter[int] = Counter(dict(counts))
        self.total = sum(self.counts.values())

    def add(self, seconds: float) -> None:
        """Count one more."""
        self.counts[_bucket(round(seconds * _MILLISECONDS))] += 1
        self.total += 1

    def merge(self, other: "LatencyHistogram") -> None:
        """Count what another one has counted, too."""
        self.counts.update(other.counts)
        self.total += other.total

    def at_rank(self, rank: int) -> float | None:
        """The time in seconds of the `rank`-th fastest, from 1; None where there are fewer."""
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= rank:
                return _upper(bucket) / _MILLISECONDS
        return None

    def quantile(self, share: float) -> float | None:
        """The time in seconds that `share` of all take at most; None where there is none."""
        return self.at_rank(max(1, math.ceil(share * self.total))) if self.total else None

    def slower_than(self, seconds: float) -> int:
        """How many took longer."""
        limit = _bucket(round(seconds * _MILLISECONDS))
        return sum(count for bucket, count in self.counts.items() if bucket > limit)

    def buckets(self) -> list[tuple[float, int]]:
        """Upper ends in seconds with their counts, the fastest first."""
        return [(_upper(bucket) / _MILLISECONDS, self.counts[bucket]) for bucket in sorted(self.counts)]


def _bucket(milliseconds: int) -> int:
    shift = max(0, milliseconds.bit_length() - _EXACT)
    return shift * _HALF + (milliseconds >> shift)


def _upper(bucket: int) -> int:
    shift = max(0, bucket // _HALF - 1)
    return (bucket - shift * _HALF + 1 << shift) - 1
