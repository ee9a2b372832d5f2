"""One run of the containers for all checks; the first that asks for it builds and starts it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.containers.engine import PREFIXES, Containers

DEMO = {"username": "alice", "password": "strangler-demo"}


@pytest.fixture(scope="session")
def containers() -> Iterator[Containers]:
    with tempfile.TemporaryDirectory(prefix="strangler-containers-") as folder:
        containers = Containers(Path(folder) / "checkout")
        containers.remove()
        try:
            containers.run("build")
            # nginx first, to show that it waits for its configuration, then everything.
            containers.run("up", "--detach", "--no-deps", "nginx")
            containers.inside("nginx", "sh", "-c", "! test -e /etc/nginx/generated/current")
            containers.run("up", "--detach")
            containers.wait_until_ready()
            yield containers
        finally:
            containers.remove()


@pytest.fixture(scope="session")
def front(containers: Containers) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=containers.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def tokens(front: httpx.Client) -> dict[str, str]:
    """An access token from each stack."""
    found = {}
    for stack, prefix in PREFIXES.items():
        response = front.post(f"{prefix}/auth/token/", json=DEMO)
        assert (response.status_code, response.headers["X-Served-By"]) == (200, stack)
        found[stack] = response.json()["access"]
    return found
