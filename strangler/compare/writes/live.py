"""Case files with writes, played between two servers whose databases nobody here can copy.

Only the answers are compared. What both made for the same purpose is known by what a case saves (`save`).
"""

from collections.abc import AsyncGenerator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from strangler.compare.case import Scenario
from strangler.compare.client.sides import Side
from strangler.compare.comparison import Rules
from strangler.compare.run import RequestOptions
from strangler.compare.writes.changes import TableChanges
from strangler.compare.writes.id_mapping import Clock
from strangler.compare.writes.play import Play, PlayedStep
from strangler.compare.writes.scenarios import scenario_steps
from strangler.compare.writes.tables import Table
from strangler.errors import UnsafeError

_GIVEN: Final = "scenarios that begin with a state of their own, which need copies"
_REFUSED: Final = "cases whose commit is refused, which need copies"


class NoRows:
    """A database that can't be read."""

    transactions = (0, 0)

    def read(self) -> Mapping[Table, TableChanges]:
        """Nothing."""
        return {}

    def commits_refused(self) -> AbstractContextManager[None]:
        """Nothing is refused."""
        return nullcontext()


@dataclass(frozen=True)
class LiveServers:
    """Servers that somebody else runs."""

    sides: Sequence[Side]

    def memory(self) -> tuple[int, int]:
        """Unknown."""
        return 0, 0

    def failure(self) -> None:
        """Unknown."""


def production_refuse(sides: Iterable[Side], production: Collection[str]) -> None:
    """Refuse writes to what is declared production; `production` are addresses or names of hosts.

    :raises UnsafeError: a side is one of them.
    """
    known = set(map(_host, production))
    for side in sides:
        if {_host(side.url), _host(side.url).partition(":")[0]} & known:
            raise UnsafeError(f"{side.name} is {side.url}, which is declared production", "name another address")


async def live_compare(
    sides: tuple[Side, Side],
    scenarios: Iterable[Scenario],
    *,
    rules: Rules,
    options: RequestOptions,
    key: str,
    chosen: Collection[str] = (),
) -> AsyncGenerator[PlayedStep, None]:
    """Play each scenario on both sides, as they are; gives each step as it was played.

    Scenarios without any of the `chosen` routes are left out, unless none is chosen.
    """
    for scenario in scenarios:
        if chosen and not any(step.case.route in chosen for step in scenario.steps):
            continue
        for skipped in _unplayable(scenario):
            yield skipped
        play = Play(
            (), None, (NoRows(), NoRows()), clock=Clock(datetime.now(UTC)), rules=rules, password=options.password("")
        )
        async for played in scenario_steps(_playable(scenario), LiveServers(sides), play, options, key=key):
            yield played


def _unplayable(scenario: Scenario) -> Iterator[PlayedStep]:
    for step in scenario.steps:
        if _has_state(scenario) or step.refuse_commit:
            yield PlayedStep(case=step.case, result=None, skipped=_GIVEN if _has_state(scenario) else _REFUSED)


def _playable(scenario: Scenario) -> Scenario:
    kept = () if _has_state(scenario) else tuple(step for step in scenario.steps if not step.refuse_commit)
    return Scenario(name=scenario.name, steps=kept)


def _has_state(scenario: Scenario) -> bool:
    return bool(scenario.given or scenario.clock or scenario.workers)


def _host(address: str) -> str:
    """The host of an address, with its port where it has one, or of a name alone."""
    return urlsplit(address if "//" in address else f"//{address}").netloc.rpartition("@")[2].lower()
