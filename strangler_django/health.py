"""Health checks that don't wait behind requests: a worker class for gunicorn.

gunicorn's threads take requests in the order in which they come. Under overload a probe would wait with all others, and
whoever probes would end a service that does nothing but work. In gunicorn's configuration file:

    worker_class = health_first("/api/health/")
"""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

# Longer than any health check's method and path.
_PEEKED_BYTES: Final = 256


class HealthFirstWorker(ThreadWorker):
    """gunicorn's gthread, with one thread more, for the requests of `health_path` alone."""

    health_path = "/"

    def init_process(self) -> None:
        """Make the thread, then serve."""
        self._probes = ThreadPoolExecutor(max_workers=1)
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:  # noqa: ANN401 - gunicorn's own
        """Have a thread answer the next request of a connection."""
        try:
            head = conn.sock.recv(_PEEKED_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            self._wait(conn)
            return
        except OSError:
            head = b""
        if not self._is_probe(head):
            super().enqueue_req(conn)
            return
        answered = self._probes.submit(self.handle, conn)
        answered.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def _wait(self, conn: Any) -> None:  # noqa: ANN401 - gunicorn's own
        """Have a new connection wait for its first bytes, as gthread does with one whose client is slow."""
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _is_probe(self, head: bytes) -> bool:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        return method in {b"GET", b"HEAD"} and path == self.health_path.encode()


def health_first(path: str) -> type[HealthFirstWorker]:
    """The worker class whose health check is at `path`."""
    return type("HealthFirstWorker", (HealthFirstWorker,), {"health_path": path})
