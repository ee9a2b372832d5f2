"""Compares the run's Django, or one on a copy of its database, with a FastAPI that may have a fault."""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from pathlib import Path
from urllib.parse import urlsplit

from strangler.compare.case import Scenario, ScenarioStep
from strangler.compare.cases.case_files import cases_from_files, scenarios_from_files
from strangler.compare.client.client import Limits
from strangler.compare.client.sides import Side, sides_local
from strangler.compare.client.signed_tokens import TokenSigner
from strangler.compare.collector import Collector
from strangler.compare.comparison import Rules
from strangler.compare.declared import DeclaredDifferences, declared_differences
from strangler.compare.report.model import ComparisonReport
from strangler.compare.run import ComparisonSession
from strangler.compare.writes.play import PlayedStep
from strangler.compare.writes.scenarios import WriteRunner
from strangler.compare.writes.servers import ServerFactories
from strangler.compare.writes.variables import names_in
from strangler.local.services import stack_service
from tests.example import DECLARED_FILE, ROOT, SIGN_IN, example_settings, load_routes
from tests.planted.fault import Fault
from tests.planted.reads import COSTLY, READS
from tests.planted.servers import faulty_server, reading_only, starting_with
from tests.planted.writes import WRITES
from tests.shared_stack import DEMO_PASSWORD, StackAddresses
from tests.write_plays import stack_source, steps_played

CASES = ROOT / "tests" / "cases"
ROUTES = load_routes(ROOT / "nginx" / "routes.toml")
FILES = sorted(file.stem for file in CASES.glob("*.toml"))


def reads_with(stack: StackAddresses, fault: str, folder: Path) -> ComparisonReport:
    """What the reads of the fault's case file find."""
    with faulty_server(example_settings(), reading_only(stack), fault, logs=folder) as port:
        return _reads_compared(sides_to(stack, port), asked=(READS | COSTLY)[fault].asked)


def reads_without(stack: StackAddresses, file: str, _folder: Path) -> ComparisonReport:
    """What the reads of a case file find where there is no fault."""
    return _reads_compared(sides_to(stack, port_of(stack.fastapi_url)), asked=file)


def writes_with(stack: StackAddresses, fault: str, folder: Path) -> ComparisonReport:
    """What the writes of the fault's case file find to its routes, and those that these need, until it is found."""
    starting = starting_with(fault)
    return _writes_compared(stack, folder, asked=WRITES[fault].asked, starting=starting, fault=WRITES[fault])


def writes_without(stack: StackAddresses, file: str, folder: Path) -> ComparisonReport:
    """What the writes of a case file find where there is no fault."""
    return _writes_compared(stack, folder, asked=file)


def found_in(report: ComparisonReport) -> set[str]:
    """What is different, as a report prints it: "route: kind at place"."""
    return {f"{route.route}: {group.kind} at {group.pattern}" for route in report.routes for group in route.groups}


def session(sides: tuple[Side, Side], *, signer: TokenSigner | None = None) -> ComparisonSession:
    """A comparison of the example's two sides, by its demo users; `signer` makes the tokens that cases name."""
    left, right = sides
    return ComparisonSession(
        left=left,
        right=right,
        limits=Limits(concurrency=4, timeout=30, body_bytes=10_000_000),
        rules=Rules(DeclaredDifferences(declared_differences(DECLARED_FILE))),
        sign_in=SIGN_IN,
        password=lambda _name: DEMO_PASSWORD,
        signer=signer,
    )


def _reads_compared(sides: tuple[Side, Side], *, asked: str) -> ComparisonReport:
    comparison, collector = session(sides), Collector(*sides)
    cases = (case for case in cases_from_files(CASES, ROUTES) if case.source.startswith(f"{asked}.toml"))
    stopped = asyncio.run(comparison.run(cases, collector))
    return collector.report(stopped=stopped)


def _writes_compared(
    stack: StackAddresses,
    folder: Path,
    *,
    asked: str,
    starting: ServerFactories = stack_service,
    fault: Fault | None = None,
) -> ComparisonReport:
    found = (_writes_of(each, asked, fault) for each in scenarios_from_files(CASES, ROUTES))
    scenarios = [each for each in found if each.steps]
    collector = Collector(*sides_to(stack, port_of(stack.fastapi_url)))

    async def played() -> AsyncGenerator[PlayedStep, None]:
        steps = steps_played(stack_source(stack), scenarios, folder, starting=starting)
        async with aclosing(steps):
            async for step in steps:
                yield step
                if fault and fault.found <= found_in(collector.report()):
                    return

    stopped = asyncio.run(WriteRunner(collector).run(played()))
    return collector.report(stopped=stopped)


def _writes_of(scenario: Scenario, file: str, fault: Fault | None) -> Scenario:
    """A file's writes, and reads of what they have written: all, or those of the fault's routes and what these need.

    Of given states, all reads are.
    """
    own = [step for step in scenario.steps if step.case.source.startswith(f"{file}.toml")]
    saved = {name for step in own for name, _ in step.save}
    steps: Iterable[ScenarioStep] = (
        step for step in own if scenario.given or not step.case.safe or names_in(step.case, saved)
    )
    if fault is not None:
        steps = (step for step in steps if step.save or step.case.route in fault.routes)
    return dataclasses.replace(scenario, steps=tuple(steps))


def sides_to(stack: StackAddresses, fastapi_port: int) -> tuple[Side, Side]:
    return sides_local(example_settings(django_port=port_of(stack.django_url), fastapi_port=fastapi_port))


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port
    return port
