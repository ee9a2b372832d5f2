"""`make bench-peers` and `make bench-check`: v2 beside DRF, its peers and the limit, without nginx.

Exit codes: 0 measured, and with --check no ratio has fallen by a third; 1 one has; 2 wrong usage, 4 failed.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Annotated, Final

import httpx
import psutil
import typer
from rich.text import Text

from strangler.cli.output import err, logged_show, say
from strangler.deployment.local_stack import LocalStack
from strangler.errors import FailedError
from strangler.local.process import StopSignals
from tests.bench.command import bench_run
from tests.bench.endpoints import Endpoint, endpoints_select
from tests.bench.peers.programs import DRF, LIMIT, V2_NAME, Server, servers_start
from tests.bench.processes import cpu_seconds
from tests.bench.rows import Rows
from tests.bench.stack import bench_rows, bench_stack
from tests.bench.wrk import Wrk, requests_write, wrk_find

_READS: Final = "own-list,detail"
_COMPARED: Final = 3
_REQUESTS: Final = 3000
_CHANGED: Final = 1
# How many times as much of a core as v2 the others took for a request when that was last measured (docs/benchmark.md).
_REFERENCE: Final = {
    "own-list": {DRF: 17.9, LIMIT: 0.25},
    "detail": {DRF: 17.2, LIMIT: 0.30},
}
_SHARE_LEFT: Final = 2 / 3


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One load: microseconds of a core that the server itself took for a request, and what its client saw."""

    cpu_us: float
    rate: float
    p50_ms: float
    p99_ms: float


def bench(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="How often each server is loaded.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, max=60, help="How long each time.")] = 3,
    connections: Annotated[int, typer.Option(min=1, max=256, help="Requests under way at a time.")] = 16,
    check: Annotated[
        bool, typer.Option("--check", help="Only DRF, v2 and the limit; fail where v2 fell back.")
    ] = False,
) -> None:
    """Load v2, DRF, each peer and the limit in turn, and say what each takes of a core for a request."""
    wrk_find()
    samples = _measure(rounds, seconds, connections, names=(LIMIT,) if check else ())
    ratios = _report(samples)
    if check and not _is_kept(ratios):
        raise typer.Exit(_CHANGED)


def _measure(
    rounds: int, seconds: int, connections: int, *, names: tuple[str, ...]
) -> dict[str, dict[str, list[Sample]]]:
    """Endpoint → server → samples, one of each round."""
    endpoints = endpoints_select(_READS)
    with ExitStack() as open_, StopSignals() as signals:
        logged_show()
        stack = open_.enter_context(bench_stack(workers=1, check=signals.check))
        rows = open_.enter_context(bench_rows(stack))
        servers = servers_start(stack, names)
        for endpoint in endpoints:
            _require_equal(endpoint, rows, servers)
        samples: dict[str, dict[str, list[Sample]]] = {
            endpoint.name: {server.name: [] for server in servers} for endpoint in endpoints
        }
        for number in range(-1, rounds):
            for endpoint in endpoints:
                # Nobody always comes after the same, and the first round warms up.
                for server in servers if number % 2 else reversed(servers):
                    sample = _load(stack, rows, endpoint, server, seconds=seconds, connections=connections)
                    if number >= 0:
                        samples[endpoint.name][server.name].append(sample)
            err.print(Text(f"round {number + 1} of {rounds}" if number >= 0 else "warmed up"))
    return samples


def _load(
    stack: LocalStack, rows: Rows, endpoint: Endpoint, server: Server, *, seconds: int, connections: int
) -> Sample:
    wrk = Wrk(stack, connections=connections, url=server.url, headers={"Host": "localhost"})
    requests_write(wrk.requests, endpoint.requests(rows, _REQUESTS), prefix=server.prefix, limit=_REQUESTS)
    process = psutil.Process(server.pid)
    before = cpu_seconds([process])
    load = wrk.load(endpoint.method, seconds=seconds, repeatable=True)
    taken = cpu_seconds([process]) - before
    what = f"{endpoint.name} on {server.name}"
    load.require_clean(what)
    load.require_answered(what)
    return Sample(cpu_us=taken * 1e6 / load.requests, rate=load.rate, p50_ms=load.p50_ms, p99_ms=load.p99_ms)


def _require_equal(endpoint: Endpoint, rows: Rows, servers: list[Server]) -> None:
    """Asks each for the same, byte for byte; v1, whose links differ, is compared with v2 by the contract tests.

    :raises FailedError: somebody answers with something else than v2.
    """
    for request in islice(endpoint.requests(rows, _COMPARED), _COMPARED):
        headers = {"Authorization": f"Bearer {request.token}", "Host": "localhost"}
        bodies = {
            server.name: httpx.get(f"{server.url}{server.prefix}{request.path}", headers=headers, timeout=30).content
            for server in servers
            if server.name != DRF
        }
        for name, body in bodies.items():
            if body != bodies[V2_NAME]:
                raise FailedError(f"{endpoint.name}: {name} answers with other bytes than v2: {body[:200]!r}")


def _report(samples: dict[str, dict[str, list[Sample]]]) -> dict[str, dict[str, float]]:
    """Says a line for each; gives how many times as much of a core each takes as v2, by endpoint."""
    ratios: dict[str, dict[str, float]] = {}
    for endpoint, servers in samples.items():
        ratios[endpoint] = {name: _ratio(each, servers[V2_NAME]) for name, each in servers.items()}
        for name, each in servers.items():
            say(
                f"{endpoint}, {name}: {_median(each, lambda sample: sample.cpu_us):.0f} us of a core, "
                f"{ratios[endpoint][name]:.2f} x v2's; {_median(each, lambda sample: sample.rate):.0f} req/s, "
                f"p50 {_median(each, lambda sample: sample.p50_ms):.1f} ms, "
                f"p99 {_median(each, lambda sample: sample.p99_ms):.1f} ms"
            )
    return ratios


def _ratio(samples: list[Sample], of_v2: list[Sample]) -> float:
    """The median of the rounds' own ratios: what slows the machine for a while slows a whole round."""
    return median(each.cpu_us / own.cpu_us for each, own in zip(samples, of_v2, strict=True))


def _median(samples: list[Sample], value: Callable[[Sample], float]) -> float:
    return median(map(value, samples))


def _is_kept(ratios: dict[str, dict[str, float]]) -> bool:
    fallen = [*fallen_ratios(ratios)]
    for sentence in fallen:
        err.print(Text(sentence))
    return not fallen


def fallen_ratios(ratios: dict[str, dict[str, float]]) -> Iterator[str]:
    """A sentence for each ratio that is less than two thirds of what it was: v2 takes more of a core than it did."""
    for endpoint, servers in _REFERENCE.items():
        for name, reference in servers.items():
            now = ratios[endpoint][name]
            if now < _SHARE_LEFT * reference:
                yield f"{endpoint}: {name} took {reference:.2f} times as much of a core as v2, and now {now:.2f}."


if __name__ == "__main__":
    bench_run(bench, name="bench-peers")
