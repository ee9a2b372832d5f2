"""What a comparison has found stands until the same case is equal: a checkout whose FastAPI has a fault for a while."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkouts import Checkout
from tests.planted.ported import PORTED_READS

pytestmark = pytest.mark.long

FAULT = PORTED_READS["the search minds case"]
ROUTE = "tags.list"
CASES = """
[[case]]
as = ["nobody", "alice", "bob"]
get = "/tags/?page=2"

[[case]]
name = "the same again"
as = ["nobody", "alice", "bob"]
get = "/tags/?page=2"

[[case]]
as = ["nobody", "alice"]
get = "/tags/"

[[case]]
name = "in other case"
get = "/tags/?search=PY"
"""


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    with tempfile.TemporaryDirectory(prefix="strangler evidence ") as folder:
        made = Checkout(Path(folder))
        (made.path / "cases").mkdir()
        (made.path / "cases" / "tags.toml").write_text(CASES)
        started = made.strangler("up", "--detach")
        assert started.returncode == 0, started.stderr
        yield made
        assert made.strangler("down").returncode == 0


def compared(checkout: Checkout, *options: str) -> int:
    return run(checkout, *options).returncode


def run(checkout: Checkout, *options: str) -> subprocess.CompletedProcess[str]:
    return checkout.strangler("compare", "--cases", "cases", "--route", ROUTE, *options)


def refused(checkout: Checkout) -> str:
    """Why a move is; empty where it isn't."""
    planned = checkout.strangler("switch", ROUTE, "--to", "canary", "--percent", "5", "--yes")
    assert planned.returncode in {0, 3}, planned.stderr
    return planned.stderr if planned.returncode else ""


def deployed(checkout: Checkout, source: str) -> None:
    (checkout.path / FAULT.file).write_text(source)
    done = checkout.strangler("deploy", "fastapi")
    assert done.returncode == 0, done.stderr


def test_a_process_that_is_older_than_its_code_is_not_compared(checkout: Checkout) -> None:
    good = (checkout.path / FAULT.file).read_text()
    (checkout.path / FAULT.file).write_text(good)
    stale = run(checkout)
    assert (stale.returncode, stale.stdout) == (4, "")
    assert (
        "fastapi started before its code was changed, and isn't compared: run strangler deploy fastapi" in stale.stderr
    )
    deployed(checkout, good)
    assert compared(checkout) == 0


def test_the_same_case_again_is_no_other_and_other_declared_differences_are_no_evidence(checkout: Checkout) -> None:
    # Another file of cases ends what was proven; of nine requests six are different.
    (checkout.path / "cases" / "tags.toml").write_text(CASES + "# anew")
    (checkout.path / "own.toml").write_text("")
    declared = run(checkout, "--declared", "own.toml")
    assert declared.returncode == 0
    assert "no evidence is kept, since --declared may leave differences out" in declared.stderr
    assert "was compared before cases changed" in refused(checkout)
    assert compared(checkout) == 0
    wanting = checkout.strangler("switch", ROUTE, "--to", "canary", "--percent", "5", "--yes", EVIDENCE_EQUAL="7")
    assert wanting.returncode == 3
    assert "has 6 cases equal in a run of the last 7 days and needs 7 different ones" in wanting.stderr


def test_a_sample_of_one_takes_no_difference_back(checkout: Checkout) -> None:
    good = (checkout.path / FAULT.file).read_text()
    deployed(checkout, FAULT.planted(checkout.path))
    assert compared(checkout) == 1
    assert "has 1 difference that no comparison has settled, such as in other case (tags.toml, line 15)" in refused(
        checkout
    )
    # The same seed takes the same case: one of the others, which is equal with the fault and without it.
    seed = next(each for each in map(str, range(8)) if compared(checkout, "--sample", "1", "--seed", each) == 0)
    assert "has 1 difference" in refused(checkout)
    deployed(checkout, good)
    assert compared(checkout, "--sample", "1", "--seed", seed) == 0
    assert "has 1 difference" in refused(checkout)
    assert compared(checkout) == 0
    assert refused(checkout) == ""
