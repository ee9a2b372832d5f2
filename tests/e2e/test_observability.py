"""What a stack tells monitors: figures of the proxy and of both stacks against those of the clients, and traces."""

import itertools
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from strangler.local.ports import port_free_pick
from tests.checkouts import Checkout
from tests.otlp import Collector, collector

pytestmark = pytest.mark.long

# The collector gets what a batch of five seconds holds.
DEADLINE = 60
SECONDS = "http_server_request_duration_seconds_count"


class Observed:
    """A checkout whose stacks are counted and traced."""

    def __init__(self, checkout: Checkout, spans: Collector) -> None:
        self.checkout = checkout
        self.spans = spans
        self.url = f"http://127.0.0.1:{checkout.ports['PROXY_PORT']}"
        self.client = httpx.Client(base_url=self.url, trust_env=False)

    def values(self, path: str, name: str) -> Counter[tuple[str, ...]]:
        """The values of a metric, by its labels in the order of their names."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/plain; version=")
        found: Counter[tuple[str, ...]] = Counter()
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                if sample.name == name:
                    found[tuple(value for _, value in sorted(sample.labels.items()))] = round(sample.value)
        return found

    def port(self, stack: str) -> int:
        return self.checkout.ports[f"{stack.upper()}_PORT"]


@pytest.fixture(scope="module")
def observed() -> Iterator[Observed]:
    # Not in pytest's own folder: each pytest that starts takes back the search bit that nginx's account needs.
    with tempfile.TemporaryDirectory(prefix="strangler observed ") as folder, collector() as (endpoint, spans):
        checkout = Checkout(Path(folder))
        with (checkout.path / ".env").open("a") as file:
            file.write(
                f"SERVICE_METRICS=1\nOTEL_EXPORTER_OTLP_ENDPOINT={endpoint}\nTRUSTED_PROXIES=127.0.0.1/32\nSTACK_HEADER_NETWORKS=127.0.0.1/32\n"
            )
        supervisor = checkout.up()
        try:
            made = Observed(checkout, spans)
            with made.client:
                yield made
        finally:
            supervisor.send_signal(signal.SIGINT)
            supervisor.communicate(timeout=120)


def wait_until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def load(observed: Observed) -> Counter[tuple[str, str, str]]:
    """Send requests over many connections; gives how many each stack answered, by route and class of status."""
    sent: Counter[tuple[str, str, str]] = Counter()
    paths = ("/api/feed/", "/api/v2/feed/", "/api/tags/", "/api/v2/tags/", "/api/posts/", "/api/v2/posts/", "/api/x/7/")
    # Each from another address, so that both stacks' processes are asked.
    for number, path in zip(range(210), itertools.cycle(paths), strict=False):
        answer = httpx.get(f"{observed.url}{path}", headers={"X-Forwarded-For": f"10.0.0.{number}"}, trust_env=False)
        name = answer.headers["X-Route"]
        sent[answer.headers["X-Served-By"], name, f"{answer.status_code // 100}xx"] += 1
    return sent


def test_the_figures_of_both_stacks_and_of_the_proxy_are_those_of_the_clients(observed: Observed) -> None:
    paths = {stack: f"/gateway/metrics/{stack}" for stack in ("django", "fastapi")}
    before = {stack: observed.values(path, SECONDS) for stack, path in paths.items()}
    proxied = observed.values("/gateway/metrics", "strangler_requests_total")
    sent = load(observed)
    for stack, path in paths.items():
        gained = observed.values(path, SECONDS)
        gained.subtract(before[stack])
        found = {(stack, route, kind): count for (kind, _, route), count in gained.items() if count}
        # Health checks, which come meanwhile, don't come through nginx: they bear the service's own names.
        found = {key: count for key, count in found.items() if not re.search("health|ready", key[1])}
        assert found == {key: count for key, count in sent.items() if key[0] == stack}

    def counted() -> bool:
        gained = observed.values("/gateway/metrics", "strangler_requests_total")
        gained.subtract(proxied)
        found: Counter[tuple[str, str, str]] = Counter()
        for (_api, kind, route, stack), count in gained.items():
            found[stack, route, kind] += count
        return +found == sent

    wait_until(counted)


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


@contextmanager
def prometheus(folder: Path) -> Iterator[httpx.Client]:
    """A real one with the settings in `folder`; gives its API."""
    program = shutil.which("prometheus")
    assert program, "there is no Prometheus: install it (Debian: apt install prometheus)."
    port = port_free_pick()
    with subprocess.Popen(  # noqa: S603 - Prometheus' own
        [
            program,
            "--config.file=prometheus.yml",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        cwd=folder,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1/", trust_env=False) as api:
                yield api
        finally:
            process.terminate()


def asked(api: httpx.Client, path: str, **parameters: str) -> Any:
    """What Prometheus' API answers; None while it doesn't listen yet."""
    try:
        answer = api.get(path, params=parameters)
    except httpx.ConnectError:
        return None
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_prometheus_scrapes_all_three_and_evaluates_every_rule_and_panel(observed: Observed) -> None:
    folder = observed.checkout.path / "prometheus"
    assert observed.checkout.strangler("metrics", "--rules", str(folder)).returncode == 0
    settings = folder / "prometheus.yml"
    settings.write_text(settings.read_text().replace("15s", "1s"))
    load(observed)
    # A panel has FastAPI's share of v1.
    chosen = observed.client.get("/api/tags/", headers={"X-Stack": "fastapi"})
    assert chosen.headers["X-Served-By"] == "fastapi"
    with prometheus(folder) as api:

        def scraped() -> bool:
            targets = (asked(api, "targets") or {}).get("activeTargets", [])
            return {(each["scrapePool"], each["health"]) for each in targets} == {
                (job, "up") for job in ("strangler", "django", "fastapi")
            }

        wait_until(scraped)
        wait_until(
            lambda: {rule["health"] for group in asked(api, "rules")["groups"] for rule in group["rules"]} == {"ok"}
        )
        found = asked(api, "query", query="sum by (stack) (strangler_requests_total)")["result"]
        assert {each["metric"]["stack"] for each in found} == {"django", "fastapi"}
        panels = json.loads((folder / "dashboard.json").read_text())["panels"]
        for expression in (target["expr"] for panel in panels for target in panel["targets"]):
            text = expression.replace("$__rate_interval", "1m").replace("$route", ".*")
            # A rate has two scrapes; no ramp is under way.
            wait_until(lambda: asked(api, "query", query=text)["result"] or "ramp" in text)  # noqa: B023 - called here


def log_line(observed: Observed, request_id: str) -> dict[str, object]:
    file = observed.checkout.path / ".run" / "logs" / "nginx.log"
    [line] = [line for line in file.read_text().splitlines() if f'"request_id":"{request_id}"' in line]
    found: dict[str, object] = json.loads(line)
    return found
