"""`strangler top`: the screen of `strangler status`, renewed until Ctrl-C."""

import time
from typing import Annotated, Final

import typer
from rich.live import Live
from rich.text import Text

from strangler.cli.output import err, out
from strangler.cli.status import status_show
from strangler.errors import StranglerError, UsageError
from strangler.local.process import StopRequested, StopSignals

_POLL_SECONDS: Final = 0.1


def top(
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=60, help="Measure the last minutes.")] = 5,
    every: Annotated[float, typer.Option("--every", metavar="SECONDS", min=1, help="Renew it so often.")] = 2.0,
) -> None:
    """Show what strangler status does on a screen that renews itself, until Ctrl-C.

    Measures the last five minutes by default, each two seconds, and changes nothing.

    Example: strangler top --minutes 15
    """
    if not out.is_terminal:
        raise UsageError("top needs a terminal", "run strangler status")
    with StopSignals() as signals, Live(console=out, screen=True, auto_refresh=False) as live:
        try:
            while True:
                shown = time.monotonic()
                live.update(_screen(minutes), refresh=True)
                while time.monotonic() < shown + every:
                    signals.check()
                    time.sleep(_POLL_SECONDS)
        except StopRequested:
            return


def _screen(minutes: int) -> Text:
    """What `strangler status` prints now, with its notes below; what keeps it from that is a sentence."""
    with out.capture() as result, err.capture() as notes:
        try:
            status_show(minutes=minutes)
        except StranglerError as error:
            err.print(Text(str(error)))
    moment = time.strftime("%H:%M:%S")
    return Text.from_ansi(f"strangler top  {moment}, Ctrl-C ends it\n\n{result.get()}{notes.get()}")
