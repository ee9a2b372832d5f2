"""Sends the same steps to both stacks in turn, and says by how much either is slower."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from strangler.errors import FailedError
from tests.bench.growth_cases import Chain, Step, chains, reads
from tests.bench.growth_rows import GrowthRows
from tests.bench.growth_stacks import StackClient
from tests.contract.comparing import V1, V2

# What two measurements of one stack differ by while others use the cores too.
NOISE: Final = 1.1
_ROUNDS: Final = 9
_LEAST_ROUNDS: Final = 3
# A step that takes longer has fewer rounds.
_STEP_SECONDS: Final = 2.0
# As many times as many rounds for what seems slower on v2.
_AGAIN: Final = 3


@dataclass
class Times:
    """Milliseconds of one step on each stack, a pair of each round."""

    pairs: list[tuple[float, float]] = field(default_factory=list)

    @property
    def v1(self) -> float:
        """The median of v1's."""
        return median(v1 for v1, _v2 in self.pairs)

    @property
    def v2(self) -> float:
        """The median of v2's."""
        return median(v2 for _v1, v2 in self.pairs)

    @property
    def ratio(self) -> float:
        """How many times as long v1 takes: the median of the rounds' own."""
        return median(v1 / v2 for v1, v2 in self.pairs)

    @property
    def is_slower(self) -> bool:
        """Whether v2 is slower by more than noise."""
        return self.ratio * NOISE < 1


def measure(rows: GrowthRows, clients: dict[str, StackClient]) -> Iterator[tuple[str, Times]]:
    """The times of every step, by its name.

    :raises FailedError: a step is answered with an error, or a read by each stack with something else.
    """

    def answers(path: str, user: int | None) -> Any:
        return clients[V2].send(Step(name=path, route="", path=path, user=user)).document

    steps = reads(rows, answers)
    for step in steps:
        _require_equal(step, clients)
    singles = [lambda step=step: _single(step) for step in steps]
    for chain in (*singles, *chains(rows)):
        times = _rounds(chain, clients, rounds=_ROUNDS)
        if any(each.is_slower for each in times.values()):
            times = _rounds(chain, clients, rounds=_ROUNDS * _AGAIN)
        yield from times.items()


def _single(step: Step) -> Chain:
    yield step


def _require_equal(step: Step, clients: dict[str, StackClient]) -> None:
    """The bytes are the same but for the prefix in links; a page by cursor is an addition of v2."""
    v1, v2 = clients[V1].send(step.of_v1).body, clients[V2].send(step).body
    if not step.path_of_v1 and v1 != v2.replace(V2.encode(), V1.encode()):
        raise FailedError(f"{step.name}: v1 answers {v1[:200]!r} and v2 {v2[:200]!r}", "make v2 right first")


def _rounds(chain: Callable[[], Chain], clients: dict[str, StackClient], *, rounds: int) -> dict[str, Times]:
    """Times of each step of a chain; the stacks take turns, and so does the one that begins."""
    # The first two warm up: the second of each statement is prepared.
    for _ in range(2):
        length = len([*_played(chain, clients[V1], V1), *_played(chain, clients[V2], V2)]) // 2
    deadline = time.monotonic() + _STEP_SECONDS * length * rounds / _ROUNDS
    found: dict[str, Times] = {}
    for number in range(rounds):
        if number >= _LEAST_ROUNDS and time.monotonic() > deadline:
            break
        order = (V1, V2) if number % 2 else (V2, V1)
        played = {prefix: [*_played(chain, clients[prefix], prefix)] for prefix in order}
        for (name, v1), (_name, v2) in zip(played[V1], played[V2], strict=True):
            found.setdefault(name, Times()).pairs.append((v1, v2))
    return found


def _played(chain: Callable[[], Chain], client: StackClient, prefix: str) -> Iterable[tuple[str, float]]:
    """Each step's name and milliseconds."""
    running, document = chain(), None
    while True:
        try:
            step = running.send(document)
        except StopIteration:
            return
        answer = client.send(step.of_v1 if prefix == V1 else step)
        document = answer.document
        yield step.name, answer.milliseconds
