"""nginx's access log, a line of JSON for each request, whatever a log collector makes of its lines."""

import bz2
import datetime as dt
import gzip
import io
import json
import lzma
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO, Final, TypeVar, cast

from strangler.errors import FailedError, many

_T = TypeVar("_T")

# nginx's own error log and its start, also behind the time or the name that a collector puts before a line.
_ERROR_LINE: Final = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[|nginx: \[|/docker-entrypoint|\A\s*\Z")
# Where collectors leave the line: Docker's json-file, Fluent Bit, journald, Loki, Google Cloud, OpenTelemetry, Splunk.
_WRAPPERS: Final = ("log", "message", "MESSAGE", "msg", "line", "textPayload", "jsonPayload", "body", "_raw", "result")
_MAX_WRAPPERS: Final = 3
# A syslog header, a pod's name and the like, which come before the JSON.
_MAX_PREFIX: Final = 400
# nginx takes 32 kB of request head by default, of which the log writes each byte as six at most.
_MAX_LINE: Final = 512 * 1024
_MAX_USER_AGENT: Final = 200
_COMPRESSED: Final[dict[bytes, Callable[[BinaryIO], Any]]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}
UNPACKING_ERRORS: Final = (EOFError, OSError, zlib.error, lzma.LZMAError)


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request as nginx logged it. `caller` is the user in the token, unverified, or else an address.

    `stack` is who answered, `fallback` who should have, where the other one answered instead. `seconds` is how long
    the stacks took, None where none was asked.
    """

    time: dt.datetime
    api: str
    route: str
    status: int
    caller: str
    user_agent: str
    stack: str = ""
    fallback: str = ""
    seconds: float | None = None


class AccessLog:
    """Reads logs line by line, and counts what it read.

    `line` is how many lines there were, `readable` and `unreadable` how many are requests and how many are neither
    that nor of nginx's error log; `begins` is the time of the earliest request, whatever its route.
    """

    def __init__(self) -> None:
        self.line = 0
        self.readable = 0
        self.unreadable = 0
        self.begins: dt.datetime | None = None

    def requests(self, lines: Iterable[bytes], routes: Collection[str] | None = None) -> Iterator[LoggedRequest]:
        """The requests of those routes, or of all, in the order of the log."""
        if routes is None:
            yield from self.parsed(lines, self._request)
            return
        # Most lines are of other routes, and finding a text in one is ten times as fast as parsing it.
        for request in self.parsed(lines, self._request, marks=[route.encode() for route in routes]):
            if request.route in routes:
                yield request

    def parsed(
        self, lines: Iterable[bytes], parse: Callable[[dict[str, Any]], _T], *, marks: Collection[bytes] = (b"",)
    ) -> Iterator[_T]:
        """What `parse` makes of each request; it raises ValueError, KeyError or TypeError for what is none.

        Lines without any of `marks` are left out, but for the first request. A byte that is no UTF-8 is a surrogate,
        as of `surrogateescape`.
        """
        for line in lines:
            self.line += 1
            if self.readable and _looks_whole(line) and not any(mark in line for mark in marks):
                self.readable += 1
                continue
            try:
                # nginx escapes control characters for JSON, but logs other bytes as the client sent them.
                entry = _entry(line.decode("utf-8", "surrogateescape"))
                found = None if entry is None else parse(entry)
            except (ValueError, KeyError, TypeError, RecursionError):
                self.unreadable += 1
                continue
            if found is not None:
                self.readable += 1
                yield found

    def add(self, other: "AccessLog") -> None:
        """Count another log's lines, too."""
        self.line += other.line
        self.readable += other.readable
        self.unreadable += other.unreadable
        self.begins = min((each.begins for each in (self, other) if each.begins), default=None)

    def require_readable(self, name: str) -> None:
        """Refuse to take what can't be read for requests that never were.

        :raises FailedError: most lines of the log `name` are no requests as the gateway logs them.
        """
        if self.unreadable > self.readable:
            raise FailedError(
                f"{self.unreadable} of {many(self.line, 'line')} of {name} are not of the gateway's access log",
                "pass nginx's lines alone, as its log_format strangler writes them, plain or as .gz, .bz2 or .xz",
            )

    def _request(self, entry: dict[str, Any]) -> LoggedRequest:
        request = LoggedRequest(
            time=time_parse(entry["time"]),
            api=str(entry["api"]),
            route=str(entry["route"]),
            status=int(entry["status"]),
            caller=_shown(entry.get("caller") or f"address:{entry['client']}"),
            user_agent=_shown(entry.get("user_agent", ""))[:_MAX_USER_AGENT],
            stack=str(entry.get("stack", "")),
            fallback=str(entry.get("fallback", "")),
            seconds=_seconds(str(entry.get("upstream_time", ""))),
        )
        if self.begins is None or request.time < self.begins:
            self.begins = request.time
        return request


def log_lines(file: BinaryIO) -> Iterator[bytes]:
    """The whole lines of a log, in constant memory; one that nginx has not ended yet is left out.

    :raises FailedError: it is compressed, but not whole.
    """
    buffered = io.BufferedReader(file)  # type: ignore[type-var]
    try:
        yield from _lines(log_unpacked(cast("BinaryIO", buffered)))
    except UNPACKING_ERRORS as error:
        raise FailedError(f"the log can't be read to its end ({error})", "copy it again, once it is whole") from error
    finally:
        # Whoever opened the file closes it.
        with suppress(ValueError):
            buffered.detach()


def log_unpacked(file: BinaryIO) -> BinaryIO:
    """The log in `file` as it was before it was compressed, if it was."""
    start = file.peek(8)  # type: ignore[attr-defined] # of a buffered file
    opener = next((opener for magic, opener in _COMPRESSED.items() if start.startswith(magic)), None)
    unpacked: BinaryIO = opener(file) if opener else file
    return unpacked


def _looks_whole(line: bytes) -> bool:
    return b"uri" in line and line.rstrip().endswith(b"}")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(_MAX_LINE):
        if line.endswith(b"\n"):
            yield line
        elif len(line) == _MAX_LINE:
            yield b"{ longer than any line of nginx\n"
            while line and not line.endswith(b"\n"):
                line = file.readline(_MAX_LINE)


def _entry(text: str, *, depth: int = _MAX_WRAPPERS) -> dict[str, Any] | None:
    """The request in a line, None where it is of nginx's error log.

    :raises ValueError: it is neither.
    """
    prefix, brace, rest = text.partition("{")
    if _ERROR_LINE.search(prefix + brace):
        return None
    if not brace or len(prefix) > _MAX_PREFIX:
        raise ValueError(text)
    return _unwrapped(json.loads(brace + rest), depth=depth)


def _unwrapped(value: dict[str, Any], *, depth: int) -> dict[str, Any] | None:
    if "method" in value and "uri" in value:
        return value
    inner = next((value[key] for key in _WRAPPERS if key in value), None)
    if isinstance(inner, list):
        # journald's JSON of a line with bytes that are no UTF-8.
        inner = bytes(inner).decode("utf-8", "surrogateescape")
    if not depth or not isinstance(inner, str | dict):
        raise ValueError(value)
    return _entry(inner, depth=depth - 1) if isinstance(inner, str) else _unwrapped(inner, depth=depth - 1)


def _shown(text: object) -> str:
    return str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# nginx writes the same second again and again.
@lru_cache(maxsize=64)
def time_parse(text: str) -> dt.datetime:
    """A time as nginx writes it; UTC unless it says otherwise."""
    time = dt.datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)


def _seconds(text: str) -> float | None:
    """The sum of nginx's times of all upstreams that were asked: `0.012`, or `0.002, 0.010 : 0.030`."""
    try:
        return float(text)
    except ValueError:
        each = [float(part) for part in re.findall(r"[0-9]+\.[0-9]+", text)]
        return sum(each) if each else None
