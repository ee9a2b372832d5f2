"""`make bench-peers` and `make bench-check`: v2 beside DRF, its peers and the limit, into docs/benchmark.md.

Exit codes: 0 measured, and with --check no ratio has fallen by a third; 1 one has; 2 wrong usage, 4 failed.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
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
from tests.bench.page import Conditions, image, section_of_page_write
from tests.bench.peer_table import Sample, Samples, cpu_ratio, middle, peer_table, rate_ratio
from tests.bench.peers.programs import DRF, LIMIT, PEERS, V2_NAME, Server, servers_start
from tests.bench.plots import matplotlib_require, peers_plot
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


def bench(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="How often each server is loaded.")] = 4,
    seconds: Annotated[int, typer.Option(min=1, max=60, help="How long each time.")] = 2,
    connections: Annotated[int, typer.Option(min=1, max=256, help="Requests under way at a time.")] = 16,
    check: Annotated[
        bool, typer.Option("--check", help="Only DRF, v2 and the limit; fail where v2 fell back.")
    ] = False,
    write: Annotated[bool, typer.Option(help="Write the tables and the plot to docs/benchmark.md.")] = True,
) -> None:
    """Load v2, DRF, each peer and the limit in turn, and say what each takes of a core for a request."""
    wrk_find()
    writes = write and not check
    if writes:
        matplotlib_require()
    conditions = Conditions()
    samples = _measure(rounds, seconds, connections, check=check)
    ratios = _report(samples)
    if check and not _is_kept(ratios):
        raise typer.Exit(_CHANGED)
    if writes:
        command = f"make bench-peers ROUNDS={rounds} SECONDS={seconds} CONNECTIONS={connections}"
        _page_write(samples, conditions.line(command))


def _measure(rounds: int, seconds: int, connections: int, *, check: bool) -> dict[str, Samples]:
    """Endpoint → server → samples, one of each round."""
    endpoints = endpoints_select(_READS)
    with ExitStack() as open_, StopSignals() as signals:
        logged_show()
        stack = open_.enter_context(bench_stack(workers=1, check=signals.check))
        rows = open_.enter_context(bench_rows(stack))
        servers = servers_start(stack, only_limit=check)
        for endpoint in endpoints:
            _require_equal(endpoint, rows, servers)
        samples: dict[str, Samples] = {endpoint.name: {server.name: [] for server in servers} for endpoint in endpoints}
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
    processes = [psutil.Process(pid) for pid in server.pids]
    before = cpu_seconds(processes)
    load = wrk.load(endpoint.method, seconds=seconds, repeatable=True)
    taken = cpu_seconds(processes) - before
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


def _report(samples: dict[str, Samples]) -> dict[str, dict[str, float]]:
    """Says a line for each; gives how many times as much of a core each takes as v2, by endpoint."""
    ratios: dict[str, dict[str, float]] = {}
    for endpoint, servers in samples.items():
        ratios[endpoint] = {name: cpu_ratio(each, servers[V2_NAME]) for name, each in servers.items()}
        for name, each in servers.items():
            say(
                f"{endpoint}, {name}: {middle(each, lambda sample: sample.cpu_us):.0f} us of a core, "
                f"{ratios[endpoint][name]:.2f} x v2's; {middle(each, lambda sample: sample.rate):.0f} req/s, "
                f"p50 {middle(each, lambda sample: sample.p50_ms):.1f} ms, "
                f"p99 {middle(each, lambda sample: sample.p99_ms):.1f} ms"
            )
    return ratios


def _page_write(samples: dict[str, Samples], conditions: str) -> None:
    missing = [name for name, peer in PEERS.items() if not peer.is_there]
    without = f" Without {', '.join(missing)}, which this Python has no release of." if missing else ""
    lines = [image("peers", "Requests per second of each peer as a share of the limit's")]
    for endpoint, servers in samples.items():
        lines += ["", *peer_table(endpoint, servers)]
    section_of_page_write("peers", [*lines, "", f"{conditions}{without}"])
    peers_plot(
        {
            endpoint: {name: rate_ratio(each, servers[LIMIT]) for name, each in servers.items()}
            for endpoint, servers in samples.items()
        }
    )


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
