"""A FastAPI that fails is taken out of all reads by nginx itself, and let in again; writes stay where they are."""

import itertools
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from strangler.local.ports import port_free_pick
from tests.e2e.conftest import MakeGateway
from tests.gateways import logged
from tests.stack_doubles import answering_upstream

ROUTES = {"posts.list": {"fallback": True}}
STAGES = {"*": "migrated", "tags.list": "canary"}
# What nginx makes of any request: FastAPI's part of the callers at canary is then all of them.
CANARY = {"tags.list": {"percent": 99.99}}
DEADLINE = 30
FAILURES = 10


def answer(status: int, text: str) -> bytes:
    # The doubles hang up after each answer, and nginx is to know it.
    head = b"HTTP/1.1 %d Own\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(text)) + text.encode()


class Patient:
    """FastAPI's double: of its reads and of its health check, those that `failing` says are a 500."""

    def __init__(self) -> None:
        self.failing: Iterator[bool] = itertools.repeat(False)

    def __call__(self, request: bytes) -> bytes:
        if request.startswith(b"POST"):
            return answer(201, "fastapi wrote")
        return answer(500, "fastapi failed") if next(self.failing) else answer(200, "fastapi")


def wait_until(is_so: Callable[[], bool]) -> float:
    """Wait; gives how many seconds it took."""
    begin = time.monotonic()
    while not is_so():
        assert time.monotonic() < begin + DEADLINE
        time.sleep(0.05)
    return time.monotonic() - begin


@pytest.mark.long
def test_a_fastapi_that_fails_half_of_its_reads_is_out_of_all_until_it_is_well(make_gateway: MakeGateway) -> None:
    patient, received = Patient(), list[bytes]()
    with (
        answering_upstream([], patient) as fastapi,
        answering_upstream(received, answer(200, "django")) as django,
    ):
        watch = f"127.0.0.1:{port_free_pick()}"
        made = make_gateway(STAGES, routes=ROUTES | CANARY, fastapi=fastapi, django=django, watch_listen=watch)
        with httpx.Client(base_url=made.url) as client:

            def state() -> dict[str, object]:
                document: dict[str, object] = client.get("/gateway/ejection").json()
                return document

            def read(times: int, path: str = "/api/posts/") -> list[str]:
                return [client.get(path).text for _ in range(times)]

            patient.failing = itertools.cycle([True, False, False])
            # Each twenty in a row have seven failures at the most.
            assert sorted(set(read(60))) == ["fastapi", "fastapi failed"]
            assert state() == {"ejected": False, "since": None, "ejections": 0}

            patient.failing = itertools.cycle([False, True])
            assert "django" not in read(20)
            patient.failing = itertools.repeat(True)
            wait_until(lambda: state()["ejected"] is True)
            assert read(5) == ["django"] * 5
            assert read(2, "/api/v2/posts/") == read(2, "/api/tags/") == ["django"] * 2
            # Where Django isn't asked in its place, and what changes rows, is FastAPI's as before.
            assert read(1, "/api/v2/tags/") == ["fastapi failed"]
            before = len(received)
            assert client.post("/api/posts/", json={}).text == "fastapi wrote"
            assert len(received) == before
            ejected = client.get("/api/posts/")
            assert (ejected.headers["X-Fallback"], ejected.headers["X-Served-By"]) == ("fastapi", "django")
            line = logged(made.log, ejected.headers["X-Request-ID"])
            assert (line["fastapi"], line["fallback"], line["upstream_status"]) == ("ejected", "fastapi", "200")
            assert client.get("/gateway/ejection", headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 403
            # Whoever counts asks at a port of its own, which leads to no stack.
            assert httpx.get(f"http://{watch}/gateway/ejection").json()["ejected"] is True
            assert httpx.get(f"http://{watch}/api/posts/").status_code == 404

            patient.failing = itertools.repeat(False)
            # Not before two seconds are over, whatever the probes say.
            wait_until(lambda: state()["ejected"] is False)
            assert read(3) == ["fastapi"] * 3
            assert state()["ejections"] == 1

            # Of a busy API, one that fails altogether is out within a second.
            patient.failing = itertools.repeat(True)
            begin, reads = time.monotonic(), 0
            while client.get("/api/posts/").text != "django":
                reads += 1
            assert reads <= FAILURES
            assert time.monotonic() - begin < 1
        said = made.complaints()
    assert [line for line in said if "js: fastapi is ejected: 10 of 20 reads failed; out for 2 s at least" in line]
    assert [line for line in said if "js: fastapi is let in after" in line]
