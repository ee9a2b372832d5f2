"""A stack whose figures and traces are on, and a load on it of which each answer is known."""

import itertools
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.checkouts import Checkout
from tests.otlp import Collector, collector

# The collector gets what a batch of five seconds holds.
DEADLINE = 60


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


@contextmanager
def observed_stack() -> Iterator[Observed]:
    """A stack of its own, with a collector of its traces."""
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
