"""Both stacks behind one front door, and who asks them."""

from collections.abc import Iterator

import httpx
import pytest

from tests.contract.comparing import Comparison
from tests.shared_stack import StackAddresses

CALLERS = ("anonymous", "alice", "bob", "admin")


@pytest.fixture(scope="session")
def parallel(stack: StackAddresses) -> Iterator[httpx.Client]:
    """A client of the door where Django answers all of v1 and FastAPI all of v2."""
    with httpx.Client(base_url=stack.parallel_url, timeout=30) as client:
        yield client


@pytest.fixture
def comparison(parallel: httpx.Client) -> Iterator[Comparison]:
    """Collects differences; the test fails with all of them at its end."""
    comparison = Comparison(parallel)
    yield comparison
    comparison.show()


@pytest.fixture(params=CALLERS)
def caller(request: pytest.FixtureRequest) -> str:
    """Who asks: nobody, two users, staff."""
    name: str = request.param
    return name


@pytest.fixture
def credentials(caller: str, access_tokens: dict[str, str]) -> dict[str, str]:
    """The caller's headers."""
    return {} if caller == "anonymous" else {"Authorization": f"Bearer {access_tokens[caller]}"}
