"""The server processes of a scenario: one for each side, on that side's copy of the database."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strangler.compare.client.errors import AskFailed
from strangler.compare.client.target import Side
from strangler.databases.connecting import dsn_to
from strangler.databases.source import Source
from strangler.errors import FailedError
from strangler.local.children import Children
from strangler.local.ports import port_free_pick
from strangler.local.services import HOST, Connections, Service, django_service, fastapi_service
from strangler.routes.route import Api, Stack
from strangler.settings import LocalSettings

# How a stack's server is started.
Starting = Mapping[Stack, Callable[[LocalSettings, Connections], Service]]
STARTING: Final[Starting] = {Stack.DJANGO: django_service, Stack.FASTAPI: fastapi_service}
# One step is asked at a time.
_POOL: Final = 4


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Both sides while they run."""

    sides: tuple[Side, Side]
    children: Children

    def failure(self) -> AskFailed | None:
        """Why a server no longer runs, in one sentence; None if both do."""
        try:
            self.children.require_running()
        except FailedError as error:
            # Its other lines are the end of the log.
            name, _, what = str(error).splitlines()[0].partition(" ")
            return AskFailed(name, what, always=True)
        return None


@contextmanager
def servers_run(
    source: Source,
    names: tuple[str, str],
    *,
    stacks: tuple[Stack, Stack],
    logs: Path,
    check: Callable[[], None],
    starting: Starting = STARTING,
) -> Iterator[Servers]:
    """Servers on the databases of these names, for as long as the `with` block lasts; their output goes to `logs`.

    `starting` makes the server of a stack.

    :raises UnsafeError: one of them would have been told of the real database; none was started.
    :raises FailedError: one ended, or wasn't ready within a minute.
    """
    labels = stacks if stacks[0] != stacks[1] else [f"{side}-{stacks[0]}" for side in ("left", "right")]
    services = [
        dataclasses.replace(_service(source, starting[stack], name), name=str(label))
        for stack, name, label in zip(stacks, names, labels, strict=True)
    ]
    for service in services:
        source.require_elsewhere(service.env.values())
    children = Children(logs=logs, check=check)
    try:
        for service in services:
            children.start(service)
        children.wait_until_ready(services)
        left, right = (_side(service, stack) for service, stack in zip(services, stacks, strict=True))
        yield Servers(sides=(left, right), children=children)
    finally:
        children.stop()


def _service(source: Source, start: Callable[[LocalSettings, Connections], Service], database: str) -> Service:
    connections = Connections(
        owner_dsn=dsn_to(source.owner_dsn, database),
        fastapi_dsn=dsn_to(source.fastapi_dsn, database),
        secret_key=source.secrets["secret_key"],
        jwt_signing_key=source.secrets["jwt_signing_key"],
    )
    ports = {"django_port": port_free_pick(), "fastapi_port": port_free_pick()}
    one_each = {"django_workers": 1, "fastapi_workers": 1, "db_pool_max": _POOL, "fastapi_read_only": False}
    return start(source.settings.model_copy(update=ports | one_each), connections)


def _side(service: Service, stack: Stack) -> Side:
    """Asked behind nginx's back and as nginx would ask; both are told v1's prefix, so that their links are v1's."""
    prefix = {Stack.DJANGO: Api.V1, Stack.FASTAPI: Api.V2}[stack].prefix
    return Side(
        name=service.name,
        url=f"http://{HOST}:{service.listens[1]}{prefix}",
        links=Api.V1.prefix,
        headers=(("Host", service.probe.host_header), ("X-Forwarded-Prefix", Api.V1.prefix)),
    )
