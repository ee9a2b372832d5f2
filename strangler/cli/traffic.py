"""What the access log says of the last minutes: requests, errors and times of each stack, and of routes at canary."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.text import Text

from strangler.cli.output import out, say, table_print
from strangler.errors import many
from strangler.metrics.callers import CallerSample
from strangler.metrics.follower import LogFollower
from strangler.metrics.minutes import MinuteTable, Series, minutes_read
from strangler.metrics.tally import StackTally
from strangler.rollout.plan import place_text
from strangler.routes.route import Api, Route, Stack, Stage

_HEADERS: Final = ("stack", "", "requests", "rate", "errors", "p50", "p95", "p99", "callers")
# Three lines each of the screen.
_SHOWN_CANARIES: Final = 3


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """The requests of the last minutes; `seconds` is how long they took to come."""

    table: MinuteTable
    minutes: int
    since: float
    seconds: float

    def as_json(self) -> list[dict[str, Any]]:
        """For machines: each route, API and stack."""
        callers = self.table.callers(since=self.since)
        return [
            {
                "route": series.route,
                "api": str(series.api),
                "stack": str(series.stack),
                "requests": tally.requests,
                "errors": tally.errors,
                "fallbacks": tally.fallbacks,
                "statuses": {f"{number}xx": count for number, count in enumerate(tally.classes) if count},
                **{name: tally.times.quantile(share) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))},
                "callers": callers[series.route, series.api].estimate(series.stack),
            }
            for series, tally in sorted(self._sums().items(), key=lambda each: str(each[0]))
        ]

    def show(self, routes: Sequence[Route]) -> None:
        """Each stack in a row, then the routes by their stages, those at canary with both sides."""
        sums, samples = self._sums(), self.table.callers(since=self.since)
        rows = [
            self._row(str(stack), str(api), _merged(sums, api, stack), _callers(samples, api, stack))
            for api in Api
            for stack in Stack
            if any(series.api is api and series.stack is stack for series in sums)
        ]
        span = f"last {self.minutes} min"
        if not rows:
            say(f"traffic  no request in the {span}")
        elif out.is_terminal:
            say()
            table_print((span, *_HEADERS[1:]), [[Text(cell) for cell in row] for row in rows], whole=_HEADERS)
            say()
        for row in [] if out.is_terminal else rows:
            named = [f"{name} {cell}" for name, cell in zip(_HEADERS[2:], row[2:], strict=True)]
            say(f"traffic  {row[0]} {row[1]}, {span}: {', '.join(named)}")
        stages_show(routes)
        canaries = [route for route in routes if route.stage is Stage.CANARY]
        for route in canaries[:_SHOWN_CANARIES]:
            say(f"canary  {route.name} {place_text(route).removeprefix('canary ')}")
            for stack in reversed(Stack):
                say(f"        {_side(stack, sums.get(Series(route.name, Api.V1, stack)))}")
        if len(canaries) > _SHOWN_CANARIES:
            say(f"canary  {many(len(canaries) - _SHOWN_CANARIES, 'other route')}: strangler status --json")

    def _sums(self) -> dict[Series, StackTally]:
        return self.table.total(since=self.since)

    def _row(self, stack: str, api: str, tally: StackTally, callers: int) -> tuple[str, ...]:
        times = [_milliseconds(tally.times.quantile(share)) for share in (0.5, 0.95, 0.99)]
        rate = f"{tally.requests / self.seconds:.1f}/s"
        return (stack, api, f"{tally.requests}", rate, f"{tally.error_rate:.2%}", *times, f"{callers}")


def stages_show(routes: Sequence[Route]) -> None:
    """How many routes are at each stage; nothing where there are none."""
    if routes:
        stages = Counter(str(route.stage) for route in routes)
        say(f"routes  {', '.join(f'{stages[stage]} {stage}' for stage in Stage if stages[stage])}")


def traffic_measure(log: Callable[[float], LogFollower], *, minutes: int) -> Traffic:
    """The requests of the last minutes, whole ones and the one that has begun; `log` gives what is logged since then.

    :raises FailedError: the log isn't readable.
    """
    now = time.time()
    since = (now // 60 - minutes) * 60
    table = minutes_read(log(since), since=since, kept=minutes + 2)
    return Traffic(table=table, minutes=minutes, since=since, seconds=now - since)


def _merged(sums: dict[Series, StackTally], api: Api, stack: Stack) -> StackTally:
    whole = StackTally()
    for series, tally in sums.items():
        if series.api is api and series.stack is stack:
            whole.merge(tally)
    return whole


def _callers(samples: dict[tuple[str, Api], CallerSample], api: Api, stack: Stack) -> int:
    """Callers of any route: one sample of all their digests, whichever stack answers the route."""
    threshold = min((sample.threshold for (_, each), sample in samples.items() if each is api), default=0)
    known = {digest for digest in _digests(samples, api, stack) if digest < threshold}
    return (
        CallerSample(threshold=threshold, known=((digest, stack) for digest in known)).estimate(stack) if known else 0
    )


def _digests(samples: dict[tuple[str, Api], CallerSample], api: Api, stack: Stack) -> Iterable[int]:
    return (digest for (_, each), sample in samples.items() if each is api for digest in sample.of(stack))


def _side(stack: Stack, tally: StackTally | None) -> str:
    if tally is None:
        return f"{stack}: no request"
    p95 = _milliseconds(tally.times.quantile(0.95))
    return f"{stack}: {tally.requests} requests, errors {tally.error_rate:.2%}, p95 {p95}"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"
