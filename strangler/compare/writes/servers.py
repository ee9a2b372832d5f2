"""The server processes of a scenario: one for each side, on that side's copy of the database."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from strangler.compare.client.errors import RequestError
from strangler.compare.client.sides import Side, with_v2
from strangler.compare.writes.scenario_clock import ScenarioClock, clock_require
from strangler.databases.connections import Source, dsn_to
from strangler.errors import FailedError, UsageError
from strangler.local.children import Children
from strangler.local.keeper import Keeper
from strangler.local.ports import port_free_pick
from strangler.local.services import Connections, Service, stack_service
from strangler.project import Project
from strangler.routes.route import Stack
from strangler.settings import HOST, LocalSettings

# How a stack's server is started.
ServerFactories = Callable[[LocalSettings, Connections, Stack], Service | None]
# One step is requested at a time, or a few requests of one.
_POOL: Final = 4
_REAL: Final = ScenarioClock()


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The sides while they run."""

    sides: tuple[Side, ...]
    children: Children

    def memory(self) -> tuple[int, int]:
        """How many bytes the processes of either side hold; 0 where they are gone."""
        left, right = (sum(map(_memory_of, self.children.keepers(side.name))) for side in self.sides)
        return left, right

    def failure(self) -> RequestError | None:
        """Why a server no longer runs, in one sentence; None if all do."""
        try:
            self.children.require_running()
        except FailedError as error:
            # Its other lines are the end of the log.
            name, _, what = str(error).splitlines()[0].partition(" ")
            return RequestError(name, what, always=True)
        return None


@contextmanager
def servers_run(
    source: Source,
    names: Sequence[str],
    *,
    stacks: Sequence[Stack],
    logs: Path,
    check: Callable[[], None],
    starting: ServerFactories = stack_service,
    workers: int = 1,
    environments: Sequence[Mapping[str, str]] = (),
    clock: ScenarioClock = _REAL,
) -> Iterator[Servers]:
    """Servers on the databases of these names, for as long as the `with` block lasts; their output goes to `logs`.

    `starting` makes the server of a stack, which has `workers` processes. `environments` are added to theirs. They run
    at the time of `clock`.

    :raises UnsafeError: one of them would have received the real database's address; none was started.
    :raises FailedError: one ended, wasn't ready within READY_SECONDS, or runs at another time.
    """
    labels = stacks if len(set(stacks)) == len(stacks) else [f"{side}-{stacks[0]}" for side in ("left", "right")]
    services = [
        dataclasses.replace(_service(source, starting, stack, name, workers), name=str(label))
        for stack, name, label in zip(stacks, names, labels, strict=True)
    ]
    if environments:
        services = [
            dataclasses.replace(service, env={**service.env, **more})
            for service, more in zip(services, environments, strict=True)
        ]
    seen = {} if clock.is_real else {service.name: logs / f"{service.name}.clock" for service in services}
    for file in seen.values():
        file.unlink(missing_ok=True)
    services = [
        dataclasses.replace(service, env=clock.environment(service.env, seen=seen[service.name])) if seen else service
        for service in services
    ]
    for service in services:
        source.require_elsewhere(service.env)
    children = Children(logs=logs, check=check, ready_seconds=source.settings.ready_seconds)
    try:
        for service in services:
            children.start(service)
        children.wait_until_ready(services)
        for name, file in seen.items():
            clock_require(file, name)
        project = source.settings.project
        sides = tuple(_side(service, stack, project) for service, stack in zip(services, stacks, strict=True))
        yield Servers(sides=sides, children=children)
    finally:
        children.stop()


def _memory_of(keeper: Keeper) -> int:
    try:
        main = psutil.Process(keeper.child.process.pid) if keeper.child else None
        return sum(each.memory_info().rss for each in ([main, *main.children(recursive=True)] if main else ()))
    except psutil.Error:
        return 0


def _service(source: Source, starting: ServerFactories, stack: Stack, database: str, workers: int) -> Service:
    connections = Connections(
        owner_dsn=dsn_to(source.owner_dsn, database),
        fastapi_dsn=dsn_to(source.fastapi_dsn, database),
        secret_key=source.secrets["secret_key"],
        jwt_signing_key=source.secrets["jwt_signing_key"],
    )
    ports = {"django_port": port_free_pick(), "fastapi_port": port_free_pick()}
    few = {"django_workers": workers, "fastapi_workers": workers, "db_pool_max": _POOL, "fastapi_read_only": False}
    service = starting(source.settings.model_copy(update=ports | few), connections, stack)
    if service is None:
        hint = f"give [{stack}] of {source.settings.project.file.name} a command in place of the address"
        raise UsageError(f"{stack} can't be started on a copy of the database", hint)
    return service


def _side(service: Service, stack: Stack, project: Project) -> Side:
    """Requested directly with the headers that nginx would send; both receive v1's prefix, so that links are v1's."""
    prefixes = project.prefixes
    side = Side(
        name=service.name,
        url=f"http://{HOST}:{service.listens[1]}{prefixes.upstream(stack)}",
        links=prefixes.v1,
        headers=(("Host", service.probe.host_header), ("X-Forwarded-Prefix", prefixes.v1 or "/")),
    )
    return with_v2(side, stack, project)
