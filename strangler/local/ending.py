"""How a process ended, and the signal that ends it with its parent; imports little, for the shadow worker's memory."""

import ctypes
import signal
import sys
from collections.abc import Callable
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def ending_text(exit_code: int) -> str:
    """How a process ended: `ended with code 1`, `was ended by SIGKILL`."""
    if exit_code >= 0:
        return f"ended with code {exit_code}"
    return f"was ended by {signal.Signals(-exit_code).name}"


def signal_on_parent_death(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """A hook that has the kernel end the child when the supervisor is killed; None where there is no prctl."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl

    def hook() -> None:
        prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)

    return hook
