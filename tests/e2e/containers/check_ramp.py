"""The profile `ramp`: a container drives a ramp that the host has begun, and hears the host."""

import json
import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.e2e.containers.check_moves import FEED, as_started, bearer, history  # noqa: F401 - the fixture
from tests.e2e.containers.engine import Containers, wait_for

ROUTE = "feed.list"
# With these a step passes with the requests of seconds.
LIMITS = f'\n[ramp.routes."{ROUTE}"]\nerrors = 5.0\np95 = 20.0\np99 = 20.0\nslack = 1.0\n'
PROFILE = ("--profile", "ramp")
FEED_CLIENTS = 2


@pytest.fixture(scope="module")
def watched(containers: Containers) -> Iterator[Containers]:
    """The containers with those of the profile, and a project file of quicker ramps."""
    file, before = containers.folder / "strangler.toml", dict(containers.env)
    found = file.read_text()
    try:
        file.write_text(found + LIMITS)
        for folder in ("compare", "cases", "containers"):
            (containers.folder / ".run" / folder).mkdir(parents=True, exist_ok=True)
        containers.env |= {"SERVICE_METRICS": "1", "RAMP_USER": f"{os.getuid()}:{os.getgid()}"}
        containers.run(*PROFILE, "up", "--detach")
        containers.wait_until_ready()
        containers.strangler("apply", "--yes", "--force", "--reason", "a log for ramps")
        containers.strangler("compare", "--route", ROUTE)
        yield containers
    finally:
        containers.run(*PROFILE, "rm", "--stop", "--force", "ramp", "watch", check=False)
        file.write_text(found)
        containers.env = before
        containers.run("up", "--detach")
        containers.wait_until_ready()
        containers.strangler("apply", "--yes", "--force", "--reason", "as before")


@contextmanager
def load(containers: Containers) -> Iterator[None]:
    """Users who read the feed, until the block ends."""
    over = threading.Event()

    def reads() -> None:
        with httpx.Client(base_url=containers.url, timeout=30) as client:
            while not over.is_set():
                client.get(FEED, headers=bearer(random.randrange(10_000)))  # noqa: S311 - a user

    clients = [threading.Thread(target=reads) for _ in range(FEED_CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        over.set()
        for client in clients:
            client.join()


def begin(containers: Containers) -> None:
    words = ("ramp", ROUTE, "--steps", "50,100", "--hold", "3s", "--detach", "--reason", "release 42")
    said = containers.strangler(*words)
    assert "watched in the background" in said, said


def ramp_of(containers: Containers) -> dict[str, Any]:
    """The ramp as the host sees it."""
    found: dict[str, Any] = json.loads(containers.strangler("status", "--json"))["ramp"]
    return found


def test_a_ramp_survives_its_container_and_hears_the_host(watched: Containers) -> None:
    with load(watched):
        begin(watched)
        watched.strangler("ramp", "pause", "--reason", "lunch")
        wait_for("the pause", lambda: "paused" in ramp_of(watched)["why"])
        watched.run(*PROFILE, "kill", "ramp")
        watched.run(*PROFILE, "up", "--detach", "--no-deps", "ramp")
        wait_for("the next container", lambda: ramp_of(watched)["watched"])
        assert "paused" in ramp_of(watched)["why"]
        watched.strangler("ramp", "resume")
        wait_for("its end", lambda: ramp_of(watched)["phase"] == "finished")
    assert watched.served_by(FEED) == "fastapi"
    moves = history(watched)[-2:]
    assert [move["who"] for move in moves] == ["ramp@compose"] * 2
    assert moves[-1]["reason"] == "ramp: step 100% (release 42)"
    assert watched.strangler("plan") == "nothing to do\n"


def test_the_host_takes_a_ramp_back(watched: Containers) -> None:
    begin(watched)
    watched.strangler("ramp", "abort", "--reason", "wrong route")
    wait_for("its end", lambda: ramp_of(watched)["phase"] == "returned")
    assert watched.served_by(FEED) == "django"
    assert "aborted by" in history(watched)[-1]["reason"]


def test_without_the_container_a_ramp_is_refused_with_the_command_that_starts_it(watched: Containers) -> None:
    watched.run(*PROFILE, "stop", "ramp")
    said = watched.strangler("ramp", ROUTE, "--detach", code=2)
    assert "no container goes on with ramps: start it with" in said
    assert "--profile ramp up --detach" in said
    watched.run(*PROFILE, "start", "ramp")


def test_the_figures_of_the_log_and_of_the_ramp_are_watchs(watched: Containers) -> None:
    script = "import urllib.request as r; print(r.urlopen('http://watch:9145/metrics').read().decode())"

    def said() -> str:
        return watched.inside("django", "python", "-c", script, check=False).stdout

    watched.served_by(FEED)
    wait_for("the figures", lambda: f'route="{ROUTE}"' in said())
    assert "strangler_fastapi_ejected 0\n" in said()
    assert "strangler_ramp_percent" not in said()
    begin(watched)
    try:
        wait_for("the ramp", lambda: f'strangler_ramp_percent{{route="{ROUTE}"}} 50\n' in said())
    finally:
        watched.strangler("ramp", "abort", "--reason", "seen")
    wait_for("its end", lambda: "strangler_ramp_percent" not in said())
