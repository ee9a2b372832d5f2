"""All requests since the log begins, by route, API and stack, as counters that only grow, for Prometheus."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from strangler.metrics.access_log import LoggedRequest
from strangler.metrics.follower import LogPosition
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
            yield from _head(name, words, "counter")
            for series, tally in each:
                if name == "requests_total":
                    for number, count in enumerate(tally.classes):
                        if count:
                            yield f"strangler_{name}{{{_labels(series)},class={_quoted(f'{number}xx')}}} {count}"
                else:
                    yield f"strangler_{name}{{{_labels(series)}}} {getattr(tally, name.removesuffix('_total'))}"
        yield from _head("upstream_seconds", "How long the stacks took.", "histogram")
        for series, tally in each:
            yield from _histogram(_labels(series), tally.times)


def _histogram(labels: str, times: LatencyHistogram) -> Iterator[str]:
    found = times.buckets()
    for limit in _BUCKETS:
        count = sum(count for upper, count in found if upper <= limit)
        yield f'strangler_upstream_seconds_bucket{{{labels},le="{limit:g}"}} {count}'
    yield f'strangler_upstream_seconds_bucket{{{labels},le="+Inf"}} {times.total}'
    # Of the buckets' upper ends, which are at most 1.6 % too high.
    yield f"strangler_upstream_seconds_sum{{{labels}}} {sum(upper * count for upper, count in found):.3f}"
    yield f"strangler_upstream_seconds_count{{{labels}}} {times.total}"


def _head(name: str, words: str, kind: str) -> Iterator[str]:
    yield f"# HELP strangler_{name} {words}"
    yield f"# TYPE strangler_{name} {kind}"


def _labels(series: Series) -> str:
    return f"route={_quoted(series.route)},api={_quoted(str(series.api))},stack={_quoted(str(series.stack))}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
