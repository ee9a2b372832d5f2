"""What a stack tells monitors: figures of the proxy and of both stacks against those of the clients, and traces."""

import json
import os
import re
import secrets
import signal
import uuid
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.observed import Observed, load, observed_stack, wait_until

pytestmark = pytest.mark.long

SECONDS = "http_server_request_duration_seconds_count"


@pytest.fixture(scope="module")
def observed() -> Iterator[Observed]:
    with observed_stack() as made:
        yield made


def test_the_figures_of_both_stacks_and_of_the_proxy_are_those_of_the_clients(observed: Observed) -> None:
    proxied = settled(observed)
    paths = {stack: f"/gateway/metrics/{stack}" for stack in ("django", "fastapi")}
    before = {stack: observed.values(path, SECONDS) for stack, path in paths.items()}
    sent = load(observed)
    for stack, path in paths.items():
        gained = observed.values(path, SECONDS)
        gained.subtract(before[stack])
        found = {(stack, route, kind): count for (kind, _, route), count in gained.items() if count}
        # Health checks, which come meanwhile, don't come through nginx: they bear the service's own names.
        found = {key: count for key, count in found.items() if not re.search("health|ready", key[1])}
        assert found == {key: count for key, count in sent.items() if key[0] == stack}

    routes = {route for _, route, _ in sent}

    def counted() -> Counter[tuple[str, str, str]]:
        gained = observed.values("/gateway/metrics", "strangler_requests_total")
        gained.subtract(proxied)
        found: Counter[tuple[str, str, str]] = Counter()
        for (_api, kind, route, stack), count in gained.items():
            found[stack, route, kind] += count
        return Counter({key: count for key, count in found.items() if count and key[1] in routes})

    wait_until(lambda: counted().total() >= sent.total())
    assert counted() == sent


def settled(observed: Observed) -> Counter[tuple[str, ...]]:
    """The proxy's figures once all that was asked until now is counted, as what the start of the stack asked."""
    unknown = uuid.uuid4().hex

    def of_unknown() -> int:
        figures = observed.values("/gateway/metrics", "strangler_requests_total")
        return sum(count for (_api, kind, route, _stack), count in figures.items() if (kind, route) == ("4xx", "-"))

    counted = of_unknown()
    # The log is read in its order: what stands before this request is counted with it.
    assert observed.client.get(f"/api/{unknown}/").status_code == 404
    wait_until(lambda: of_unknown() > counted)
    return observed.values("/gateway/metrics", "strangler_requests_total")


def test_figures_are_for_operators_alone(observed: Observed) -> None:
    """A client that guesses the path meets the service's own 404, under either prefix."""
    for path in ("/metrics", "/api/metrics", "/api/v2/metrics", "/api/../metrics", "//metrics"):
        answer = observed.client.get(f"{observed.url}{path}")
        assert (answer.status_code, "http_server" in answer.text) == (404, False), path
    for stack in ("django", "fastapi"):
        path = f"/gateway/metrics/{stack}"
        assert observed.client.get(path, headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 403
        assert observed.client.get(path).status_code == 200


def test_a_process_that_was_killed_has_no_request_under_way_any_more(observed: Observed) -> None:
    """What it has counted stays."""
    for stack in ("django", "fastapi"):
        path = f"/gateway/metrics/{stack}"
        total = observed.values(path, SECONDS).total()
        pid = observed.checkout.running().services[stack].pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        os.kill(int(children[-1]), signal.SIGKILL)

        def alone(path: str = path, total: int = total) -> bool:
            # Asked of the service's other process, or of the one that is started in its place.
            if observed.client.get(path).status_code != 200:
                return False
            active = observed.values(path, "http_server_active_requests")
            return active.total() == 0 and observed.values(path, SECONDS).total() >= total

        wait_until(alone)


@pytest.mark.parametrize(("path", "service"), [("/api/feed/", "django_app"), ("/api/v2/feed/", "fastapi_app")])
def test_a_trace_goes_through_nginx_to_the_stack_with_the_request_s_id(
    observed: Observed, path: str, service: str
) -> None:
    request_id = observed.client.get(path).headers["X-Request-ID"]
    wait_until(lambda: observed.spans.of(request_id))
    [span] = observed.spans.of(request_id)
    assert (span.service, span.parent) == (service, request_id[:16])
    assert span.attributes["http.request.header.x-request-id"] == request_id
    assert log_line(observed, request_id)["trace_id"] == request_id


@pytest.mark.parametrize(("path", "service"), [("/api/feed/", "django_app"), ("/api/v2/feed/", "fastapi_app")])
def test_the_trace_and_the_id_of_a_trusted_proxy_go_on(observed: Observed, path: str, service: str) -> None:
    trace, parent, request_id = secrets.token_hex(16), secrets.token_hex(8), secrets.token_hex(10)
    headers = {"traceparent": f"00-{trace}-{parent}-01", "X-Request-ID": request_id}
    assert observed.client.get(path, headers=headers).headers["X-Request-ID"] == request_id
    wait_until(lambda: observed.spans.of(trace))
    [span] = observed.spans.of(trace)
    assert (span.service, span.parent) == (service, parent)
    assert span.attributes["http.request.header.x-request-id"] == request_id
    assert log_line(observed, request_id)["trace_id"] == trace


def test_one_id_leads_through_the_logs_of_all_parts(observed: Observed) -> None:
    """nginx, both stacks, and what the shadow asks of both again; each line that belongs to a request has an id."""
    switched = observed.checkout.strangler("switch", "feed.list", "--shadow", "100", "--yes")
    assert switched.returncode == 0, switched.stderr
    request_id = secrets.token_hex(10)
    # A connection that is open since before the switch may be answered once more by a process with the old routes.
    with httpx.Client(base_url=observed.url, trust_env=False) as client:
        for path in ("/api/feed/", "/api/v2/feed/"):
            client.get(path, headers={"X-Request-ID": request_id})
    for service in ("django", "fastapi"):
        for each, count in ((request_id, 1), (f"shadow-{request_id}", 2)):
            lines = partial(stack_lines, observed, service, each)
            wait_until(lambda lines=lines, count=count: len(lines()) == count)
            assert all(line["path"].endswith("/feed/") for line in lines())
        requests = [line for line in stack_lines(observed, service) if line.get("logger", "").endswith(".request")]
        # Health checks among them: what comes from no proxy is given an id by the stack.
        assert any("health" in line["path"] for line in requests)
        assert [line for line in requests if not has_id(line)] == []
    nginx = (observed.checkout.path / ".run" / "logs" / "nginx.log").read_text().splitlines()
    stacks = [json.loads(line)["stack"] for line in nginx if f'"request_id":"{request_id}"' in line]
    assert stacks == ["django", "fastapi"]


def stack_lines(observed: Observed, service: str, request_id: str = "") -> list[dict[str, Any]]:
    """The lines of a stack's log; those of a request where it is named."""
    text = (observed.checkout.path / ".run" / "logs" / f"{service}.log").read_text()
    found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in found if not request_id or line.get("request_id") == request_id]


def has_id(line: dict[str, Any]) -> bool:
    return re.fullmatch(r"[A-Za-z0-9._-]{2,128}", str(line.get("request_id"))) is not None


def log_line(observed: Observed, request_id: str) -> dict[str, object]:
    file = observed.checkout.path / ".run" / "logs" / "nginx.log"
    [line] = [line for line in file.read_text().splitlines() if f'"request_id":"{request_id}"' in line]
    found: dict[str, object] = json.loads(line)
    return found
