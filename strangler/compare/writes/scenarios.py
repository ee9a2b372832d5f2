"""Plays scenarios on both sides, each on its own copies of the database and servers, and collects the results."""

import asyncio
import dataclasses
import datetime as dt
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Iterator
from contextlib import AsyncExitStack, ExitStack, aclosing, contextmanager
from pathlib import Path
from typing import Final

import psycopg

from strangler.compare.case import Scenario
from strangler.compare.client.auth import Callers
from strangler.compare.client.client import Limits, SideClient
from strangler.compare.collector import Collector
from strangler.compare.comparison import CaseOutcome, CaseResult, Rules
from strangler.compare.run import RequestOptions
from strangler.compare.writes.changes import ChangeReader, Originals
from strangler.compare.writes.copies import Copies
from strangler.compare.writes.id_mapping import Clock
from strangler.compare.writes.play import Play, PlayedStep
from strangler.compare.writes.servers import ServerFactories, Servers, servers_run
from strangler.compare.writes.tables import tables_of
from strangler.databases.connections import Source, connected, refusals
from strangler.errors import FailedError
from strangler.local.logs import logs_rotate
from strangler.local.services import stack_service
from strangler.routes.route import Stack

_ENDED: Final = "cases after a server of their scenario had ended"
_LOG = logging.getLogger(__name__)


async def writes_compare(
    source: Source,
    scenarios: Iterable[Scenario],
    *,
    rules: Rules,
    options: RequestOptions,
    logs: Path,
    chosen: Collection[str] = (),
    stacks: tuple[Stack, Stack] = (Stack.DJANGO, Stack.FASTAPI),
    starting: ServerFactories = stack_service,
    workers: int = 1,
) -> AsyncGenerator[PlayedStep, None]:
    """Play each scenario on fresh copies of the database; gives each step as it was played.

    The database itself (`source_of` a stack) is only read, and the stack's own servers aren't asked. What those of the
    copies say goes to the folder `logs`. Scenarios without any of the `chosen` routes are left out, unless none
    is chosen. Each server has `workers` processes. To be closed (`contextlib.aclosing`) by who doesn't take every step.

    Cancelling its task ends the run also while something is waited for.

    :raises UnsafeError: a server would have received the real database's address.
    :raises FailedError: the database can't be copied, or a server doesn't start.
    """
    logs_begin(logs)
    _LOG.info("copying the database %s", source.name)
    with Copies(source, consumer=source.settings.project.load_consumer(), check=task_check) as copies:
        for scenario in scenarios:
            if chosen and not any(step.case.route in chosen for step in scenario.steps):
                continue
            _LOG.info("playing %s", scenario.name)
            with (
                refusals(),
                _ready(copies, scenario, rules, options) as (names, play),
                servers_run(
                    source, names, stacks=stacks, starting=starting, logs=logs, check=task_check, workers=workers
                ) as servers,
            ):
                async for played in _steps(scenario, play, servers, options, key=source.secrets["jwt_signing_key"]):
                    yield played


def task_check() -> None:
    """End what waits for a server where its task is cancelled."""
    if (task := asyncio.current_task()) and task.cancelling():
        raise asyncio.CancelledError


def logs_begin(logs: Path) -> None:
    """Make the folder of the copies' logs, without those of runs before."""
    logs.mkdir(parents=True, exist_ok=True)
    logs_rotate(logs, kept=dt.timedelta(0))


@contextmanager
def _ready(
    copies: Copies, scenario: Scenario, rules: Rules, options: RequestOptions
) -> Iterator[tuple[tuple[str, str], Play]]:
    """The names of fresh copies, and what reads them, before anybody writes there."""
    with copies.given(scenario.name, scenario.given) as snapshot, copies.pair(snapshot) as names, ExitStack() as exits:
        original, left, right = (
            exits.enter_context(connected(copies.reading_dsn(name))) for name in (snapshot, *names)
        )
        tables, originals = tables_of(left), Originals(original)
        readers = ChangeReader(left, tables, originals), ChangeReader(right, tables, originals)
        play = Play(tables, originals, readers, clock=Clock(now_of(left)), rules=rules, password=options.password(""))
        yield names, play


def now_of(connection: psycopg.Connection) -> dt.datetime:
    """The database server's time."""
    began: dt.datetime = connection.execute("SELECT clock_timestamp()").fetchall()[0][0]
    return began


async def _steps(
    scenario: Scenario, play: Play, servers: Servers, options: RequestOptions, *, key: str
) -> AsyncIterator[PlayedStep]:
    async with AsyncExitStack() as exits:
        clients = [
            await exits.enter_async_context(SideClient(side, limits_for(scenario, options), strict_json=True))
            for side in servers.sides
        ]
        callers: list[Callers] = []
        for client in clients:
            # Who can't sign in on the right yet comes with the left's token: both copies have the same users.
            left, signer = next(iter(callers), None), options.signer
            made = Callers([client], options.sign_in, options.password, signer=signer, signing_key=key, instead=left)
            callers.append(made)
        ended = False
        for step in scenario.steps:
            if ended:
                yield PlayedStep(case=step.case, result=None, skipped=_ENDED)
                continue
            played = await play.step(step, clients, callers)
            if played.result and played.result.failure and (failure := servers.failure()):
                ended = True
                played = PlayedStep(case=played.case, result=CaseResult(outcome=CaseOutcome.FAILED, failure=failure))
            yield played


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
        if self._chosen and played.case.route not in self._chosen:
            return
        if played.result is None:
            self._collector.skipped[played.skipped] += 1
            return
        self._collector.add(played.case, played.result, rows=played.rows, secrets=played.secrets)
