"""Follows a log that grows, through rotations, truncations and restarts: each line is given once."""

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from strangler.errors import FailedError
from strangler.metrics.access_log import UNPACKING_ERRORS, log_unpacked, time_parse

# Two logs with the same first bytes are one: nginx's lines begin with a time and the id of a request.
_HEAD_BYTES: Final = 256
_READ_BYTES: Final = 1 << 20
_SEARCH_BYTES: Final = 1 << 16
_TIME: Final = re.compile(rb'"time":"([^"]{1,40})"')
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LogPosition:
    """Where reading goes on: `offset` bytes into the log whose first `head_bytes` have the digest `head`.

    `done` are the digests of the heads of archives that were read. Of a cluster's pods, `pods` are the times of the
    last lines by the pods' names, and `moment` is when they were read, in seconds since 1970.
    """

    offset: int = 0
    head: str = ""
    head_bytes: int = 0
    done: tuple[str, ...] = ()
    pods: Mapping[str, str] = field(default_factory=dict)
    moment: float = 0.0


class LogFollower(Protocol):
    """A log that grows. `position` is on this side of every line that was given."""

    position: LogPosition

    def lines(self) -> Iterator[bytes]:
        """The whole lines that were added since the last call; take them all.

        :raises FailedError: the log isn't readable.
        """


class AccessLogFollower:
    """The lines of the log `file` and of its archives beside it (`file.*`, compressed or not), from a position on.

    A log that was renamed, or copied and then emptied, is read to its end before the new one. A log that was emptied
    without a copy is read from its new beginning. `position` is on the disk's side of every line that was given: kept
    together with what was made of the lines, it lets another process go on exactly there.
    """

    def __init__(self, file: Path, position: LogPosition) -> None:
        self.file = file
        self.position = position
        self._folder_time = -1

    @classmethod
    def at_end(cls, file: Path) -> "AccessLogFollower":
        """From now on."""
        done = tuple(_archives(file))
        try:
            with file.open("rb") as log:
                head, size = _head(log)
                return cls(file, LogPosition(offset=_last_line_end(log), head=head, head_bytes=size, done=done))
        except FileNotFoundError:
            return cls(file, LogPosition(done=done))

    @classmethod
    def since(cls, file: Path, moment: float) -> "AccessLogFollower":
        """From the requests of a moment (seconds since 1970) on; a few earlier lines may come before them."""
        archives = _archives(file)
        old = [head for head, path in archives.items() if path.stat().st_mtime < moment]
        recent = [path for head, path in archives.items() if head not in old]
        first = recent[0] if recent else file
        try:
            with first.open("rb") as log:
                head, size = _head(log)
                offset = _offset_at(log, moment) if log_unpacked(log) is log else 0
        except FileNotFoundError:
            return cls(file, LogPosition(done=tuple(old)))
        return cls(file, LogPosition(offset=offset, head=head, head_bytes=size, done=tuple(old)))

    def lines(self) -> Iterator[bytes]:
        """See `LogFollower`."""
        try:
            yield from self._archived_lines(self._new_archives())
            while not self._is_same_log():
                # It was rotated since the archives were looked at, or else emptied.
                archives = self._new_archives(anew=True)
                yield from self._archived_lines(archives)
                if not archives:
                    self.position = LogPosition(done=self.position.done)
            yield from self._lines_of(self.file)
        except FileNotFoundError:
            return
        except OSError as error:
            hint = "run as the user who started the stack"
            raise FailedError(f"{error.filename or self.file} isn't readable ({error.strerror})", hint) from error

    def _is_same_log(self) -> bool:
        """Whether the file holds what was read so far, and perhaps more."""
        with self.file.open("rb") as log:
            return self.file.stat().st_size >= self.position.offset and self._is_read_on(log)

    def _is_read_on(self, log: BinaryIO) -> bool:
        log.seek(0)
        return _digest(log.read(self.position.head_bytes)) == self.position.head or not self.position.head_bytes

    def _new_archives(self, *, anew: bool = False) -> dict[str, Path]:
        """Archives that were not read yet, by the digests of their heads, the oldest first."""
        changed = self.file.parent.stat().st_mtime_ns
        if changed == self._folder_time and not anew:
            return {}
        found = {head: path for head, path in _archives(self.file).items() if head not in self.position.done}
        if self.file.exists():
            with self.file.open("rb") as log:
                # A copy of the log, which will be emptied in a moment, or never: it is read itself until then.
                copied, _size = _head(log)
            if copied and copied in found:
                del found[copied]
                changed = -1
        self._folder_time = changed
        # Whatever their times say, the rest of what was read so far comes first.
        return dict(sorted(found.items(), key=lambda each: not self._is_rest(each[1])))

    def _is_rest(self, path: Path) -> bool:
        """Whether an archive is the log that was read so far."""
        with path.open("rb") as file:
            return self.position.head_bytes > 0 and self._is_read_on(log_unpacked(file))

    def _archived_lines(self, archives: dict[str, Path]) -> Iterator[bytes]:
        for head, path in archives.items():
            try:
                yield from self._lines_of(path)
            except UNPACKING_ERRORS as error:
                _LOG.warning("%s can't be read to its end (%s): its requests are missing from the counts", path, error)
            self.position = LogPosition(done=(*self.position.done, head))
        if archives:
            there = _archives(self.file)
            done = tuple(head for head in self.position.done if head in there)
            self.position = replace(self.position, done=done)

    def _lines_of(self, path: Path) -> Iterator[bytes]:
        with path.open("rb") as file:
            log = log_unpacked(file)
            if not self._is_read_on(log):
                self.position = replace(self.position, offset=0, head="", head_bytes=0)
            if self.position.head_bytes < _HEAD_BYTES:
                log.seek(0)
                head, size = _head(log)
                self.position = replace(self.position, head=head, head_bytes=size)
            log.seek(self.position.offset)
            while piece := log.read(_READ_BYTES):
                end = piece.rfind(b"\n") + 1
                if not end and len(piece) < _READ_BYTES:
                    return
                # More than a million bytes without an end are no line of nginx.
                lines = piece[: end - 1].split(b"\n") if end else [piece]
                yield from lines
                self.position = replace(self.position, offset=self.position.offset + (end or len(piece)))
                log.seek(self.position.offset)


