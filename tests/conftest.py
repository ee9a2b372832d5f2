"""What every kind of test shares."""

import os
import shutil
import time
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import settings

from tests.example import ROOT
from tests.shared_stack import CONTROLLER, DEMO_PASSWORD, StackAddresses, end_stack, stack_addresses

SIGN_IN_SECONDS = 30

# A busy machine is no fault of the code: without a deadline, an example that takes long is not a failure.
settings.register_profile("patient", settings.get_profile(settings.get_current_profile_name()), deadline=None)
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    """Names the process that outlives all workers, so that they find one another's stack."""
    if not hasattr(config, "workerinput"):
        os.environ[CONTROLLER] = str(os.getpid())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends what the run started; a stack that can't be ended fails the run."""
    if not hasattr(config, "workerinput"):
        end_stack()
        shutil.rmtree(ROOT / ".run" / "tests" / str(os.getpid()), ignore_errors=True)


@pytest.fixture(scope="session")
def stack() -> StackAddresses:
    """The running stack: PostgreSQL, both services and nginx."""
    return stack_addresses()


@pytest.fixture(scope="session")
def front(stack: StackAddresses) -> Iterator[httpx.Client]:
    """A client of the front door, nginx; it follows no redirect."""
    with httpx.Client(base_url=stack.proxy_url, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def access_tokens(front: httpx.Client) -> dict[str, str]:
    """An access token of each demo user."""
    return {name: _sign_in(front, name) for name in ("admin", "alice", "bob")}


def _sign_in(front: httpx.Client, username: str) -> str:
    deadline = time.monotonic() + SIGN_IN_SECONDS
    while True:
        response = front.post("/api/auth/token/", json={"username": username, "password": DEMO_PASSWORD})
        # A stack that hashes for other tests asks to come again.
        if response.status_code != 503 or time.monotonic() > deadline:
            token: str = response.raise_for_status().json()["access"]
            return token
        time.sleep(0.2)
