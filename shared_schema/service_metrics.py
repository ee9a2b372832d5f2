"""Metrics of a service's own for Prometheus, which both stacks count under the same names, by prometheus-client.

The proxy counts what clients got; these say what the service did meanwhile: its own time for each route, requests under
way, connections of its pool. prometheus-client is imported once a service counts.
"""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from prometheus_client import Gauge

PATH: Final = "/metrics"
# nginx sends it with each request.
ROUTE_HEADER: Final = "X-Route"
# A proxy in front adds it. Clients come through one, and metrics are not for them.
PROXY_HEADER: Final = "X-Forwarded-For"
_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX: Final = "service-metrics-"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,99}")
# The label of what no route names, and of whatever comes after so many names: each is kept in memory.
_NO_ROUTE: Final = "-"
_MOST_NAMES: Final = 1000
# Seconds; those of the proxy's histogram, so that both can stand in one panel.
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def share_metrics() -> None:
    """Have the processes that this one starts count together; to be called in a server's first process.

    They do so in files of a folder in memory or below TMPDIR, which goes when this process ends. A folder that
    PROMETHEUS_MULTIPROC_DIR names already is used as it is.
    """
    if os.environ.get(_FOLDER):
        return
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
    parent = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    # Those of services that were killed.
    for left in parent.glob(f"{_PREFIX}*"):
        if not _lives(left.name.split("-")[2]):
            shutil.rmtree(left, ignore_errors=True)
    folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent)
    os.environ[_FOLDER] = folder
    atexit.register(_remove, folder, os.getpid())


def _remove(folder: str, owner: int) -> None:
    # A server that forks hands its exit handlers on to its workers.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


class ServiceMetrics:
    """Counts the requests of one service, in this process or in all that share a folder."""

    def __init__(self) -> None:
        # Here, since what it counts in is chosen at the import, and a service that doesn't count does without it.
        import prometheus_client

        self._client = prometheus_client
        self._registry = prometheus_client.CollectorRegistry()
        self._names: set[str] = set()
        self._seconds = prometheus_client.Histogram(
            "http_server_request_duration_seconds",
            "How long the service took, by its route, method and the hundreds of its status.",
            ["route", "method", "class"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._active = self._gauge("http_server_active_requests", "Requests under way.")
        self._used = self._gauge("db_client_connections_used", "Database connections that requests hold.")
        self._open = self._gauge("db_client_connections_open", "Database connections of the pools.")

    def begin(self) -> None:
        """Count a request that is under way from now on."""
        self._active.inc()

    def end(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that is done; of `route` and `method` nothing but known words becomes a label."""
        self._active.dec()
        labels = (self._label(route), method if method in _METHODS else "OTHER", f"{status // 100}xx")
        self._seconds.labels(*labels).observe(seconds)

    def connections(self, *, used: int, opened: int) -> None:
        """Note how many database connections this process has now."""
        self._used.set(used)
        self._open.set(opened)

    def text(self) -> tuple[bytes, str]:
        """All that was counted in Prometheus' text format, and its content type; reads files."""
        registry = self._registry
        if folder := os.environ.get(_FOLDER):
            from prometheus_client import multiprocess

            _forget_dead(Path(folder))
            registry = self._client.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # its own
        return self._client.generate_latest(registry), self._client.CONTENT_TYPE_LATEST

    def _gauge(self, name: str, words: str) -> "Gauge":
        # Of the processes that live: one that was killed has no request any more.
        return self._client.Gauge(name, words, registry=self._registry, multiprocess_mode="livesum")

    def _label(self, route: str) -> str:
        if route in self._names:
            return route
        if len(self._names) >= _MOST_NAMES or not _NAME.fullmatch(route):
            return _NO_ROUTE
        self._names.add(route)
        return route


def _forget_dead(folder: Path) -> None:
    """Remove the gauges of processes that are gone; what they have counted stays."""
    for file in folder.glob("gauge_live*.db"):
        if not _lives(file.stem.rpartition("_")[2]):
            file.unlink(missing_ok=True)


def _lives(pid: str) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
