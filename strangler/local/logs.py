"""One log file per service: archived for a month, bounded in size, followed on the terminal."""

import contextlib
import datetime as dt
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from strangler.errors import FailedError

_LOG = logging.getLogger(__name__)

MAX_BYTES: Final = 20_000_000
TAIL_LINES: Final = 12
# `strangler clients` has to see who calls once a month; the bound is for busy front doors, and drops the oldest.
KEPT: Final = dt.timedelta(days=32)
_KEPT_BYTES: Final = 2_000_000_000


def log_names(folder: Path) -> list[str]:
    """The services that have written a log."""
    return sorted(path.stem for path in folder.glob("*.log"))


def log_tail(path: Path, *, lines: int) -> list[str]:
    """The last lines of a log; none if there is no such file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 500 * lines))
            return file.read().decode("utf-8", errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


def log_failure(name: str, what: str, path: Path) -> FailedError:
    """The error for a program that failed, with the end of its log below the sentence."""
    tail = "".join(f"\n  {line}" for line in log_tail(path, lines=TAIL_LINES))
    return FailedError(f"{name} {what}, so everything was ended: fix the error at the end of {path}.{tail}")


def logs_archived(folder: Path, service: str) -> list[Path]:
    """The archived logs of a service, the oldest first."""
    return sorted(folder.glob(f"{service}.log.2*"))


def logs_rotate(folder: Path, *, kept: dt.timedelta = KEPT) -> None:
    """Archive the logs of the run before as `<service>.log.<time>`; archives of before `kept` are removed."""
    now = dt.datetime.now(dt.UTC)
    archives = sorted((path.stat().st_mtime, path) for path in folder.glob("*.log.*"))
    size = sum(path.stat().st_size for _time, path in archives)
    for written, path in archives:
        if written < (now - kept).timestamp() or size > _KEPT_BYTES:
            size -= path.stat().st_size
            path.unlink()
    for path in folder.glob("*.log"):
        if path.stat().st_size:
            path.replace(_archive(path))


def _archive(path: Path) -> Path:
    return path.with_name(f"{path.name}.{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%fZ}")


def log_trim(path: Path, *, max_bytes: int = MAX_BYTES) -> None:
    """Empty a log that grew beyond `max_bytes`, keeping what it held as an archive.

    The service keeps writing to the same file, which it opened for appending. What it writes during the copy is copied,
    too; a line is lost only if it comes in the microseconds between the last look and the truncation. On a full disk no
    archive is kept: that costs a log, not the service.
    """
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > max_bytes:
            with path.open("r+b") as file:
                _archive_write(file, _archive(path))
                file.truncate(0)


def _archive_write(file: BinaryIO, archive: Path) -> None:
    try:
        with archive.open("wb") as copy:
            while file.tell() < os.fstat(file.fileno()).st_size:
                shutil.copyfileobj(file, copy)
    except OSError as error:
        archive.unlink(missing_ok=True)
        _LOG.warning("%s is emptied without an archive (%s): free some of its disk", file.name, error.strerror)


@dataclass
class LogTail:
    """Reads the lines that were added to a folder's logs since the last call."""

    folder: Path
    _read: dict[Path, int] = field(default_factory=dict)
    _partial: dict[Path, bytes] = field(default_factory=dict)

    def skip(self) -> None:
        """Skip everything that the logs hold now."""
        for path in self.folder.glob("*.log"):
            self._read[path] = path.stat().st_size

    def new_lines(self, service: str = "*") -> Iterator[tuple[str, str]]:
        """Each new line with the name of its service; a line without its end yet waits for the next call."""
        for path in sorted(self.folder.glob(f"{service}.log")):
            for line in self._read_on(path):
                yield path.stem, line.decode("utf-8", errors="replace")

    def _read_on(self, path: Path) -> list[bytes]:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return []
        with file:
            size = file.seek(0, os.SEEK_END)
            if size < self._read.get(path, 0):
                self._read[path] = 0  # it was trimmed or rotated
            file.seek(self._read.get(path, 0))
            new = file.read()
            self._read[path] = file.tell()
        *whole, rest = (self._partial.get(path, b"") + new).split(b"\n")
        self._partial[path] = rest
        return whole
