"""Work in a short-lived copy of this process: what it imports and builds takes no memory of what stays."""

import os
import pickle
import select
import signal
import sys
import time
from collections.abc import Callable
from traceback import format_exception
from typing import Any, Final, NoReturn, TypeVar

from strangler.errors import FailedError, StranglerError
from strangler.local.ending import ending_text, signal_on_parent_death

_POLL_SECONDS: Final = 0.05
_END_SECONDS: Final = 15.0
Result = TypeVar("Result")


def run_apart(work: Callable[[], Result], *, meanwhile: Callable[[], None] = lambda: None) -> Result:
    """Do `work` in a fork of this process, and give what it gives; nothing else that it changes is seen here.

    :param meanwhile: called again and again while it lasts; what it raises ends the work.
    :raises BaseException: what `work` raised.
    :raises FailedError: the copy was killed.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    hook = signal_on_parent_death(signal.SIGKILL)
    if (pid := os.fork()) == 0:
        if hook is not None:
            hook()
        _work(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        try:
            while not select.select([answer], [], [], _POLL_SECONDS)[0]:
                meanwhile()
            said = answer.read()
        except BaseException:
            _end(pid)
            raise
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if not said:
        raise FailedError(f"a step of the start {ending_text(code)}", "free some of the machine's memory and try again")
    result, raised = pickle.loads(said)  # noqa: S301 - written by the copy of this process
    if raised is not None:
        raise raised
    return result  # type: ignore[no-any-return] # what `work` gave


def _work(work: Callable[[], Any], writing: int) -> NoReturn:
    """Do it and end, without what this process does at its own end."""
    try:
        said = _said(work)
        sys.stdout.flush()
        sys.stderr.flush()
        with os.fdopen(writing, "wb") as answer:
            answer.write(said)
    finally:
        os._exit(0)


def _said(work: Callable[[], Any]) -> bytes:
    """What it gives, and what it raises."""
    try:
        return pickle.dumps((work(), None))
    except BaseException as error:  # noqa: BLE001 - all of it is raised by who waits
        if not isinstance(error, StranglerError):
            error.add_note("".join(format_exception(error)))
        try:
            said = pickle.dumps((None, error))
            pickle.loads(said)  # noqa: S301 - written by this process
        except Exception:  # noqa: BLE001 - one that can't be passed on is passed on as its text
            said = pickle.dumps((None, RuntimeError("".join(format_exception(error)))))
        return said


def _end(pid: int) -> None:
    """Have it end what it has started, and kill it where it takes long."""
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _END_SECONDS
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
