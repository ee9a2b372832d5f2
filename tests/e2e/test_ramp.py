"""A ramp on real stacks, under load: it goes to the end, and takes itself back when FastAPI begins to fail."""

import http.client
import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from strangler.local.ports import port_free_pick
from tests.bad_servers import raw_server
from tests.checkouts import ENVIRONMENT, tool_run
from tests.example import EXAMPLE, ROOT, example_file
from tests.faulty_fastapi import Fastapi
from tests.shared_stack import StackAddresses

pytestmark = pytest.mark.long

ROUTE, PATH = "tags.list", "/api/tags/"
CLIENTS = 4
PAUSE_SECONDS = 0.02
POLL_SECONDS = 0.05
END_SECONDS = 40


class Front:
    """A gateway of the test's own before the run's stacks."""

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

    def run(self, *words: str, code: int = 0) -> str:
        return tool_run(self.folder, *words, code=code, **self.environment)

    @contextmanager
    def ramp(self) -> Iterator["subprocess.Popen[str]"]:
        """A ramp whose first step is reached."""
        command = (sys.executable, "-m", "strangler.cli", "ramp", ROUTE, "--steps", "50,100", "--hold", "3s")
        with subprocess.Popen(  # noqa: S603 - the tool itself
            command,
            cwd=self.folder,
            env={**ENVIRONMENT, "PYTHONPATH": str(ROOT), **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                deadline = time.monotonic() + END_SECONDS
                while self.ramp_phase() != "watching":
                    assert process.poll() is None, process.communicate()[0]
                    assert time.monotonic() < deadline
                    time.sleep(POLL_SECONDS)
                yield process
            finally:
                process.kill()

    def stage(self) -> str:
        [route] = json.loads(self.run("routes", ROUTE, "--json"))
        stage: str = route["stage"]
        return stage

    def ramp_phase(self) -> str:
        file = self.folder / ".run" / "rollout" / "ramp" / "state.json"
        return str(json.loads(file.read_text())["phase"]) if file.exists() else ""

    @contextmanager
    def load(self) -> Iterator[None]:
        """Clients of many addresses, until the block ends."""
        ended = threading.Event()
        clients = [threading.Thread(target=self._client, args=(ended, number)) for number in range(CLIENTS)]
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
        while not ended.wait(PAUSE_SECONDS):
            connection = http.client.HTTPConnection("127.0.0.1", int(self.environment["PROXY_PORT"]), timeout=10)
            with suppress(OSError):
                address = f"10.{rng.randrange(200)}.{rng.randrange(200)}.1"
                connection.request("GET", PATH, headers={"X-Forwarded-For": address, "Connection": "close"})
                connection.getresponse().read()
            connection.close()


@pytest.fixture(scope="module")
def gateway(stack: StackAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("ramp")
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
        # A step passes with the requests of seconds.
        document["ramp"] = {"routes": {"tags.*": {"errors": 5.0, "p95": 20.0, "p99": 20.0, "slack": 1.0}}}
        file.write_text(tomlkit.dumps(document))
        front = Front(folder, fastapi, stack)
        try:
            front.run("up", "--detach")
            yield front
        finally:
            front.run("down")


def test_a_canary_that_begins_to_fail_is_back_with_django_within_seconds(gateway: Front) -> None:
    with gateway.load(), gateway.ramp() as process:
        gateway.fastapi.failing = True
        said, _ = process.communicate(timeout=END_SECONDS)
    gateway.fastapi.failing = False
    assert process.returncode == 1, said
    assert gateway.stage() == "parallel"
    # From the breach on; how soon there are enough requests to know it depends on the machine.
    assert json.loads(gateway.run("ramp", "log", "--json"))[-1]["seconds"] < 10, said
    last = json.loads(gateway.run("history", "--json"))[-1]
    assert last["reason"].startswith(f"ramp: {ROUTE} 5xx "), last
    assert "more than 5 points above" in last["reason"]
    assert f"last ramp, of {ROUTE}: returned: {ROUTE} 5xx" in gateway.run("status")


def test_a_healthy_canary_goes_to_the_end_though_its_process_is_killed(gateway: Front) -> None:
    with gateway.load():
        with gateway.ramp():
            pass
        status = gateway.run("status")
        assert "and nobody watches it: strangler ramp resume" in status
        assert "canary  tags.list 50%\n" in status
        said = gateway.run("ramp", "resume")
    assert "finished: all steps passed" in said, said
    assert gateway.stage() == "migrated"
    assert gateway.ramp_phase() == "finished"
    events = [event["event"] for event in json.loads(gateway.run("ramp", "log", "--json"))]
    assert {"begin", "step", "pass"} <= set(events)
    assert events[-1] == "finished"
