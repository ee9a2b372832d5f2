"""FastAPI servers with a fault, each a process of its own."""

import dataclasses
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from strangler.local.children import Children
from strangler.local.ports import port_free_pick
from strangler.local.services import Connections, Service, stack_service
from strangler.routes.route import Stack
from strangler.settings import LocalSettings
from tests.example import example_settings
from tests.shared_stack import StackAddresses


def starting_with(fault: str) -> Callable[[LocalSettings, Connections, Stack], Service | None]:
    """Makes the servers, FastAPI's with this fault in it."""

    def start(settings: LocalSettings, connections: Connections, stack: Stack) -> Service | None:
        service = stack_service(settings, connections, stack)
        if service is None or stack is Stack.DJANGO:
            return service
        return dataclasses.replace(service, argv=(sys.executable, "-m", "tests.planted", fault))

    return start


@contextmanager
def faulty_server(stack: StackAddresses, fault: str, *, logs: Path) -> Iterator[int]:
    """A server with a fault before the database of the run's stack; gives its port."""
    settings = example_settings(fastapi_port=port_free_pick(), fastapi_workers=1, db_pool_max=4)
    connections = Connections(
        owner_dsn="", fastapi_dsn=stack.fastapi_dsn, secret_key="", jwt_signing_key=stack.jwt_signing_key
    )
    service = starting_with(fault)(settings, connections, Stack.FASTAPI)
    assert service is not None
    children = Children(logs=logs, check=lambda: None)
    try:
        children.start(service)
        children.wait_until_ready([service])
        yield settings.fastapi_port
    finally:
        children.stop()
