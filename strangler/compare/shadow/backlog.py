"""Samples that wait to be compared: bounded, each route in its turn, and what has no room is counted."""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from strangler.compare.shadow.inbox import Gaps
from strangler.compare.shadow.sample import Sample, SampleError, sample_parse


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
        self._waiting: dict[str, deque[Sample]] = {}
        self._length = 0
        self._refused = Refused()
        self._gaps = Gaps()
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

    async def next(self) -> Sample:
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

    def drop(self, sample: Sample) -> None:
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

    def _put(self, sample: Sample) -> bool:
        samples = self._waiting.setdefault(sample.route, deque())
        if self._length >= self._limit or len(samples) >= self._limit_per_route:
            if not samples:
                del self._waiting[sample.route]
            return False
        samples.append(sample)
        self._length += 1
        return True
