"""FastAPI servers with a fault, each a process of its own."""

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strangler.compare.writes.servers import ServerFactories
from strangler.local.children import Children
from strangler.local.ports import port_free_pick
from strangler.local.services import Connections, Service, stack_service
from strangler.routes.route import Stack
from strangler.settings import LocalSettings
from tests.shared_stack import StackAddresses


def starting_with(fault: str, module: str = "fastapi_app") -> ServerFactories:
    """Makes the servers, that of FastAPI's `module` with this fault in it."""

    def start(settings: LocalSettings, connections: Connections, stack: Stack) -> Service | None:
        service = stack_service(settings, connections, stack)
        if service is None or stack is Stack.DJANGO:
            return service
        return dataclasses.replace(service, argv=(sys.executable, "-m", "tests.planted", module, fault))

    return start


@contextmanager
def faulty_server(
    settings: LocalSettings, connections: Connections, fault: str, *, logs: Path, module: str = "fastapi_app"
) -> Iterator[int]:
    """A server with a fault before a database that others work on; gives its port."""
    update = {"fastapi_port": port_free_pick(), "fastapi_workers": 1, "db_pool_max": 4}
    alone = settings.model_copy(update=update)
    service = starting_with(fault, module)(alone, connections, Stack.FASTAPI)
    assert service is not None
    children = Children(logs=logs, check=lambda: None)
    try:
        children.start(service)
        children.wait_until_ready([service])
        yield alone.fastapi_port
    finally:
        children.stop()


def reading_only(stack: StackAddresses) -> Connections:
    """What a FastAPI server before the database of the run's stack needs."""
    return Connections(
        owner_dsn="", fastapi_dsn=stack.fastapi_dsn, secret_key="", jwt_signing_key=stack.jwt_signing_key
    )
