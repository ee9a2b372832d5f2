"""Servers on ports of their own that answer what no server should: written down byte for byte, or without an end."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from strangler.local.ports import port_free_pick

Bytes = Callable[[bytes], Iterable[bytes]]
"""What is sent for a request's head; the connection is closed after the last of it."""


@contextmanager
def raw_server(answer: Bytes) -> Iterator[str]:
    """A server of `answer`; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening, answer), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        # Else the thread would hold the port for ever.
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


def nobody() -> str:
    """An address where nothing listens."""
    return f"http://127.0.0.1:{port_free_pick()}"


def http(body: bytes, *, status: str = "200 OK", media: str = "application/json", more: str = "") -> bytes:
    """A whole answer."""
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n"
    )
    return head.encode() + body


def endless(_head: bytes) -> Iterator[bytes]:
    """An answer that goes on, as fast as it is read."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"1000\r\n" + b" " * 0x1000 + b"\r\n"


def _serve(listening: socket.socket, answer: Bytes) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _address = listening.accept()
            threading.Thread(target=_answer, args=(connection, answer), daemon=True).start()


def _answer(connection: socket.socket, answer: Bytes) -> None:
    with connection, contextlib.suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(65536)
            if not piece:
                return
            head += piece
        for piece in answer(head):
            connection.sendall(piece)
