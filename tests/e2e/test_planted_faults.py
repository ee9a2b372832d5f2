"""Twenty faults and more, each planted in one statement of FastAPI: a comparison finds each and names its place."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from strangler.compare.report.model import ComparisonReport
from tests.planted.comparing import FILES, found_in, reads_with, reads_without, writes_with, writes_without
from tests.planted.fault import Fault
from tests.planted.reads import COSTLY, READS
from tests.planted.writes import WRITES
from tests.shared_stack import StackAddresses

Reports = dict[tuple[Callable[..., ComparisonReport], str], Future[ComparisonReport]]


@pytest.fixture(scope="module")
def reports(
    stack: StackAddresses, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Reports]:
    """The report of each test that is run; two are made at a time, since the start of a server takes longest."""
    items = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    wanted = [(item.callspec.params["compare"], item.callspec.params["name"]) for item in items]
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        yield {
            (compare, name): pool.submit(compare, stack, name, tmp_path_factory.mktemp("planted"))
            for compare, name in wanted
        }
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def report(reports: Reports, compare: Callable[..., ComparisonReport], name: str) -> ComparisonReport:
    """What is found."""
    return reports[compare, name].result()


def each(compare: Callable[..., ComparisonReport], names: list[str]) -> pytest.MarkDecorator:
    """A test of each fault, or of each case file, that is compared so."""
    return pytest.mark.parametrize(("compare", "name"), [pytest.param(compare, name, id=name) for name in names])


def test_each_fault_is_another_one_in_code_that_compiles() -> None:
    faults = [*READS.items(), *COSTLY.items(), *WRITES.items()]
    planted = {compile(fault.planted(), fault.file, "exec") for _name, fault in faults}
    assert len(planted) == len(dict(faults)) == len(faults) >= 20


@pytest.mark.long
@each(reads_without, [file for file in FILES if file not in ("auth", "states")])
def test_reads_without_a_fault_are_equal(report: ComparisonReport) -> None:
    assert (report.exit_code, report.failures, found_in(report)) == (0, (), set())


@pytest.mark.long
@each(reads_with, list(READS))
def test_a_fault_is_named_by_reads(report: ComparisonReport, name: str) -> None:
    assert_names(report, READS[name])


@pytest.mark.long
@each(reads_with, list(COSTLY))
def test_statements_for_each_item_are_a_difference(report: ComparisonReport, name: str) -> None:
    assert (report.exit_code, found_in(report)) == (1, {"posts.list: statements at statements"})
    most = {
        route.route: (route.left.statements_max, route.right.statements_max)
        for route in report.routes
        if route.left and route.right
    }
    assert {route for route, (left, right) in most.items() if left and right and right > 4 * left} == COSTLY[
        name
    ].routes


@pytest.mark.long
@each(writes_without, [file for file in FILES if file != "feed"])
def test_writes_without_a_fault_are_equal(report: ComparisonReport) -> None:
    assert (report.exit_code, report.failures, found_in(report)) == (0, (), set())


@pytest.mark.long
@each(writes_with, list(WRITES))
def test_a_fault_is_named_by_writes(report: ComparisonReport, name: str) -> None:
    assert_names(report, WRITES[name])


def assert_names(report: ComparisonReport, fault: Fault) -> None:
    """The comparison fails, for the fault and at its place, and in no other route."""
    found = found_in(report)
    assert (report.exit_code, report.failures) == (1, ())
    assert fault.found <= found, f"{sorted(fault.found - found)} is not among {sorted(found)}"
    assert {place.partition(":")[0] for place in found} == fault.routes
