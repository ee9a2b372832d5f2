"""Prometheus' text over HTTP, where the gateway's log is a file that nobody else keeps small: in containers."""

import logging
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from strangler.deployment.metrics import COUNTERS_FILE, metrics_read
from strangler.errors import StranglerError, UsageError

_PERIOD_SECONDS: Final = 5.0
# nginx asks each two seconds whether its log is still the file of that name (http.conf): what it writes into one that
# was renamed is there when that is read, a period later.
_MOST_BYTES: Final = 16 << 20
_LOG: Final = logging.getLogger(__name__)


class MetricsServer:
    """Answers GET /metrics with the counters of an access log, which it reads on and renames once it is 16 MiB long.

    What was counted stands beside the log, and lasts as long as it does. `state_dir` is the gateway's state, and `url`
    its front door.

    :raises UsageError: it can't listen at `host` and `port`.
    """

    def __init__(self, *, host: str, port: int, log: Path, state_dir: Path, url: str) -> None:
        self._log = log
        self._state_dir = state_dir
        self._url = url
        self._text = b""
        self._ended = threading.Event()
        try:
            self._server = ThreadingHTTPServer((host, port), self._handler())
        except OSError as error:
            message = f"{host} port {port} can't be listened at ({error.strerror})"
            raise UsageError(message, "choose another address with --serve") from error

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://{self._server.server_name}:{self._server.server_port}/metrics"

    def run(self) -> None:
        """Serve until `end` is called."""
        thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            while not self._ended.is_set():
                self._read()
                self._ended.wait(_PERIOD_SECONDS)
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def end(self) -> None:
        """Have `run` return."""
        self._ended.set()

    def _read(self) -> None:
        try:
            counters = self._log.with_name(COUNTERS_FILE)
            lines = metrics_read(log=self._log, counters=counters, state_dir=self._state_dir, url=self._url)
            self._text = "".join(f"{line}\n" for line in lines).encode()
            self._rotate()
        except (StranglerError, OSError) as error:
            # The figures of before are better than none.
            _LOG.warning("the metrics aren't renewed: %s", error)

    def _rotate(self) -> None:
        archive = self._log.with_name(f"{self._log.name}.1")
        # Read a period ago at the least.
        archive.unlink(missing_ok=True)
        if not self._log.exists() or (found := self._log.stat()).st_size <= _MOST_BYTES:
            return
        # There is a file of that name at any moment: nginx drops the line that finds none.
        empty = self._log.with_name(f"empty-{self._log.name}")
        empty.touch(0o644)
        if os.geteuid() == 0:
            os.chown(empty, found.st_uid, found.st_gid)
        archive.hardlink_to(self._log)
        empty.replace(self._log)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        served = self

        class Handler(BaseHTTPRequestHandler):
            server_version = "strangler"
            sys_version = ""
            timeout = 10

            def do_GET(self) -> None:
                known = self.path == "/metrics"
                self.send_response(200 if known else 404)
                body = served._text if known else b"Only /metrics is here.\n"
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                """Prometheus asks four times a minute."""

        return Handler
