"""Requests that Django still answers, and those that still come by v1, from the gateway's access log."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from strangler.metrics.access_log import LoggedRequest
from strangler.metrics.minutes import Series
from strangler.metrics.tally import StackTally, stack_of
from strangler.routes.route import Api, Stack


@dataclass(kw_only=True)
class RecentTraffic:
    """Requests since a moment, by the names of routes and fixed paths.

    `django` are those that were Django's to answer, on either API; `v1` those of v1, whoever answered. `fallbacks` are
    Django's answers in place of FastAPI's. `tallies` are of routes alone. `begins` is the first request of the log.
    """

    since: dt.datetime
    django: Counter[str] = field(default_factory=Counter)
    fallbacks: Counter[str] = field(default_factory=Counter)
    v1: Counter[str] = field(default_factory=Counter)
    tallies: dict[Series, StackTally] = field(default_factory=dict)
    begins: dt.datetime | None = None

    def add(self, requests: Iterable[LoggedRequest], *, routes: Collection[str]) -> None:
        """Count the requests that are recent enough; what is no route but a fixed path has no v1."""
        for request in requests:
            if self.begins is None or request.time < self.begins:
                self.begins = request.time
            if request.time < self.since or request.route == "-":
                continue
            if request.fallback == Stack.FASTAPI:
                self.fallbacks[request.route] += 1
            elif stack_of(request) is Stack.DJANGO:
                self.django[request.route] += 1
            if request.route in routes:
                self._add(request)

    def _add(self, request: LoggedRequest) -> None:
        stack = stack_of(request)
        if request.api == Api.V1:
            self.v1[request.route] += 1
        if stack is not None:
            self.tallies.setdefault(Series(request.route, Api(request.api), stack), StackTally()).add(request)

    def tally(self, stack: Stack, *, api: Api | None = None, route: str | None = None) -> StackTally:
        """What a stack answered, of one API or both, of one route or all."""
        whole = StackTally()
        for series, tally in self.tallies.items():
            if series.stack is stack and api in {None, series.api} and route in {None, series.route}:
                whole.merge(tally)
        return whole

    @property
    def is_whole(self) -> bool:
        """Whether the log reaches as far back as the moment."""
        return self.begins is not None and self.begins <= self.since
