"""Compares with generated cases alone: the run's Django with a FastAPI that may have a fault."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path

from strangler.compare.case import Case, Scenario
from strangler.compare.cases.case_files import cases_from_files, scenarios_from_files
from strangler.compare.collector import Collector
from strangler.compare.comparison import CaseOutcome
from strangler.compare.generate.folder import files_of, folder_write
from strangler.compare.report.model import ComparisonReport
from strangler.compare.writes.play import PlayedStep
from strangler.compare.writes.scenarios import WriteRunner
from strangler.deployment.generation import token_signer, world_opened
from strangler.deployment.local_stack import LocalStack
from tests.planted.comparing import ROUTES, found_in, port_of, session, sides_to
from tests.planted.ported import PORTED_READS, PORTED_WRITES
from tests.planted.reads import READS
from tests.planted.servers import faulty_server, starting_with
from tests.planted.writes import WRITES
from tests.shared_stack import StackAddresses
from tests.write_plays import stack_source, steps_played

_GOOD = frozenset({CaseOutcome.EQUAL, CaseOutcome.DECLARED})
ALL_READS = READS | PORTED_READS
ALL_WRITES = WRITES | PORTED_WRITES
FAULTS = ALL_READS | ALL_WRITES


def cases_generate(stack: StackAddresses, folder: Path, *, seed: int) -> Path:
    """The generated cases of the run's stack."""
    with world_opened(_local_stack(stack), seed=seed) as world:
        folder_write(folder, files_of(world, ROUTES))
    return folder


def fault_find(stack: StackAddresses, fault: str, cases: Path, logs: Path) -> list[str]:
    """Where the generated cases of a fault's routes find it first; nothing where they don't."""
    planted = FAULTS[fault]
    routes = frozenset(planted.routes or planted.asked.split())
    if fault in ALL_WRITES and (scenarios := scenarios_from_files(cases, ROUTES, chosen=routes)):
        return _findings(_writes(stack, fault, scenarios, logs))
    with faulty_server(stack, fault, logs=logs) as port:
        return _findings(reads_compared(stack, cases, port=port, routes=routes))


def reads_compared(
    stack: StackAddresses, folder: Path, *, port: int | None = None, routes: frozenset[str] = frozenset()
) -> ComparisonReport:
    """What generated reads find; with `routes` those of these alone, and only until there is a difference."""
    sides = sides_to(stack, port or port_of(stack.fastapi_url))
    comparison = session(sides, signer=token_signer(_local_stack(stack)))
    outcomes: set[CaseOutcome] = set()
    collector = Collector(*sides, on_outcome=outcomes.add)

    def cases() -> Iterator[Case]:
        for case in cases_from_files(folder, ROUTES):
            # Methods of no route are asked in the files of the path's routes too.
            if not routes or case.route in routes or any(f"-{name}.toml" in case.source for name in routes):
                yield case
            # They are read ahead, in another thread.
            if routes and outcomes - _GOOD:
                return

    stopped = asyncio.run(comparison.run(cases(), collector))
    return collector.report(stopped=stopped)


def _writes(stack: StackAddresses, fault: str, scenarios: Sequence[Scenario], logs: Path) -> ComparisonReport:
    collector = Collector(*sides_to(stack, port_of(stack.fastapi_url)))

    async def played() -> AsyncGenerator[PlayedStep, None]:
        signer = token_signer(_local_stack(stack))
        steps = steps_played(stack_source(stack), scenarios, logs, starting=starting_with(fault), signer=signer)
        async with aclosing(steps):
            async for step in steps:
                yield step
                if found_in(collector.report()):
                    return

    stopped = asyncio.run(WriteRunner(collector).run(played()))
    return collector.report(stopped=stopped)


def _findings(report: ComparisonReport) -> list[str]:
    """What differs, and what could not be compared since FastAPI answered with an error."""
    failed = [sentence for sentence, _ in report.failures if sentence.startswith("fastapi answered 5")]
    return [*sorted(found_in(report)), *failed]


def _local_stack(stack: StackAddresses) -> LocalStack:
    source = stack_source(stack, django_port=port_of(stack.django_url), fastapi_port=port_of(stack.fastapi_url))
    return LocalStack(source.settings, state_dir=Path(stack.folder))
