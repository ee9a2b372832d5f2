"""The shadow worker as a process, what nginx would send it, and small stacks with given answers."""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from strangler.compare.shadow.results import DifferenceResult, RouteResult, ShadowResults
from strangler.local.process import Child, child_start
from strangler.settings import base_environment
from tests.example import DECLARED_FILE, PREFIXES, ROOT

SECONDS = 20
_POLL_SECONDS = 0.02


@dataclass
class Reply:
    """What a tiny stack answers."""

    body: bytes = b'{"count":1}'
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0


@dataclass(frozen=True)
class Request:
    """What a tiny stack was asked."""

    method: str
    target: str
    headers: dict[str, str]


class TinyStack:
    """An HTTP server on a port of its own; `reply` decides each answer."""

    def __init__(self, reply: Callable[[Request], Reply]) -> None:
        self.reply = reply
        self.asked: list[Request] = []
        stack = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                stack._answer(self)

            do_HEAD = do_POST = do_GET  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # the worker hangs up on answers that are too slow or too long

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        request = Request(handler.command, handler.path, {name.lower(): text for name, text in handler.headers.items()})
        handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        self.asked.append(request)
        reply = self.reply(request)
        time.sleep(reply.after)
        handler.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(reply.body)


class Shadow:
    """The worker, its socket and its results, in a folder of its own."""

    def __init__(self, folder: Path, *, django_url: str, fastapi_url: str, **settings: object) -> None:
        self.folder = folder
        self.socket = folder / "shadow.sock"
        self.database = folder / "shadow.sqlite3"
        self.log = folder / "shadow.log"
        self.results = ShadowResults(self.database)
        self._env = base_environment() | {
            "PYTHONPATH": str(ROOT),
            "SHADOW_SOCKET": self.socket.name,
            "SHADOW_DATABASE": str(self.database),
            "SHADOW_DECLARED": str(DECLARED_FILE),
            "SHADOW_DJANGO_URL": django_url + PREFIXES.django,
            "SHADOW_FASTAPI_URL": fastapi_url + PREFIXES.fastapi,
            "SHADOW_V1": PREFIXES.v1,
            "SHADOW_V2": PREFIXES.v2,
            "SHADOW_RATE": "1000",
            **{f"SHADOW_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self.child: Child | None = None

    def start(self) -> Child:
        before = self.log.read_text().count("compares at most") if self.log.exists() else 0
        self.child = self.spawn()
        wait_until(lambda: self.log.read_text().count("compares at most") > before, self.log)
        return self.child

    def spawn(self) -> Child:
        argv = [sys.executable, "-m", "strangler.compare.shadow"]
        return child_start(name="shadow", argv=argv, env=self._env, cwd=self.folder, log_path=self.log)

    def stop(self) -> int | None:
        """Ask it to end; its exit code."""
        assert self.child is not None
        self.child.stop(timeout=SECONDS)
        return self.child.exit_code

    def send(self, *requests: dict[str, str]) -> None:
        """What nginx would send, but never refused: it waits for room."""
        self.send_raw(*(datagram(**request) for request in requests))

    def send_raw(self, *datagrams: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(str(self.socket))
            for each in datagrams:
                sender.send(each)

    def route(self, name: str = "posts.list") -> RouteResult:
        return self.results.routes().get(name, RouteResult(name=name))

    def wait_for(self, name: str = "posts.list", **counts: int) -> RouteResult:
        """The route's result once it has these counts."""
        wait_until(lambda: all(getattr(self.route(name), key) == count for key, count in counts.items()), self.log)
        return self.route(name)

    def differences(self, name: str = "posts.list") -> list[DifferenceResult]:
        return self.results.differences([name])

    def written(self) -> bytes:
        """Every byte that it has put on the disk."""
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


@contextmanager
def shadow(folder: Path, *, django_url: str, fastapi_url: str, **settings: object) -> Iterator[Shadow]:
    """A running worker; `settings` are those of `ShadowSettings`."""
    worker = Shadow(folder, django_url=django_url, fastapi_url=fastapi_url, **settings)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def datagram(**fields: str) -> bytes:
    """A sample as nginx sends it."""
    default = {
        "method": "GET",
        "uri": "/api/posts/",
        "route": "posts.list",
        "host": "blog.example",
        "scheme": "https",
        "request_id": os.urandom(8).hex(),
        "authorization": "",
        "accept": "",
        "accept_language": "",
        "api": "v1",
    }
    return b"<190>Nov 22 12:00:00 shadow: " + json.dumps(default | fields).encode()


def wait_until(condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(_POLL_SECONDS)
