"""Health checks that don't wait behind requests: a worker class for gunicorn.

gunicorn's threads take requests in the order in which they come. Under overload a probe would wait with all others, and
whoever probes would end a service that does nothing but work. In gunicorn's configuration file:

    worker_class = health_first("/api/health/")
"""

import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gunicorn.workers.gthread import ThreadWorker

# Longer than any health check's method and path.
_PEEKED_BYTES: Final = 256
# Each thread at work keeps a probe waiting for so long, and once more after each of its reads and writes.
_SWITCH_SECONDS: Final = 0.0005


def health_first(path: str) -> type["ThreadWorker"]:
    """Gunicorn's gthread, with one thread more in each worker, for the requests of `path` alone."""
    # Imported here: a project whose server is another has no gunicorn.
    from gunicorn.workers.gthread import ThreadWorker

    class HealthFirstWorker(ThreadWorker):
        def init_process(self) -> None:
            self._probes = ThreadPoolExecutor(max_workers=1)
            sys.setswitchinterval(_SWITCH_SECONDS)
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
            if not _is_probe(head, path):
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

    return HealthFirstWorker


def _is_probe(head: bytes, path: str) -> bool:
    method, _, rest = head.partition(b" ")
    return method in {b"GET", b"HEAD"} and rest.partition(b" ")[0].partition(b"?")[0] == path.encode()