def _archives(file: Path) -> dict[str, Path]:
    """The archives of a log by the digests of their heads, the oldest first; of copies of one, the longest."""
    found: dict[str, Path] = {}
    by_age = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in file.parent.glob(f"{file.name}.*"))
    for _time, size, path in by_age:
        try:
            with path.open("rb") as packed:
                head, head_bytes = _head(log_unpacked(packed))
        except UNPACKING_ERRORS:
            continue  # it is just being compressed, or removed
        if head_bytes and (head not in found or found[head].stat().st_size < size):
            found[head] = path
    return found


def _head(log: BinaryIO) -> tuple[str, int]:
    start = log.read(_HEAD_BYTES)
    return (_digest(start) if start else ""), len(start)


def _digest(start: bytes) -> str:
    return hashlib.sha256(start).hexdigest()[:16]


def _last_line_end(log: BinaryIO) -> int:
    size = log.seek(0, 2)
    log.seek(max(0, size - _READ_BYTES))
    return max(0, size - _READ_BYTES) + log.read().rfind(b"\n") + 1


def _offset_at(log: BinaryIO, moment: float) -> int:
    """Where a line begins that is at most some lines before the first request of that moment."""
    low, high = 0, log.seek(0, 2)
    while high - low > _SEARCH_BYTES:
        middle = (low + high) // 2
        log.seek(middle)
        found = _TIME.search(log.read(_SEARCH_BYTES))
        if found and _timestamp(found[1]) < moment:
            low = middle
        else:
            high = middle
    log.seek(low)
    if low:
        log.readline(_READ_BYTES)
    return log.tell()


def _timestamp(text: bytes) -> float:
    try:
        return time_parse(text.decode()).timestamp()
    except ValueError:
        return 0.0
