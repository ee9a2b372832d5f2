"""The requests of the last minutes by route, API, stack and minute."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from strangler.metrics.access_log import AccessLog, LoggedRequest
from strangler.metrics.callers import CallerSample
from strangler.metrics.follower import LogFollower
from strangler.metrics.tally import StackTally, stack_of
from strangler.routes.route import Api, Stack

_T = TypeVar("_T")
_MINUTE: Final = 60
# What is no route is so in nginx's log, too.
OTHER: Final = "-"
_APIS: Final = {str(api): api for api in Api}
# Of each route, API and minute; the sum of several is as small a sample.
_CALLERS: Final = 512


@dataclass(frozen=True, slots=True)
class Series:
    """What is counted apart in each minute."""

    route: str
    api: Api
    stack: Stack


@dataclass(kw_only=True)
class MinuteTable:
    """Tallies of the last `kept` minutes.

    `gateway` counts what nginx answered by itself. Beyond `limit` series a minute, those of other routes are one.
    """

    kept: int = 16
    limit: int = 5_000
    gateway: int = 0
    _tallies: dict[int, dict[Series, StackTally]] = field(default_factory=dict)
    _callers: dict[int, dict[tuple[str, Api], CallerSample]] = field(default_factory=dict)

    def add(self, requests: Iterable[LoggedRequest]) -> None:
        """Count these requests, each in its own minute."""
        for request in requests:
            stack, api = stack_of(request), _APIS.get(request.api)
            if stack is None or api is None:
                self.gateway += 1
                continue
            minute = int(request.time.timestamp()) // _MINUTE
            tallies = self._tallies.get(minute)
            if tallies is None:
                tallies = self._minute_begin(minute)
            if tallies is None:
                continue
            series = Series(request.route, api, stack)
            if series not in tallies and len(tallies) >= self.limit:
                series = Series(OTHER, api, stack)
            tally = tallies.get(series)
            if tally is None:
                tally = tallies[series] = StackTally()
            tally.add(request)
            self._callers[minute].setdefault((series.route, api), CallerSample(limit=_CALLERS)).add(
                request.caller, stack
            )

    def total(self, *, since: float) -> dict[Series, StackTally]:
        """The sums of all minutes that end after `since` (seconds since 1970)."""
        sums: dict[Series, StackTally] = {}
        for tallies in _recent(self._tallies, since):
            for series, tally in tallies.items():
                sums.setdefault(series, StackTally()).merge(tally)
        return sums

    def by_minute(self, *, since: float) -> Mapping[int, Mapping[Series, StackTally]]:
        """The tallies of each of those minutes, by its number since 1970; one without a request is left out."""
        return {minute: tallies for minute, tallies in self._tallies.items() if (minute + 1) * _MINUTE > since}

    def callers(self, *, since: float) -> dict[tuple[str, Api], CallerSample]:
        """The callers of each route and API in those minutes."""
        sums: dict[tuple[str, Api], CallerSample] = {}
        for samples in _recent(self._callers, since):
            for key, sample in samples.items():
                sums.setdefault(key, CallerSample(limit=_CALLERS)).merge(sample)
        return sums

    def _minute_begin(self, minute: int) -> dict[Series, StackTally] | None:
        """Make room for a minute; None for one that is too long ago."""
        oldest = max(self._tallies, default=minute) - self.kept
        if minute <= oldest:
            return None
        self._tallies[minute], self._callers[minute] = {}, {}
        for past in [each for each in self._tallies if each <= minute - self.kept]:
            del self._tallies[past], self._callers[past]
        return self._tallies[minute]


def minutes_read(log: LogFollower, *, since: float, kept: int = 16) -> MinuteTable:
    """The requests of a log since a moment (seconds since 1970).

    :raises FailedError: it isn't readable.
    """
    table = MinuteTable(kept=kept)
    requests = AccessLog().requests(log.lines())
    table.add(request for request in requests if request.time.timestamp() >= since)
    return table


def _recent(by_minute: Mapping[int, _T], since: float) -> Iterator[_T]:
    return (each for minute, each in sorted(by_minute.items()) if (minute + 1) * _MINUTE > since)
