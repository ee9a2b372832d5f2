"""Collects results into a report: counts, times, and a few examples of each difference, masked and bounded."""

import dataclasses
import datetime as dt
import time
from bisect import insort
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from operator import itemgetter
from statistics import median
from typing import Any, Final

from strangler.compare.caller_tally import CallerTally
from strangler.compare.case import Case, ScenarioStep, case_key
from strangler.compare.cases.message import secrets_in_target
from strangler.compare.client.response import Headers
from strangler.compare.client.sides import Side
from strangler.compare.client.sign_in import BEARER
from strangler.compare.comparison import CaseOutcome, CaseResult
from strangler.compare.costs import CostLimits, Histogram
from strangler.compare.coverage import RouteRequests
from strangler.compare.masked_result import MaskedResult
from strangler.compare.redaction import Masker, is_secret
from strangler.compare.report.model import (
    ComparisonReport,
    Example,
    Group,
    MemoryUse,
    RouteReport,
    RowDifference,
    SideReport,
    Timing,
    severity,
)
from strangler.rollout.evidence import StandingCase

NO_ROUTE: Final = "(no route)"
MAX_GROUPS: Final = 30
MAX_EXAMPLES: Final = 3
MAX_FAILURES: Final = 100
MAX_DIFFERING: Final = 1000
# A replayed log has no end.
MAX_DISTINCT: Final = 10_000
_OTHERS: Final = ("more", "other places")


@dataclass
class _SideTally:
    times: Histogram = field(default_factory=Histogram)
    statements: Counter[int] = field(default_factory=Counter)

    def timing(self) -> Timing | None:
        if not self.times.total:
            return None
        return Timing(
            p50=self.times.quantile(0.5),
            p95=self.times.quantile(0.95),
            p99=self.times.quantile(0.99),
            buckets=self.times.buckets,
            statements_median=median(self.statements.elements()) if self.statements else None,
            statements_max=max(self.statements, default=None),
        )


@dataclass
class _GroupTally:
    count: int = 0
    # The first in the order of the cases, whoever was answered first: two runs show the same.
    examples: list[tuple[int, Example]] = field(default_factory=list)

    def add(self, number: int, exhibit: MaskedResult) -> None:
        self.count += 1
        if len(self.examples) < MAX_EXAMPLES or number < self.examples[-1][0]:
            insort(self.examples, (number, exhibit.example), key=itemgetter(0))
            del self.examples[MAX_EXAMPLES:]


@dataclass
class _RouteTally:
    outcomes: Counter[CaseOutcome] = field(default_factory=Counter)
    callers: CallerTally = field(default_factory=CallerTally)
    left: _SideTally = field(default_factory=_SideTally)
    right: _SideTally = field(default_factory=_SideTally)
    groups: dict[tuple[str, str], _GroupTally] = field(default_factory=dict)
    # Cases that differed, by their keys, and those of an earlier run that are equal now.
    differing: dict[str, StandingCase] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    is_more: bool = False
    # Keys of those that were equal, or differed as declared.
    equal: set[str] = field(default_factory=set)

    def differ(self, key: str, case: StandingCase) -> None:
        """Keep a case that differed, as long as there is room."""
        if key in self.differing or len(self.differing) < MAX_DIFFERING:
            self.differing.setdefault(key, case)
        else:
            self.is_more = True

    def report(self, route: str, costs: CostLimits, *, methods: Collection[str], is_rowless: bool) -> RouteReport:
        left, right = self.left.timing(), self.right.timing()
        ratio = left.p50 / right.p50 if left and right and right.p50 else None
        groups = sorted(
            self.groups.items(), key=lambda each: (severity(each[0][0]), -each[1].count, each[1].examples[0][0])
        )
        counts: dict[str, Any] = {str(outcome): self.outcomes[outcome] for outcome in CaseOutcome}
        return RouteReport(
            route=route,
            asked=self.outcomes.total(),
            **counts,
            left=left,
            right=right,
            ratio=ratio,
            slow=costs.slowness(left, right),
            lacks=self.callers.lacks(methods=methods, is_rowless=is_rowless),
            distinct=len(self.equal),
            differing=self.differing,
            settled=tuple(sorted(self.settled - self.differing.keys())),
            is_more=self.is_more,
            groups=tuple(
                Group(
                    kind=kind,
                    pattern=pattern,
                    count=group.count,
                    examples=tuple(example for _number, example in group.examples),
                )
                for (kind, pattern), group in groups
            ),
        )


