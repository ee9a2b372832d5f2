"""What clients got lately, route by route: rate, errors and times of both stacks, minute by minute."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from strangler.errors import FailedError, StranglerError, many
from strangler.metrics.access_log import AccessLog
from strangler.metrics.follower import AccessLogFollower
from strangler.metrics.minutes import MinuteTable, Series
from strangler.metrics.tally import StackTally
from strangler.routes.route import Api, Stack

_MINUTE: Final = 60


@dataclass(frozen=True, kw_only=True)
class StackTraffic:
    """One stack's part of a route in the window, both versions of the API together.

    The three series have a value for each minute, the oldest first: requests a second, errors of all requests from 0 to
    1, and the 95th percentile in seconds; None where nothing was asked.
    """

    total: StackTally
    rates: tuple[float, ...]
    errors: tuple[float | None, ...]
    times: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class RouteTraffic:
    """Both stacks' parts of a route; its requests of v1 by stack, and about how many callers of v1 it has."""

    stacks: Mapping[Stack, StackTraffic]
    v1: Mapping[Stack, int]
    v1_callers: int = 0

    @property
    def v1_requests(self) -> int:
        """The requests of v1."""
        return sum(self.v1.values())

    @property
    def v1_on_fastapi(self) -> float | None:
        """FastAPI's part of them, from 0 to 1; None where there was none."""
        return self.v1[Stack.FASTAPI] / self.v1_requests if self.v1_requests else None


@dataclass(frozen=True, kw_only=True)
class TrafficWindow:
    """The window: what nginx's log calls a route, by name, and what is wrong with the log, if anything."""

    routes: Mapping[str, RouteTraffic] = field(default_factory=dict)
    problem: str = ""

    def of(self, names: Iterable[str]) -> "TrafficWindow":
        """The traffic of these routes: what never moves, such as Django's admin, is no part of the way."""
        wanted = set(names)
        routes = {name: route for name, route in self.routes.items() if name in wanted}
        return TrafficWindow(routes=routes, problem=self.problem)

    @property
    def requests(self) -> int:
        """All requests."""
        return sum(self._requests(stack) for stack in Stack)

    @property
    def fastapi_share(self) -> float | None:
        """FastAPI's part of them, from 0 to 1; None where there was none."""
        return self._requests(Stack.FASTAPI) / self.requests if self.requests else None

    def _requests(self, stack: Stack) -> int:
        return sum(route.stacks[stack].total.requests for route in self.routes.values())


class TrafficReader:
    """Follows an access log and keeps its last `minutes`; None for a log that is no file of this machine."""

    def __init__(self, log: Path | None, *, minutes: int) -> None:
        self._log = log
        self._minutes = minutes
        # The minute under way, and one that the log's clock may be ahead.
        self._table = MinuteTable(kept=minutes + 2)
        self._read = AccessLog()
        self._follower: AccessLogFollower | None = None

    def read(self, *, now: float) -> TrafficWindow:
        """Read on, and give the whole minutes before `now` (seconds since 1970) with the one under way."""
        since = (now // _MINUTE - self._minutes) * _MINUTE
        try:
            problem = self._read_on(since)
        except StranglerError as error:
            problem = str(error)
        except OSError as error:
            problem = f"{self._log} isn't readable ({error.strerror}): run as the user who started the stack."
        return traffic_of(self._table, minutes=self._minutes, now=now, problem=problem)

    def _read_on(self, since: float) -> str:
        if self._log is None:
            return "The container's access log is no file of this machine: have one written, and pass it with --log."
        if not self._log.exists() and self._follower is None:
            return f"There is no access log at {self._log}: start the stack with strangler up, or pass --log."
        if self._follower is None:
            self._follower = AccessLogFollower.since(self._log, since)
        requests = self._read.requests(self._follower.lines())
        self._table.add(request for request in requests if request.time.timestamp() >= since)
        if not self._log.exists():
            return f"{self._log} is gone: what is shown is of before."
        try:
            self._read.require_readable(str(self._log))
        except FailedError as error:
            return str(error)
        left = self._read.unreadable
        return f"Left out {many(left, 'line')} of {self._log} that are no requests of nginx." if left else ""


def traffic_of(table: MinuteTable, *, minutes: int, now: float, problem: str = "") -> TrafficWindow:
    """The traffic of the last minutes in a table."""
    last = int(now // _MINUTE)
    since = (last - minutes) * _MINUTE
    by_minute, totals, callers = (
        table.by_minute(since=since),
        table.total(since=since),
        table.callers(since=since),
    )
    routes = {}
    for name in {series.route for series in totals}:
        v1 = callers.get((name, Api.V1))
        routes[name] = RouteTraffic(
            stacks={
                stack: _stack_traffic(
                    [_both_apis(by_minute.get(minute, {}), name, stack) for minute in range(last - minutes, last + 1)],
                    seconds=now % _MINUTE,
                )
                for stack in Stack
            },
            v1={stack: totals.get(Series(name, Api.V1, stack), StackTally()).requests for stack in Stack},
            v1_callers=sum(v1.estimate(stack) for stack in Stack) if v1 else 0,
        )
    return TrafficWindow(routes=routes, problem=problem)


def _both_apis(tallies: Mapping[Series, StackTally], name: str, stack: Stack) -> StackTally:
    whole = StackTally()
    for tally in filter(None, (tallies.get(Series(name, api, stack)) for api in Api)):
        whole.merge(tally)
    return whole


def _stack_traffic(tallies: Sequence[StackTally], *, seconds: float) -> StackTraffic:
    """`seconds` of the last minute have passed."""
    total = StackTally()
    for tally in tallies:
        total.merge(tally)
    return StackTraffic(
        total=total,
        rates=tuple(_rates(tallies, seconds)),
        errors=tuple(tally.error_rate if tally.requests else None for tally in tallies),
        times=tuple(tally.times.quantile(0.95) for tally in tallies),
    )


def _rates(tallies: Sequence[StackTally], seconds: float) -> Iterator[float]:
    for tally in tallies[:-1]:
        yield tally.requests / _MINUTE
    # A minute that has just begun would be a rate of one request or none.
    yield tallies[-1].requests / max(seconds, 10.0)
