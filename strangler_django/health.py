"""Health checks that don't wait behind requests: a worker class for gunicorn.

gunicorn's threads take requests in the order in which they come. Under overload a probe would wait with all others, and
whoever probes would end a service that does nothing but work. In gunicorn's configuration file:

    worker_class = health_first("/api/health/")

A probe has a thread of its own. That one waits for Python's lock like any other, several times for each answer, so that
a worker all of whose threads are at work sends itself the probes it knows, each second, and answers those that come by
what it has answered itself: the application's own words, `_KNOWN_SECONDS` old at the most.
"""

import math
import socket
import struct
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from selectors import EVENT_READ
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gunicorn.workers.gthread import ThreadWorker

# Longer than the head of any health check.
_PEEKED_BYTES: Final = 4096
# Each thread at work keeps a probe waiting for so long. With Python's 5 ms health was later; with 0.5 ms each request
# took 7 % more of a core, and with 2 ms no more.
_SWITCH_SECONDS: Final = 0.002
_RENEWED_SECONDS: Final = 1.0
_KNOWN_SECONDS: Final = 3.0
# One for each of those who probe: an orchestrator, a load balancer's addresses, a person.
_MOST_KNOWN: Final = 8
# Headers that say which request it is; probes that differ in nothing else are answered alike.
_OF_ONE_REQUEST: Final = (
    *(b"x-request-id:", b"x-correlation-id:", b"traceparent:", b"tracestate:"),
    *(b"x-amzn-trace-id:", b"x-cloud-trace-context:", b"x-b3-"),
)
_HEAD_END: Final = b"\r\n\r\n"
_OF_BODY: Final = (b"\r\ncontent-length", b"\r\ntransfer-encoding")
_OK: Final = b"HTTP/1.1 200 "
_COOKIE: Final = b"\r\nset-cookie:"


@dataclass
class _Probe:
    """A health check as it came, and the application's last answer to it.

    The answer is empty where it isn't 200, or is for one client: it ends the connection, or sets a cookie.
    """

    request: bytes
    client: Any
    server: Any
    answer: bytes = b""
    answered: float = -math.inf


def health_first(path: str) -> type["ThreadWorker"]:
    """Gunicorn's gthread, with one thread more in each worker, for the requests of `path` alone."""
    # Imported here: a project whose server is another has no gunicorn.
    from gunicorn.workers.gthread import TConn, ThreadWorker

    class HealthFirstWorker(ThreadWorker):
        def init_process(self) -> None:
            self._thread = ThreadPoolExecutor(max_workers=1)
            self._known: dict[tuple[Any, bytes], _Probe] = {}
            self._renewal: Future[None] | None = None
            self._renewed = -math.inf
            sys.setswitchinterval(_SWITCH_SECONDS)
            super().init_process()

        def notify(self) -> None:
            """Each second at least, as gunicorn calls it: renew what is known, while all threads are at work."""
            super().notify()
            now = time.monotonic()
            is_due = now - self._renewed > _RENEWED_SECONDS and (self._renewal is None or self._renewal.done())
            if self._known and is_due and self._under_way >= self.cfg.threads:
                self._renewed = now
                self._renewal = self._thread.submit(self._renew)

        def enqueue_req(self, conn: Any) -> None:  # noqa: ANN401 - gunicorn's own
            """Have a thread answer the next request of a connection."""
            if self.cfg.is_ssl:
                # Nobody can look ahead within TLS: probes wait as all others do.
                super().enqueue_req(conn)
                return
            # Who reads away a body that the application has left may have read the next request too.
            read = b"" if conn.parser is None else conn.parser.unreader.buf.getvalue()
            try:
                head = read or conn.sock.recv(_PEEKED_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._wait(conn)
                return
            except OSError:
                head = b""
            if not _is_probe(head, path):
                super().enqueue_req(conn)
                return
            if not read and _is_whole(head) and self._answered(conn, head):
                return
            answered = self._thread.submit(self.handle, conn)
            answered.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

        @property
        def _under_way(self) -> int:
            """Connections whose request is answered, or waits for a thread."""
            return int(self.nr_conns) - len(self.keepalived_conns) - len(self.pending_conns)

        def _answered(self, conn: Any, head: bytes) -> bool:  # noqa: ANN401 - gunicorn's own
            """Whether a probe was answered by what is known."""
            key = _key(head, conn.client)
            known = self._known.setdefault(key, _Probe(head, conn.client, conn.server))
            if len(self._known) > _MOST_KNOWN:
                del self._known[next(iter(self._known))]
            is_fresh = known.answer and time.monotonic() - known.answered < _KNOWN_SECONDS
            # Without this connection, which is under way too.
            if not (is_fresh and self.alive and self._under_way > self.cfg.threads):
                return False
            conn.sock.setblocking(False)
            try:
                conn.sock.sendall(known.answer)
                conn.sock.recv(len(head))
            except OSError:
                self.nr_conns -= 1
                conn.close()
                return True
            conn.set_timeout()
            self.keepalived_conns.append(conn)
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_client_socket_readable, conn))
            return True

        def _renew(self) -> None:
            for probe in [*self._known.values()]:
                probe.answer = self._answer_of(probe)
                probe.answered = time.monotonic()

        def _answer_of(self, probe: _Probe) -> bytes:
            ours, theirs = socket.socketpair()
            with ours:
                with theirs:
                    # Nobody reads meanwhile what doesn't fit into the socket.
                    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 1, 0))
                    ours.sendall(probe.request)
                    is_kept = self.handle(TConn(self.cfg, theirs, probe.client, probe.server))
                with ours.makefile("rb") as stream:
                    answer = stream.read()
            is_for_all = answer.startswith(_OK) and _COOKIE not in answer.partition(_HEAD_END)[0].lower()
            return answer if is_kept and is_for_all else b""

        def _wait(self, conn: Any) -> None:  # noqa: ANN401 - gunicorn's own
            """Have a new connection wait for its first bytes, as gthread does with one whose client is slow."""
            conn.sock.setblocking(False)
            conn.timeout = time.monotonic() + self.cfg.keepalive
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    return HealthFirstWorker


def _is_probe(head: bytes, path: str) -> bool:
    method, _, rest = head.partition(b" ")
    return method in {b"GET", b"HEAD"} and rest.partition(b" ")[0].partition(b"?")[0] == path.encode()


def _is_whole(head: bytes) -> bool:
    """Whether it is all of one request: a body, or what follows it, would be taken for the next."""
    lower = head.lower()
    return head.find(_HEAD_END) == len(head) - len(_HEAD_END) and not any(name in lower for name in _OF_BODY)


def _key(head: bytes, client: Any) -> tuple[Any, bytes]:  # noqa: ANN401 - a socket's address, in whatever form
    """What the answer may depend on: the request, and where it comes from."""
    lines = (line for line in head.split(b"\r\n") if not line.lower().startswith(_OF_ONE_REQUEST))
    return client[0] if isinstance(client, tuple) else client, b"\r\n".join(lines)
