"""The report of a run. Nothing in it is secret: it was masked before it came here."""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from strangler.compare.coverage import RouteCoverage
from strangler.compare.differ import DifferenceKind
from strangler.compare.redaction import MaskedDifference
from strangler.rollout.evidence import RunEvidence, StandingCase

# The kind of a group of differing rows.
ROWS: Final = "rows"
# What hurts a client most comes first: the status, what was written, the shape of the body, its values, headers, costs.
_SEVERITY: Final = (
    DifferenceKind.STATUS,
    ROWS,
    DifferenceKind.MISSING,
    DifferenceKind.VALUE,
    DifferenceKind.ITEM_ORDER,
    DifferenceKind.KEY_ORDER,
    DifferenceKind.TEXT,
    DifferenceKind.HEADER,
    DifferenceKind.STATEMENTS,
)


def severity(kind: str) -> int:
    """The place of a kind of difference among all, the worst first."""
    return _SEVERITY.index(kind) if kind in _SEVERITY else len(_SEVERITY)


@dataclass(frozen=True, kw_only=True)
class SideReport:
    """One side: its name, its address, and its version where it reports one."""

    name: str
    url: str
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long one side took for a route's requests, in seconds; statements are those that it reports per request.

    `buckets` counts answers by time: the pairs are an upper bound in seconds and how many answers took no longer than
    that and longer than the bound before.
    """

    p50: float
    p95: float
    p99: float
    buckets: tuple[tuple[float, int], ...] = ()
    statements_median: float | None = None
    statements_max: int | None = None


@dataclass(frozen=True, kw_only=True)
class MemoryUse:
    """What both sides' servers held while a scenario was played, in bytes: after its first requests, and at its end.

    `excess` says by how much the right side grew, where that is too much; empty if it isn't.
    """

    scenario: str
    left: tuple[int, int]
    right: tuple[int, int]
    excess: str = ""


@dataclass(frozen=True, kw_only=True)
class ShownResponse:
    """One side's answer as it may be shown: the status and the body with its secrets masked, long ones cut."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


@dataclass(frozen=True, kw_only=True)
class RowDifference:
    """A row, or a message, that only one side has or that isn't the same on both, after a write.

    `row` names it by its identity on both sides, such as `posts: the one of step 2`; `column` is empty for a whole row.
    Of a message `table` is its kind (`mail`, `http`) and `column` the place in it.
    """

    table: str
    row: str
    column: str
    left: str | None
    right: str | None

    @property
    def pattern(self) -> str:
        """The table, and the column if it is one: the pattern of its group."""
        return f"{self.table}.{self.column}" if self.column else self.table


@dataclass(frozen=True, kw_only=True)
class Example:
    """One request whose answers, or whose rows, differ. `curl` and `curl_right` send it to either side."""

    case: str
    source: str
    caller: str
    curl: str
    curl_right: str
    left: ShownResponse
    right: ShownResponse
    places: tuple[MaskedDifference, ...] = ()
    rows: tuple[RowDifference, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Group:
    """The same difference in several responses: `kind` and `pattern` as masked; for rows, `rows` and `table.column`."""

    kind: str
    pattern: str
    count: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, kw_only=True)
class RouteReport:
    """The counts add up to `asked`; `ratio` is how many times faster the right side is at the median.

    `slow` says that it is far slower, empty if it isn't. `lacks` are the answers and callers without which equal
    answers prove nothing. `differing` are the first thousand cases that differ, by their keys, `is_more` whether there
    are others, and `settled` the keys of those that differed in an earlier run and are equal now. `distinct` is how
    many different cases were equal or differed as declared, up to ten thousand. `coverage` is the percentage of what
    could be requested that was, None if unknown; `never` is the rest, by topic.
    """

    route: str
    asked: int
    equal: int
    different: int
    declared: int
    noise: int
    unavailable: int = 0
    failed: int
    left: Timing | None
    right: Timing | None
    ratio: float | None
    slow: str = ""
    groups: tuple[Group, ...] = ()
    lacks: tuple[str, ...] = ()
    differing: Mapping[str, StandingCase] = field(default_factory=dict)
    settled: tuple[str, ...] = ()
    is_more: bool = False
    distinct: int = 0
    coverage: float | None = None
    never: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def covered(self, coverage: RouteCoverage, *, bar: float) -> Self:
        """With its coverage; one below `bar` percent proves nothing."""
        percent = coverage.percent
        lacks = self.lacks
        if percent < bar:
            lacks = (*lacks, f"{bar:g} % of what could be requested ({percent:.0f} % was)")
        return dataclasses.replace(self, coverage=round(percent, 1), never=coverage.never, lacks=lacks)


