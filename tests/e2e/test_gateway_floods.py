"""One address that keeps connections busy: what nginx holds open for it, and that it leaves room for others."""

import resource
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.conftest import MakeGateway

# The workers of nginx once had room for a thousand each.
HALF_SENT, MANY = 8_400, 2_100
HEADER_SECONDS = 5
OPENING_SECONDS = 3
BODY_SECONDS = 10
UNDER_WAY = 256
POST = b"POST /api/posts/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(url: str, sent: bytes, exits: ExitStack) -> socket.socket:
    address = urlsplit(url)
    opened = exits.enter_context(socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=30))
    opened.sendall(sent)
    return opened


def seconds_to_answer(url: str) -> float:
    """How long another client waits for nginx's own answer, connecting again whenever it is turned away."""
    begun = time.monotonic()
    while True:
        try:
            assert httpx.get(f"{url}/gateway/version", timeout=60).status_code == 200
        except httpx.TransportError:
            assert time.monotonic() < begun + 60
        else:
            return time.monotonic() - begun


@pytest.mark.long
def test_half_sent_requests_of_one_address_leave_room_for_others(make_gateway: MakeGateway) -> None:
    url = make_gateway().url
    with ExitStack() as exits:
        begun = time.monotonic()
        opened = []
        # A slow machine opens fewer before nginx gives the first of them up.
        while len(opened) < HALF_SENT and time.monotonic() < begun + OPENING_SECONDS:
            opened.append(connect(url, b"GET /api/posts/ HTTP/1.1\r\nHost: localhost\r\n", exits))
        assert len(opened) > MANY
        assert seconds_to_answer(url) < 3
        # Reset, so that the system forgets them too.
        with pytest.raises(ConnectionResetError):
            opened[-1].recv(1)
        assert time.monotonic() < begun + OPENING_SECONDS + 2 * HEADER_SECONDS + 5


@pytest.mark.long
def test_requests_under_way_are_counted_by_address(make_gateway: MakeGateway) -> None:
    url = make_gateway().url
    with ExitStack() as exits:
        begun = time.monotonic()
        opened = [connect(url, POST, exits) for _ in range(UNDER_WAY + 1)]
        # Whichever nginx counted last: its workers don't take connections in the order in which they were opened.
        (refused, *_), _, _ = select.select(opened, [], [], BODY_SECONDS / 2)
        said = b""
        while not said.endswith(b"}"):
            said += (piece := refused.recv(4096))
            assert piece, said
        assert said.startswith(b"HTTP/1.1 429 ")
        assert b"\r\nRetry-After: 1\r\n" in said
        assert said.endswith(b'{"detail":"Request was throttled. Expected available in 1 second."}')
        opened.remove(refused)
        # nginx's own answers are under way for no time.
        assert httpx.get(f"{url}/gateway/version").status_code == 200
        with pytest.raises(ConnectionResetError):
            opened[0].recv(1)
        assert BODY_SECONDS - 1 < time.monotonic() - begun < 3 * BODY_SECONDS
