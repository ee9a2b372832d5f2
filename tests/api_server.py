"""The fake cluster's API server: HTTP on a port of this machine, with a kubeconfig that names it."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.fake_cluster import FakeCluster, Object, Refused


@contextmanager
def served(cluster: FakeCluster, folder: Path) -> Iterator[Path]:
    """The API server on a port of this machine; gives a kubeconfig that names it."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            # Who was killed hears no answer.
            if not isinstance(sys.exc_info()[1], ConnectionError):
                super().handle_error(request, client_address)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # The head and the body of an answer are two packets, and the second would wait for the first one's receipt.
        disable_nagle_algorithm = True

        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            try:
                answer = cluster.answer(self.command, self.path, body, self.headers.get("Content-Type", ""))
            except Refused as refused:
                answer = refused.status["code"], "application/json", json.dumps(refused.status).encode()
            status, content_type, content = answer
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _do  # noqa: N815 - the names of the base class

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        config = folder / "kubeconfig"
        config.write_text(yaml.safe_dump(_kubeconfig(f"http://127.0.0.1:{server.server_port}")))
        config.chmod(0o600)
        yield config
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _kubeconfig(address: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "fake",
        "clusters": [{"name": "fake", "cluster": {"server": address}}],
        "users": [{"name": "ann", "user": {"token": "not-a-secret"}}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "ann"}}],
    }


def killing(pid: Callable[[], int], write: int) -> Callable[[str, str], None]:
    """For `after_write`: kills that process once so many writes of it are done, and before it hears of the last."""
    done = 0

    def after(_method: str, _path: str) -> None:
        nonlocal done
        done += 1
        if done == write:
            os.kill(pid(), signal.SIGKILL)

    return after
