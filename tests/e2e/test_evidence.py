"""What a comparison has found stands until the same case is equal: a checkout whose FastAPI has a fault for a while."""

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
    return checkout.strangler("compare", "--cases", "cases", "--route", ROUTE, *options).returncode


def refused(checkout: Checkout) -> str:
    """Why a move is; empty where it isn't."""
    planned = checkout.strangler("switch", ROUTE, "--to", "canary", "--percent", "5", "--yes")
    assert planned.returncode in {0, 3}, planned.stderr
    return planned.stderr if planned.returncode else ""


def deployed(checkout: Checkout, source: str) -> None:
    (checkout.path / FAULT.file).write_text(source)
    done = checkout.strangler("deploy", "fastapi")
    assert done.returncode == 0, done.stderr


def test_a_sample_of_one_takes_no_difference_back(checkout: Checkout) -> None:
    good = (checkout.path / FAULT.file).read_text()
    deployed(checkout, FAULT.planted(checkout.path))
    assert compared(checkout) == 1
    assert "has 1 difference that no comparison has settled, such as in other case (tags.toml, line 10)" in refused(
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
