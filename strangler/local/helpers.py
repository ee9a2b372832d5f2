"""Optional programs of the stack: nothing waits for them, and one that ends is started again."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from strangler.errors import FailedError
from strangler.local.process import Child, Program

_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 64.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Helper(Program):
    """A program that no client depends on; `address` is where it listens, for display."""

    address: str
    stop_seconds: float = 5.0


class HelperKeeper:
    """Keeps one helper running; the pause before a restart doubles each time that it ends early.

    Args:
        helper: the program.
        spawn: starts it.
        started: receives the process after each start.
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self,
        helper: Helper,
        *,
        spawn: Callable[[Helper], Child],
        started: Callable[[Child], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._helper = helper
        self._spawn = spawn
        self._started = started
        self._clock = clock
        self._child: Child | None = None
        self._since = 0.0
        self._pause = _FIRST_PAUSE_SECONDS

    def start(self) -> None:
        """Start it; if that fails, it is tried again after a pause."""
        self._since = self._clock()
        try:
            self._child = self._spawn(self._helper)
        except FailedError as error:
            self._ended(str(error))
        else:
            self._started(self._child)

    def restart_if_ended(self) -> None:
        """Log that it has ended, and start it again once its pause is over."""
        if self._child is not None and self._child.exit_code is not None:
            if self._clock() - self._since > _LONGEST_PAUSE_SECONDS:
                self._pause = _FIRST_PAUSE_SECONDS
            self._ended(f"{self._helper.name} ended with code {self._child.exit_code}")
        elif self._child is None and self._clock() - self._since >= self._pause:
            self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
            self.start()

    def stop(self) -> None:
        """End it for good."""
        if self._child is not None:
            self._child.stop(timeout=self._helper.stop_seconds)

    def _ended(self, what: str) -> None:
        if self._child is not None:
            self._child.stop(timeout=0)
        self._child = None
        self._since = self._clock()
        _LOG.info("%s; clients don't need it, and it is started again in %.0f s", what, self._pause)
