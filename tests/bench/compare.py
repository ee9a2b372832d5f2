"""`make bench-compare`: does `strangler compare` keep the slower side busy? Exit codes: 0 it does, 1 not, 4 failed."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from itertools import product
from typing import Annotated, Final

import psutil
import typer
from rich.text import Text

from strangler.cli.output import err, logged_show, say
from strangler.compare.client.request import headers_sent
from strangler.compare.client.sides import Side, side_at
from strangler.deployment.local_stack import LocalStack
from strangler.local.process import StopSignals
from tests.bench.bystanders import Bystanders
from tests.bench.command import bench_run
from tests.bench.comparison_rate import TARGET, Compared, Pair, Result, Setting
from tests.bench.cores import alone_on_a_core
from tests.bench.stack import bench_rows, bench_stack
from tests.bench.tool import Tool, reads_of
from tests.bench.wrk import Load, Request, Wrk, requests_write
from tests.contract.comparing import V1, V2

CONCURRENCIES: Final = (4, 8, 16)
_FAST_CASES: Final = 500
_MISSED: Final = 1


class Bench:
    """Measures a stack that runs: the slower of its two services, and the tool between them."""

    def __init__(self, stack: LocalStack, requests: Sequence[Request], *, seconds: int) -> None:
        self._stack = stack
        self._requests = requests
        self._seconds = seconds
        places = (("django", stack.settings.django_port, V1), ("fastapi", stack.settings.fastapi_port, V2))
        self._sides = [side_at(name, f"http://127.0.0.1:{port}{prefix}") for name, port, prefix in places]
        self._addresses = [side.url for side in self._sides]
        self._tool = Tool(stack, requests, left=self._addresses[0], right=self._addresses[1])
        self._rates = {side.name: self._load(side, CONCURRENCIES[0]).rate for side in self._sides}
        self._slower, self._faster = sorted(self._sides, key=lambda side: self._rates[side.name])

    def measure(self, *, rounds: int) -> list[Result]:
        """Every setting in each round, so that what slows the machine for a minute slows them all."""
        settings = [Setting(own_core=own, concurrency=each) for own in (True, False) for each in CONCURRENCIES]
        pairs: dict[Setting, list[Pair]] = {setting: [] for setting in settings}
        for number, setting in product(range(rounds), settings):
            # Neither is always the one that the other has warmed the caches for.
            pair = self._pair(setting, tool_first=number % 2 == 1)
            pairs[setting].append(pair)
            _tell(f"round {number + 1} of {rounds}, {Result(setting=setting, pairs=[pair])}")
        return [Result(setting=setting, pairs=found) for setting, found in pairs.items()]

    def fast(self) -> Compared:
        """The tool between two sides that are both the faster one."""
        url = self._faster.url
        return self._tool.compare(url, url, cases=_FAST_CASES, concurrency=CONCURRENCIES[-1])

    def summary(self, results: Sequence[Result], fast: Compared) -> Iterator[str]:
        """What was measured, a line for each setting, and what the tool itself takes."""
        yield f"{self._slower.name} is slower than {self._faster.name}; the target is {TARGET} of what it answers alone"
        yield from map(str, results)
        yield f"with {self._faster.name} on both sides {fast.rate:.0f} cases are compared a second"
        yield f"a case takes the tool {fast.cpu_ms:.2f} ms of a core: no more than {1000 / fast.cpu_ms:.0f} a second"
        yield f"left out of each run: {self._tool.start.seconds:.2f} s, and the start of Python"

    def _pair(self, setting: Setting, *, tool_first: bool) -> Pair:
        records = self._stack.state.services
        processes = {name: psutil.Process(record.pid) for name, record in records.items()}
        slower = processes[self._slower.name]
        bystanders = Bystanders()
        with alone_on_a_core(slower, others=processes.values()) if setting.own_core else nullcontext():
            compared = self._compare(setting) if tool_first else None
            alone = self._load(self._slower, setting.concurrency)
            self._rates[self._slower.name] = alone.rate
            compared = compared or self._compare(setting)
        return Pair(alone=alone, compared=compared, bystanders=bystanders.cores())

    def _compare(self, setting: Setting) -> Compared:
        cases = max(1, round(self._rates[self._slower.name] * self._seconds))
        return self._tool.compare(*self._addresses, cases=cases, concurrency=setting.concurrency)

    def _load(self, side: Side, concurrency: int) -> Load:
        """Have wrk send one side what the tool would."""
        address, slash, prefix = side.url.removeprefix("http://").partition("/")
        headers = headers_sent(side, (), ())
        wrk = Wrk(self._stack, connections=concurrency, url=f"http://{address}", headers=headers)
        requests_write(wrk.requests, self._requests, prefix=slash + prefix, limit=len(self._requests))
        load = wrk.load("GET", seconds=self._seconds, repeatable=True)
        load.require_clean(side.name)
        load.require_answered(side.name)
        return load


def bench(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="How often each is measured.")] = 4,
    seconds: Annotated[int, typer.Option(min=1, max=60, help="How long each time, about.")] = 2,
) -> None:
    """Measure what the slower side answers, and how many cases the tool compares, in turn."""
    with ExitStack() as open_, StopSignals() as signals:
        logged_show()
        stack = open_.enter_context(bench_stack(workers=1, check=signals.check))
        rows = open_.enter_context(bench_rows(stack))
        made = Bench(stack, reads_of(rows), seconds=seconds)
        results = made.measure(rounds=rounds)
        for line in made.summary(results, made.fast()):
            say(line)
    if any(result.missed for result in results):
        raise typer.Exit(_MISSED)


def _tell(sentence: str) -> None:
    err.print(Text(sentence))


if __name__ == "__main__":
    bench_run(bench, name="bench-compare")
