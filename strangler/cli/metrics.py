"""`strangler metrics`: what the access log says, for Prometheus."""

import fcntl
import json
from pathlib import Path
from typing import Annotated, Final

import typer

from strangler.cli.output import out
from strangler.cli.ramp_run import ramp_log
from strangler.errors import FailedError
from strangler.metrics.access_log import AccessLog
from strangler.metrics.counters import Counters
from strangler.metrics.follower import AccessLogFollower
from strangler.ramp.state import RampFolder
from strangler.rollout.atomic_write import write_durably
from strangler.settings import settings_load

_FILE: Final = "metrics.json"


def metrics(
    log: Annotated[
        Path | None, typer.Option("--log", metavar="FILE", help="Read this access log; else that of strangler up.")
    ] = None,
) -> None:
    """Show the requests, errors and times of each route and stack in Prometheus' text format.

    Counts all that the log and its archives hold by default, and reads on from there when it is called again; for the
    textfile collector of node_exporter, from cron.

    Example: strangler metrics
    """
    settings = settings_load()
    counters = _counted(ramp_log(settings, named=log), settings.state_dir / _FILE)
    for line in counters.lines():
        out.out(line)
    ramp = RampFolder(settings.state_dir / "rollout" / "ramp").read()
    if ramp is not None and not ramp.phase.is_end:
        out.out("# HELP strangler_ramp_percent Callers at the step of the ramp that is under way.")
        out.out("# TYPE strangler_ramp_percent gauge")
        for name in ramp.plan.routes:
            out.out(f'strangler_ramp_percent{{route="{name}"}} {ramp.percent:g}')


def _counted(log: Path, file: Path) -> Counters:
    """The counters of a file, brought up to date with the log; one process at a time.

    :raises FailedError: the file isn't writable.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            counters = _read(file)
            follower = AccessLogFollower(log, counters.position)
            counters.add(AccessLog().requests(follower.lines()))
            counters.position = follower.position
            write_durably(file, json.dumps(counters.as_json()).encode())
            return counters
    except OSError as error:
        message = f"{error.filename or file} isn't writable ({error.strerror})"
        raise FailedError(message, "run as the user who started the stack") from error


def _read(file: Path) -> Counters:
    try:
        return Counters.from_json(json.loads(file.read_bytes()))
    except FileNotFoundError:
        return Counters()
    except (ValueError, KeyError, TypeError) as error:
        raise FailedError(f"{file} holds no counters", "remove it, they are counted anew from the log") from error
