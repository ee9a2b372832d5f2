"""`strangler compare` under measurement."""

import json
import resource
import sys
from collections.abc import Iterator, Sequence
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Final

from strangler.deployment.local_stack import LocalStack
from strangler.errors import FailedError
from strangler.local.process import Program
from strangler.settings import base_environment
from tests.bench.comparison_rate import Compared
from tests.bench.rows import Rows
from tests.bench.wrk import Request
from tests.example import ROOT

_OWN_LISTS: Final = 200


def reads_of(rows: Rows) -> list[Request]:
    """What both are asked: each user's own list, a post by its author, and the feed, in turn."""
    triples = zip(rows.own_lists(0), rows.details(0), cycle(rows.feeds(0)), strict=False)
    return list(chain.from_iterable(islice(triples, _OWN_LISTS)))


class Tool:
    """Runs `strangler compare`, as it is typed, and has it ask these requests.

    `start` is what a run of a single case takes, between the addresses `left` and `right`.
    """

    def __init__(self, stack: LocalStack, requests: Sequence[Request], *, left: str, right: str) -> None:
        self._stack = stack
        self._requests = requests
        self._cases = stack.folder.path / "cases"
        self._cases.mkdir(exist_ok=True)
        self._report = stack.folder.path / "report.json"
        # The first start of all has files to read and pages to render that no later one has.
        starts = [self._run(left, right, cases=1, concurrency=1) for _ in range(4)][1:]
        self.start = sorted(starts, key=lambda each: each.seconds)[1]

    def compare(self, left: str, right: str, *, cases: int, concurrency: int) -> Compared:
        """Have so many cases compared, without what a run of a single one takes.

        :raises FailedError: the tool failed, or found what isn't equal.
        """
        return self._run(left, right, cases=cases + 1, concurrency=concurrency).beyond(self.start)

    def _run(self, left: str, right: str, *, cases: int, concurrency: int) -> Compared:
        (self._cases / "bench.toml").write_text("".join(self._written(cases)), encoding="ascii")
        argv = [sys.executable, "-m", "strangler.cli", "compare", left, right, "--cases", str(self._cases)]
        argv += ["--concurrency", str(concurrency), "--json", str(self._report)]
        before = _cpu_of_ended_children()
        self._stack.children.run(Program(name="compare", argv=tuple(argv), env=base_environment(), cwd=ROOT))
        return compared_read(self._report, cases=cases, cpu_seconds=_cpu_of_ended_children() - before)

    def _written(self, cases: int) -> Iterator[str]:
        for request in islice(cycle(self._requests), cases):
            yield f'[[case]]\nget = "{request.path}"\n'
            if request.token:
                yield f'headers = {{ Authorization = "Bearer {request.token}" }}\n'


def compared_read(report: Path, *, cases: int, cpu_seconds: float) -> Compared:
    """What the report of a run says.

    :raises FailedError: not every case was asked and equal.
    """
    reported = json.loads(report.read_text(encoding="utf-8"))
    equal = sum(route["equal"] for route in reported["routes"])
    if equal != cases:
        raise FailedError(f"compare found {equal} of {cases} cases equal: read .run/bench/report.json.")
    return Compared(cases=cases, seconds=reported["seconds"], cpu_seconds=cpu_seconds)


def _cpu_of_ended_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
