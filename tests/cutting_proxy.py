"""A TCP proxy before PostgreSQL that cuts one connection at a message of a client's that waits for an answer."""

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

# https://www.postgresql.org/docs/18/protocol-message-formats.html: what the server answers at once.
_QUERY, _SYNC, _FLUSH = b"Q", b"S", b"H"
_READY: Final = b"Z\x00\x00\x00\x05"
_ASKS_FOR_TLS: Final = (80877103, 80877104)
# The cut is a reset, as of a machine that is gone.
_RESET: Final = struct.pack("ii", 1, 0)


class Lost(Enum):
    """What of the message is lost: itself, or the answer to it, which the server has given by then."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Where a connection was cut; `at_commit` if the message was a COMMIT."""

    at_commit: bool


class CuttingProxy:
    """Forwards to `upstream`; `arm` has the n-th awaited message from then on cut its connection."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.upstream = upstream
        self.port = 0
        self._lock = threading.Lock()
        self._left = 0
        self._lost = Lost.REQUEST
        self._cut: Cut | None = None

    def arm(self, number: int, lost: Lost) -> None:
        """Cut at the awaited message of this number, from 1."""
        with self._lock:
            self._left, self._lost, self._cut = number, lost, None

    def disarm(self) -> Cut | None:
        """Cut nothing more; what was cut since `arm`."""
        with self._lock:
            self._left = 0
            return self._cut

    def meet(self, body: bytes) -> Lost | None:
        """Whether the connection of an awaited message is cut now."""
        with self._lock:
            if not self._left:
                return None
            self._left -= 1
            if self._left:
                return None
            self._cut = Cut(at_commit=body.upper().startswith(b"COMMIT"))
            return self._lost


@contextmanager
def cutting_proxy(host: str, port: int) -> Iterator[CuttingProxy]:
    """A proxy to PostgreSQL at that address, on loopback."""
    proxy = CuttingProxy((host, port))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A connection that is cut ends wherever it is."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            _Connection(proxy, self.request).run()

    with Server(("127.0.0.1", 0), Handler) as server:
        proxy.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


class _Connection:
    def __init__(self, proxy: CuttingProxy, client: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = socket.create_connection(proxy.upstream)
        self._is_silent = threading.Event()
        self._last_asked = b""

    def run(self) -> None:
        answers = threading.Thread(target=self._answers, daemon=True)
        answers.start()
        with suppress(OSError, EOFError):
            self._requests()
        self._close()
        answers.join()

    def _requests(self) -> None:
        code = 0
        while not code or code in _ASKS_FOR_TLS:
            (length,) = struct.unpack("!i", head := self._read(4))
            body = self._read(length - 4)
            (code,) = struct.unpack("!i", body[:4])
            self._server.sendall(head + body)
        while True:
            head = self._read(5)
            body = self._read(struct.unpack("!i", head[1:])[0] - 4)
            self._last_asked = head[:1]
            lost = self._proxy.meet(body) if self._last_asked in (_QUERY, _SYNC, _FLUSH) else None
            if lost is Lost.REQUEST:
                return
            if lost is Lost.ANSWER:
                self._is_silent.set()
            self._server.sendall(head + body)

    def _answers(self) -> None:
        """Pass on what the server says; where the answer is to be lost, end once it is complete."""
        last = b""
        with suppress(OSError):
            while piece := self._server.recv(65536):
                if self._is_silent.is_set():
                    last = (last + piece)[-6:]
                    # What a Flush asks for has no end of its own.
                    if last[:5] == _READY or self._last_asked == _FLUSH:
                        break
                else:
                    self._client.sendall(piece)
        self._close()

    def _read(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            piece = self._client.recv(count - len(found))
            if not piece:
                raise EOFError
            found += piece
        return found

    def _close(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RDWR)
            end.close()
