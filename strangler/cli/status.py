"""`strangler status`: what of the stack runs, who answers, and how each stack does."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.table import Table

from strangler.cli.moves import rollout_read
from strangler.cli.output import json_print, note, out, say
from strangler.cli.ramp_text import ramp_json, ramp_show
from strangler.cli.traffic import traffic_measure
from strangler.errors import UsageError, many
from strangler.gateway.interface import Ejection, ejection_read
from strangler.local.state import ProcessRecord, StateFolder
from strangler.project import project_load
from strangler.ramp.state import RampFolder
from strangler.rollout.rollout import Rollout
from strangler.routes.route import Route


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """One line of the table.

    Attributes:
        state: ready, running (not answering yet), or ended.
        workers: processes below its main one.
        restarts: how often it was started again since strangler up.
        last_end: how and when it ended last; empty if it never did.
    """

    service: str
    pid: int
    address: str
    state: str
    uptime_seconds: int
    workers: int
    restarts: int
    last_end: str


def status(
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=60, help="Measure the last minutes.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what runs, who answers, and how each stack has done lately: rate, errors, times; and the ramp.

    Measures the last five minutes by default, changes nothing, and exits with 1 unless all services are ready.

    Example: strangler status --minutes 15
    """
    if not status_show(minutes=minutes, as_json=as_json):
        raise SystemExit(1)


def status_show(*, minutes: int, as_json: bool = False) -> bool:
    """Print it; gives whether all services are ready."""
    folder = project_load().state
    state = StateFolder(folder).read()
    rollout, interrupted = rollout_read()
    rows = [_status_of(name, record) for name, record in state.services.items()] if state else []
    traffic = traffic_measure(folder / "logs" / "nginx.log", minutes=minutes)
    routes = _running(rollout)
    ejection = ejection_read(rollout.gateway.url)
    ramps = RampFolder(rollout.folder.path / "ramp")
    ramp = ramps.read()
    if as_json:
        document = {
            "recovery_due": interrupted is not None,
            "services": [asdict(row) for row in rows],
            "without_django": state is not None and state.without_django,
            "traffic": traffic.as_json(),
            "ejection": ejection and asdict(ejection),
            "ramp": ramp and {**ramp_json(ramp), "watched": ramps.runs},
        }
        json_print(document)
    else:
        _show(rows)
        if state is not None and state.without_django:
            note("FastAPI answers both APIs, and no Django was started: strangler up brings it back")
        if state is not None and state.supervisor.find() is None:
            note(
                f"the supervisor (pid {state.supervisor.pid}) has ended, so nothing is started again: run strangler up"
            )
        traffic.show(routes)
        if ejection is not None and ejection.ejections:
            say(_ejection_text(ejection))
        if ramp is not None:
            ramp_show(ramp, watched=ramps.runs)
    return state is not None and state.phase == "ready" and all(row.state == "ready" for row in rows)


def _running(rollout: Rollout) -> Sequence[Route]:
    """The routes as they run; none where nothing was applied yet."""
    try:
        return rollout.running()[1].routes
    except UsageError:
        return ()


def _status_of(name: str, record: ProcessRecord) -> ServiceStatus:
    process = record.find()
    if process is None:
        what = "ended"
    elif record.probe is None or record.probe.answers():
        what = "ready"
    else:
        what = "running"
    return ServiceStatus(
        service=name,
        pid=record.pid,
        address=record.address,
        state=what,
        uptime_seconds=round(time.time() - record.create_time) if process else 0,
        workers=len(process.children()) if process else 0,
        restarts=record.restarts,
        last_end=record.last_end,
    )


def _ejection_text(ejection: Ejection) -> str:
    times = many(ejection.ejections, "ejection")
    if ejection.ejected:
        return f"ejected  FastAPI is out of reads since {ejection.since} ({times}), until its health check answers"
    return f"ejected  FastAPI is in again, and was out last from {ejection.since} ({times} since nginx started)"


def _show(rows: list[ServiceStatus]) -> None:
    if not rows:
        say("nothing runs: start it with strangler up")
        return
    if not out.is_terminal:
        for row in rows:
            say(f"{row.service} {row.pid} {row.address} {row.state} {row.uptime_seconds}s {_restarts(row)}".rstrip())
        return
    table = Table("service", "pid", "workers", "address", "state", "uptime", "restarts", box=None)
    for row in rows:
        colour = "green" if row.state == "ready" else "red"
        table.add_row(
            row.service,
            str(row.pid),
            str(row.workers or ""),
            row.address,
            f"[{colour}]{row.state}[/]",
            f"{row.uptime_seconds} s",
            _restarts(row),
        )
    out.print(table)


def _restarts(row: ServiceStatus) -> str:
    return f"{row.restarts}, {row.last_end}" if row.last_end else ""
