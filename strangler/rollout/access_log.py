"""nginx's access log, a line of JSON for each request, among the lines of its error log."""

import datetime as dt
import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

# nginx's own error log and its start, and what precedes each line in `docker compose logs`.
_ERROR_LINE: Final = re.compile(rb"\d{4}/\d\d/\d\d |nginx: |/docker-entrypoint|\s*$")
_PREFIX: Final = re.compile(rb"\A[\w.-]+ +\| ")
# nginx takes 32 kB of request head by default, of which the log writes each byte as six at most.
_MAX_LINE: Final = 256 * 1024
_MAX_USER_AGENT: Final = 200


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request as nginx logged it. `caller` is the user in the token, unverified, or else an address."""

    time: dt.datetime
    api: str
    route: str
    status: int
    caller: str
    user_agent: str


class AccessLog:
    """Reads logs line by line; after that, `unreadable` counts the lines that were neither requests nor error lines.

    `begins` is the time of the earliest request, whatever its route; `line` is how many lines were read.
    """

    def __init__(self) -> None:
        self.line = 0
        self.unreadable = 0
        self.begins: dt.datetime | None = None

    def requests(self, lines: Iterable[bytes], routes: Collection[str]) -> Iterator[LoggedRequest]:
        """The requests of those routes, in the order of the log."""
        marks = [f'"{route}"'.encode() for route in routes]
        is_first = True
        for content in self.contents(lines):
            # Most lines are of other routes, and finding a text in one is ten times as fast as parsing it.
            if is_first or any(mark in content for mark in marks):
                request = self._request(content)
                is_first = is_first and request is None
                if request and request.route in routes:
                    yield request
            elif not content.rstrip().endswith(b"}"):
                self.unreadable += 1

    def contents(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The lines that begin as a request does, without what compose puts before them; the JSON may be broken."""
        for line in lines:
            self.line += 1
            content = line if line.startswith(b"{") else _PREFIX.sub(b"", line, count=1)
            if content.startswith(b"{"):
                yield content
            else:
                self.unreadable += _ERROR_LINE.match(content) is None

    def _request(self, content: bytes) -> LoggedRequest | None:
        try:
            request = _parsed(content)
        except (ValueError, KeyError, TypeError, RecursionError):
            self.unreadable += 1
            return None
        if self.begins is None or request.time < self.begins:
            self.begins = request.time
        return request


def log_lines(file: BinaryIO) -> Iterator[bytes]:
    """The whole lines of a log, in constant memory; one that nginx has not ended yet is left out."""
    while line := file.readline(_MAX_LINE):
        if line.endswith(b"\n"):
            yield line
        elif len(line) == _MAX_LINE:
            yield b"{ longer than any line of nginx\n"
            while line and not line.endswith(b"\n"):
                line = file.readline(_MAX_LINE)


def _parsed(content: bytes) -> LoggedRequest:
    # nginx escapes control characters for JSON, but logs other bytes as the client sent them.
    entry = json.loads(content.decode("utf-8", errors="replace"))
    return LoggedRequest(
        time=_time(entry["time"]),
        api=str(entry["api"]),
        route=str(entry["route"]),
        status=int(entry["status"]),
        caller=str(entry.get("caller") or f"address:{entry['client']}"),
        user_agent=str(entry.get("user_agent", ""))[:_MAX_USER_AGENT],
    )


def _time(text: str) -> dt.datetime:
    time = dt.datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)
