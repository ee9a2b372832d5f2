"""The child processes of one stack: starts and watches them, and ends them in reverse order."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from strangler.errors import FailedError
from strangler.local.helpers import Helper, HelperKeeper
from strangler.local.logs import log_failure
from strangler.local.process import Child, Program, child_start
from strangler.local.services import Service, probe_answers

READY_SECONDS: Final = 60.0
COMMAND_SECONDS: Final = 600.0
_POLL_SECONDS: Final = 0.05


class Children:
    """Starts programs whose output goes to `<logs>/<name>.log`.

    `check` is called during waits; what it raises ends the wait.
    """

    def __init__(self, *, logs: Path, check: Callable[[], None]) -> None:
        self.logs = logs
        self.check = check
        self._running: list[tuple[Child, float]] = []
        self._helpers: list[HelperKeeper] = []

    def adopt(self, child: Child, *, stop_seconds: float) -> None:
        """Watch and end a child that was started elsewhere."""
        self._running.append((child, stop_seconds))

    def start(self, service: Service) -> Child:
        """Start a service without waiting for it."""
        child = self._spawn(service)
        self.adopt(child, stop_seconds=service.stop_seconds)
        return child

    def keep(self, helper: Helper, *, started: Callable[[Child], None]) -> None:
        """Start a helper, and start it again whenever it has ended and `require_running` is called."""
        keeper = HelperKeeper(helper, spawn=self._spawn, started=started)
        self._helpers.append(keeper)
        keeper.start()

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
            raise self._failed(program.name, f"ended with code {child.exit_code}")

    def wait_until_ready(self, services: Sequence[Service]) -> None:
        """Wait until each service answers its probe.

        :raises FailedError: names the first that ended, or did not answer within a minute.
        """
        waiting = list(services)
        deadline = time.monotonic() + READY_SECONDS
        while waiting:
            self.check()
            self.require_running()
            waiting = [service for service in waiting if not probe_answers(service.probe)]
            if waiting and time.monotonic() > deadline:
                raise self._failed(waiting[0].name, f"wasn't ready within {READY_SECONDS:.0f} s")
            if waiting:
                time.sleep(_POLL_SECONDS)

    def require_running(self) -> None:
        """Refuse a child that has ended; helpers are started again.

        :raises FailedError: names the child, with the end of its log.
        """
        for keeper in self._helpers:
            keeper.restart_if_ended()
        for child, _seconds in self._running:
            if child.exit_code is not None:
                raise self._failed(child.name, f"ended with code {child.exit_code}")

    def stop(self) -> None:
        """End every child, helpers first, then the youngest."""
        while self._helpers:
            self._helpers[-1].stop()
            self._helpers.pop()
        while self._running:
            child, seconds = self._running[-1]
            child.stop(timeout=seconds)
            self._running.pop()

    def _spawn(self, program: Program) -> Child:
        log = self.logs / f"{program.name}.log"
        return child_start(name=program.name, argv=program.argv, env=program.env, cwd=program.cwd, log_path=log)

    def _failed(self, name: str, what: str) -> FailedError:
        return log_failure(name, what, self.logs / f"{name}.log")
