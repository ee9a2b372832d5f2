"""Programs that are kept running: one that ends is started again, after a pause that grows.

A loop of our own, since the supervisor runs anyway: systemd isn't in containers nor on every developer's machine, and
supervisor and circus bring a daemon with a control socket of its own. `docs/production.md` has units for systemd.
"""

import datetime as dt
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from strangler.errors import FailedError
from strangler.local.ending import ending_text
from strangler.local.process import Child, Program

# The first restart follows at once; then the pause doubles each time that the program ends early.
_SHORTEST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 64.0
# Workers that see that their main process has ended may end too; gunicorn's look for it each second.
_ORPHANS_SETTLE_SECONDS: Final = 2.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Helper(Program):
    """A program that no client depends on; `address` is where it listens, for display."""

    address: str
    stop_seconds: float = 5.0


class Keeper:
    """Keeps one program running.

    Args:
        program: what is kept.
        spawn: starts the program that it is given.
        changed: called with this keeper after each start, and after each end.
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self,
        program: Program,
        *,
        spawn: Callable[[Program], Child],
        changed: Callable[["Keeper"], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.program = program
        self.child: Child | None = None
        self.restarts = 0
        # When and how it ended last; empty if it never did.
        self.last_end = ""
        self._spawn = spawn
        self._changed = changed
        self._clock = clock
        self._since = 0.0
        self._pause = 0.0
        self._asked = False
        self._leaves = False
        self._still_serves: Callable[[], bool] = lambda: False
        # Its main process has ended, and the others of its group serve without it.
        self.is_orphaned = False
        self._served_at = 0.0

    @property
    def is_helper(self) -> bool:
        """Whether clients can do without it."""
        return isinstance(self.program, Helper)

    @property
    def ending(self) -> str:
        """How it ended and wasn't started again yet; empty while it runs."""
        code = self.child.exit_code if self.child is not None else None
        return "" if code is None else ending_text(code)

    @property
    def wants_replacement(self) -> bool:
        """Whether it serves without its main process, has done so for a moment, and no attempt was made just now."""
        return self.is_orphaned and self._clock() - self._since >= max(self._pause, _ORPHANS_SETTLE_SECONDS)

    def let_orphans_serve(self, still_serves: Callable[[], bool]) -> None:
        """Have processes that answer without their main process go on; the caller replaces them (wants_replacement)."""
        self._still_serves = still_serves

    def replacement_begins(self) -> None:
        """Note an attempt to replace it; the pause before another one grows."""
        self._since = self._clock()
        self._pause_grow()

    def start(self) -> None:
        """Start it.

        :raises FailedError: it can't be started.
        """
        self._since = self._clock()
        self.child = self._spawn(self.program)
        self._changed(self)

    def start_or_retry(self) -> None:
        """Start it; if that fails, it is tried again after a pause."""
        try:
            self.start()
        except FailedError as error:
            self._ended(str(error).rstrip("."))

    def restart_if_ended(self) -> None:
        """Start it again where it has ended: at once where that was asked for, else log it, and wait for its pause."""
        if self._leaves:
            return
        if self.ending and self._asked:
            self.restarts += self.is_orphaned
            self._asked, self._pause = False, 0.0
            self._clear()
            self.start_or_retry()
        elif self.child is not None and (ending := self.ending) and not self._goes_on_without(self.child, ending):
            if self._clock() - self._since > _LONGEST_PAUSE_SECONDS:
                self._pause = 0.0
            self._ended(f"{self.program.name} {ending}")
        if self.child is None and self._clock() - self._since >= self._pause:
            self._pause_grow()
            self.restarts += 1
            self.start_or_retry()

    def ask_restart(self) -> None:
        """Have it end by its stop signal; it is started again then, at once, which counts as no failure."""
        self._pause = 0.0
        if self.child is not None:
            self._asked = True
            self.child.process.send_signal(self.program.stop_signal)

    def ask_end(self) -> None:
        """Have it end by its stop signal, and start it no more."""
        self._leaves = True
        if self.child is not None:
            self.child.process.send_signal(self.program.stop_signal)

    def stop(self) -> None:
        """End it for good."""
        if self.child is not None:
            self.child.stop(timeout=self.program.stop_seconds)

    def _goes_on_without(self, child: Child, ending: str) -> bool:
        """Whether the others of its group serve without the main process, which has ended."""
        was_orphaned, now = self.is_orphaned, self._clock()
        if not was_orphaned or now - self._served_at >= _ORPHANS_SETTLE_SECONDS:
            self._served_at = now
            self.is_orphaned = self._still_serves()
        self.is_orphaned = self.is_orphaned and child.group_runs
        if self.is_orphaned and not was_orphaned:
            if now - self._since > _LONGEST_PAUSE_SECONDS:
                self._pause = 0.0
            self._end_note(f"{self.program.name} {ending}")
            _LOG.info("%s %s; its workers serve until another is ready", self.program.name, ending)
            self._changed(self)
        return self.is_orphaned

    def _end_note(self, what: str) -> None:
        self._since = self._clock()
        self.last_end = f"{what} at {dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"

    def _pause_grow(self) -> None:
        self._pause = min(max(2 * self._pause, _SHORTEST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)

    def _ended(self, what: str) -> None:
        self._clear()
        self._end_note(what)
        again = f"in {self._pause:.0f} s" if self._pause else "at once"
        _LOG.info("%s%s; it is started again %s", what, ", which clients don't need" * self.is_helper, again)
        self._changed(self)

    def _clear(self) -> None:
        if self.child is not None:
            # What is left of its group would keep the port.
            self.child.stop(timeout=0)
        self.child = None
        self.is_orphaned = False
