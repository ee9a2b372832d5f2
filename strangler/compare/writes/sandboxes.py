"""Where scenarios are played: copies of the database and a server for each side, made while another one is played.

To start two servers takes longer than most scenarios do.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, cycle, islice
from pathlib import Path
from threading import Event
from typing import Final

import psycopg

from strangler.compare.case import Scenario
from strangler.compare.comparison import Rules
from strangler.compare.run import RequestOptions
from strangler.compare.writes.adopted_rows import rows_adopt
from strangler.compare.writes.changes import ChangeReader, Originals, now_of
from strangler.compare.writes.copies import SIDES, Copies
from strangler.compare.writes.id_mapping import Clock
from strangler.compare.writes.own_places import SidePlaces, places_made
from strangler.compare.writes.play import Play
from strangler.compare.writes.scenario_clock import ScenarioClock
from strangler.compare.writes.servers import ServerFactories, Servers, servers_run
from strangler.compare.writes.sinks import SideSink, sinks_run
from strangler.compare.writes.tables import Table, tables_of
from strangler.databases.connections import Source, connected, refusals
from strangler.errors import FailedError, UsageError
from strangler.local.services import stack_service
from strangler.routes.route import Stack
from strangler.sections import CopiesSection, SinksSection

# What the names of databases and the folder of logs end with, since two sandboxes are there at once.
LABELS: Final = ("", "two")


@dataclass(frozen=True, kw_only=True)
class ServedCopies:
    """Copies of what a scenario begins with, each with its server, which nobody has asked yet.

    Attributes:
        tables: of the database.
        originals: the rows as they were before.
        connections: to the copies.
        readers: of what changes in each.
        sinks: of what each server sends on.
        places: of the files of each.
        servers: on the copies, in the same order.
        clock: the time at which these run.
    """

    tables: Sequence[Table]
    originals: Originals
    connections: Sequence[psycopg.Connection]
    readers: Sequence[ChangeReader]
    sinks: Sequence[SideSink]
    places: Sequence[SidePlaces]
    servers: Servers
    clock: ScenarioClock

    def now(self) -> dt.datetime:
        """The database server's time, as the services see it."""
        return now_of(self.connections[0])

    def began(self) -> dt.datetime:
        """What no time of writing lies before: triggers with a search path of their own write the real one."""
        return self.now() - dt.timedelta(seconds=max(self.clock.offset, 0.0))


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """A scenario with its servers, which nobody has asked yet, and what plays it there."""

    scenario: Scenario
    servers: Servers
    play: Play
    clock: ScenarioClock


