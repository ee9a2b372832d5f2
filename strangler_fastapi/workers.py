"""uvicorn's workers share memory: they are forked from a main process that has made the application.

uvicorn itself starts each of several workers as a new Python, which imports everything again (docs/benchmark.md).
"""

import logging
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkProcess
from pathlib import Path
from socket import socket
from typing import Any, Final

from uvicorn import Config
from uvicorn._subprocess import get_subprocess
from uvicorn.supervisors import multiprocess

_LOG: Final = logging.getLogger(__name__)


def fork_workers() -> None:
    """Has `uvicorn.run(workers=…)` fork its workers in this process, on Linux; to be called before it.

    The main process makes the application once, before its first worker, so a worker that is started again runs the
    same code. An application that has begun a thread or opened a connection by then can't be shared: each worker makes
    its own, as with uvicorn itself. What needs either begins in the application's lifespan.
    """
    if sys.platform == "linux":
        multiprocess.get_subprocess = _forked  # type: ignore[attr-defined] # by what name it starts them


class _Worker(ForkProcess):
    """A forked process that takes signals as a new one does."""

    def start(self) -> None:
        # One that comes before `run` waits until then: the handlers of the main process would only note it there.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, multiprocess.SIGNALS)
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def run(self) -> None:
        for number in multiprocess.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, multiprocess.SIGNALS)
        super().run()


def _forked(config: Config, target: Callable[..., None], sockets: list[socket]) -> Any:  # noqa: ANN401 - of either kind
    if not config.loaded:
        unloaded, before = dict(vars(config)), _unshareable()
        config.load()
        if begun := _unshareable() - before:
            _LOG.warning(
                "each worker makes the application anew, which takes more memory, since making it begins %s:"
                " do that in its lifespan",
                ", ".join(sorted(begun)),
            )
            vars(config).clear()
            vars(config).update(unloaded)
            multiprocess.get_subprocess = get_subprocess  # type: ignore[attr-defined] # as above
            return get_subprocess(config, target, sockets)
    return _Worker(target=target, kwargs={"sockets": sockets})


def _unshareable() -> set[str]:
    """The threads of this process, which a fork ends, and its sockets and event loops, which a fork would share."""
    names = {str(thread.native_id): thread.name for thread in threading.enumerate()}
    threads = {f"the thread {names.get(task.name, task.name)}" for task in Path("/proc/self/task").iterdir()}
    files = set()
    for file in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the folder itself
            files.add(str(file.readlink()))
    return threads | {file for file in files if file.startswith(("socket:", "anon_inode:[event"))}
