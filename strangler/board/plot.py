"""Small line plots: both stacks in one, as points of an inline SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 120
HEIGHT: Final = 28
_EDGE: Final = 2


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Lines by stack, each in pieces where values are missing; a piece of one value is a dot. `text` names the plot."""

    lines: tuple[tuple[str, tuple[str, ...]], ...]
    text: str


def plot_of(series: Sequence[tuple[str, Sequence[float | None]]], *, text: str, least: float) -> Plot:
    """The plot of both series on one axis from 0 to their highest value, or to `least` where all are lower."""
    highest = max((value for _, values in series for value in values if value is not None), default=0.0)
    scale = max(highest, least)
    return Plot(lines=tuple((name, tuple(_pieces(values, scale))) for name, values in series), text=text)


def _pieces(values: Sequence[float | None], scale: float) -> Iterator[str]:
    """The points of each run of known values, as `polyline` takes them."""
    step = (WIDTH - 2 * _EDGE) / max(1, len(values) - 1)
    points: list[str] = []
    for index, value in enumerate([*values, None]):
        if value is not None:
            y = HEIGHT - _EDGE - (HEIGHT - 2 * _EDGE) * value / scale
            points.append(f"{_EDGE + index * step:.1f},{y:.1f}")
        elif points:
            # A line of one point isn't drawn: its round cap is, where it ends where it began.
            yield " ".join(points if len(points) > 1 else points * 2)
            points = []
