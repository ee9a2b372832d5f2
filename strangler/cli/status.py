"""`strangler status`: what of the stack runs, who answers, and how each stack does."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from strangler.cli.moves import rollout_read
from strangler.cli.output import json_print, note, out, say, say_folded, table_print
from strangler.cli.ramp_text import ramp_json, ramp_show
from strangler.cli.traffic import stages_show, traffic_measure
from strangler.deployment.open import ramps_open
from strangler.errors import UsageError, many
from strangler.gateway.interface import Ejection, ejection_read
from strangler.local.state import ProcessRecord, StateFolder
from strangler.metrics.follower import AccessLogFollower, LogFollower, LogPosition
from strangler.rollout.rollout import Rollout
from strangler.routes.route import Route
from strangler.settings import LocalSettings, settings_load

_HEADERS: Final = ("service", "pid", "workers", "address", "state", "uptime", "restarts")


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """One line of the table.

    Attributes:
        state: ready, running (not answering yet), orphaned (its main process has ended, its workers answer), or ended.
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
    settings = settings_load()
    rollout, interrupted = rollout_read()
    services = _services(settings, rollout)
    # That of containers is no file of this machine.
    traffic = None if isinstance(services, ContainerServices) else traffic_measure(services.log, minutes=minutes)
    routes = _running(rollout)
    # Each nginx of a cluster has its own.
    ejection = None if settings.gateway == "kubernetes" else ejection_read(rollout.gateway.url)
    ramps = ramps_open(settings)
    ramp = ramps.read()
    watched = ramp is not None and not ramp.phase.is_end and ramps.runs
    if as_json:
        document = {
            "recovery_due": interrupted is not None,
            **services.as_json(),
            "traffic": traffic.as_json() if traffic else [],
            "ejection": ejection and asdict(ejection),
            "ramp": ramp and {**ramp_json(ramp), "watched": watched},
        }
        json_print(document)
    else:
        services.show()
        if traffic:
            traffic.show(routes)
        else:
            stages_show(routes)
        if ejection is not None and ejection.ejections:
            say_folded(_ejection_text(ejection), indent=9)
        if ramp is not None:
            ramp_show(ramp, watched=watched)
    return services.are_ready


def _services(settings: LocalSettings, rollout: Rollout) -> "LocalServices | ContainerServices | ClusterServices":
    if settings.gateway == "kubernetes":
        return ClusterServices(settings)
    return ContainerServices(settings, rollout) if settings.gateway == "container" else LocalServices(settings)


def _running(rollout: Rollout) -> Sequence[Route]:
    """The routes as they run; none where nothing was applied yet."""
    try:
        return rollout.running()[1].routes
    except UsageError:
        return ()


class LocalServices:
    """What `strangler up` keeps running."""

    def __init__(self, settings: LocalSettings) -> None:
        self._folder = settings.project.state
        self._state = StateFolder(self._folder).read()
        self._rows = [_status_of(name, each) for name, each in self._state.services.items()] if self._state else []

    def log(self, since: float) -> AccessLogFollower:
        """The access log from a moment on."""
        return AccessLogFollower.since(self._folder / "logs" / "nginx.log", since)

    @property
    def are_ready(self) -> bool:
        """Whether all of it is."""
        return self._state is not None and self._state.phase == "ready" and all(r.state == "ready" for r in self._rows)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "services": [asdict(row) for row in self._rows],
            "without_django": self._state is not None and self._state.without_django,
            "database_problem": self._state.database_problem if self._state is not None else "",
        }

    def show(self) -> None:
        """A table, and what is wrong."""
        _show(self._rows)
        if self._state is None:
            return
        if self._state.without_django:
            note("FastAPI answers both APIs, and no Django was started: strangler up brings it back")
        if self._state.database_problem:
            note(self._state.database_problem)
        if self._state.supervisor.find() is None:
            pid = self._state.supervisor.pid
            note(f"the supervisor (pid {pid}) has ended, so nothing is started again: run strangler up")


class ContainerServices:
    """The containers, of which nginx alone is looked at."""

    def __init__(self, settings: LocalSettings, rollout: Rollout) -> None:
        self.are_ready = rollout.gateway.running_version() is not None
        self._compose = settings.compose
        self._nginx = settings.project.containers.nginx
        self._url = rollout.gateway.url
        self._elsewhere = rollout.gateway.settings.elsewhere

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        nginx = {"service": "nginx", "address": self._url, "state": self._state}
        return {"services": [nginx], "elsewhere": dict(self._elsewhere)}

    def show(self) -> None:
        """A line, and who says more."""
        say(f"nginx {self._url} {self._state}")
        for stack, address in self._elsewhere:
            note(f"a deploy of {stack} has its requests sent to {address}: where it has ended, deploy again")
        note(f"{self._compose} ps shows the other containers, and {self._compose} logs {self._nginx} the requests")

    @property
    def _state(self) -> str:
        return "ready" if self.are_ready else "no answer"


class ClusterServices:
    """The pods of the cluster."""

    def __init__(self, settings: LocalSettings) -> None:
        # Imported here, since the client of the cluster is an extra.
        from strangler.deployment.cluster_pods import cluster_pods

        self._pods = cluster_pods(settings)
        self._counts = self._pods.counts()

    def log(self, since: float) -> LogFollower:
        """The access log of nginx's pods from a moment on, as far as the nodes have kept it."""
        return self._pods.log(LogPosition(moment=since))

    @property
    def are_ready(self) -> bool:
        """Whether all pods are."""
        return all(count.pods and count.ready == count.pods for count in self._counts)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {"services": [asdict(count) for count in self._counts]}

    def show(self) -> None:
        """A line for each kind of pod, and for each pod that isn't ready."""
        for count in self._counts:
            say(f"{count.component}  {count.ready} of {many(count.pods, 'pod')} ready")
            for reason in count.waiting:
                say(f"  {reason}")


def _status_of(name: str, record: ProcessRecord) -> ServiceStatus:
    process = record.find()
    if process is None:
        what = "orphaned" if record.probe is not None and record.probe.answers() else "ended"
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
    table_print(_HEADERS, map(_cells, rows), whole=_HEADERS)
    for row in rows:
        if row.last_end:
            say_folded(row.last_end, indent=2)


def _cells(row: ServiceStatus) -> list[str | Text]:
    colour = "green" if row.state == "ready" else "red"
    workers, restarts = str(row.workers or ""), str(row.restarts or "")
    state = Text(row.state, style=colour)
    return [row.service, str(row.pid), workers, row.address, state, f"{row.uptime_seconds} s", restarts]


def _restarts(row: ServiceStatus) -> str:
    return f"{row.restarts}, {row.last_end}" if row.last_end else ""
