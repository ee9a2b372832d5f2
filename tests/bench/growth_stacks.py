"""Both stacks as servers over one database of generated rows, and a connection to each."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from strangler.deployment.local_stack import LocalStack
from strangler.errors import FailedError
from strangler.local.ports import port_free_pick
from strangler.local.services import stack_services
from strangler.routes.route import Stack
from strangler.settings import HOST
from tests.bench.growth_cases import Step
from tests.bench.growth_rows import GrowthRows
from tests.contract.comparing import V1, V2
from tests.databases import PASSWORD

_SHOWN: Final = 200
# Longer than anything may take.
_SECONDS: Final = 120


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a step: its time until the last byte, in milliseconds, and its body."""

    milliseconds: float
    body: bytes

    @property
    def document(self) -> Any:
        """The body's JSON, None where there is none."""
        return json.loads(self.body) if self.body else None


class StackClient:
    """One connection to one stack, kept open; both stacks have the same client."""

    def __init__(self, prefix: str, port: int, rows: GrowthRows) -> None:
        self.prefix = prefix
        self._connection = http.client.HTTPConnection(HOST, port, timeout=_SECONDS)
        self._access = cache(rows.access)

    def send(self, step: Step) -> Answer:
        """Send one request and read its answer.

        :raises FailedError: it is no success.
        """
        headers = {"Host": "localhost", "Accept": "application/json"}
        if step.user is not None:
            headers["Authorization"] = f"Bearer {self._access(step.user)}"
        body = None
        if step.body is not None:
            body, headers["Content-Type"] = json.dumps(step.body), "application/json"
        started = time.perf_counter()
        self._connection.request(step.method, self.prefix + step.path, body=body, headers=headers)
        answer = self._connection.getresponse()
        received = answer.read()
        milliseconds = (time.perf_counter() - started) * 1000
        if not http.client.OK <= answer.status < http.client.MULTIPLE_CHOICES:
            what = f"{step.method} {self.prefix}{step.path} ({step.name}) was answered {answer.status}"
            raise FailedError(what, f"its body: {received[:_SHOWN]!r}; the logs are in .run/bench")
        return Answer(milliseconds=milliseconds, body=received)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


@contextmanager
def stacks_over(stack: LocalStack, rows: GrowthRows) -> Iterator[dict[str, StackClient]]:
    """A service of each stack, as `make up` starts it, beside those of `stack`; the clients by prefix.

    :raises StranglerError: one can't be started.
    """
    database = rows.database
    # A slow statement is what is measured.
    changes = {"django_port": port_free_pick(), "fastapi_port": port_free_pick(), "statement_timeout": 0}
    settings = stack.settings.model_copy(update=changes)
    fastapi_dsn = database.dsn(f"{database.name}_fastapi", PASSWORD)
    connections = replace(stack.connections, owner_dsn=database.owner_dsn, fastapi_dsn=fastapi_dsn)
    prefixes = {str(Stack.DJANGO): V1, str(Stack.FASTAPI): V2}
    with ExitStack() as open_:
        clients = {}
        for service in stack_services(settings, connections):
            named = replace(service, name=f"growth-{service.name}")
            keeper = stack.children.start(named)
            open_.callback(stack.children.leave, keeper)
            open_.callback(keeper.stop)
            stack.children.wait_until_ready([named])
            prefix = prefixes[service.name]
            clients[prefix] = StackClient(prefix, service.listens[1], rows)
            open_.callback(clients[prefix].close)
        yield clients
