"""Ends what a killed supervisor left running, and nothing else."""

import contextlib
import signal

import psutil

from strangler.local.state import StateFolder

_STOP_SECONDS = 15.0


def stale_end(folder: StateFolder) -> list[str]:
    """End the services that the state file names and that still run; returns their names.

    The caller holds the folder's lock, so nobody supervises them.
    """
    state = folder.read()
    if state is None:
        return []
    found = {name: process for name, record in state.services.items() if (process := record.find())}
    # In reverse order of their start: nginx first, PostgreSQL last.
    for name in reversed(found):
        _group_end(found[name], stop_signal=signal.SIGINT if name == "postgres" else signal.SIGTERM)
    folder.forget()
    return list(found)


def _group_end(leader: psutil.Process, *, stop_signal: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        members = [leader, *leader.children(recursive=True)]
        leader.send_signal(stop_signal)
        _gone, alive = psutil.wait_procs(members, timeout=_STOP_SECONDS)
        # psutil compares creation times before it signals, so a reused id is left alone.
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=_STOP_SECONDS)
