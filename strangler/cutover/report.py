"""The migration as it was measured, on one page: routes, traffic, parity, declared differences, drills, checklist."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, StrictUndefined
from pydantic import TypeAdapter, ValidationError

from strangler.compare.declared import DeclaredDifference
from strangler.compare.report.model import ComparisonReport, RouteReport
from strangler.cutover.checklist import ChecklistItem
from strangler.cutover.costs import StackCost
from strangler.cutover.drills import RollbackDrill
from strangler.cutover.traffic import RecentTraffic
from strangler.errors import UsageError
from strangler.metrics.clients import moment_text
from strangler.metrics.tally import StackTally
from strangler.rollout.evidence import RouteEvidence
from strangler.rollout.history import HistoryEntry, applied
from strangler.rollout.plan import place_text, stage_text
from strangler.routes.route import Api, Route, Stack
from strangler.routes.table import RouteTable

_COMPARISON: Final = TypeAdapter(ComparisonReport)
_QUANTILES: Final = (0.5, 0.95, 0.99)


@dataclass(frozen=True, kw_only=True)
class Move:
    """A route that changed its place: when, by whom, from where to where, and why."""

    time: str
    who: str
    route: str
    before: str
    after: str
    reason: str
    forced: bool


@dataclass(frozen=True, kw_only=True)
class AnswerFigures:
    """What a stack answered: requests, errors in percent, times in milliseconds (- where none is known)."""

    what: str
    requests: int
    errors: str
    times: tuple[str, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        """A row of a table, without its name."""
        return (f"{self.requests:,}", self.errors, *self.times)


@dataclass(frozen=True, kw_only=True)
class RouteLine:
    """A route: where it stands and since when, what comparisons have shown, and both stacks' traffic."""

    route: Route
    place: str
    since: str
    parity: str
    django: AnswerFigures | None
    fastapi: AnswerFigures | None
    statements: str


@dataclass(frozen=True, kw_only=True)
class MigrationReport:
    """All that is known of a migration; what was not measured is None or empty."""

    name: str
    time: dt.datetime
    routes: tuple[RouteLine, ...]
    moves: tuple[Move, ...]
    traffic: RecentTraffic | None
    costs: Sequence[StackCost]
    comparison: ComparisonReport | None
    declared: Sequence[DeclaredDifference]
    checklist: Sequence[ChecklistItem]
    drills: Sequence[RollbackDrill]

    @property
    def stages(self) -> Mapping[str, int]:
        """How many routes are at each stage, in the order of the way."""
        found: dict[str, int] = {}
        for line in sorted(self.routes, key=lambda line: line.route.stage.position):
            found[str(line.route.stage)] = found.get(str(line.route.stage), 0) + 1
        return found

    @property
    def stacks(self) -> list[AnswerFigures]:
        """Each stack on each API, where it answered anything."""
        if self.traffic is None:
            return []
        pairs = ((api, stack, self.traffic.tally(stack, api=api)) for api in Api for stack in Stack)
        return [answers(f"{stack} {api}", tally) for api, stack, tally in pairs if tally.requests]

    @property
    def since(self) -> str:
        """From when on traffic was counted: the log may begin later than what was asked for."""
        if self.traffic is None or self.traffic.begins is None:
            return ""
        return moment_text(max(self.traffic.since, self.traffic.begins))

    def as_html(self) -> str:
        """One page for a browser, which fetches nothing."""
        return _rendered("report.html.j2", self, autoescape=True)

    def as_markdown(self) -> str:
        """The same as Markdown."""
        return _rendered("report.md.j2", self, autoescape=False)


