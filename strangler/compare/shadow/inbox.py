"""The socket that nginx sends samples to, and the bounded queue in which they wait."""

import asyncio
import contextlib
import os
import pwd
import socket
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from strangler.compare.shadow.sample import MAX_BYTES, SampledRequest, SampleError, sample_parse
from strangler.errors import UsageError

# nginx's workers send side by side, so a number may come after a higher one.
_LATE: Final = 10_000
# After a restart of nginx the numbers go on much higher.
_RESTART: Final = 10_000_000


class Inbox:
    """Receives while the `with` block lasts, and hands each datagram to `receive`; `path` is a unix socket's own.

    The kernel keeps as few as ten datagrams (`net.unix.max_dgram_qlen`), and nginx never waits for room: hence a
    thread, which is in time even while an answer is being compared.
    """

    def __init__(self, receiver: socket.socket, *, receive: Callable[[bytes], None], path: Path | None = None) -> None:
        self._path = path
        self._receive = receive
        self._socket = receiver
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        # The path goes first: from here on nginx is refused at once.
        if self._path:
            self._path.unlink(missing_ok=True)
        self._ended = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=1)
        self._socket.close()

    def _run(self) -> None:
        while not self._ended:
            datagram = self._socket.recv(MAX_BYTES + 1)
            # After the end nothing is received; an empty datagram looks the same.
            if not self._ended:
                self._receive(datagram)


def inbox_open(path: Path, *, owner: str = "") -> socket.socket:
    """Bind the socket, writable by `owner` alone; what a killed worker left at `path` is replaced.

    :raises UsageError: another worker listens there, there is no such account, or the folder can't be written to.
    """
    if inbox_answers(path):
        raise UsageError(f"another worker listens at {path}", "end the process that ss -xlp names for it")
    draft = path.with_name(f".{path.name}.new")
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        draft.unlink(missing_ok=True)
        receiver.bind(str(draft))
        draft.chmod(0o600)
        if owner:
            os.chown(draft, pwd.getpwnam(owner).pw_uid, -1)
        # Only now can it be found, with its owner and mode.
        draft.replace(path)
    except (OSError, KeyError) as error:
        receiver.close()
        draft.unlink(missing_ok=True)
        raise UsageError(f"{path} can't be listened at ({error})", "name another place or owner") from error
    return receiver


def inbox_listen(address: str) -> socket.socket:
    """Listen for datagrams at HOST:PORT by UDP, which nginx sends from other machines.

    :raises UsageError: the address can't be listened at.
    """
    host, _, port = address.rpartition(":")
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        receiver.bind((host, int(port)))
    except OSError as error:
        receiver.close()
        raise UsageError(f"{address} can't be listened at ({error})", "name another SHADOW_LISTEN") from error
    return receiver


def inbox_answers(path: Path) -> bool:
    """Whether a worker listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.connect(str(path))
        except OSError:
            return False
    return True


class SequenceGaps:
    """Counts the numbers of a growing series that didn't come."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._missing = 0

    def came(self, number: int) -> None:
        """Take note of a number."""
        expected = number if self._next is None else self._next
        if not expected - _LATE <= number <= expected + _RESTART:
            expected = number  # another series
        if number < expected:
            self._missing = max(0, self._missing - 1)
            return
        self._missing += number - expected
        self._next = number + 1

    def take(self) -> int:
        """How many were missing since the last call."""
        missing, self._missing = self._missing, 0
        return missing


@dataclass
class Refused:
    """What did not get in: samples dropped, by route; datagrams that were none; samples that never came."""

    dropped: Counter[str] = field(default_factory=Counter)
    malformed: int = 0
    missed: int = 0


class Backlog:
    """Filled by one thread, emptied by tasks of the loop that made it."""

    def __init__(self, *, prefixes: Mapping[str, str], limit: int, limit_per_route: int) -> None:
        self._prefixes = prefixes
        self._limit = limit
        self._limit_per_route = limit_per_route
        self._waiting: dict[str, deque[SampledRequest]] = {}
        self._length = 0
        self._refused = Refused()
        self._gaps = SequenceGaps()
        self._lock = threading.Lock()
        self._ready = asyncio.Semaphore(0)
        self._loop = asyncio.get_running_loop()

    def offer(self, datagram: bytes) -> None:
        """Take the sample in, or count it as dropped or malformed; never waits and never raises."""
        try:
            sample = sample_parse(datagram, self._prefixes)
        except SampleError:
            with self._lock:
                self._refused.malformed += 1
            return
        with self._lock:
            if sample.number is not None:
                self._gaps.came(sample.number)
            if not self._put(sample):
                self._refused.dropped[sample.route] += 1
                return
        self._loop.call_soon_threadsafe(self._ready.release)

    async def next(self) -> SampledRequest:
        """The oldest sample of the route whose turn it is: a busy route takes no turn of a quiet one."""
        await self._ready.acquire()
        with self._lock:
            route, samples = next(iter(self._waiting.items()))
            del self._waiting[route]
            sample = samples.popleft()
            if samples:
                self._waiting[route] = samples
            self._length -= 1
            return sample

    def drop(self, sample: SampledRequest) -> None:
        """Count a sample that was given out as dropped after all."""
        with self._lock:
            self._refused.dropped[sample.route] += 1

    def refused(self) -> Refused:
        """What was refused since the last call."""
        with self._lock:
            refused, self._refused = self._refused, Refused()
            refused.missed = self._gaps.take()
            return refused

    def drop_all(self) -> None:
        """Forget what waits, and count it as dropped."""
        with self._lock:
            for route, samples in self._waiting.items():
                self._refused.dropped[route] += len(samples)
            self._waiting.clear()
            self._length = 0

    def _put(self, sample: SampledRequest) -> bool:
        samples = self._waiting.setdefault(sample.route, deque())
        if self._length >= self._limit or len(samples) >= self._limit_per_route:
            if not samples:
                del self._waiting[sample.route]
            return False
        samples.append(sample)
        self._length += 1
        return True
