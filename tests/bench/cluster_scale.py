"""What many routes cost in a cluster: the ConfigMap, nginx's start: `python -m tests.bench.cluster_scale`."""

import tempfile
import time
from pathlib import Path
from typing import Annotated, Final

import httpx
import psutil
import typer

from strangler.cli.output import say
from strangler.kubernetes.cluster_project import cluster_project
from strangler.kubernetes.nginx import START, nginx_configuration, rendered_routes
from strangler.kubernetes.packed_texts import require_room
from strangler.local.ports import port_free_pick
from tests.bench.command import bench_run
from tests.bench.route_tables import table_of
from tests.example import EXAMPLE
from tests.pods import NginxPod, nginx_data

_COUNTS: Final = (28, 1_000, 10_000)
_MIB: Final = 1024 * 1024
_SECONDS: Final = 60


def cluster_scale(
    counts: Annotated[list[int] | None, typer.Option("--routes", help="So many routes; may be repeated.")] = None,
) -> None:
    """Render so many routes for a cluster, and start nginx's container with them."""
    for count in counts or _COUNTS:
        say(_line(count))


def _line(count: int) -> str:
    cluster, table = cluster_project(EXAMPLE), table_of(count)
    begun = time.perf_counter()
    rendered = rendered_routes(cluster, table)
    took = time.perf_counter() - begun
    written = nginx_configuration(cluster, rendered)
    plain = sum(len(text.encode()) for text in rendered.files.values())
    held = require_room(written, "nginx's configuration")
    with tempfile.TemporaryDirectory() as folder:
        started, memory = _started(Path(folder), written)
    return (
        f"{count:,} routes: rendered in {took:.2f} s, {plain / 1024:,.0f} KiB, {held / 1024:,.0f} KiB as a ConfigMap, "
        f"nginx answers after {started:.2f} s with {memory:,.0f} MiB"
    )


def _started(folder: Path, written: dict[str, object]) -> tuple[float, float]:
    """Seconds from the container's start to its first answer, and MiB of nginx, what its processes share once."""
    port = port_free_pick()
    pod = NginxPod(folder, nginx_data(written, port=port, django="127.0.0.1:1", fastapi="127.0.0.1:1"))
    begun = time.perf_counter()
    with pod.start(START.replace("daemon off;", "daemon off; user root;"), log=folder / "log") as nginx:
        try:
            while time.perf_counter() - begun < _SECONDS:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/gateway/version", timeout=5).raise_for_status()
                    break
                except httpx.TransportError:
                    time.sleep(0.005)
            took = time.perf_counter() - begun
            main = psutil.Process(nginx.pid)
            memory = sum(each.memory_full_info().pss for each in (main, *main.children()))
            return took, memory / _MIB
        finally:
            nginx.terminate()


if __name__ == "__main__":
    bench_run(cluster_scale, name="cluster-scale")
