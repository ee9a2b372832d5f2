"""What loads of v2, its peers and the limit say: ratios, and tables for the page."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Final

from tests.bench.peers.programs import LIMIT, V2_NAME

_HEADS: Final = ("of a core", "× v2", "req/s", "of the limit", "p50 / p99")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One load: microseconds of a core that the server itself took for a request, and what its client saw."""

    cpu_us: float
    rate: float
    p50_ms: float
    p99_ms: float


Samples = dict[str, list[Sample]]
"""Those of one endpoint by the server's name, one of each round."""


def middle(samples: list[Sample], value: Callable[[Sample], float]) -> float:
    """The median of a value of the rounds."""
    return median(map(value, samples))


def cpu_ratio(samples: list[Sample], of: list[Sample]) -> float:
    """How many times as much of a core: the median of the rounds' own, since what slows the machine slows a round."""
    return median(each.cpu_us / own.cpu_us for each, own in zip(samples, of, strict=True))


def rate_ratio(samples: list[Sample], of: list[Sample]) -> float:
    """How many times as many requests a second, likewise."""
    return median(each.rate / own.rate for each, own in zip(samples, of, strict=True))


def peer_table(endpoint: str, servers: Samples) -> Iterator[str]:
    """The lines of a table, the slowest first."""
    yield f"| {' | '.join((endpoint, *_HEADS))} |"
    yield f"| {' | '.join('---' for _ in (endpoint, *_HEADS))} |"
    for name in sorted(servers, key=lambda name: rate_ratio(servers[name], servers[LIMIT])):
        samples = servers[name]
        cells = (
            f"**{name}**" if name == V2_NAME else name,
            f"{middle(samples, lambda sample: sample.cpu_us) / 1000:.2f} ms",
            f"{cpu_ratio(samples, servers[V2_NAME]):.2f}",
            f"{middle(samples, lambda sample: sample.rate):,.0f}",
            f"{rate_ratio(samples, servers[LIMIT]):.2f}",
            f"{middle(samples, lambda s: s.p50_ms):.1f} / {middle(samples, lambda s: s.p99_ms):.1f} ms",
        )
        yield f"| {' | '.join(cells)} |"
