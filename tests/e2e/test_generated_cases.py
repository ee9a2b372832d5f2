"""Cases that write themselves find what a port breaks, and nothing where nothing is broken."""

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.planted.comparing import found_in
from tests.planted.generated import FAULTS, cases_generate, fault_find, reads_compared
from tests.planted.ported import PORTED_READS, PORTED_WRITES
from tests.planted.reads import READS
from tests.planted.writes import WRITES
from tests.shared_stack import StackAddresses

_LOG = logging.getLogger(__name__)
pytestmark = pytest.mark.long

# Faults that generated cases can't find, and why.
NOT_FOUND = {
    "a unique race is a 500": "two requests at once: a case file states it (together)",
    "a list ends at the thousandth row": "the demo has fewer: a case file states the rows",
    "an order minds no case": "no username of the demo has a capital, so both orders are the same",
}


@pytest.fixture(scope="module")
def cases(stack: StackAddresses, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated cases of the run's stack."""
    return cases_generate(stack, tmp_path_factory.mktemp("cases") / "generated", seed=0)


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    """Two at a time, since the start of a server takes longest."""
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        yield pool
        pool.shutdown(cancel_futures=True)


def test_each_fault_is_another_one_in_code_that_compiles_and_hardly_any_is_out_of_reach() -> None:
    planted = {compile(fault.planted(), fault.file, "exec") for fault in FAULTS.values()}
    groups = (READS, WRITES, PORTED_READS, PORTED_WRITES)
    # A name in two groups would plant one of them only.
    assert len(planted) == len(FAULTS) == sum(map(len, groups)) >= 130
    assert set(NOT_FOUND) <= set(FAULTS)
    assert len(NOT_FOUND) <= len(FAULTS) // 20


def test_planted_faults_are_found(
    stack: StackAddresses, cases: Path, pool: ProcessPoolExecutor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A twelfth of them, for all take half an hour; PLANTED=all, or names with semicolons, plants others."""
    wanted = os.environ["PLANTED"].split(";") if "PLANTED" in os.environ else [*FAULTS][::12]
    wanted = [*FAULTS] if wanted == ["all"] else wanted
    futures = {name: pool.submit(fault_find, stack, name, cases, tmp_path_factory.mktemp("planted")) for name in wanted}
    found = {}
    for name, future in futures.items():
        places = found[name] = future.result()
        _LOG.info("%s: %s", name, "; ".join(places)[:200] or "not found")
    assert {name for name, places in found.items() if not places} == set(NOT_FOUND) & set(wanted)


@pytest.mark.parametrize("seed", range(1, 3))
def test_reads_without_a_fault_are_equal(stack: StackAddresses, tmp_path: Path, seed: int) -> None:
    report = reads_compared(stack, cases_generate(stack, tmp_path / "generated", seed=seed))
    assert (report.exit_code, found_in(report)) == (0, set())
