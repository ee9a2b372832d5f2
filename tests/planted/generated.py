"""Compares with generated cases alone: a project's Django with a FastAPI that may have a fault."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from strangler.compare.case import Case, Scenario
from strangler.compare.cases.case_files import cases_from_files, scenarios_from_files
from strangler.compare.client.client import Limits
from strangler.compare.client.sides import Side, sides_local
from strangler.compare.client.signed_tokens import TokenSigner
from strangler.compare.collector import NO_ROUTE, Collector
from strangler.compare.comparison import CaseOutcome, Rules
from strangler.compare.declared import DeclaredDifferences, declared_differences
from strangler.compare.generate.folder import files_of, folder_write
from strangler.compare.report.model import ComparisonReport
from strangler.compare.run import ComparisonSession
from strangler.compare.writes.play import PlayedStep
from strangler.compare.writes.sandboxes import SandboxMaker
from strangler.compare.writes.scenarios import WriteRunner, writes_compare
from strangler.deployment.generation import token_signer, world_opened
from strangler.deployment.local_stack import LocalStack
from strangler.deployment.source import source_of
from strangler.local.services import stack_service
from strangler.project import project_load
from strangler.routes.table import RouteTable
from strangler.settings import LocalSettings
from tests.depots import SECRET, Depot
from tests.example import DECLARED_FILE
from tests.planted.comparing import found_in, port_of
from tests.planted.depot import DEPOT_FAULTS
from tests.planted.fault import Fault
from tests.planted.ported import PORTED_READS, PORTED_WRITES
from tests.planted.reads import READS
from tests.planted.servers import faulty_server, starting_with
from tests.planted.unseen import UNSEEN
from tests.planted.writes import WRITES
from tests.shared_stack import DEMO_PASSWORD, StackAddresses
from tests.write_plays import stack_source

_GOOD = frozenset({CaseOutcome.EQUAL, CaseOutcome.DECLARED})
DEPOT_DECLARED = Path(__file__).with_name("depot_declared.toml")
FAULTS: dict[str, Fault] = READS | PORTED_READS | WRITES | PORTED_WRITES | UNSEEN


@dataclass(frozen=True)
class Planting:
    """A project that runs, and the faults that are planted in its FastAPI.

    Attributes:
        settings: the project's, with the ports of what runs.
        state: the folder of what runs.
        module: FastAPI's, which a server runs.
        password: of all who sign in.
        declared: where Django and FastAPI answer otherwise without a fault.
    """

    settings: LocalSettings
    state: Path
    module: str
    password: str
    declared: Path

    @property
    def faults(self) -> Mapping[str, Fault]:
        """By name."""
        return {"fastapi_app": FAULTS, "depot_fastapi": DEPOT_FAULTS}[self.module]

    @cached_property
    def stack(self) -> LocalStack:
        """What runs."""
        return LocalStack(self.settings, state_dir=self.state)

    @cached_property
    def routes(self) -> RouteTable:
        """The project's."""
        return self.settings.project.load_routes()

    @cached_property
    def signer(self) -> TokenSigner | None:
        """Makes the tokens that nobody gets by signing in."""
        return token_signer(self.stack)

    def sides(self, fastapi_port: int = 0) -> tuple[Side, Side]:
        """Django, and FastAPI at that port."""
        update = {"fastapi_port": fastapi_port} if fastapi_port else {}
        return sides_local(self.settings.model_copy(update=update))

    def session(self, sides: tuple[Side, Side]) -> ComparisonSession:
        """How cases are compared."""
        sign_in = self.settings.project.sign_in
        assert sign_in is not None
        return ComparisonSession(
            left=sides[0],
            right=sides[1],
            limits=Limits(concurrency=4, timeout=30, body_bytes=10_000_000),
            rules=Rules(DeclaredDifferences(declared_differences(self.declared))),
            sign_in=sign_in,
            password=lambda _name: self.password,
            signer=self.signer,
        )


def example_planting(stack: StackAddresses) -> Planting:
    """The example, as the run's stack has it."""
    source = stack_source(stack, django_port=port_of(stack.django_url), fastapi_port=port_of(stack.fastapi_url))
    return Planting(source.settings, Path(stack.folder), "fastapi_app", DEMO_PASSWORD, DECLARED_FILE)


