"""Plays scenarios on both sides, each on its own copies of the database and servers, and collects the results."""

import asyncio
import dataclasses
import datetime as dt
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Final, Protocol

from strangler.compare.case import Scenario, case_key
from strangler.compare.client.auth import Callers
from strangler.compare.client.client import Limits, SideClient
from strangler.compare.client.errors import RequestError
from strangler.compare.client.sides import Side
from strangler.compare.collector import Collector
from strangler.compare.comparison import CaseOutcome, CaseResult
from strangler.compare.run import RequestOptions
from strangler.compare.writes.play import Play, PlayedStep
from strangler.compare.writes.sandboxes import LABELS, SandboxMaker, sandboxes_of
from strangler.databases.connections import refusals
from strangler.errors import FailedError
from strangler.local.logs import logs_rotate

_ENDED: Final = "cases after a server of their scenario had ended"
# The first requests load what a service loads late; of fewer than twice as many nothing is said.
_WARM_STEPS: Final = 16
_LOG = logging.getLogger(__name__)


async def writes_compare(
    maker: SandboxMaker, scenarios: Iterable[Scenario], *, chosen: Collection[str] = ()
) -> AsyncGenerator[PlayedStep, None]:
    """Play each scenario on fresh copies of the database; gives each step as it was played.

    The database itself is only read, and the stack's own servers aren't asked. Scenarios without any of the `chosen`
    routes are left out, unless none is chosen. To be closed (`contextlib.aclosing`) by who doesn't take every step.

    Cancelling its task ends the run also while something is waited for.

    :raises UnsafeError: a server would have received the real database's address.
    :raises FailedError: the database can't be copied, or a server doesn't start.
    """
    for label in LABELS:
        logs_begin(maker.logs / label)
    _LOG.info("copying the database %s", maker.source.name)
    async with aclosing(sandboxes_of(maker, scenarios, chosen=chosen)) as sandboxes:
        async for sandbox in sandboxes:
            _LOG.info("playing %s", sandbox.scenario.name)
            with refusals():
                key = maker.source.secrets["jwt_signing_key"]
                async for played in scenario_steps(
                    sandbox.scenario, sandbox.servers, sandbox.play, maker.options, key=key, now=sandbox.clock.time
                ):
                    yield played


def task_check() -> None:
    """End what waits for a server where its task is cancelled."""
    if (task := asyncio.current_task()) and task.cancelling():
        raise asyncio.CancelledError


def logs_begin(logs: Path) -> None:
    """Make the folder of the copies' logs, without those of runs before."""
    logs.mkdir(parents=True, exist_ok=True)
    logs_rotate(logs, kept=dt.timedelta(0))


class PlayedServers(Protocol):
    """The servers of both sides: `Servers` on copies, or those that somebody else runs."""

    @property
    def sides(self) -> Sequence[Side]:
        """Where they are."""
        ...

    def memory(self) -> tuple[int, int]:
        """How many bytes either holds; 0 where nobody knows."""
        ...

    def failure(self) -> RequestError | None:
        """Why one no longer runs; None if all do, or nobody knows."""
        ...


async def scenario_steps(
    scenario: Scenario,
    servers: PlayedServers,
    play: Play,
    options: RequestOptions,
    *,
    key: str,
    now: Callable[[], float] = time.time,
) -> AsyncIterator[PlayedStep]:
    """Play the steps of a scenario; `key` signs the tokens that a case changes, whose times are counted from `now`."""
    steps = scenario.steps
    async with AsyncExitStack() as exits:
        clients = [
            await exits.enter_async_context(SideClient(side, limits_for(scenario, options), strict_json=True))
            for side in servers.sides
        ]
        callers: list[Callers] = []
        for client in clients:
            # Who can't sign in on the right yet comes with the left's token: both copies have the same users.
            left, signer = next(iter(callers), None), options.signer
            made = Callers(
                [client], options.sign_in, options.password, signer=signer, signing_key=key, now=now, instead=left
            )
            callers.append(made)
        ended = False
        before = (0, 0)
        for number, step in enumerate(steps, start=1):
            if ended:
                yield PlayedStep(case=step.case, result=None, skipped=_ENDED)
                continue
            played = await play.step(step, clients, callers)
            if played.result and played.result.failure and (failure := servers.failure()):
                ended = True
                played = PlayedStep(case=played.case, result=CaseResult(outcome=CaseOutcome.FAILED, failure=failure))
            if number == _WARM_STEPS:
                before = servers.memory()
            if number == len(steps) >= 2 * _WARM_STEPS and not ended and any(before):
                ours, theirs = zip(before, servers.memory(), strict=True)
                played = dataclasses.replace(played, memory=(ours, theirs))
            yield dataclasses.replace(played, scenario=scenario.name, key=case_key(step, scenario=scenario.name))


def limits_for(scenario: Scenario, options: RequestOptions) -> Limits:
    """Limits that let a step send all of its requests at once."""
    most = max((step.together for step in scenario.steps), default=1)
    return dataclasses.replace(options.limits, concurrency=max(most, options.limits.concurrency))


class WriteRunner:
    """Has each step of `writes_compare` collected.

    Only the `chosen` routes count; the others are played, since scenarios need them. Empty for all.
    """

    def __init__(self, collector: Collector, *, chosen: Collection[str] = ()) -> None:
        self._collector = collector
        self._chosen = frozenset(chosen)
        self._stopped = ""

    def stop(self, why: str) -> None:
        """Play no more steps than the one under way."""
        self._stopped = self._stopped or why

    async def run(self, steps: AsyncGenerator[PlayedStep, None]) -> str:
        """Play all; why the run ended before they did, empty if it didn't.

        A database that can't be copied or a server that doesn't start is a failure of the report.

        :raises UnsafeError: a server would have received the real database's address.
        """
        try:
            async with aclosing(steps):
                async for played in steps:
                    self._add(played)
                    if self._stopped:
                        break
        except FailedError as error:
            # Its other lines are the end of a log.
            self._collector.failed(str(error).splitlines()[0])
        return self._stopped

    def _add(self, played: PlayedStep) -> None:
        if played.memory:
            self._collector.grown(played.scenario, *played.memory)
        if self._chosen and played.case.route not in self._chosen:
            return
        if played.result is None:
            self._collector.skipped[played.skipped] += 1
            return
        self._collector.add(
            played.case,
            played.result,
            rows=played.rows,
            secrets=played.secrets,
            scenario=played.scenario,
            key=played.key,
            sent=played.sent,
            has_written=played.has_written,
        )
