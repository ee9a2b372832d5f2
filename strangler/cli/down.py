"""`strangler down`: end the stack of this checkout."""

import contextlib

import psutil

from strangler.cli.output import say
from strangler.errors import FailedError
from strangler.local.state import StateFolder, stale_end
from strangler.project import project_load

_STOP_SECONDS = 90.0


def down() -> None:
    """End the stack of strangler up, or what a killed run left of it.

    Keeps the database and the history. Does nothing if nothing runs.

    Example: strangler down
    """
    folder = StateFolder(project_load().state)
    state = folder.read()
    if state is None:
        say("nothing runs")
        return
    supervisor = state.supervisor.find()
    if supervisor is not None:
        _supervisor_end(supervisor)
    with folder.locked():
        stale_end(folder)
    say("ended")


def _supervisor_end(supervisor: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        supervisor.terminate()
        try:
            supervisor.wait(_STOP_SECONDS)
        except psutil.TimeoutExpired as error:
            message = f"the supervisor (pid {supervisor.pid}) did not end within {_STOP_SECONDS:.0f} s"
            raise FailedError(message, "kill it") from error
        except psutil.AccessDenied as error:
            raise FailedError(f"the stack runs as {supervisor.username()}", "end it as that user") from error