def depot_planting(depot: Depot) -> Planting:
    """The depot, which runs."""
    project = project_load(depot.folder / "strangler.toml")
    ports: dict[str, Any] = {name.lower(): int(port) for name, port in depot.ports.items()}
    settings = LocalSettings(project=project, **ports)
    return Planting(settings, depot.folder / ".run", "depot_fastapi", SECRET, DEPOT_DECLARED)


def cases_generate(planting: Planting, folder: Path, *, seed: int) -> Path:
    """The generated cases of what runs."""
    with world_opened(planting.stack, seed=seed) as world:
        folder_write(folder, files_of(world, planting.routes))
    return folder


def fault_find(planting: Planting, fault: str, cases: Path, logs: Path) -> list[str]:
    """Where the generated cases of a fault's routes find it first; nothing where they don't."""
    planted = planting.faults[fault]
    names = planted.routes or ([NO_ROUTE] if planted.asked == NO_ROUTE else planted.asked.split())
    routes = frozenset("" if name == NO_ROUTE else name for name in names)
    writing = routes & {"", *(route.name for route in planting.routes.routes if route.writes)}
    if writing and (scenarios := scenarios_from_files(cases, planting.routes, chosen=writing)):
        found = _findings(_writes(planting, scenarios, logs, fault=fault))
        if found or writing == routes:
            return found
    connections = planting.stack.connections_resolve()
    with faulty_server(planting.settings, connections, fault, logs=logs, module=planting.module) as port:
        return _findings(reads_compared(planting, cases, port=port, routes=routes))


def differences_find(planting: Planting, folder: Path, logs: Path) -> list[str]:
    """What generated cases, reads and writes, find where there is no fault."""
    reports = (
        reads_compared(planting, folder),
        _writes(planting, scenarios_from_files(folder, planting.routes), logs),
    )
    failed = (sentence for report in reports for sentence, _ in report.failures)
    return [
        *(place for report in reports for place in _findings(report)),
        # What isn't ported can't be compared.
        *(sentence for sentence in failed if "fastapi answered 501" not in sentence),
    ]


def reads_compared(
    planting: Planting, folder: Path, *, port: int = 0, routes: frozenset[str] = frozenset()
) -> ComparisonReport:
    """What generated reads find; with `routes` those of these alone, and only until there is a difference."""
    sides = planting.sides(port)
    comparison = planting.session(sides)
    outcomes: set[CaseOutcome] = set()
    collector = Collector(*sides, on_outcome=outcomes.add)

    def cases() -> Iterator[Case]:
        for case in cases_from_files(folder, planting.routes):
            # Methods of no route are asked in the files of the path's routes too.
            if not routes or case.route in routes or any(f"-{name}.toml" in case.source for name in routes):
                yield case
            # They are read ahead, in another thread.
            if routes and outcomes - _GOOD:
                return

    stopped = asyncio.run(comparison.run(cases(), collector))
    return collector.report(stopped=stopped)


def _writes(planting: Planting, scenarios: Sequence[Scenario], logs: Path, *, fault: str = "") -> ComparisonReport:
    """What scenarios find; with a fault only until there is a difference."""
    sides = planting.sides()
    collector, session = Collector(*sides), planting.session(sides)
    maker = SandboxMaker(
        source=source_of(planting.stack),
        rules=session.rules,
        options=session,
        logs=logs,
        starting=starting_with(fault, planting.module) if fault else stack_service,
    )

    async def played() -> AsyncGenerator[PlayedStep, None]:
        async with aclosing(writes_compare(maker, scenarios)) as steps:
            async for step in steps:
                yield step
                if fault and _findings(collector.report()):
                    return

    stopped = asyncio.run(WriteRunner(collector).run(played()))
    return collector.report(stopped=stopped)


def _findings(report: ComparisonReport) -> list[str]:
    """What differs, and what could not be compared since FastAPI answered with an error, but for what isn't ported."""
    # A server that never ran has shown nothing.
    dead = [sentence for sentence, _ in report.failures if re.search("ended with|wasn't ready", sentence)]
    assert not dead, dead
    failed = [sentence for sentence, _ in report.failures if re.match("fastapi answered 5(?!01)", sentence)]
    grown = [f"memory of {use.scenario}: {use.excess}" for use in report.memory if use.excess]
    return [*sorted(found_in(report)), *failed, *grown]