@dataclass(frozen=True, kw_only=True)
class ComparisonReport:
    """A whole run.

    Attributes:
        left, right: the two sides.
        started: when, in UTC (ISO 8601).
        seconds: how long it took.
        routes: one entry for each route, by name.
        failures: sentences about requests that got no comparable answer, with how often each.
        skipped: what was left out, by reason, such as unreadable log lines.
        declared_faults: declared differences that have expired or were never met; each fails the run.
        stopped: why the run ended before its cases did; empty if it didn't.
        memory: of the servers on copies, by scenario.
    """

    left: SideReport
    right: SideReport
    started: str
    seconds: float
    routes: tuple[RouteReport, ...]
    failures: tuple[tuple[str, int], ...] = ()
    skipped: tuple[tuple[str, int], ...] = ()
    declared_faults: tuple[str, ...] = ()
    stopped: str = ""
    options: tuple[tuple[str, str], ...] = field(default=())
    memory: tuple[MemoryUse, ...] = ()

    def covered(self, coverage: Iterable[RouteCoverage], *, bar: float) -> Self:
        """With the coverage of its routes; see `RouteReport.covered`."""
        known = {each.route: each for each in coverage}
        routes = (
            route.covered(known[route.route], bar=bar) if route.route in known else route for route in self.routes
        )
        return dataclasses.replace(self, routes=tuple(routes))

    @property
    def exit_code(self) -> int:
        """0 equal, 1 differences, 4 where something could not be compared."""
        if self.failures or self.stopped:
            return 4
        different = any(route.different or route.slow for route in self.routes)
        return 1 if different or self.declared_faults or any(use.excess for use in self.memory) else 0

    def evidence(self, bound: Mapping[str, str], *, folders: Mapping[str, str] | None = None) -> Iterator[RunEvidence]:
        """What the run has shown of each route that it compared; equal but for declared differences is equal.

        `bound` are the digests of what it was made with, and `folders` has those of case files by the keys of cases. A
        run that ended early shows nothing.
        """
        for route in () if self.stopped else self.routes:
            compared = route.equal + route.declared + route.different + route.noise
            # A run without any comparison must not take the place of the last one that had some.
            if compared:
                yield RunEvidence(
                    route=route.route,
                    time=self.started,
                    asked=compared,
                    equal=route.equal + route.declared,
                    different=route.different + bool(route.slow),
                    left=self.left.version,
                    right=self.right.version,
                    lacks=route.lacks,
                    bound=bound,
                    standing={
                        key: StandingCase(
                            case=each["case"], scenario=each["scenario"], folder=(folders or {}).get(key, "")
                        )
                        for key, each in route.differing.items()
                    },
                    settled=route.settled,
                    unlisted=compared if route.is_more else 0,
                    distinct=route.distinct,
                )


def report_json(report: ComparisonReport) -> str:
    """The report's fields under their own names, with the exit code that goes with it."""
    text = json.dumps({"exit_code": report.exit_code, **dataclasses.asdict(report)}, indent=2, ensure_ascii=False)
    # A body may hold half a character, as "\ud800" does, which no file can; what replaces it is JSON's own escape.
    return text.encode(errors="backslashreplace").decode()