@dataclass(frozen=True, kw_only=True)
class SandboxMaker:
    """Makes sandboxes.

    Attributes:
        source: the database to copy, which is only read.
        rules: which differences of answers count.
        options: how both sides are requested.
        logs: the folder of what the servers say.
        stacks: those of the left side and the right.
        starting: makes the servers.
        workers: processes of each, where a scenario states none.
    """

    source: Source
    rules: Rules
    options: RequestOptions
    logs: Path
    stacks: tuple[Stack, Stack] = (Stack.DJANGO, Stack.FASTAPI)
    starting: ServerFactories = stack_service
    workers: int = 1

    @property
    def _sinks(self) -> SinksSection:
        """Where messages go.

        :raises UsageError: the servers are containers, which don't reach this machine.
        """
        settings = self.source.settings
        section = settings.project.compare.sinks
        if settings.gateway == "container" and (section.mail or section.http):
            hint = "compare natively with GATEWAY=local, or take [compare.sinks] away"
            raise UsageError("servers in containers reach no sink of messages", hint)
        return section

    @property
    def _places(self) -> CopiesSection:
        """What each side has for itself.

        :raises UsageError: the servers are containers, which don't see this machine's folders.
        """
        settings = self.source.settings
        section = settings.project.compare.copies
        if settings.gateway == "container" and (section.files or section.own):
            hint = "compare natively with GATEWAY=local, or take [compare.copies] away"
            raise UsageError("servers in containers see no folder of this machine", hint)
        return section

    def copies(self, check: Callable[[], None]) -> Copies:
        """Copies of the database, to be entered; `check` is called while something is waited for."""
        return Copies(self.source, consumer=self.source.settings.project.load_consumer(), check=check)

    @contextmanager
    def served(
        self,
        copies: Copies,
        scenario: Scenario,
        check: Callable[[], None],
        *,
        sides: Sequence[str] = SIDES,
        label: str = "",
    ) -> Iterator[ServedCopies]:
        """Fresh copies for these sides of a scenario, with their servers, for as long as the `with` block lasts."""
        if scenario.clock and self.source.settings.gateway == "container":
            hint = "compare natively with GATEWAY=local, or take the clock out of the case file"
            raise UsageError(f"servers in containers don't run at the clock of {scenario.name}", hint)
        clock = ScenarioClock.at(scenario.clock)
        given = copies.given(scenario.name, scenario.given, label=label, clock=clock)
        with refusals(), given as snapshot, ExitStack() as exits:
            names = exits.enter_context(copies.fresh(snapshot, sides=sides, label=label, clock=clock))
            original, *connections = (
                exits.enter_context(connected(copies.reading_dsn(name)))
                for name in (copies.original_of(snapshot), *names)
            )
            tables, originals = tables_of(connections[0]), Originals(original)
            # Made before anybody writes there.
            readers = tuple(ChangeReader(connection, tables, originals) for connection in connections)
            sinks = exits.enter_context(sinks_run(self._sinks, len(names)))
            project = self.source.settings.project
            made = places_made(self._places, len(names), root=project.root, state=self.logs / "files")
            places = exits.enter_context(made)
            servers = servers_run(
                self.source,
                names,
                stacks=[self.stacks[SIDES.index(side)] for side in sides],
                starting=self.starting,
                logs=self.logs / label,
                check=check,
                workers=scenario.workers or self.workers,
                environments=[sink.environment | place.environment for sink, place in zip(sinks, places, strict=True)],
                clock=clock,
            )
            yield ServedCopies(
                tables=tables,
                originals=originals,
                connections=connections,
                readers=readers,
                sinks=sinks,
                places=places,
                servers=exits.enter_context(servers),
                clock=clock,
            )

    @contextmanager
    def sandbox(self, copies: Copies, scenario: Scenario, label: str, check: Callable[[], None]) -> Iterator[Sandbox]:
        """The sandbox of a scenario, for as long as the `with` block lasts."""
        with self.served(copies, scenario, check, label=label) as served:
            left, right = served.readers
            ours, theirs = served.connections
            play = Play(
                served.tables,
                served.originals,
                (left, right),
                clock=Clock(served.began()),
                rules=self.rules,
                password=self.options.password(""),
                sinks=served.sinks,
                places=served.places,
                adopt=partial(rows_adopt, ours, theirs),
            )
            yield Sandbox(scenario=scenario, servers=served.servers, play=play, clock=served.clock)


async def sandboxes_of(
    maker: SandboxMaker, scenarios: Iterable[Scenario], *, chosen: Collection[str] = ()
) -> AsyncGenerator[Sandbox, None]:
    """The sandbox of each scenario in turn, the next one made meanwhile where the copies are small.

    Scenarios without any of the `chosen` routes are left out, unless none is chosen. To be closed
    (`contextlib.aclosing`) by who doesn't take every sandbox; one is gone once the next is asked for.

    :raises UnsafeError: a server would have received the real database's address.
    :raises FailedError: the database can't be copied, or a server doesn't start.
    """
    wanted = (each for each in scenarios if not chosen or any(step.case.route in chosen for step in each.steps))
    first = list(islice(wanted, len(LABELS)))
    # One thread makes and drops everything, in this order: what is there under one label is dropped before the next.
    worker, ended, base = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandboxes"), Event(), ExitStack()
    standing: list[ExitStack] = []
    closing: list[Future[None]] = []

    def check() -> None:
        if ended.is_set():
            raise FailedError("the run was ended")

    def enter(made: AbstractContextManager[Sandbox]) -> tuple[Sandbox, ExitStack]:
        with ExitStack() as exits:
            sandbox = exits.enter_context(made)
            standing.append(exits.pop_all())
        return sandbox, standing[-1]

    def close(exits: ExitStack) -> None:
        standing.remove(exits)
        exits.close()

    def close_all() -> None:
        for exits in reversed(standing):
            exits.close()
        base.close()

    try:
        copies = await asyncio.wrap_future(worker.submit(base.enter_context, maker.copies(check)))
        # Of a container there is one of each name, which the next sandbox would take from the one that is played on.
        is_single = maker.source.settings.gateway == "container"
        is_ahead = copies.are_small and len(first) > 1 and not is_single
        if is_ahead:
            await asyncio.wrap_future(worker.submit(copies.original_make))
        making = (
            worker.submit(enter, maker.sandbox(copies, scenario, label, check))
            for scenario, label in zip(chain(first, wanted), cycle(LABELS), strict=False)
        )
        following = next(making, None)
        while following is not None:
            sandbox, exits = await asyncio.wrap_future(following)
            following = next(making, None) if is_ahead else None
            try:
                yield sandbox
            finally:
                closing.append(worker.submit(close, exits))
            following = following if is_ahead else next(making, None)
        for each in closing:
            await asyncio.wrap_future(each)
    finally:
        ended.set()
        worker.submit(close_all)
        worker.shutdown()
