"""Twenty faults and more, each planted in one statement of FastAPI: a comparison finds each and names its place."""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from strangler.compare.asking import Limits
from strangler.compare.callers import SignIn
from strangler.compare.cases.files import cases_from_files, scenarios_from_files
from strangler.compare.cases.scenario import Scenario
from strangler.compare.collecting import Collector
from strangler.compare.comparison import Comparison
from strangler.compare.declared import DeclaredDifferences, declared_differences
from strangler.compare.judging import Rules
from strangler.compare.report.model import Report
from strangler.compare.side import Side
from strangler.compare.writes.play import Played
from strangler.compare.writes.running import WriteRunner
from strangler.compare.writes.servers import STARTING, Starting
from strangler.compare.writes.variables import names_in
from strangler.local.settings import ROOT
from strangler.routes.route import Stack
from strangler.routes.table import load_routes
from tests.planted.fault import Fault
from tests.planted.reads import COSTLY, READS
from tests.planted.servers import FaultyServers, sides_of, starting_with
from tests.planted.writes import WRITES
from tests.shared_stack import DEMO_PASSWORD, StackAddresses
from tests.write_plays import stack_source, steps_played

CASES = ROOT / "tests" / "cases"
ROUTES = load_routes(ROOT / "nginx" / "routes.toml")


@pytest.fixture(scope="module")
def servers(stack: StackAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServers]:
    """FastAPI servers that faults are planted in."""
    faulty = FaultyServers(stack, tmp_path_factory.mktemp("logs"), [*READS, *COSTLY])
    yield faulty
    faulty.stop()


def test_each_fault_is_another_one_in_code_that_runs() -> None:
    faults = [*READS.items(), *COSTLY.items(), *WRITES.items()]
    planted = {compile(fault.planted(), fault.file, "exec") for _name, fault in faults}
    assert len(planted) == len(dict(faults)) == len(faults) >= 20


def test_reads_without_a_fault_are_equal(stack: StackAddresses) -> None:
    report = reads_compared(sides_of(stack, port_of(stack.fastapi_url)))
    assert (report.exit_code, found_in(report)) == (0, set())


@pytest.mark.parametrize("name", READS)
def test_a_read_with_a_fault_is_named(name: str, servers: FaultyServers) -> None:
    report = reads_compared(servers.sides(name), asked=READS[name].asked)
    assert_names(report, READS[name])


@pytest.mark.parametrize("name", COSTLY)
def test_a_statement_more_for_each_item_stands_out_and_is_no_difference(name: str, servers: FaultyServers) -> None:
    report = reads_compared(servers.sides(name), asked=COSTLY[name].asked)
    assert (report.exit_code, found_in(report)) == (0, set())
    standing_out = {
        route.route
        for route in report.routes
        if route.left and route.right and (route.right.statements_max or 0) > 4 * (route.left.statements_max or 0)
    }
    assert standing_out == COSTLY[name].routes


@pytest.mark.parametrize("file", sorted({fault.asked for fault in WRITES.values()}))
def test_writes_without_a_fault_are_equal(file: str, stack: StackAddresses, tmp_path: Path) -> None:
    report = writes_compared(stack, tmp_path, asked=file)
    assert (report.exit_code, found_in(report)) == (0, set())


@pytest.mark.parametrize("name", WRITES)
def test_a_write_with_a_fault_is_named(name: str, stack: StackAddresses, tmp_path: Path) -> None:
    fault = WRITES[name]
    starting = {**STARTING, Stack.FASTAPI: starting_with(name)}
    report = writes_compared(stack, tmp_path, asked=fault.asked, starting=starting, until=fault.found)
    assert_names(report, fault)


def assert_names(report: Report, fault: Fault) -> None:
    """The comparison fails, for the fault and at its place, and in no other route."""
    found = found_in(report)
    assert (report.exit_code, report.failures) == (1, ())
    assert fault.found <= found, f"{sorted(fault.found - found)} is not among {sorted(found)}"
    assert {each.partition(":")[0] for each in found} == fault.routes


def found_in(report: Report) -> set[str]:
    """What is different, as the report prints it."""
    return {f"{route.route}: {group.kind} at {group.pattern}" for route in report.routes for group in route.groups}


def reads_compared(sides: tuple[Side, Side], *, asked: str = "") -> Report:
    """What the reads of a case file, or of all, find between the sides."""
    left, right = sides
    comparison = Comparison(
        left=left,
        right=right,
        limits=Limits(concurrency=4, timeout=30, body_bytes=10_000_000),
        rules=Rules(DeclaredDifferences(declared_differences())),
        sign_in=SignIn(),
        password=lambda _name: DEMO_PASSWORD,
    )
    collector = Collector(left, right)
    cases = (case for case in cases_from_files(CASES, ROUTES) if case.source.startswith(asked))
    stopped = asyncio.run(comparison.run(cases, collector))
    return collector.report(stopped=stopped)


def writes_compared(
    stack: StackAddresses,
    folder: Path,
    *,
    asked: str,
    starting: Starting = STARTING,
    until: frozenset[str] = frozenset(),
) -> Report:
    """What the writes of a case file find on copies of the stack's database; ends where all of `until` is found."""
    scenarios = [_writes_of(each) for each in scenarios_from_files(CASES, ROUTES) if each.name == f"{asked}.toml"]
    collector = Collector(*sides_of(stack, port_of(stack.fastapi_url)))

    async def played() -> AsyncGenerator[Played, None]:
        steps = steps_played(stack_source(stack), scenarios, folder, starting=starting)
        async with aclosing(steps):
            async for step in steps:
                yield step
                if until and until <= found_in(collector.report()):
                    return

    stopped = asyncio.run(WriteRunner(collector).run(played()))
    return collector.report(stopped=stopped)


def _writes_of(scenario: Scenario) -> Scenario:
    """The writes of a scenario, and the reads of what they have written."""
    saved = {name for step in scenario.steps for name, _ in step.save}
    steps = (step for step in scenario.steps if not step.case.safe or names_in(step.case, saved))
    return dataclasses.replace(scenario, steps=tuple(steps))


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port
    return port
