"""Which cores of the machine a process may use."""

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

import psutil

from strangler.errors import UsageError


@contextmanager
def alone_on_a_core(process: psutil.Process, *, others: Iterable[psutil.Process]) -> Iterator[None]:
    """The first core for `process` and its children only, the rest for `others`, this program, and what it starts.

    :raises UsageError: there is one core only, or the system doesn't let a program choose.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise UsageError("this system keeps no process on a core: measure on Linux.")
    every = os.sched_getaffinity(0)
    first, *rest = sorted(every)
    if not rest:
        raise UsageError("there is one core only: measure where there are two.")
    everything = [psutil.Process(), process, *others]
    _keep(everything, rest)
    _keep([process], [first])
    try:
        yield
    finally:
        _keep(everything, every)


def _keep(processes: Iterable[psutil.Process], cores: Collection[int]) -> None:
    """Keep every thread of these and their children on `cores`; what a thread starts later stays there too."""
    for process in processes:
        # What has ended, as PostgreSQL's helpers and any thread may at any time, needs no core.
        with contextlib.suppress(psutil.NoSuchProcess):
            for member in (process, *process.children(recursive=True)):
                _keep_threads(member, cores)


def _keep_threads(process: psutil.Process, cores: Collection[int]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        for thread in process.threads():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread.id, cores)
