"""How long both sides took, as shapes to draw: the left above the axis, the right below."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from strangler.compare.report.model import Timing
from strangler.compare.report.terminal import milliseconds

WIDTH: Final = 640
HEIGHT: Final = 132
MIDDLE: Final = 66
_TALLEST: Final = 52
_BINS: Final = 64
# Labels that stand closer would run into each other, or over the edge.
_LABEL_ROOM: Final = 56
_NARROWEST: Final = 1 / 16


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A rectangle in the plot's own units; `text` says what it stands for."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True, kw_only=True)
class PlotSide:
    """One side: its bars, and where its quantiles lie, by name and x."""

    bars: tuple[Bar, ...]
    quantiles: tuple[tuple[str, float], ...]


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Both sides on one logarithmic axis; `ticks` are labels and their x."""

    left: PlotSide
    right: PlotSide
    ticks: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class _Axis:
    """A part of the logarithm (to base 2) of the seconds."""

    start: float
    end: float

    @property
    def step(self) -> float:
        return max((self.end - self.start) / _BINS, _NARROWEST)

    def bin(self, seconds: float) -> int:
        # A bucket ends at its bound; what lies in it is a little less.
        return int((math.log2(seconds) - _NARROWEST / 2 - self.start) / self.step)

    def x(self, seconds: float) -> float:
        return round(WIDTH * (math.log2(seconds) - self.start) / (self.end - self.start), 1)


def plot_of(left: Timing | None, right: Timing | None) -> Plot | None:
    """The plot; None where a side has no times."""
    if not (left and right and left.buckets and right.buckets):
        return None
    bounds = [math.log2(bound) for side in (left, right) for bound, _ in side.buckets]
    # Some room on both sides, and a part of an octave where all took the same time.
    axis = _Axis(min(bounds) - 0.25, max(bounds) + 0.25)
    shares = [_shares(side, axis) for side in (left, right)]
    highest = max(share for side in shares for share in side.values())
    halves = [
        PlotSide(
            bars=tuple(_bars(found, axis, highest, down=bool(index))),
            quantiles=tuple(
                (name, axis.x(value)) for name, value in (("p50", side.p50), ("p95", side.p95), ("p99", side.p99))
            ),
        )
        for index, (side, found) in enumerate(zip((left, right), shares, strict=True))
    ]
    return Plot(left=halves[0], right=halves[1], ticks=tuple(_ticks(axis)))


def _shares(side: Timing, axis: _Axis) -> dict[int, float]:
    counts: Counter[int] = Counter()
    for bound, count in side.buckets:
        counts[axis.bin(bound)] += count
    return {index: count / counts.total() for index, count in sorted(counts.items())}


def _bars(shares: dict[int, float], axis: _Axis, highest: float, *, down: bool) -> Iterator[Bar]:
    for index, share in shares.items():
        start = axis.start + index * axis.step
        x, end = axis.x(2**start), axis.x(2 ** (start + axis.step))
        height = round(max(1.0, _TALLEST * share / highest), 1)
        text = f"{share:.1%} from {milliseconds(2**start)} to {milliseconds(2 ** (start + axis.step))}"
        y = MIDDLE if down else MIDDLE - height
        yield Bar(x=x, y=y, width=round(max(1.0, end - x - 0.6), 1), height=height, text=text)


def _ticks(axis: _Axis) -> Iterator[tuple[str, float]]:
    """Round times: 1 to 9 of each power of ten, or fewer where they would stand too close."""
    powers = range(math.floor(axis.start * math.log10(2)), math.ceil(axis.end * math.log10(2)) + 1)
    for digits in (range(1, 10), (1, 2, 5), (1,)):
        times = [digit * 10.0**power for power in powers for digit in digits]
        places = [(time, axis.x(time)) for time in times]
        inside = [(time, x) for time, x in places if _LABEL_ROOM / 2 <= x <= WIDTH - _LABEL_ROOM / 2]
        if all(other - x >= _LABEL_ROOM for (_, x), (_, other) in pairwise(inside)):
            break
    yield from ((milliseconds(time), x) for time, x in inside)
