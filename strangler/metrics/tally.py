"""What a stack answered of a route: requests, status classes, errors, times."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from strangler.metrics.access_log import LoggedRequest
from strangler.metrics.histogram import LatencyHistogram
from strangler.routes.route import Stack

_SERVER_ERROR = 500
_STACKS = frozenset(Stack)


@dataclass(kw_only=True, slots=True)
class StackTally:
    """Counts of requests that were one stack's to answer.

    `classes` are the statuses that clients got, by hundreds. `errors` are 5xx and the `fallbacks`, where the other
    stack answered instead. `times` are of requests that reached a stack.
    """

    requests: int = 0
    errors: int = 0
    fallbacks: int = 0
    classes: list[int] = field(default_factory=lambda: [0] * 6)
    times: LatencyHistogram = field(default_factory=LatencyHistogram)

    def add(self, request: LoggedRequest) -> None:
        """Count one more request."""
        self.requests += 1
        self.classes[min(5, request.status // 100)] += 1
        if request.fallback:
            self.fallbacks += 1
        if request.fallback or request.status >= _SERVER_ERROR:
            self.errors += 1
        if request.seconds is not None:
            self.times.add(request.seconds)

    def merge(self, other: "StackTally") -> None:
        """Count what another one has counted, too."""
        self.requests += other.requests
        self.errors += other.errors
        self.fallbacks += other.fallbacks
        self.classes = [mine + theirs for mine, theirs in zip(self.classes, other.classes, strict=True)]
        self.times.merge(other.times)

    @property
    def error_rate(self) -> float:
        """Errors of all requests, from 0 to 1."""
        return self.errors / self.requests if self.requests else 0.0

    def as_json(self) -> dict[str, Any]:
        """For a file; `from_json` reads it."""
        return {
            "requests": self.requests,
            "errors": self.errors,
            "fallbacks": self.fallbacks,
            "classes": self.classes,
            "times": sorted(self.times.counts.items()),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "StackTally":
        """The tally that `as_json` wrote.

        :raises KeyError: it is none.
        """
        fields = {name: document[name] for name in ("requests", "errors", "fallbacks", "classes")}
        return cls(**fields, times=LatencyHistogram((bucket, count) for bucket, count in document["times"]))


def stack_of(request: LoggedRequest) -> Stack | None:
    """Whose a request was: of the stack that answered, or failed to; None where the gateway answered by itself."""
    name = request.fallback or request.stack
    return Stack(name) if name in _STACKS else None
