"""Both stacks behind one front door, and who asks them."""

from collections.abc import Iterator

import httpx
import pytest

from tests.contract.comparing import Comparison

CALLERS = ("anonymous", "alice", "bob", "admin")


@pytest.fixture
def comparison(front: httpx.Client) -> Iterator[Comparison]:
    """Collects differences; the test fails with all of them at its end."""
    comparison = Comparison(front)
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
