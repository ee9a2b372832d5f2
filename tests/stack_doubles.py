"""Servers in a stack's place: they fail in ways that no real one does on demand, or record what they are sent."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def broken_upstream(received: list[bytes], *, answers: int = 0) -> Iterator[str]:
    """A server that hangs up on every request but the first `answers`, which it answers; it notes each."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                connection, _ = server.accept()
                with connection:
                    while request := connection.recv(65536):
                        received.append(request)
                        if len(received) > answers:
                            break
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    else:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            port = server.getsockname()[1]
            yield f"http://127.0.0.1:{port}"
        finally:
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join()


@contextmanager
def answering_upstream(received: list[bytes], answer: bytes | Callable[[bytes], bytes]) -> Iterator[str]:
    """A server that gives each request the same bytes, or what `answer` makes of it, and hangs up; it notes each."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                connection, _ = server.accept()
                with connection:
                    if request := _request(connection):
                        received.append(request)
                        connection.sendall(answer if isinstance(answer, bytes) else answer(request))
                        connection.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            port = server.getsockname()[1]
            yield f"http://127.0.0.1:{port}"
        finally:
            ended.set()
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join()


@contextmanager
def silent_upstream() -> Iterator[str]:
    """A server that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def _request(connection: socket.socket) -> bytes:
    """A whole request, with a body that has a length; empty where none comes."""
    request = b""
    while part := connection.recv(65536):
        request += part
        head, end, body = request.partition(b"\r\n\r\n")
        if end and len(body) >= int(headers_of(head).get("content-length", 0)):
            break
    return request


def headers_of(request: bytes) -> dict[str, str]:
    """The headers of a request, their names in small letters."""
    _, *lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