class Collector:
    """Counts each verdict, and keeps a few examples of each fault, masked; `on_outcome` is called after each case.

    `standing` are the keys of cases that differed in an earlier run: those that are equal now are reported.
    `credentials` are a caller's headers as `curl` has them. Routes named by the patterns `rowless` change no rows,
    whatever their methods; `methods` are those of each route by its name, where they are known.
    """

    def __init__(
        self,
        left: Side,
        right: Side,
        *,
        on_outcome: Callable[[CaseOutcome], None] = lambda _outcome: None,
        costs: CostLimits | None = None,
        standing: Collection[str] = (),
        credentials: Headers = BEARER,
        rowless: Collection[str] = (),
        methods: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self._sides = left, right
        self._credentials = credentials
        self._rowless = tuple(rowless)
        self._methods = methods or {}
        self._standing = frozenset(standing)
        self._on_outcome = on_outcome
        self._costs = costs or CostLimits()
        self._routes: dict[str, _RouteTally] = {}
        self._failures: Counter[str] = Counter()
        self._added = 0
        self._began = dt.datetime.now(dt.UTC), time.monotonic()
        self.skipped: Counter[str] = Counter()
        self.requests: dict[str, RouteRequests] = {}
        self._memory: list[MemoryUse] = []

    @property
    def routes(self) -> tuple[str, ...]:
        """The names of the routes so far."""
        return tuple(sorted(self._routes))

    def add(
        self,
        case: Case,
        result: CaseResult,
        *,
        number: int | None = None,
        rows: tuple[RowDifference, ...] = (),
        secrets: tuple[str, ...] = (),
        scenario: str = "",
        key: str = "",
        sent: tuple[tuple[Side, Case], tuple[Side, Case]] | None = None,
        has_written: bool = False,
    ) -> None:
        """Count what became of a case.

        :param number: its place among the cases; without one it is the next.
        :param rows: with some it is different whatever was answered.
        :param secrets: values that its requests carried besides its own.
        :param scenario: that it was played in.
        :param key: tells it from others; without one it is that of the request.
        :param sent: the sides that were requested and what each was sent, where those aren't the run's own: copies.
        :param has_written: whether it changed rows on both sides.
        """
        self._added += 1
        number = self._added if number is None else number
        tally = self._routes.setdefault(case.route or NO_ROUTE, _RouteTally())
        if dearer := self._costs.difference(result):
            result = dataclasses.replace(result, outcome=CaseOutcome.DIFFERENT, found=(*result.found, dearer))
        outcome = CaseOutcome.DIFFERENT if rows else result.outcome
        tally.outcomes[outcome] += 1
        if result.left and result.right:
            requests = self.requests.setdefault(case.route or NO_ROUTE, RouteRequests())
            requests.add(case, result.left.answer.status)
        key = key or case_key(ScenarioStep(case=case))
        if outcome in {CaseOutcome.EQUAL, CaseOutcome.DECLARED} and result.left:
            tally.callers.add(self._sides[0], case, result.left.answer, has_written=has_written)
            tally.settled |= {key} & self._standing
            if len(tally.equal) < MAX_DISTINCT:
                tally.equal.add(key)
        for side, asked in ((tally.left, result.left), (tally.right, result.right)):
            # How fast a server refuses or fails is no measure of its speed, and a recorded answer took no time.
            if asked is not None and asked.seconds and result.outcome is not CaseOutcome.UNAVAILABLE:
                side.times.add(asked.seconds)
                side.statements.update(() if asked.statements is None else (asked.statements,))
        if result.failure:
            place = "" if result.failure.always else f" ({case.route or NO_ROUTE})"
            self.failed(f"{result.failure}{place}")
        sent = sent or ((self._sides[0], case), (self._sides[1], case))
        if shown := self._show(tally, number, case, result, rows, secrets, sent):
            tally.differ(key, StandingCase(case=shown, scenario=scenario, folder=""))
        self._on_outcome(outcome)

    def grown(self, scenario: str, left: tuple[int, int], right: tuple[int, int]) -> None:
        """Note the bytes that both sides' servers held, after the first requests of a scenario and at its end."""
        self._memory.append(self._costs.memory_use(scenario, left, right))

    def failed(self, sentence: str) -> None:
        """Count what could not be compared, and is no case's own."""
        known = sentence in self._failures or len(self._failures) < MAX_FAILURES
        self._failures[sentence if known else "other failures"] += 1

    def report(
        self,
        *,
        declared_faults: tuple[str, ...] = (),
        stopped: str = "",
        options: tuple[tuple[str, str], ...] = (),
        versions: tuple[str, str] = ("", ""),
    ) -> ComparisonReport:
        """What was found so far."""
        left, right = (
            SideReport(name=side.name, url=side.url, version=version)
            for side, version in zip(self._sides, versions, strict=True)
        )
        started, began = self._began
        return ComparisonReport(
            left=left,
            right=right,
            started=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            seconds=time.monotonic() - began,
            routes=tuple(
                tally.report(
                    route,
                    self._costs,
                    methods=self._methods.get(route, ()),
                    is_rowless=any(fnmatchcase(route, each) for each in self._rowless),
                )
                for route, tally in sorted(self._routes.items())
            ),
            failures=tuple(self._failures.most_common()),
            skipped=tuple((reason, count) for reason, count in self.skipped.most_common() if count),
            declared_faults=declared_faults,
            stopped=stopped,
            options=options,
            memory=tuple(self._memory),
        )

    def _show(
        self,
        tally: _RouteTally,
        number: int,
        case: Case,
        result: CaseResult,
        rows: tuple[RowDifference, ...],
        secrets: tuple[str, ...],
        sent: tuple[tuple[Side, Case], tuple[Side, Case]],
    ) -> str:
        """Keep a difference; returns the case in words, empty where there is none."""
        if not result.found and not rows:
            return ""
        headers = [pair for side, each in sent for pair in (*each.headers, *side.headers)]
        carried = tuple(text for name, text in headers if is_secret(name))
        known = (*case.secrets, *secrets_in_target(case.target), *carried, *secrets)
        exhibit = MaskedResult(case, result, rows, Masker(known), sent, self._credentials)
        for kind in exhibit.kinds:
            key = kind if kind in tally.groups or len(tally.groups) < MAX_GROUPS else _OTHERS
            tally.groups.setdefault(key, _GroupTally()).add(number, exhibit)
        return exhibit.words