def report_make(
    *,
    name: str,
    now: dt.datetime,
    table: RouteTable,
    entries: Sequence[HistoryEntry],
    evidence: Mapping[str, RouteEvidence],
    traffic: RecentTraffic | None,
    costs: Sequence[StackCost],
    comparison: ComparisonReport | None,
    declared: Sequence[DeclaredDifference],
    checklist: Sequence[ChecklistItem],
    drills: Sequence[RollbackDrill],
) -> MigrationReport:
    """The report of a project; `now` is in UTC."""
    moves = tuple(moves_of(entries))
    compared = {each.route: each for each in comparison.routes} if comparison else {}
    last = {move.route: move.time for move in moves}
    return MigrationReport(
        name=name,
        time=now,
        routes=tuple(
            _line(route, last.get(route.name, ""), evidence.get(route.name), compared.get(route.name), traffic)
            for route in table.routes
        ),
        moves=moves,
        traffic=traffic,
        costs=costs,
        comparison=comparison,
        declared=declared,
        checklist=checklist,
        drills=drills,
    )


def comparison_load(file: Path) -> ComparisonReport:
    """The report of a comparison, as `strangler compare --json FILE` writes it.

    :raises UsageError: it can't be read, or is none.
    """
    try:
        return _COMPARISON.validate_json(file.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{file} can't be read ({error.strerror})", "write it with strangler compare --json FILE"
        ) from error
    except ValidationError as error:
        raise UsageError(f"{file} is no report", "write it with strangler compare --json FILE") from error


def moves_of(entries: Sequence[HistoryEntry]) -> Iterator[Move]:
    """The changes of places that were applied, the oldest first."""
    for entry in applied(entries):
        for change in entry.changes:
            before, after = stage_text(change["before"]), stage_text(change["after"])
            # A start records each route as new: that moved nothing.
            if before != after and change["before"] is not None:
                yield Move(
                    time=entry.time,
                    who=entry.who,
                    route=change["route"],
                    before=before,
                    after=after,
                    reason=entry.reason,
                    forced=bool(entry.forced),
                )


def answers(what: str, tally: StackTally) -> AnswerFigures:
    """A tally in words."""
    found = [tally.times.quantile(share) for share in _QUANTILES]
    times = tuple("-" if seconds is None else f"{seconds * 1000:.0f}" for seconds in found)
    return AnswerFigures(what=what, requests=tally.requests, errors=f"{tally.error_rate:.2%}", times=times)


def _line(
    route: Route, since: str, known: RouteEvidence | None, compared: RouteReport | None, traffic: RecentTraffic | None
) -> RouteLine:
    sides = {stack: traffic.tally(stack, route=route.name) if traffic else StackTally() for stack in Stack}
    both = {stack: answers(str(stack), tally) if tally.requests else None for stack, tally in sides.items()}
    return RouteLine(
        route=route,
        place=place_text(route),
        since=since,
        parity=_parity(known, compared),
        django=both[Stack.DJANGO],
        fastapi=both[Stack.FASTAPI],
        statements=_statements(compared),
    )


def _parity(known: RouteEvidence | None, compared: RouteReport | None) -> str:
    if compared is not None:
        declared = f", {compared.declared} of them declared" if compared.declared else ""
        return f"{compared.equal + compared.declared} of {compared.asked} equal{declared}"
    if known is None or known.compared is None:
        return "not compared"
    last = known.compared.last
    stale = f"; since then {', '.join(known.compared.changed)} changed" if known.compared.changed else ""
    return f"{last.equal} of {last.asked} equal at {last.time}{stale}"


def _statements(compared: RouteReport | None) -> str:
    sides: list[Any] = [compared.left, compared.right] if compared else []
    counts = [
        None if side is None or side.statements_median is None else f"{side.statements_median:g}" for side in sides
    ]
    return " → ".join(count for count in counts if count is not None) if counts and None not in counts else "-"


def _rendered(template: str, report: MigrationReport, *, autoescape: bool) -> str:
    environment = Environment(
        autoescape=autoescape,  # noqa: S701 - off for Markdown alone, whose cells are escaped by `_cell`
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    text = files(__package__).joinpath(template).read_text("utf-8")
    return environment.from_string(text).render(report=report, moment=moment_text)


def _cell(text: object) -> str:
    """A text as a cell of a Markdown table."""
    plain = " ".join(str(text).split())
    for mark in "\\`*_[]<>|":
        plain = plain.replace(mark, f"\\{mark}")
    return plain
