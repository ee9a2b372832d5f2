"""Turns the signals that ask the supervisor to end into an exception at a place that is safe for it."""

import signal
from types import FrameType, TracebackType
from typing import Final, Self

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal: no error, and nothing but the supervisor may catch it."""


class StopSignals:
    """Inside the block those signals only set a flag, so that none arrives between a fork and its bookkeeping."""

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type] # what signal.signal gave is what it takes

    def check(self) -> None:
        """Raise StopRequested if a signal has come."""
        if self.requested:
            raise StopRequested

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
