"""Waits until a stack has worked off what a load left behind: wrk hangs up on the requests that are under way."""

import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Final

import psutil

from strangler.errors import FailedError

_DEADLINE_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.2
_QUIET_LOOKS: Final = 2
# Of one core; an idle stack takes a hundredth.
_IDLE_SHARE: Final = 0.1


def settle(pids: Iterable[int], *, check: Callable[[], None]) -> None:
    """Return once these processes and their children have been idle for some looks in a row.

    :raises FailedError: they still work after a minute.
    """
    deadline = time.monotonic() + _DEADLINE_SECONDS
    watched = [psutil.Process(pid) for pid in pids]
    before, quiet = _cpu_seconds(watched), 0
    while quiet < _QUIET_LOOKS:
        if time.monotonic() > deadline:
            raise FailedError("a stack still works a minute after the load: read the logs in .run/bench.")
        check()
        time.sleep(_LOOK_SECONDS)
        now = _cpu_seconds(watched)
        quiet = quiet + 1 if now - before < _IDLE_SHARE * _LOOK_SECONDS else 0
        before = now


def _cpu_seconds(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        for member in (process, *process.children(recursive=True)):
            # PostgreSQL's helpers come and go.
            with contextlib.suppress(psutil.NoSuchProcess):
                times = member.cpu_times()
                total += times.user + times.system
    return total
