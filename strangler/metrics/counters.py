"""All requests since the log begins, by route, API and stack, as counters that only grow, for Prometheus."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from strangler.errors import FailedError
from strangler.metrics.access_log import AccessLog, LoggedRequest
from strangler.metrics.follower import AccessLogFollower, LogPosition
from strangler.metrics.histogram import LatencyHistogram
from strangler.metrics.minutes import OTHER, Series
from strangler.metrics.tally import StackTally, stack_of
from strangler.routes.route import Api, Stack

_APIS: Final = {str(api): api for api in Api}
_LIMIT: Final = 10_000
# Seconds; Prometheus' own defaults.
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(kw_only=True)
class Counters:
    """Tallies of all requests that were read up to `position`, which belong together on the disk."""

    position: LogPosition = field(default_factory=LogPosition)
    tallies: dict[Series, StackTally] = field(default_factory=dict)

    def add(self, requests: Iterable[LoggedRequest]) -> None:
        """Count these requests; those of too many routes are one."""
        for request in requests:
            stack, api = stack_of(request), _APIS.get(request.api)
            if stack is None or api is None:
                continue
            series = Series(request.route, api, stack)
            if series not in self.tallies and len(self.tallies) >= _LIMIT:
                series = Series(OTHER, api, stack)
            self.tallies.setdefault(series, StackTally()).add(request)

    def as_json(self) -> dict[str, Any]:
        """For a file; `from_json` reads it."""
        tallies = [
            [each.route, str(each.api), str(each.stack), tally.as_json()] for each, tally in self.tallies.items()
        ]
        return {"position": asdict(self.position), "tallies": tallies}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Counters":
        """The counters that `as_json` wrote.

        :raises KeyError: they are none.
        """
        position = document["position"]
        return cls(
            position=LogPosition(**position | {"done": tuple(position["done"])}),
            tallies={
                Series(route, Api(api), Stack(stack)): StackTally.from_json(tally)
                for route, api, stack, tally in document["tallies"]
            },
        )

    def lines(self) -> Iterator[str]:
        """Prometheus' text format; labels are names of routes, never paths."""
        kinds = {
            "requests_total": "Requests by the hundreds of their statuses.",
            "errors_total": "Requests that failed: 5xx, and those that the other stack answered instead.",
            "fallbacks_total": "Requests that the other stack answered instead.",
        }
        each = sorted(self.tallies.items(), key=lambda found: str(found[0]))
        for name, words in kinds.items():
            yield from head(name, words, "counter")
            for series, tally in each:
                if name == "requests_total":
                    for number, count in enumerate(tally.classes):
                        if count:
                            yield f"strangler_{name}{{{_labels(series)},class={quoted(f'{number}xx')}}} {count}"
                else:
                    yield f"strangler_{name}{{{_labels(series)}}} {getattr(tally, name.removesuffix('_total'))}"
        yield from head("upstream_seconds", "How long the stacks took.", "histogram")
        for series, tally in each:
            yield from _histogram(_labels(series), tally.times)


def counters_read_on(log: Path, file: Path) -> Counters:
    """The counters of a file, brought up to date with the log; one process at a time.

    :raises FailedError: the log isn't readable, the file isn't writable, or holds no counters.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            counters = _counters_read(file)
            follower = AccessLogFollower(log, counters.position)
            counters.add(AccessLog().requests(follower.lines()))
            if counters.position != follower.position:
                counters.position = follower.position
                # Both in one step: requests that are counted, and where to go on.
                draft = file.with_suffix(".new")
                with draft.open("wb") as out:
                    out.write(json.dumps(counters.as_json()).encode())
                    out.flush()
                    os.fsync(out.fileno())
                draft.replace(file)
            return counters
    except OSError as error:
        message = f"{error.filename or file} isn't writable ({error.strerror})"
        raise FailedError(message, "run as the user who started the stack") from error


def head(name: str, words: str, kind: str) -> Iterator[str]:
    """The two lines that come before a metric's values."""
    yield f"# HELP strangler_{name} {words}"
    yield f"# TYPE strangler_{name} {kind}"


def quoted(text: str) -> str:
    """A label's value."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _counters_read(file: Path) -> Counters:
    try:
        return Counters.from_json(json.loads(file.read_bytes()))
    except FileNotFoundError:
        return Counters()
    except (ValueError, KeyError, TypeError) as error:
        raise FailedError(f"{file} holds no counters", "remove it, they are counted anew from the log") from error


def _histogram(labels: str, times: LatencyHistogram) -> Iterator[str]:
    found = times.buckets()
    for limit in _BUCKETS:
        count = sum(count for upper, count in found if upper <= limit)
        yield f'strangler_upstream_seconds_bucket{{{labels},le="{limit:g}"}} {count}'
    yield f'strangler_upstream_seconds_bucket{{{labels},le="+Inf"}} {times.total}'
    # Of the buckets' upper ends, which are at most 1.6 % too high.
    yield f"strangler_upstream_seconds_sum{{{labels}}} {sum(upper * count for upper, count in found):.3f}"
    yield f"strangler_upstream_seconds_count{{{labels}}} {times.total}"


def _labels(series: Series) -> str:
    return f"route={quoted(series.route)},api={quoted(str(series.api))},stack={quoted(str(series.stack))}"
