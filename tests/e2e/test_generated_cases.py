"""Cases that write themselves find what a port breaks, and nothing where nothing is broken: in two projects."""

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.depots import Depot
from tests.example import ROOT
from tests.planted.depot import DEPOT_FAULTS, DEPOT_READS, DEPOT_WRITES
from tests.planted.fault import Fault
from tests.planted.generated import (
    FAULTS,
    Planting,
    cases_generate,
    depot_planting,
    differences_find,
    example_planting,
    fault_find,
)
from tests.planted.ported import PORTED_READS, PORTED_WRITES
from tests.planted.reads import READS
from tests.planted.unseen import UNSEEN
from tests.planted.writes import WRITES
from tests.shared_stack import StackAddresses

_LOG = logging.getLogger(__name__)
pytestmark = pytest.mark.long

# Faults that generated cases can't find, and why.
NOT_FOUND: dict[str, str] = {}
DEPOT_NOT_FOUND: dict[str, str] = {}
# All of both projects take an hour of two cores; PLANTED=all, or names with semicolons, plants others.
PLANTED = os.environ.get("PLANTED", "")
# Of generated cases, with blanks between them.
SEEDS = [int(seed) for seed in os.environ.get("SEEDS", "1").split()]
_EVERY = 16


def wanted(faults: dict[str, Fault]) -> list[str]:
    """The faults that are planted."""
    if PLANTED == "all":
        return [*faults]
    return [name for name in faults if name in PLANTED.split(";")] if PLANTED else [*faults][::_EVERY]


@pytest.fixture(scope="module")
def example(stack: StackAddresses) -> Planting:
    return example_planting(stack)


@pytest.fixture(scope="module")
def depot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Depot]:
    """The depot, with a FastAPI side that the tool has written."""
    depot = Depot(tmp_path_factory.mktemp("depot"))
    depot.begin()
    try:
        depot.start()
        yield depot
    finally:
        depot.run("down")


def leave_address_out() -> None:
    """The depot's FastAPI takes over the environment, and a comparison asks where each address in it leads to.

    That of the tests of Django, which another test in this process may have set, leads nowhere.
    """
    os.environ.pop("DATABASE_URL", None)


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    """Two at a time, since the start of a server takes longest."""
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn"), initializer=leave_address_out) as pool:
        yield pool
        pool.shutdown(cancel_futures=True)


def test_each_fault_is_another_one_in_code_that_compiles_and_hardly_any_is_out_of_reach() -> None:
    planted = {compile(fault.planted(), fault.file, "exec") for fault in FAULTS.values()}
    groups = (READS, WRITES, PORTED_READS, PORTED_WRITES, UNSEEN)
    # A name in two groups would plant one of them only.
    assert len(planted) == len(FAULTS) == sum(map(len, groups)) >= 130
    # The others are in what the scaffold writes.
    assert all(fault.planted() for fault in DEPOT_FAULTS.values() if (ROOT / fault.file).exists())
    assert len(DEPOT_FAULTS) == len(DEPOT_READS) + len(DEPOT_WRITES) >= 100
    for missed, faults in ((NOT_FOUND, FAULTS), (DEPOT_NOT_FOUND, DEPOT_FAULTS)):
        assert set(missed) <= set(faults)
        assert len(missed) <= len(faults) // 20


def test_planted_faults_are_found(example: Planting, pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    """A sixteenth of them."""
    assert not_found(example, pool, tmp_path) == set(NOT_FOUND) & set(wanted(FAULTS))


def test_planted_faults_are_found_in_a_second_project(depot: Depot, pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    """A sixteenth of them."""
    planting = depot_planting(depot)
    sources = {name: fault.planted(depot.folder) for name, fault in DEPOT_FAULTS.items()}
    assert len({compile(text, DEPOT_FAULTS[name].file, "exec") for name, text in sources.items()}) == len(sources)
    assert not_found(planting, pool, tmp_path) == set(DEPOT_NOT_FOUND) & set(wanted(DEPOT_FAULTS))


def not_found(planting: Planting, pool: ProcessPoolExecutor, folder: Path) -> set[str]:
    """The names of those that no generated case finds."""
    cases = cases_generate(planting, folder / "generated", seed=0)
    missed = _missed(planting, pool, wanted({**planting.faults}), cases, folder / "first")
    # On a busy machine the requests of a race may miss each other.
    again = sorted(missed - {*NOT_FOUND, *DEPOT_NOT_FOUND})
    return missed - {*again} | _missed(planting, pool, again, cases, folder / "second")


def _missed(planting: Planting, pool: ProcessPoolExecutor, names: list[str], cases: Path, logs: Path) -> set[str]:
    # Without what it keeps open here, which no other process can take over.
    futures = {
        name: pool.submit(fault_find, replace(planting), name, cases, logs.with_name(f"{logs.name}-{number}"))
        for number, name in enumerate(names)
    }
    missed = set()
    for name, future in futures.items():
        places = future.result()
        _LOG.info("%s: %s", name, "; ".join(places)[:200] or "not found")
        missed |= set() if places else {name}
    return missed


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_found_without_a_fault(example: Planting, tmp_path: Path, seed: int) -> None:
    cases = cases_generate(example, tmp_path / "generated", seed=seed)
    assert differences_find(example, cases, tmp_path / "logs") == []
