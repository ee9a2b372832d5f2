"""Bodies and files that don't fit into memory: they are on disk from the moment that they come in."""

import io
import logging
import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, Any, Final

from starlette.concurrency import run_in_threadpool

from strangler_fastapi.drf.http.limits import LARGEST_IN_MEMORY
from strangler_fastapi.errors import SuspiciousRequest, Unavailable

logger = logging.getLogger(__name__)

CHUNK: Final = 65_536
_LONGEST_NAME: Final = 255
Buffer = bytes | mmap.mmap


class Spool:
    """Bytes that come in one after another: in memory while they are few, then in a file without a name."""

    def __init__(self) -> None:
        self._start = bytearray()
        self._file: IO[bytes] | None = None
        self._map: mmap.mmap | None = None
        self._within: list[Spool] = []

    @property
    def is_on_disk(self) -> bool:
        """Whether there are too many for memory."""
        return self._file is not None

    async def add(self, chunk: bytes) -> None:
        """Appends; the disk is waited for elsewhere.

        Raises:
            Unavailable: the disk takes no more.
        """
        if self._file is None and len(self._start) + len(chunk) <= LARGEST_IN_MEMORY:
            self._start += chunk
        else:
            await run_in_threadpool(self.write, chunk)

    def write(self, chunk: bytes) -> None:
        """Appends, and waits for the disk; see `add`."""
        if self._file is None and len(self._start) + len(chunk) <= LARGEST_IN_MEMORY:
            self._start += chunk
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - `close` does
                self._file.write(self._start)
                self._start.clear()
            self._file.write(chunk)
        except OSError as error:
            logger.exception("large bodies can't be kept in %s while they come in", tempfile.gettempdir())
            raise Unavailable("Files can't be taken now: try again later.") from error

    @property
    def data(self) -> Buffer:
        """All of them; those on disk are read as far as they are looked at."""
        if self._file is None:
            return bytes(self._start)
        if self._map is None:
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map

    def make_within(self) -> "Spool":
        """Another one, which is closed along with this one."""
        self._within.append(Spool())
        return self._within[-1]

    def close(self) -> None:
        """Removes what is on disk."""
        for opened in (*self._within, self._map, self._file):
            if opened is not None:
                opened.close()


class UploadedFile:
    """A file of a request, under the name that Django would give it (`django.core.files.uploadedfile`).

    Its content lies in `data` from `start` to `stop`, until the request is answered. `image_size` is the width and the
    height of one that was looked at as an image.

    Raises:
        SuspiciousRequest: there is no such name.
    """

    image_size: tuple[int, int] | None = None

    def __init__(self, data: Buffer, start: int, stop: int, *, name: str, content_type: str = "") -> None:
        self._data = data
        self._start = start
        self.size = stop - start
        self.name = _short_name(name)
        self.content_type = content_type

    def chunks(self) -> Iterator[bytes]:
        """The content, piece by piece."""
        for position in range(self._start, self._start + self.size, CHUNK):
            yield self._data[position : min(position + CHUNK, self._start + self.size)]

    def open(self) -> io.BufferedReader:
        """The content as a file, from its beginning."""
        return io.BufferedReader(_Slice(self._data, self._start, self.size))

    def __str__(self) -> str:
        """The name, as that of Django's files."""
        return self.name


class _Slice(io.RawIOBase):
    """A part of a buffer as a file."""

    def __init__(self, data: Buffer, start: int, size: int) -> None:
        self._data = data
        self._start = start
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence])
        return self._position

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever can be written into
        first = self._start + self._position
        piece = self._data[first : min(first + len(buffer), self._start + self._size)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)


def _short_name(name: str) -> str:
    """The last part of a path, of no more characters than file systems take."""
    last = name.rpartition("/")[2]
    if len(last) > _LONGEST_NAME:
        root, ending = os.path.splitext(last)  # noqa: PTH122 - as Django takes it apart
        ending = ending[:_LONGEST_NAME]
        last = root[: _LONGEST_NAME - len(ending)] + ending
    if last in {"", ".", ".."} or PurePosixPath(last).name != last:
        raise SuspiciousRequest
    return last
