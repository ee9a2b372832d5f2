"""FastAPI servers with a fault, each a process of its own."""

import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from strangler.compare.side import Side
from strangler.compare.sides import sides_local
from strangler.local.children import Children
from strangler.local.ports import port_free_pick
from strangler.local.services import Connections, Service, fastapi_service
from strangler.local.settings import LocalSettings
from tests.shared_stack import StackAddresses


def starting_with(fault: str) -> Callable[[LocalSettings, Connections], Service]:
    """Makes FastAPI's server, with this fault in it."""

    def start(settings: LocalSettings, connections: Connections) -> Service:
        service = fastapi_service(settings, connections)
        return dataclasses.replace(service, argv=(sys.executable, "-m", "tests.planted", fault))

    return start


class FaultyServers:
    """Servers before the database of the run's stack; one starts while that of the fault before it is asked."""

    def __init__(self, stack: StackAddresses, logs: Path, faults: Sequence[str]) -> None:
        self._stack = stack
        self._logs = logs
        self._faults = list(faults)
        self._started: dict[str, tuple[Service, Children]] = {}

    def sides(self, fault: str) -> tuple[Side, Side]:
        """Django without a fault on the left, FastAPI with this one on the right."""
        index = self._faults.index(fault)
        wanted = self._faults[index : index + 2]
        for name in wanted:
            if name not in self._started:
                self._started[name] = self._start(name)
        for name in [name for name in self._started if name not in wanted]:
            self._started.pop(name)[1].stop()
        service, children = self._started[fault]
        children.wait_until_ready([service])
        return sides_of(self._stack, service.listens[1])

    def stop(self) -> None:
        """End all that run."""
        for _service, children in self._started.values():
            children.stop()

    def _start(self, fault: str) -> tuple[Service, Children]:
        settings = LocalSettings(fastapi_port=port_free_pick(), fastapi_workers=1, db_pool_max=4)
        connections = Connections(
            owner_dsn="",
            fastapi_dsn=self._stack.fastapi_dsn,
            secret_key="",
            jwt_signing_key=self._stack.jwt_signing_key,
        )
        service = starting_with(fault)(settings, connections)
        children = Children(logs=self._logs / str(self._faults.index(fault)), check=lambda: None)
        children.start(service)
        return service, children


def sides_of(stack: StackAddresses, fastapi_port: int) -> tuple[Side, Side]:
    """The stack's Django, and the FastAPI that listens there."""
    return sides_local(LocalSettings(django_port=urlsplit(stack.django_url).port, fastapi_port=fastapi_port))
