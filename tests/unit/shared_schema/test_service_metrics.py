"""A service's own metrics: what becomes a label, and what many processes have counted together."""

import os
import subprocess
import sys
from pathlib import Path

import prometheus_client
import pytest

from shared_schema import service_metrics
from shared_schema.service_metrics import ServiceMetrics, share_metrics
from tests.example import ROOT

# It is imported before any test names a folder: what it counts in is chosen then, for the whole process.
assert prometheus_client

# A process that counts so many requests, and goes or stays.
COUNTING = """
import os, sys
from shared_schema.service_metrics import ServiceMetrics
metrics = ServiceMetrics()
for _ in range({requests}):
    metrics.begin()
    metrics.end(route="wares.list", method="GET", status=200, seconds=0.02)
metrics.begin()
print("counted", flush=True)
sys.stdin.read()
os._exit(1)
"""


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return tmp_path


def values(metrics: ServiceMetrics, name: str) -> list[str]:
    content, kind = metrics.text()
    assert kind.startswith("text/plain; version=")
    return sorted(line for line in content.decode().splitlines() if line.startswith(name))


def test_only_names_become_labels() -> None:
    metrics = ServiceMetrics()
    for route, method in (
        ("wares.list", "GET"),
        ("/wares/7/", "GET"),
        ('a"b', "BREW"),
        ("", "GET"),
        ("x" * 200, "GET"),
    ):
        metrics.begin()
        metrics.end(route=route, method=method, status=204, seconds=0.1)
    assert values(metrics, "http_server_request_duration_seconds_count") == [
        'http_server_request_duration_seconds_count{class="2xx",method="GET",route="-"} 3.0',
        'http_server_request_duration_seconds_count{class="2xx",method="GET",route="wares.list"} 1.0',
        'http_server_request_duration_seconds_count{class="2xx",method="OTHER",route="-"} 1.0',
    ]
    assert values(metrics, "http_server_active_requests") == ["http_server_active_requests 0.0"]


def test_however_many_names_somebody_invents_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_metrics, "_MOST_NAMES", 3)
    metrics = ServiceMetrics()
    for number in range(50):
        metrics.begin()
        metrics.end(route=f"invented.{number}", method="GET", status=200, seconds=0.1)
    counts = values(metrics, "http_server_request_duration_seconds_count")
    assert [line.partition("} ")[2] for line in counts] == ["47.0", "1.0", "1.0", "1.0"]


@pytest.mark.usefixtures("folder")
def test_processes_count_together_and_one_that_was_killed_has_no_request_under_way() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(  # noqa: S603 - this Python
            [sys.executable, "-c", COUNTING.format(requests=requests)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for requests in (2, 3)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "counted\n"
        metrics = ServiceMetrics()
        assert values(metrics, "http_server_active_requests") == ["http_server_active_requests 2.0"]
        processes[0].kill()
        processes[0].wait()
        assert values(metrics, "http_server_active_requests") == ["http_server_active_requests 1.0"]
        [count] = values(metrics, "http_server_request_duration_seconds_count")
        assert count.endswith(" 5.0")
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_a_server_s_folder_goes_with_it_and_one_that_was_left_behind_before(tmp_path: Path) -> None:
    """Processes that it forks leave the folder alone."""
    program = """
import os
from pathlib import Path
from shared_schema.service_metrics import share_metrics
share_metrics()
print(os.environ["PROMETHEUS_MULTIPROC_DIR"], flush=True)
if os.fork() == 0:
    raise SystemExit(0)
os.wait()
assert Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).is_dir()
if {killed}:
    os.kill(os.getpid(), 9)
"""
    environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}

    def run(*, killed: bool) -> Path:
        done = subprocess.run(  # noqa: S603 - this Python
            [sys.executable, "-c", program.format(killed=killed)],
            env={**environment, "PYTHONPATH": str(ROOT)},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
        return Path(done.stdout.strip())

    left = run(killed=True)
    assert left.is_dir()
    assert not run(killed=False).exists()
    assert not left.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_somebody_has_named_is_used(folder: Path) -> None:
    share_metrics()
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(folder)


def test_nothing_is_imported_by_a_service_that_neither_counts_nor_traces() -> None:
    program = """
import sys
import strangler_fastapi.application
import strangler_django.metrics
import strangler_django.traces
print(sorted(name for name in sys.modules if name.startswith(("prometheus_client", "opentelemetry.sdk",
    "opentelemetry.exporter", "opentelemetry.instrumentation"))))
"""
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
