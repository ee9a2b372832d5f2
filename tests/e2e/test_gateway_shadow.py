"""What nginx tells of sampled requests, by datagrams that no client waits for."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.callers import served_by
from tests.e2e.conftest import MakeGateway
from tests.gateways import Gateway

ALL = {"feed.list": {"shadow": 100}}
HEADERS = {"Authorization": 'Bearer "a\\b"', "Accept": "application/json", "Accept-Language": "de;q=0.5"}
SOON = 5
# Without waiting for anybody; an answer takes some hundredths.
PROMPT_SECONDS = 2


@contextmanager
def reader(gateway: Gateway) -> Iterator[socket.socket]:
    """A socket where this nginx sends its samples."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        path = gateway.folder / "shadow.sock"
        receiver.bind(str(path))
        path.chmod(0o666)
        receiver.settimeout(SOON)
        try:
            yield receiver
        finally:
            path.unlink()


def sample(receiver: socket.socket) -> dict[str, Any]:
    header, brace, rest = receiver.recv(100_000).decode().partition("{")
    assert header.startswith("<190>")
    assert header.endswith(" shadow: ")
    found: dict[str, Any] = json.loads(brace + rest)
    return found


def waiting(receiver: socket.socket) -> int:
    """How many samples are there already; takes them."""
    receiver.setblocking(False)
    number = 0
    try:
        while receiver.recv(100_000):
            number += 1
    except BlockingIOError:
        receiver.settimeout(SOON)
    return number


def test_a_sample_tells_what_is_needed_to_ask_again(make_gateway: MakeGateway) -> None:
    made = make_gateway({"*": "parallel"}, routes=ALL, trusted_proxies=("127.0.0.0/8",))
    with reader(made) as receiver:
        sent = HEADERS | {"X-Forwarded-Proto": "https", "Host": "localhost:8080", "X-Request-ID": "from-outside"}
        assert httpx.get(f"{made.url}/api/v2/feed?search=%20é", headers=sent).status_code == 301
        first = sample(receiver)
        assert first.pop("number") > 0
        assert first == {
            "request_id": "from-outside",
            "method": "GET",
            "uri": "/api/v2/feed?search=%20%C3%A9",
            "api": "v2",
            "route": "feed.list",
            "stack": "fastapi",
            "status": 301,
            "scheme": "https",
            "host": "localhost:8080",
            "authorization": HEADERS["Authorization"],
            "accept": HEADERS["Accept"],
            "accept_language": HEADERS["Accept-Language"],
        }
        bare = httpx.head(f"{made.url}/api/feed/", headers={"Accept": ""})
        found = sample(receiver)
        assert (found["method"], found["stack"], found["request_id"]) == (
            "HEAD",
            "django",
            bare.headers["X-Request-ID"],
        )
        assert (found["authorization"], found["accept"], found["accept_language"]) == ("", "", "")


def test_only_reads_of_the_routes_that_say_so_are_sampled(make_gateway: MakeGateway) -> None:
    made = make_gateway(routes={"tags.list": {"shadow": 100}})
    with reader(made) as receiver:
        for method, path in [
            ("POST", "/api/tags/"),
            ("OPTIONS", "/api/tags/"),
            ("PUT", "/api/tags/"),
            ("GET", "/api/tags/1/"),
        ]:
            httpx.request(method, made.url + path, json={})
        httpx.get(f"{made.url}/api/nowhere/")
        httpx.get(f"{made.url}/api/tags/?last")
        assert sample(receiver)["uri"] == "/api/tags/?last"
        assert waiting(receiver) == 0


@pytest.mark.long
def test_a_share_of_the_requests_is_sampled(make_gateway: MakeGateway) -> None:
    made = make_gateway(routes={"posts.list": {"shadow": 20}})
    found = 0
    with reader(made) as receiver:
        for _ in range(200):
            # No more than the kernel keeps for a reader.
            assert len(served_by(made.url, "/api/posts/", [{}] * 10)) == 10
            found += waiting(receiver)
    assert 300 < found < 500


def test_the_largest_headers_fit_into_a_sample(make_gateway: MakeGateway) -> None:
    made = make_gateway({"*": "migrated"}, routes=ALL)
    with reader(made) as receiver:
        long = {"Authorization": "x" * 8_000, "Accept": "y" * 8_000}
        httpx.get(f"{made.url}/api/feed/?search={'z' * 8_000}", headers=long)
        found = sample(receiver)
    assert (len(found["authorization"]), len(found["accept"]), len(found["uri"])) == (8_000, 8_000, 8_018)


def prompt(gateway: Gateway, times: int) -> None:
    """Every client is answered, and none waits."""
    with httpx.Client(base_url=gateway.url) as client:
        for _ in range(times):
            begin = time.monotonic()
            assert client.get("/api/feed/?page_size=1").status_code == 200
            assert time.monotonic() - begin < PROMPT_SECONDS


def test_nobody_waits_for_a_reader_that_is_not_there(make_gateway: MakeGateway) -> None:
    made = make_gateway(routes=ALL)
    prompt(made, 20)
    # nginx has no way to say it once: a line for each sample, where the warning beside it would make two.
    complaints = [line for line in made.complaints() if line]
    assert len(complaints) <= 20
    assert all("[alert]" in line and "connect() failed" in line for line in complaints), complaints
    with reader(made) as receiver:
        prompt(made, 3)
        assert [sample(receiver)["route"] for _ in range(3)] == ["feed.list"] * 3


@pytest.mark.parametrize("leaves", ["the socket", "nothing"])
def test_nobody_notices_when_the_reader_ends(leaves: str, make_gateway: MakeGateway) -> None:
    made = make_gateway(routes=ALL)
    with reader(made) as receiver:
        prompt(made, 1)
        assert sample(receiver)
        if leaves == "the socket":
            receiver.close()
            prompt(made, 20)
    prompt(made, 20)
    with reader(made) as receiver:
        prompt(made, 1)
        assert sample(receiver)


def test_a_reader_that_cannot_keep_up_misses_samples_and_nobody_waits(make_gateway: MakeGateway) -> None:
    made = make_gateway(routes=ALL)
    with reader(made) as receiver:
        limit = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
        prompt(made, limit + 30)
        assert 0 < waiting(receiver) <= limit + 1
    assert made.complaints() == []


def test_without_a_shadow_nobody_is_reported(make_gateway: MakeGateway) -> None:
    made = make_gateway()
    with reader(made) as receiver:
        prompt(made, 3)
        assert waiting(receiver) == 0
