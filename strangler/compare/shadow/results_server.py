"""The worker's results over HTTP, for those who can't reach its file: operators of a cluster, a container of ramps."""

import base64
import http.client
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from strangler.addresses import is_path
from strangler.errors import UsageError

RESULTS_PATH: Final = "/results"
_BUSY_SECONDS: Final = 5.0


@contextmanager
def results_served(address: str, *, database: Path) -> Iterator[None]:
    """Answer GET /results with the database as base64, while the block lasts.

    `address` is HOST:PORT, or the path of a socket, at which the worker's own group may ask too.

    :raises UsageError: the address can't be listened at.
    """
    host, _, port = address.rpartition(":")
    try:
        handler = _handler(database)
        server = SocketServer(address, handler) if is_path(address) else ThreadingHTTPServer((host, int(port)), handler)
    except OSError as error:
        raise UsageError(f"{address} can't be listened at ({error.strerror})", "name another SHADOW_RESULTS") from error
    thread = threading.Thread(target=server.serve_forever, name="results", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class SocketServer(ThreadingHTTPServer):
    """HTTP at a socket of the file system; one that a killed worker has left there is replaced."""

    address_family = socket.AF_UNIX

    def __init__(self, path: str, handler: type[BaseHTTPRequestHandler]) -> None:
        self._path = Path(path)
        super().__init__(path, handler)  # type: ignore[arg-type]  # of that family it is no pair

    def server_bind(self) -> None:
        """Bind it; the base class would look up a name for the address."""
        self._path.unlink(missing_ok=True)
        self.socket.bind(str(self._path))
        self._path.chmod(0o660)
        self.server_name, self.server_port = "localhost", 0

    def server_close(self) -> None:
        """Close and remove it."""
        super().server_close()
        self._path.unlink(missing_ok=True)


class SocketConnection(http.client.HTTPConnection):
    """A client of `SocketServer`."""

    def __init__(self, path: str, *, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock: Any = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def results_copy(text: str, folder: Path) -> Path:
    """The database that /results answered with, as a file in `folder`.

    :raises ValueError: it is none.
    """
    copy = folder / "shadow.sqlite3"
    copy.write_bytes(base64.b64decode(text.strip(), validate=True))
    return copy


def _handler(database: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version = "strangler"
        sys_version = ""
        timeout = 10

        def do_GET(self) -> None:
            status, body = results_answer(self.path, database)
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """A ramp asks each minute."""

    return Handler


def results_answer(path: str, database: Path) -> tuple[HTTPStatus, bytes]:
    """The status and the body of an answer to a GET of `path`."""
    if path != RESULTS_PATH:
        return HTTPStatus.NOT_FOUND, b"Only /results is here.\n"
    address = f"{database.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)) as found:
            return HTTPStatus.OK, base64.b64encode(found.serialize())
    except sqlite3.Error as error:
        return HTTPStatus.SERVICE_UNAVAILABLE, f"the results can't be read ({error})\n".encode()
