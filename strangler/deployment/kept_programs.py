"""The programs that a stack on this machine keeps running, and the state file that says which they are."""

import logging
from collections.abc import Callable
from dataclasses import replace

from strangler.local.children import Children
from strangler.local.keeper import Keeper
from strangler.local.process import Child, Program
from strangler.local.services import PostgresProbe, Probe
from strangler.local.state import ProcessRecord, StackState, StateFolder, not_writable

_LOG = logging.getLogger(__name__)


class KeptPrograms:
    """Starts programs, and keeps the state file true of each start and end of theirs."""

    def __init__(self, children: Children, *, state: StackState, folder: StateFolder) -> None:
        self._children = children
        self._state = state
        self._folder = folder

    def start(
        self,
        program: Program,
        *,
        address: str,
        probe: Probe | PostgresProbe | None = None,
        spawn: Callable[[Program], Child] | None = None,
    ) -> Keeper:
        """Start a program, and keep the state file true of it.

        :param address: where it listens, for display.
        :param probe: whether it is ready; None where there is no way to ask.
        :param spawn: starts it where that takes more than its command.
        :raises FailedError: a service can't be started.
        """

        def record(keeper: Keeper) -> None:
            child, services = keeper.child, self._state.services
            if child is not None:
                services[program.name] = ProcessRecord(
                    pid=child.pid,
                    create_time=child.create_time,
                    address=address,
                    probe=probe,
                    restarts=keeper.restarts,
                    last_end=keeper.last_end,
                )
            elif program.name in services:
                services[program.name] = replace(services[program.name], last_end=keeper.last_end)
            self.write()

        return self._children.start(program, spawn=spawn, changed=record)

    def forget(self, keeper: Keeper) -> None:
        """Start a program no more, and leave it out of the state file; the caller ends it."""
        self._children.leave(keeper)
        self._state.services.pop(keeper.program.name, None)
        self.write()

    def restore(self) -> None:
        """Write the state file again where it was removed or garbled: without it, `down` finds nothing to end."""
        if self._folder.path.is_dir() and self._folder.read() is None:
            self.write()

    def write(self) -> None:
        """Have the state file say what is so."""
        try:
            self._folder.write(self._state)
        except OSError as error:
            # Services that run, or are to run again, don't end because a disk is full.
            if self._state.phase != "ready":
                raise
            _LOG.warning("%s", not_writable(self._folder.path, error))
