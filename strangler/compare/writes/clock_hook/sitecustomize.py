"""Imported by Python itself at the start of each process of a copy's server, which then runs at a case file's clock.

It is found by `PYTHONPATH`, and imports what it hides: a `sitecustomize` of the service's own environment.
"""

import contextlib
import importlib
import os
import sys
import time
from pathlib import Path


def _clock_set(seconds: float) -> None:
    """Have this process see a time that lies so many seconds after the real one, and goes on like it."""
    # It imports pytest where that is installed, which some settings take for a test that runs.
    sys.modules["pytest"] = None  # type: ignore[assignment] # an import of it fails
    try:
        import time_machine
    except ImportError:
        sys.stderr.write("a case file has a clock, which needs time-machine in this environment: install it there\n")
        sys.stderr.flush()
        # An exception would be printed, and Python would go on.
        os._exit(1)
    finally:
        del sys.modules["pytest"]
    time_machine.travel(time.time() + seconds, tick=True).start()


def _hidden_import() -> None:
    own = Path(__file__).parent
    sys.path[:] = [each for each in sys.path if Path(each) != own]
    del sys.modules["sitecustomize"]
    with contextlib.suppress(ImportError):
        importlib.import_module("sitecustomize")


_clock_set(float(os.environ["STRANGLER_CLOCK"]))
Path(os.environ["STRANGLER_CLOCK_SEEN"]).touch()
_hidden_import()
