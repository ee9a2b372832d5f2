"""The child processes of one stack: starts and watches them, and ends them in reverse order."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from strangler.errors import FailedError, UsageError
from strangler.local.ending import ending_text
from strangler.local.keeper import Keeper
from strangler.local.logs import log_failure
from strangler.local.process import Child, Program, child_start
from strangler.local.services import Service

COMMAND_SECONDS: Final = 600.0
_POLL_SECONDS: Final = 0.05


class Children:
    """Starts programs whose output goes to `<logs>/<name>.log`.

    `check` is called during waits; what it raises ends the wait. A service has `ready_seconds` to answer its probe.
    """

    def __init__(self, *, logs: Path, check: Callable[[], None], ready_seconds: int = 60) -> None:
        self.logs = logs
        self.check = check
        self._ready_seconds = ready_seconds
        self._keepers: list[Keeper] = []

    def start(
        self,
        program: Program,
        *,
        spawn: Callable[[Program], Child] | None = None,
        changed: Callable[[Keeper], None] = lambda _keeper: None,
    ) -> Keeper:
        """Start a service or a helper without waiting for it.

        :param spawn: starts it where that takes more than its command.
        :param changed: called after each start and each end of it.
        :raises FailedError: a service can't be started; a helper is tried again.
        """
        keeper = Keeper(program, spawn=spawn or self._spawn, changed=changed)
        self._keepers.append(keeper)
        if keeper.is_helper:
            keeper.start_or_retry()
        else:
            keeper.start()
        return keeper

    def keeper(self, name: str) -> Keeper:
        """Who keeps the program of that name.

        :raises UsageError: there is none.
        """
        for keeper in self.keepers(name):
            return keeper
        raise UsageError(f"{name} isn't started here", "deploy it where it runs")

    def keepers(self, name: str) -> list[Keeper]:
        """Who keep programs of that name."""
        return [keeper for keeper in self._keepers if keeper.program.name == name]

    def leave(self, keeper: Keeper) -> None:
        """Start it no more; the caller ends it."""
        if keeper in self._keepers:
            self._keepers.remove(keeper)

    def run(self, program: Program) -> None:
        """Run a command to its end.

        :raises FailedError: it ended with another code than 0, or not within ten minutes.
        """
        child = self._spawn(program)
        deadline = time.monotonic() + COMMAND_SECONDS
        try:
            while child.exit_code is None:
                self.check()
                if time.monotonic() > deadline:
                    raise self._failed(program.name, f"did not end within {COMMAND_SECONDS:.0f} s")
                time.sleep(_POLL_SECONDS)
        finally:
            child.stop(timeout=program.stop_seconds)
        if child.exit_code != 0:
            raise self._failed(program.name, ending_text(child.exit_code or 0))

    def wait_until_ready(self, services: Sequence[Service]) -> None:
        """Wait until each service answers its probe.

        :raises FailedError: names the first that ended, or did not answer within `ready_seconds`.
        """
        waiting = list(services)
        deadline = time.monotonic() + self._ready_seconds
        while waiting:
            self.check()
            self.require_running()
            waiting = [service for service in waiting if not service.probe.answers()]
            if waiting and time.monotonic() > deadline:
                why = waiting[0].probe.refusal() or "it is now"
                raise self._failed(
                    waiting[0].name, f"wasn't ready within the {self._ready_seconds} s of READY_SECONDS ({why})"
                )
            if waiting:
                time.sleep(_POLL_SECONDS)

    def require_running(self) -> None:
        """Refuse a service that has ended; helpers are started again.

        :raises FailedError: names the service, with the end of its log.
        """
        for keeper in self._keepers:
            if keeper.is_helper:
                keeper.restart_if_ended()
            elif keeper.ending:
                raise self._failed(keeper.program.name, keeper.ending)

    def restart_ended(self) -> None:
        """Start again whatever has ended, once its pause is over."""
        for keeper in self._keepers:
            keeper.restart_if_ended()

    def stop(self) -> None:
        """End every child, helpers first, then the youngest."""
        while self._keepers:
            keeper = next((each for each in self._keepers if each.is_helper), self._keepers[-1])
            keeper.stop()
            self._keepers.remove(keeper)

    def _spawn(self, program: Program) -> Child:
        log = self.logs / f"{program.name}.log"
        return child_start(
            name=program.name,
            argv=program.argv,
            env=program.env,
            cwd=program.cwd,
            log_path=log,
            stop_signal=program.stop_signal,
        )

    def _failed(self, name: str, what: str) -> FailedError:
        return log_failure(name, what, self.logs / f"{name}.log")
