"""What pods of nginx would log of requests that nobody sends: callers split as the pod's own configuration says."""

import datetime as dt
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Final

_CALLERS: Final = 1000


class PodTraffic:
    """Requests of one route, in each pod from the first look at it.

    Attributes:
        failing_since: from then on FastAPI answers with 500, in seconds since 1970; None for never.
        rate: how many a second.
    """

    def __init__(self, route: str) -> None:
        self.failing_since: float | None = None
        self.rate = 40
        self._route = route
        self._begun: dict[str, float] = {}

    def printed(self, pod: str, files: Mapping[str, str], since: float) -> Iterator[tuple[float, str]]:
        """The lines of a pod since a moment, each with its time."""
        now = time.time()
        begun = self._begun.setdefault(pod, now - 1)
        found = re.search(rf'"v1 {re.escape(self._route)}"\s+(?:\$canary_(\d+)|(fastapi));', files["routes.conf"])
        percent = 0 if found is None else int(found[1] or 100)
        for number in range(max(0, int((since - begun) * self.rate)), int((now - begun) * self.rate)):
            moment = begun + number / self.rate
            caller = number * 7919 % _CALLERS
            fastapi = caller < percent * _CALLERS / 100
            failed = fastapi and self.failing_since is not None and moment >= self.failing_since
            yield (
                moment,
                json.dumps(
                    {
                        "time": dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(timespec="seconds"),
                        "method": "GET",
                        "uri": "/api/made-up/",
                        "api": "v1",
                        "route": self._route,
                        "stack": "fastapi" if fastapi else "django",
                        "status": 500 if failed else 200,
                        "caller": f"user:{caller}",
                        "user_agent": "app/2",
                        "upstream_time": f"0.0{number % 7 + 10}",
                    },
                    separators=(",", ":"),
                ),
            )
