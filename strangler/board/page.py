"""The page as HTML: whole, and in the sections that are sent again when they change."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from strangler.board.board import BoardRoute, BoardState
from strangler.board.differences import RouteDifferences
from strangler.board.moves import ABORT, ALL_BACK, CHOICES, PAUSE, RESUME, PlannedMove
from strangler.board.traffic import StackTraffic
from strangler.rollout.plan import answer_text, place_text
from strangler.routes.route import Api

# Of a plot, in the units of its SVG.
WIDTH: Final = 120
HEIGHT: Final = 28
_EDGE: Final = 2
FOLDER: Final = Path(__file__).parent / "web"
_MILLISECONDS: Final = 1000
_LEAST_SHARE: Final = 0.001
# A plot of less is flat: 1 request in 10 s, 1 % of errors, 10 ms.
_LEAST: Final = {"rates": 0.1, "errors": 0.01, "times": 0.01}
_TITLES: Final = {
    ALL_BACK: "Everything to Django",
    PAUSE: "Pause the ramp",
    RESUME: "Go on with the ramp",
    ABORT: "End the ramp",
}
_WORDS: Final = {"rates": "requests a second", "errors": "errors", "times": "95th percentile of times"}


@dataclass(frozen=True, kw_only=True)
class PageSection:
    """The inside of one element of the page; `digest` says whether it has changed."""

    html: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class LinePlot:
    """Lines by stack, each in pieces where values are missing; a piece of one value is a dot. `text` names the plot."""

    lines: tuple[tuple[str, tuple[str, ...]], ...]
    text: str


class PageRenderer:
    """Renders snapshots; `version` marks pages whose elements fit together, and scripts of one process."""

    def __init__(self, version: str, *, moves: bool = False) -> None:
        self._version = version
        environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)
        environment.filters |= {"percent": percent_text, "moment": moment_text}
        environment.globals |= {"place": place_text, "v1": lambda route: answer_text(route, Api.V1)}
        environment.globals |= {"moves": moves, "choices": CHOICES, "titles": _TITLES}
        environment.globals |= {"plots": _plots, "size": {"width": WIDTH, "height": HEIGHT}}
        self._sections: Any = environment.get_template("sections.html.j2").module
        self._page = environment.get_template("page.html.j2")
        self._move = environment.get_template("move.html.j2")
        self._differences = environment.get_template("differences.html.j2")

    def sections(self, snapshot: BoardState) -> dict[str, PageSection]:
        """The sections by the ids of their elements."""
        module = self._sections
        found = {
            name: getattr(module, name)(snapshot) for name in ("progress", "problems", "latest", "ramp", "history")
        }
        found |= {f"route-{row.route.name}": module.route(row, snapshot.minutes) for row in snapshot.routes}
        return {name: _section(html) for name, html in found.items()}

    def version(self, sections: Iterable[str]) -> str:
        """What a page with these sections is marked with: one of other routes is loaded anew."""
        return hashlib.sha256("\n".join([self._version, *sections]).encode()).hexdigest()[:16]

    def page(self, snapshot: BoardState, sections: Mapping[str, PageSection]) -> str:
        """The whole document."""
        return self._page.render(board=snapshot, sections=sections, version=self.version(sections))

    def differences(self, found: RouteDifferences) -> str:
        """What differs at a route."""
        return self._differences.render(found=found)

    def form(self, route: str, *, form: Mapping[str, str] | None = None, error: str = "") -> str:
        """What may be done with a route, as a form; `error` says why the one that was filled in wasn't done."""
        return self._move.render(route=route, form=form or {}, error=error, planned=None, token="")

    def plan(self, planned: PlannedMove, *, token: str) -> str:
        """What would happen, and the form that makes it so."""
        return self._move.render(route=planned.wish.route, form={}, error="", planned=planned, token=token)


def percent_text(share: float | None) -> str:
    """A share from 0 to 1; one that isn't nothing is never shown as 0 %."""
    if share is None:
        return "-"
    if 0 < share < _LEAST_SHARE:
        return f"<{_LEAST_SHARE:.1%}"
    return f"{share:.1%}".replace(".0%", "%")


def moment_text(moment: dt.datetime) -> str:
    """A moment in UTC to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def plot_of(series: Sequence[tuple[str, Sequence[float | None]]], *, text: str, least: float) -> LinePlot:
    """The plot of both series on one axis from 0 to their highest value, or to `least` where all are lower."""
    highest = max((value for _, values in series for value in values if value is not None), default=0.0)
    scale = max(highest, least)
    return LinePlot(lines=tuple((name, tuple(_pieces(values, scale))) for name, values in series), text=text)


def _section(html: Markup) -> PageSection:
    text = str(html)
    return PageSection(html=text, digest=hashlib.sha256(text.encode()).hexdigest()[:16])


def _plots(row: BoardRoute, minutes: int) -> dict[str, tuple[LinePlot, tuple[tuple[str, str], ...]]]:
    """The plots of a route by name, each with both stacks' values in words."""
    if row.traffic is None:
        return {}
    stacks = row.traffic.stacks
    found = {}
    for name, words in _WORDS.items():
        series = [(str(stack), getattr(traffic, name)) for stack, traffic in stacks.items()]
        values = tuple(
            (str(stack), _value(name, traffic)) for stack, traffic in stacks.items() if traffic.total.requests
        )
        text = f"{words}, the last {minutes} minutes"
        found[name] = plot_of(series, text=text, least=_LEAST[name]), values
    return found


def _value(name: str, traffic: StackTraffic) -> str:
    """One stack's number in the whole window."""
    if name == "rates":
        return f"{sum(traffic.rates) / len(traffic.rates):.2g}/s"
    if name == "errors":
        return percent_text(traffic.total.error_rate)
    seconds = traffic.total.times.quantile(0.95)
    return "-" if seconds is None else f"{seconds * _MILLISECONDS:,.0f} ms"


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
