"""Plots for docs/benchmark.md, as SVG in colours that can be read on white and on black."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from strangler.errors import UsageError
from tests.bench.page import PLOTS
from tests.bench.peers.programs import LIMIT, V2_NAME, V2_NGINX

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TEXT, _GRID = "#808080", "#80808050"
_V1, _V2, _OTHERS = "#d9822b", "#2f81f7", "#8c959f"
_PANEL: Final = (2.1, 1.8)
_COLUMNS: Final = 4


def matplotlib_require() -> None:
    """Refuse to begin what can't be drawn in the end.

    :raises UsageError: there is no matplotlib.
    """
    if importlib.util.find_spec("matplotlib") is None:
        hint = "make bench-growth and make bench-peers install it below .run/bench; --no-write does without"
        raise UsageError("matplotlib isn't installed", hint)


def peers_plot(shares: Mapping[str, Mapping[str, float]]) -> None:
    """`peers.svg`: of each endpoint a bar for each server, its rate as a share of the limit's."""
    rows = max(map(len, shares.values()))
    figure, panels = _figure(1, len(shares), size=(4.6, 0.26 * rows + 0.6))
    for panel, (endpoint, servers) in zip(panels, shares.items(), strict=True):
        names = sorted(servers, key=servers.__getitem__)
        colours = [_V2 if name in (V2_NAME, V2_NGINX) else _V1 if name.startswith("DRF") else _OTHERS for name in names]
        bars = panel.barh(names, [servers[name] for name in names], color=colours, height=0.7)
        panel.bar_label(bars, [f"{servers[name]:.2f}" for name in names], padding=3, color=_TEXT, fontsize=7)
        panel.set_title(f"{endpoint}: requests per second, {LIMIT} = 1")
        panel.set_xlim(0, 1.12)
    _save(figure, "peers")


def growth_plot(times: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """`growth.svg`: of each request both stacks' milliseconds over the number of posts; `times` has `posts`, v1, v2."""
    from matplotlib.ticker import EngFormatter

    rows = -(-len(times) // _COLUMNS)
    figure, panels = _figure(rows, _COLUMNS, size=(_PANEL[0] * _COLUMNS, _PANEL[1] * rows))
    for panel, (name, lines) in zip(panels, times.items(), strict=False):
        for stack, colour in (("v1", _V1), ("v2", _V2)):
            panel.loglog(lines["posts"], lines[stack], color=colour, marker="o", markersize=3, label=stack)
        panel.set_title(name)
        panel.minorticks_off()
        panel.xaxis.set_major_formatter(EngFormatter(sep=""))
        panel.yaxis.set_major_formatter("{x:,.0f}")
    for panel in panels[len(times) :]:
        panel.set_visible(False)
    for panel in panels[::_COLUMNS]:
        panel.set_ylabel("milliseconds")
    panels[0].legend(frameon=False, labelcolor=_TEXT, fontsize=7)
    for panel in panels[max(0, len(times) - _COLUMNS) : len(times)]:
        panel.set_xlabel("posts")
    _save(figure, "growth")


def _figure(rows: int, columns: int, *, size: tuple[float, float]) -> "tuple[Figure, list[Axes]]":
    from matplotlib import rc
    from matplotlib.figure import Figure

    # Text stays text, which is small and can be searched; the salt makes the same plot the same file.
    rc("svg", fonttype="none", hashsalt="benchmark")
    rc("font", family="sans-serif", size=7)
    rc("axes", titlesize=8, titlecolor=_TEXT, labelcolor=_TEXT, edgecolor=_GRID, axisbelow=True)
    rc("xtick", color=_TEXT)
    rc("ytick", color=_TEXT)
    figure = Figure(figsize=size, layout="constrained")
    panels = [*figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=rows > 1).flat]
    for panel in panels:
        panel.grid(color=_GRID, linewidth=0.5)
        panel.patch.set_alpha(0)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, panels


def _save(figure: "Figure", name: str) -> None:
    metadata: dict[str, Any] = {"Date": None, "Creator": None}
    figure.savefig(plot_file(name), transparent=True, metadata=metadata)


def plot_file(name: str) -> Path:
    """Where a plot is."""
    PLOTS.mkdir(exist_ok=True)
    return PLOTS / f"{name}.svg"
