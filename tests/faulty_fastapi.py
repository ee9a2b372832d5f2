"""The run's FastAPI behind a fault, and a gateway before it, for tests of what a ramp does then."""

import http.client
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tomlkit

from strangler.local.ports import port_free_pick
from tests.bad_servers import http as answer_of
from tests.bad_servers import raw_server
from tests.checkouts import ENVIRONMENT, tool_run
from tests.example import EXAMPLE, ROOT, example_file
from tests.shared_stack import StackAddresses

ROUTE, PATH = "tags.list", "/api/tags/"
# With these a ramp's step passes with the requests of seconds.
_LIMITS = {"tags.*": {"errors": 5.0, "p95": 20.0, "p99": 20.0, "slack": 1.0}}
_CLIENTS = 4
_PAUSE_SECONDS = 0.02


class Fastapi:
    """The run's FastAPI, with faults that can be switched on."""

    def __init__(self, url: str) -> None:
        self.address = urlsplit(url)
        self.failing = self.wrong = False

    def answer(self, head: bytes) -> Iterable[bytes]:
        path = head.split(b" ", 2)[1].decode()
        if self.failing and "health" not in path:
            return [answer_of(b'{"detail":"planted"}', status="500 Internal Server Error")]
        if self.wrong and "health" not in path:
            return [answer_of(b'{"name":"planted"}')]
        connection = http.client.HTTPConnection(self.address.hostname or "", self.address.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": "localhost"})
            response = connection.getresponse()
            return [answer_of(response.read(), status=f"{response.status} {response.reason}")]
        finally:
            connection.close()


class Front:
    """A gateway of the test's own before the run's Django and a FastAPI that fails when it is told to."""

    def __init__(self, folder: Path, fastapi: Fastapi, stack: StackAddresses) -> None:
        self.folder = folder
        self.fastapi = fastapi
        self.environment = {
            "PROXY_PORT": str(port_free_pick()),
            "TRUSTED_PROXIES": "127.0.0.1/32",
            "EVIDENCE_EQUAL": "0",
            "DATABASE_URL": stack.owner_dsn,
            "FASTAPI_DATABASE_URL": stack.fastapi_dsn,
        }

    @property
    def door(self) -> str:
        return f"http://127.0.0.1:{self.environment['PROXY_PORT']}"

    def run(self, *words: str, code: int = 0) -> str:
        return tool_run(self.folder, *words, code=code, **self.environment)

    def begin(self, *words: str, stderr: int | None = None) -> "subprocess.Popen[str]":
        """The tool, with its results in a pipe."""
        return subprocess.Popen(  # noqa: S603 - the tool itself
            (sys.executable, "-m", "strangler.cli", *words),
            cwd=self.folder,
            env={**ENVIRONMENT, "PYTHONPATH": str(ROOT), **self.environment},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    @contextmanager
    def load(self) -> Iterator[None]:
        """Clients of many addresses, until the block ends."""
        ended = threading.Event()
        clients = [threading.Thread(target=self._client, args=(ended, number)) for number in range(_CLIENTS)]
        for client in clients:
            client.start()
        try:
            yield
        finally:
            ended.set()
            for client in clients:
                client.join()

    def _client(self, ended: threading.Event, number: int) -> None:
        rng = random.Random(number)  # noqa: S311 - addresses
        while not ended.wait(_PAUSE_SECONDS):
            connection = http.client.HTTPConnection("127.0.0.1", int(self.environment["PROXY_PORT"]), timeout=10)
            with suppress(OSError):
                address = f"10.{rng.randrange(200)}.{rng.randrange(200)}.1"
                connection.request("GET", PATH, headers={"X-Forwarded-For": address, "Connection": "close"})
                connection.getresponse().read()
            connection.close()


@contextmanager
def front_up(folder: Path, stack: StackAddresses, *, ramp: Mapping[str, str], **tables: Any) -> Iterator[Front]:
    """A gateway that runs; `ramp` and further `tables` are of its project file."""
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)  # nginx's workers have an account of their own
    shutil.copy(EXAMPLE.routes, folder / "routes.toml")
    file = example_file(folder, routes=Path("routes.toml"))
    fastapi = Fastapi(stack.fastapi_url)
    with raw_server(fastapi.answer) as address:
        document: Any = tomlkit.parse(file.read_text())
        for name, url in (("django", stack.django_url), ("fastapi", address)):
            for key in ("command", "environment"):
                del document[name][key]
            document[name]["address"] = url
        document["ramp"] = {**ramp, "routes": _LIMITS}
        document.update(tables)
        file.write_text(tomlkit.dumps(document))
        front = Front(folder, fastapi, stack)
        try:
            front.run("up", "--detach")
            yield front
        finally:
            front.run("down")
