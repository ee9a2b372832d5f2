"""Further gateways in front of the stacks that a test already has, each a real nginx in a folder of its own."""

import dataclasses
import json
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil

from strangler.deployment.local_gateway import gateway_service, native_gateway
from strangler.gateway.rendering import render_gateway
from strangler.local.ports import port_free_pick
from strangler.local.process import Child, child_start
from strangler.local.services import Service
from strangler.routes.route import RequestLimit, Route, Stage
from strangler.routes.table import RouteTable
from strangler.settings import LocalSettings
from tests.example import ROOT, example_settings, load_routes

DEPLOYED = ROOT / "nginx" / "routes.toml"
# What a client may claim of itself, and nobody may believe.
LIES = {
    "Forwarded": "for=6.6.6.6;proto=https;host=evil.example",
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Proto": "https",
    "X-Real-IP": "6.6.6.6",
    "X_Forwarded_For": "6.6.6.6",
    "X_Forwarded_Prefix": "/evil",
    "X_Forwarded_Proto": "https",
}
READY_SECONDS = 20
_MANY = 16_000
_POLL_SECONDS = 0.01


def routes_at(stages: Mapping[str, str], *, throttle: RequestLimit | None = None) -> RouteTable:
    """The deployed routes with some at other stages; `"*"` stands for all that aren't named. No throttle by default.

    A route at stage canary is FastAPI's for half of the callers.
    """
    table = load_routes(DEPLOYED)
    routes = tuple(
        at_stage(
            dataclasses.replace(route, throttle=throttle.name if throttle and route.throttle else None),
            Stage(stages.get(route.name, stages.get("*", route.stage))),
        )
        for route in table.routes
    )
    return dataclasses.replace(table, routes=routes, throttles=(throttle,) if throttle else ())


def routes_with(table: RouteTable, name: str, **fields: Any) -> RouteTable:
    """The table with other fields of one route."""
    routes = tuple(dataclasses.replace(route, **fields) if route.name == name else route for route in table.routes)
    return dataclasses.replace(table, routes=routes)


def at_stage(route: Route, stage: Stage, percent: float = 50) -> Route:
    """The route at another stage; `percent` counts at stage canary only."""
    return dataclasses.replace(route, stage=stage, percent=percent if stage is Stage.CANARY else None)


class Gateway:
    """An nginx of a test. `folder` holds what was rendered, `log` is its access log and its complaints."""

    def __init__(self, *, folder: Path, settings: LocalSettings, changes: Mapping[str, Any]) -> None:
        self.folder = folder / "nginx"
        self.log = folder / "logs" / "nginx.log"
        self.log.parent.mkdir()
        self.url = settings.proxy_url
        self._service: Service = gateway_service(settings, folder=self.folder)
        self.native = native_gateway(settings, folder=self.folder)
        self.native.own = dataclasses.replace(self.native.own, **changes)
        self._child: Child | None = None

    @property
    def current(self) -> Path:
        """The folder of the version that nginx takes up when it starts or reloads."""
        return self.folder / "current"

    @property
    def process(self) -> psutil.Process:
        """The master of the nginx that was started."""
        assert self._child is not None
        return psutil.Process(self._child.pid)

    def render(self, table: RouteTable) -> None:
        """Put other routes in place; nginx takes them up when it starts or reloads."""
        rendered = render_gateway(table, self.native.settings)
        self.native.install(rendered)
        self.native.activate(rendered.version)

    def check(self) -> str:
        """What `nginx -t` says; a test that gets here with a bad configuration fails with its words."""
        argv = [*self._service.argv[:-2], "-t"]
        result = subprocess.run(  # noqa: S603 - nginx of the wheel
            argv, env=self._service.env, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        return result.stderr

    def start(self) -> None:
        self._child = child_start(
            name="nginx", argv=self._service.argv, env=self._service.env, cwd=self._service.cwd, log_path=self.log
        )
        address = urlsplit(self.url)
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=1).close()
            except OSError:
                assert self._child.exit_code is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(_POLL_SECONDS)
            else:
                return

    def reload(self) -> None:
        """What `nginx -s reload` does; returns when new workers have taken over."""
        master = self.process
        before = {worker.pid for worker in master.children()}
        master.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + READY_SECONDS
        while not {worker.pid for worker in master.children()} - before:
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop(timeout=10)

    def complaints(self) -> list[str]:
        """What nginx wrote that is no line of the access log."""
        return [line for line in self.log.read_text(errors="replace").splitlines() if not line.startswith("{")]


@contextmanager
def gateway(
    table: RouteTable, *, django: str, fastapi: str, started: bool = True, **changes: object
) -> Iterator[Gateway]:
    """A gateway in front of the stacks at these addresses; `changes` are fields of `GatewaySettings`.

    Not in pytest's own folder: each pytest that starts takes back the search bit that nginx's workers need.
    """
    settings = example_settings(
        proxy_port=port_free_pick(),
        django_port=_port(django),
        fastapi_port=_port(fastapi),
        postgres_port=1,
        # Doubles of the stacks answer more at once than the example's processes could.
        django_requests=_MANY,
        fastapi_requests=_MANY,
    )
    folder = Path(tempfile.mkdtemp(prefix="strangler gateway "))
    made = Gateway(folder=folder, settings=settings, changes=changes)
    try:
        made.render(table)
        if started:
            made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


def logged(log: Path, request_id: str) -> dict[str, Any]:
    """The line of JSON in `log` that bears this request's id; waits until it is written."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith("{") and request_id in line:
                parsed: dict[str, Any] = json.loads(line)
                if parsed["request_id"] == request_id:
                    return parsed
        assert time.monotonic() < deadline, f"{request_id} is not in {log}"
        time.sleep(_POLL_SECONDS)


def ask_raw(url: str, request: bytes) -> bytes:
    """The whole answer to bytes that no client would send; `{host}` in them is the gateway's own."""
    address = urlsplit(url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=READY_SECONDS) as connection:
        connection.sendall(request.replace(b"{host}", address.netloc.encode()))
        answer = b""
        while received := connection.recv(65536):
            answer += received
    return answer


def marks(response: httpx.Response) -> tuple[str, str]:
    """Who answered, and which route nginx took it for."""
    return response.headers["X-Served-By"], response.headers["X-Route"]


def _port(url: str) -> int:
    return int(urlsplit(url).port or 0)
