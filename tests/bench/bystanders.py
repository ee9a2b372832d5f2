"""What programs that have no part in a benchmark take of the machine's cores."""

import resource
import time

import psutil

from tests.bench.processes import cpu_seconds


class Bystanders:
    """All programs but this one and those that it has started."""

    def __init__(self) -> None:
        self._since, self._taken = _look()

    def cores(self) -> float:
        """So many cores they have kept busy since the last call, or since the beginning."""
        since, taken = self._since, self._taken
        self._since, self._taken = _look()
        return max(0.0, (self._taken - taken) / (self._since - since))


def _look() -> tuple[float, float]:
    times, ended = psutil.cpu_times(), resource.getrusage(resource.RUSAGE_CHILDREN)
    ours = cpu_seconds([psutil.Process()]) + ended.ru_utime + ended.ru_stime
    return time.monotonic(), times.user + times.nice + times.system + getattr(times, "steal", 0.0) - ours
