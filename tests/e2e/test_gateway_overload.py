"""What a stack has no room for is refused by the gateway at once, and nobody else bears it."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.conftest import MakeGateway
from tests.gateways import READY_SECONDS
from tests.stack_doubles import silent_upstream

BUSY = (503, '{"detail":"The service is busy: try again in a second."}', "1")


@contextmanager
def under_way(url: str, path: str, number: int) -> Iterator[None]:
    """So many requests that a silent stack never answers."""
    address = urlsplit(url)
    with ExitStack() as held:
        for _ in range(number):
            connection = held.enter_context(socket.create_connection((str(address.hostname), int(address.port or 0))))
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        yield


def refused(url: str, path: str) -> tuple[int, str, str]:
    """The answer once the requests before it are under way: until then it waits for the stack like them."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            answer = httpx.get(url + path, timeout=1)
        except httpx.ReadTimeout:
            assert time.monotonic() < deadline
        else:
            return answer.status_code, answer.text, answer.headers["Retry-After"]


@pytest.mark.parametrize(("which", "prefix"), [("django", "/api"), ("fastapi", "/api/v2")])
def test_a_stack_takes_so_many_and_its_health_is_not_counted(
    which: str, prefix: str, make_gateway: MakeGateway
) -> None:
    health = f"{prefix}/health/"
    with silent_upstream() as silent:
        limits = {f"{which}_requests": 2, "probes": (health, f"{prefix}/health/Live", f"{prefix}/feed/?limit=1")}
        url = make_gateway({"*": "parallel"}, **{which: silent}, **limits).url
        with under_way(url, f"{prefix}/tags/", 2):
            assert refused(url, f"{prefix}/feed/") == BUSY
            for probe in (f"{health}?full=1", f"{prefix}/health/Live", f"{prefix}/feed/?limit=1"):
                with pytest.raises(httpx.ReadTimeout):
                    httpx.get(url + probe, timeout=0.5)
            # With a query of its own a check takes no other request of its path out.
            for path in (f"{prefix}/feed/", f"{prefix}/feed/?limit=10"):
                assert refused(url, path) == BUSY


def test_an_overload_of_fastapi_neither_falls_back_nor_ejects_it(make_gateway: MakeGateway) -> None:
    routes = {"feed.list": {"fallback": True}}
    with silent_upstream() as silent:
        url = make_gateway({"*": "migrated"}, routes=routes, fastapi=silent, fastapi_requests=2).url
        with under_way(url, "/api/v2/tags/", 2):
            assert refused(url, "/api/v2/tags/") == BUSY
            # Half of twenty that fail eject FastAPI.
            answers = [httpx.get(f"{url}/api/feed/", timeout=30) for _ in range(20)]
            assert httpx.get(f"{url}/gateway/ejection").json()["ejected"] is False
    assert {(each.status_code, each.text, each.headers["Retry-After"]) for each in answers} == {BUSY}
    assert {(each.headers["X-Served-By"], each.headers.get("X-Fallback", "")) for each in answers} == {("fastapi", "")}
