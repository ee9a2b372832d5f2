"""`strangler status`: what of the stack runs, and whether it answers."""

import json
import time
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.table import Table

from strangler.cli.output import note, out, say
from strangler.local.state import ProcessRecord, StateFolder
from strangler.project import project_load
from strangler.rollout.state_dir import RolloutFolder


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
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Show the process, address and state of each service of strangler up.

    Changes nothing, and exits with 1 unless all are ready.

    Example: strangler status --json
    """
    folder = project_load().state
    state = StateFolder(folder).read()
    interrupted = RolloutFolder(folder / "rollout").interrupted()
    if interrupted:
        note(interrupted.notice)
    rows = [_status_of(name, record) for name, record in state.services.items()] if state else []
    if as_json:
        out.out(json.dumps([asdict(row) | {"recovery_due": interrupted is not None} for row in rows], indent=2))
    elif rows:
        _show(rows)
    else:
        say("nothing runs: start it with strangler up")
    if state is None or state.phase != "ready" or any(row.state != "ready" for row in rows):
        raise SystemExit(1)


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


def _show(rows: list[ServiceStatus]) -> None:
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
