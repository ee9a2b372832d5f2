"""The report as one page for a browser: it fetches nothing, and nothing that a server sent runs in it."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from strangler.compare.comparison import COUNTS
from strangler.compare.costs import FEW_STATEMENTS, TIMES_MORE
from strangler.compare.redaction import MaskedDifference
from strangler.compare.report.model import ROWS, ComparisonReport, Example, Group, RouteReport, Timing
from strangler.compare.report.plot import HEIGHT, MIDDLE, WIDTH, plot_of
from strangler.compare.report.side_by_side import Block, blocks_of
from strangler.compare.report.terminal import milliseconds, statements_text, verdict_text

# Bytes of the page after which examples come without what is far from any difference, without bodies, not at all.
_ROOM: Final = (1_800_000, 3_200_000, 4_200_000)
_MAX_OWN: Final = 8
_MAX_OTHERS: Final = 12


class Examples:
    """Renders the examples of a report, and knows how much of the page they have taken."""

    def __init__(self, environment: Environment, report: ComparisonReport) -> None:
        self._template = environment.get_template("example.html.j2")
        self._report = report
        self._numbers: dict[Example, int] = {}
        self._taken = 0

    def show(self, group: Group, index: int) -> Markup:
        """An example of a group, by its index there; empty where there is no room for any more."""
        room = sum(self._taken < limit for limit in _ROOM)
        if not room:
            return Markup("")
        example = group.examples[index]
        again = example in self._numbers
        number = self._numbers.setdefault(example, len(self._numbers) + 1)
        own, others = _places(group, example)
        shown = own[:_MAX_OWN], others[:_MAX_OTHERS]
        text = self._template.render(
            report=self._report,
            group=group,
            example=example,
            number=number,
            again=again,
            own=shown[0],
            others=shown[1],
            unshown=len(example.places) - len(shown[0]) - len(shown[1]),
            rows=[row for row in example.rows if (group.kind, group.pattern) == (ROWS, row.pattern)] or example.rows,
            blocks=() if again or room == 1 else _blocks(example),
            whole=room > 2 and index == 0,
            bodies=room > 1,
        )
        self._taken += len(text.encode(errors="replace"))
        return Markup(text)  # noqa: S704 - rendered with its values escaped


def _blocks(example: Example) -> tuple[Block, ...]:
    left, right = example.left.body, example.right.body
    return blocks_of(left, right, example.places) if left or right else ()


def _places(group: Group, example: Example) -> tuple[Sequence[MaskedDifference], Sequence[MaskedDifference]]:
    """Where the answers differ as the group says, and where else."""
    own = [place for place in example.places if (place.kind, place.pattern) == (group.kind, group.pattern)]
    others = [place for place in example.places if place not in own]
    return own, others


_FOLDER: Final = Path(__file__).parent
_MAX_GROUPS: Final = 1500
_MAX_PLOTS: Final = 200
_MAX_TEXT: Final = 300
_MANY_STATEMENTS: Final = 10


def report_html(report: ComparisonReport) -> str:
    """The page, of less than 5 MB: what doesn't fit is counted in it."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, finalize=_visible
    )
    environment.filters |= {"milliseconds": milliseconds, "short": _short, "times": _times}
    style, script = (_source(name) for name in ("report.css", "report.js"))
    return environment.get_template("report.html.j2").render(
        report=report,
        verdict=verdict_text(report),
        totals={name: sum(getattr(route, name) for route in report.routes) for name in COUNTS},
        counts=COUNTS,
        routes=sorted(report.routes, key=lambda route: (-route.different, -route.failed, route.route)),
        found=_within_room(report),
        show=Examples(environment, report).show,
        numbers={route.route: number for number, route in enumerate(report.routes, start=1)},
        standouts=dict(_standouts(report)),
        statements=statements_text,
        repeats=repeats,
        plots={route.route: plot_of(route.left, route.right) for route in report.routes[:_MAX_PLOTS]},
        size={"width": WIDTH, "height": HEIGHT, "middle": MIDDLE},
        style=style,
        script=script,
        hashes={"style": _hash(style), "script": _hash(script)},
    )


def repeats(route: RouteReport) -> tuple[bool, bool]:
    """Whether the left's, and the right's, statements look like one for each item: many, or many more than the other's.

    A side that reports none is no measure for the other.
    """
    return _repeats(route.left, route.right), _repeats(route.right, route.left)


def _repeats(timing: Timing | None, other: Timing | None) -> bool:
    if timing is None or timing.statements_median is None:
        return False
    theirs = other.statements_median if other else None
    many = (timing.statements_max or 0) > _MANY_STATEMENTS
    return many or (theirs is not None and timing.statements_median >= TIMES_MORE * max(theirs, FEW_STATEMENTS))


def _standouts(report: ComparisonReport) -> Iterator[tuple[str, str]]:
    """Routes where a side seems to query the database once for each item, with a sentence."""
    for route in report.routes:
        sides = ((report.left.name, route.left), (report.right.name, route.right))
        if any(repeats(route)):
            counts = " and ".join(f"{statements_text(timing)} on {name}" for name, timing in sides)
            yield route.route, f"{counts} for a request"


def _within_room(report: ComparisonReport) -> tuple[tuple[RouteReport, int], ...]:
    """The routes with what differs, and how many of their places are left out."""
    room, found = _MAX_GROUPS, []
    for route in sorted(report.routes, key=lambda route: (-route.different, route.route)):
        if route.groups:
            shown = route.groups[:room]
            room -= len(shown)
            found.append((replace(route, groups=shown), len(route.groups) - len(shown)))
    return tuple(found)


def _source(name: str) -> Markup:
    return Markup((_FOLDER / name).read_text(encoding="utf-8"))  # noqa: S704 - a file of this package


def _hash(text: str) -> Markup:
    """What a Content-Security-Policy names an inline text by."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup("'sha256-{}'").format(digest)


def _visible(value: object) -> object:
    """A text with what can't be seen written out, so that no mark turns round or hides what stands beside it."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(char if char.isprintable() or char == "\n" else _escaped(char) for char in value)


def _escaped(char: str) -> str:
    # As JSON writes it, since most of what is shown is JSON.
    units = char.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))


def _short(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"


def _times(ratio: float | None) -> str:
    """How many times faster the right side is, in words."""
    if not ratio:
        return "-"
    return f"{ratio:.2f} times faster" if ratio >= 1 else f"{1 / ratio:.2f} times slower"
