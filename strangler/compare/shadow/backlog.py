"""The bounded queue in which samples wait, and what did not get in."""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from strangler.compare.shadow.sample import SampledRequest, SampleError, sample_parse

# nginx's workers send side by side, so a number may come after a higher one.
_LATE: Final = 10_000
# After a restart of nginx the numbers go on much higher.
_RESTART: Final = 10_000_000


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
