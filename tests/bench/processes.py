"""The processes of the stack: how much they work, and whether they still do."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

import psutil

from strangler.errors import FailedError

_DEADLINE_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.2
_QUIET_LOOKS: Final = 2
# Of one core; an idle stack takes a hundredth.
_IDLE_SHARE: Final = 0.1


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """What these processes and their children have taken of the cores since they were started."""
    total = 0.0
    for process in processes:
        for member in (process, *process.children(recursive=True)):
            # PostgreSQL's helpers come and go.
            with contextlib.suppress(psutil.NoSuchProcess):
                times = member.cpu_times()
                total += times.user + times.system
    return total


def settle(processes: Sequence[psutil.Process], *, check: Callable[[], None]) -> None:
    """Return once they have worked off what a load left behind: wrk hangs up on the requests that are under way.

    :raises FailedError: they still work after a minute.
    """
    deadline = time.monotonic() + _DEADLINE_SECONDS
    before, quiet = cpu_seconds(processes), 0
    while quiet < _QUIET_LOOKS:
        if time.monotonic() > deadline:
            raise FailedError("a stack still works a minute after the load: read the logs in .run/bench.")
        check()
        time.sleep(_LOOK_SECONDS)
        now = cpu_seconds(processes)
        quiet = quiet + 1 if now - before < _IDLE_SHARE * _LOOK_SECONDS else 0
        before = now
