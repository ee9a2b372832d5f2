"""`strangler logs`: the logs of the services."""

import time
from typing import Annotated

import typer

from strangler.cli.output import log_line
from strangler.errors import UsageError
from strangler.local.logs import LogTail, log_names, log_tail
from strangler.local.process import StopRequested, StopSignals
from strangler.local.state import StateFolder
from strangler.project import project_load

_POLL_SECONDS = 0.2


def logs(
    service: Annotated[str | None, typer.Argument(help="Show only this one, such as django; all by default.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the logs until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Show this many lines of each.")] = 20,
) -> None:
    """Show the last lines of each service's log.

    Shows 20 lines of every service by default.

    Example: strangler logs django --follow
    """
    folder = StateFolder(project_load().state).logs
    names = log_names(folder)
    if not names:
        raise UsageError("there are no logs yet", "start the stack with strangler up")
    if service is not None and service not in names:
        raise UsageError(f"there is no log of {service!r}", f"choose one of {', '.join(names)}")
    follower = LogTail(folder)
    follower.skip()
    for name in [service] if service else names:
        for line in log_tail(folder / f"{name}.log", lines=lines):
            log_line(name, line)
    if follow:
        _follow(follower, service or "*")


def _follow(follower: LogTail, service: str) -> None:
    with StopSignals() as signals:
        try:
            while True:
                for name, line in follower.new_lines(service):
                    log_line(name, line)
                signals.check()
                time.sleep(_POLL_SECONDS)
        except StopRequested:
            return
