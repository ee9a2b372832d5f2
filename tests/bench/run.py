"""The run: each endpoint on both stacks in turn, round after round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from strangler.deployment.local_stack import LocalStack
from strangler.errors import FailedError
from strangler.local.logs import log_trim
from tests.bench.comparison import Comparison, Round
from tests.bench.endpoints import Endpoint
from tests.bench.equality import STACKS
from tests.bench.rows import Rows
from tests.bench.wrk import Load, Wrk, requests_write
from tests.contract.comparing import V1, V2

WARM_UP_SECONDS: Final = 1
# Requests that can be sent only once are prepared for so many a second of each process: several times what is reached.
_PREPARED_RATE: Final = 3000


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured."""

    endpoints: Sequence[Endpoint]
    rounds: int
    seconds: int
    connections: int
    workers: int

    @property
    def loads(self) -> int:
        """How many loads that makes."""
        return 2 * self.rounds * len(self.endpoints)


class Run:
    """Loads a running stack as planned; `tell` receives a sentence after each load."""

    def __init__(self, plan: Plan, *, stack: LocalStack, rows: Rows, tell: Callable[[str], None]) -> None:
        self._plan = plan
        self._stack = stack
        self._rows = rows
        self._tell = tell
        self._wrk = Wrk(stack, connections=plan.connections)

    def compare(self) -> list[Comparison]:
        """Load everything.

        :raises FailedError: a load met an error or wrote less than it answered, or a part of the stack ended.
        """
        rounds: dict[str, list[Round]] = {endpoint.name: [] for endpoint in self._plan.endpoints}
        for number in range(self._plan.rounds):
            for endpoint in self._plan.endpoints:
                rounds[endpoint.name].append(self._round(endpoint, number))
        return [
            Comparison(endpoint.name, target=endpoint.target, rounds=rounds[endpoint.name])
            for endpoint in self._plan.endpoints
        ]

    def _round(self, endpoint: Endpoint, number: int) -> Round:
        loads = {}
        # Neither stack is always the one that the other has warmed the caches for.
        for prefix in (V1, V2) if number % 2 == 0 else (V2, V1):
            loads[prefix] = load = self._load(endpoint, prefix)
            name = f"round {number + 1} of {self._plan.rounds}, {endpoint.name}, {STACKS[prefix]}"
            self._tell(f"{name}: {load.rate:.0f} req/s, p50 {load.p50_ms:.1f} ms, p99 {load.p99_ms:.1f} ms")
        return Round(v1=loads[V1], v2=loads[V2])

    def _load(self, endpoint: Endpoint, prefix: str) -> Load:
        what = f"{endpoint.name} on {STACKS[prefix]}"
        self._rows.restore()
        rate = _PREPARED_RATE * self._plan.workers
        warm_up, measured = WARM_UP_SECONDS * rate, self._plan.seconds * rate
        supply = endpoint.requests(self._rows, warm_up + measured)
        requests_write(self._wrk.requests, supply, prefix=prefix, limit=warm_up)
        self._wrk_load(endpoint, seconds=WARM_UP_SECONDS).require_clean(what)
        if not endpoint.repeatable:
            requests_write(self._wrk.requests, supply, prefix=prefix, limit=measured)
        before = endpoint.written(self._rows) if endpoint.written else 0
        load = self._wrk_load(endpoint, seconds=self._plan.seconds)
        load.require_clean(what)
        load.require_answered(what)
        if endpoint.written:
            written_require(load, endpoint.written(self._rows) - before, what)
        return load

    def _wrk_load(self, endpoint: Endpoint, *, seconds: int) -> Load:
        load = self._wrk.load(endpoint.method, seconds=seconds, repeatable=endpoint.repeatable, most=endpoint.most)
        for path in self._stack.folder.logs.glob("*.log"):
            log_trim(path)
        return load


def written_require(load: Load, written: int, what: str) -> None:
    """Refuse a load whose answers promise more than was written.

    :raises FailedError: there are fewer rows than answered requests.
    """
    if written < load.requests:
        reported = f"{what} answered {load.requests} requests and wrote {written} rows"
        raise FailedError(f"{reported}: have it answer after the commit.")
