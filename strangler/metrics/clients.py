"""Who still calls v1 of a route, from nginx's access log."""

import datetime as dt
import heapq
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from strangler.errors import UsageError
from strangler.metrics.access_log import LoggedRequest
from strangler.routes.route import Api

# About 8 MB of memory.
MAX_CLIENTS: Final = 10_000
_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes"}


@dataclass(kw_only=True, slots=True)
class V1Client:
    """One caller with one program: how often, from when to when, and what it was answered."""

    caller: str
    user_agent: str
    first: dt.datetime
    last: dt.datetime
    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)

    def add(self, request: LoggedRequest) -> None:
        """Count one more request."""
        self.requests += 1
        self.statuses[request.status] += 1
        self.first = min(self.first, request.time)
        self.last = max(self.last, request.time)

    def as_json(self, share: float) -> dict[str, Any]:
        """For machines; `share` is a percentage."""
        return {
            "caller": self.caller,
            "user_agent": self.user_agent,
            "requests": self.requests,
            "share": round(share, 2),
            "first": moment_text(self.first),
            "last": moment_text(self.last),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
        }


@dataclass(kw_only=True)
class RouteClients:
    """The clients of one route; `others` are requests of those that are too rare to be listed."""

    route: str
    requests: int = 0
    others: int = 0
    last: dt.datetime | None = None
    by_key: dict[tuple[str, str], V1Client] = field(default_factory=dict)

    @property
    def clients(self) -> list[V1Client]:
        """The most frequent first."""
        return sorted(self.by_key.values(), key=lambda client: (-client.requests, client.caller))

    def share(self, requests: int) -> float:
        """So many of the route's requests as a percentage of all."""
        return 100 * requests / self.requests if self.requests else 0.0

    def as_json(self, *, with_clients: bool) -> dict[str, Any]:
        """For machines; without the clients it has their number."""
        each = [client.as_json(self.share(client.requests)) for client in self.clients]
        return {
            "route": self.route,
            "requests": self.requests,
            "last": moment_text(self.last) or None,
            "clients": each if with_clients else len(each),
            "others": self.others,
        }


class ClientCount:
    """Counts the callers of v1 in bounded memory.

    Beyond `limit` clients, the rarer half goes into `others`: those that stay are the frequent ones, and the number
    of their requests is a lower bound.
    """

    def __init__(self, routes: Iterable[str], *, since: dt.datetime | None, limit: int = MAX_CLIENTS) -> None:
        self.routes = {route: RouteClients(route=route) for route in routes}
        self._since = since
        self._limit = limit
        self._kept = 0

    def add(self, requests: Iterable[LoggedRequest]) -> None:
        """Count the requests that are of v1 and recent enough."""
        for request in requests:
            if request.api == Api.V1 and (self._since is None or request.time >= self._since):
                self._add(request)

    def _add(self, request: LoggedRequest) -> None:
        route = self.routes[request.route]
        route.requests += 1
        route.last = max(route.last or request.time, request.time)
        key = request.caller, request.user_agent
        client = route.by_key.get(key)
        if client is None:
            self._make_room()
            self._kept += 1
            client = V1Client(caller=key[0], user_agent=key[1], first=request.time, last=request.time)
            route.by_key[key] = client
        client.add(request)

    def _make_room(self) -> None:
        if self._kept < self._limit:
            return
        everyone = (
            (client.requests, name, key) for name, route in self.routes.items() for key, client in route.by_key.items()
        )
        for requests, name, key in heapq.nsmallest(max(1, self._limit // 2), everyone):
            self.routes[name].others += requests
            del self.routes[name].by_key[key]
            self._kept -= 1


def since_parse(text: str, *, now: dt.datetime) -> dt.datetime:
    """The moment that `7d`, `24h`, `30m`, a day or a day with a time stands for; UTC unless it says otherwise.

    :raises UsageError: it is none of these.
    """
    ago = re.fullmatch(r"([0-9]{1,6})([dhm])", text)
    try:
        if ago:
            return now - dt.timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = dt.datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--since {text!r} is no time", "write 7d, 24h, 30m or a day such as 2027-01-31") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def moment_text(moment: dt.datetime | None) -> str:
    """A moment in UTC to the second; empty for none."""
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if moment else ""
