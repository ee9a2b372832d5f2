"""compose.strangler.yml, as `strangler init` writes it beside a project's compose file, with a ramp in a container."""

import errno
import json
import os
import random
import re
import shlex
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from strangler.local.ports import port_free_pick
from tests.checkouts import tool_run
from tests.e2e.containers.engine import COMMAND_SECONDS, is_podman, wait_for
from tests.example import ROOT

MANAGE = f"{sys.executable} {ROOT / 'tests' / 'second_project' / 'manage.py'}"
ROUTE, V1, V2 = "products.list", "/products/", "/v2/products/"
LIMITS = f'\n[ramp.routes."{ROUTE}"]\nerrors = 5.0\np95 = 20.0\np99 = 20.0\nslack = 1.0\n'
PROFILE = ("--profile", "ramp")
# Both stacks are programs of the test's: they answer whatever they are asked. `python` is the image that the tool is
# installed on, with the tool as it is here: no index has it.
COMPOSE_FILE = """
services:
  web:
    <<: &stack
      image: ${BASE_IMAGE:-python:3.13-slim}
      command: [python, /serve.py]
      volumes: ["./serve.py:/serve.py:ro", "./manage.py:/manage.py:ro"]
    # Of the days before the gateway: two containers can't have it.
    ports: ["127.0.0.1:${WEB_PORT}:8000"]
  fastapi: *stack
  python:
    image: strangler-check-python
    profiles: [build]
    build:
      context: wheel
      dockerfile_inline: |
        FROM ${BASE_IMAGE:-python:3.13-slim}
        COPY *.whl /wheel/
        RUN pip install --no-cache-dir --disable-pip-version-check "$$(echo /wheel/*.whl)[strangler]"
"""
SERVE = """
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = json.dumps({"openapi": "3.1.0", "info": {"title": "shop", "version": "1"}, "paths": {}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""


class Shop:
    """Somebody's project in `folder`, its compose file with the gateway before it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = port_free_pick()
        engine = shlex.split(os.environ.get("COMPOSE") or "docker compose")
        files = ("-f", "compose.yml", "-f", "compose.strangler.yml")
        self.command = [*engine, "--project-name", "strangler-check-shop", *files]
        (folder / "compose.yml").write_text(COMPOSE_FILE)
        (folder / "serve.py").write_text(SERVE)
        # What a deploy looks for pending migrations with: there are none.
        (folder / "manage.py").touch()
        build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "wheel"))
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - the project itself
        settings = {
            "BUILDAH_FORMAT": "docker",
            "COMPOSE": shlex.join(self.command),
            "EVIDENCE_EQUAL": "0",
            "GATEWAY": "container",
            "PROXY_PORT": str(self.port),
            "PYTHON_IMAGE": "strangler-check-python",
            "RAMP_USER": f"{os.getuid()}:{os.getgid()}",
            "SERVICE_METRICS": "1",
            # Whoever asks from the host comes from a gateway of the engine's network.
            "TRUSTED_PROXIES": "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16",
            "WEB_PORT": str(port_free_pick()),
        }
        (folder / ".env").write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
        self.strangler("init", "--manage", MANAGE, "--django-container", "web:8000")
        project = folder / "strangler.toml"
        project.write_text(project.read_text() + LIMITS)
        if is_podman(engine):
            # See docs/containers.md: nginx is to go on while others are made anew.
            overlay = folder / "compose.strangler.yml"
            overlay.write_text(re.sub(r"    depends_on:\n(?:      .*\n)+", "", overlay.read_text()))
        (folder / ".run" / "containers").mkdir(parents=True)

    def strangler(self, *words: str, code: int = 0) -> str:
        return tool_run(self.folder, *words, code=code)

    def run(self, *words: str) -> str:
        """A command of compose, to its end."""
        done = subprocess.run(  # noqa: S603 - the developer's own compose
            [*self.command, *words],
            cwd=self.folder,
            check=False,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def served_by(self, path: str) -> str:
        """The stack that answers 200, or nothing."""
        try:
            answer = self.get(path)
        except httpx.TransportError:
            return ""
        return answer.headers["X-Served-By"] if answer.status_code == httpx.codes.OK else ""

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=10, trust_env=False)

    @property
    def ramp(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.strangler("status", "--json"))["ramp"]
        return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    try:
        shop.run("--profile", "build", "build", "python")
        shop.run(*PROFILE, "up", "--build", "--detach")
        wait_for("the front door", lambda: shop.served_by(V1) == shop.served_by(V2) == "django")
        yield shop
    finally:
        shop.run(*PROFILE, "down", "--volumes")


@contextmanager
def load(shop: Shop) -> Iterator[Counter[int]]:
    """Callers of v1 until the block ends, with the statuses of their answers."""
    over, answered = threading.Event(), Counter[int]()

    def reads() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{shop.port}", timeout=30, trust_env=False) as client:
            while not over.is_set():
                address = f"198.51.100.{random.randrange(256)}"  # noqa: S311 - a caller
                answered[client.get(V1, headers={"X-Forwarded-For": address}).status_code] += 1

    thread = threading.Thread(target=reads)
    thread.start()
    try:
        yield answered
    finally:
        over.set()
        thread.join()


def test_the_gateway_moves_and_ramps_a_route_of_a_project_that_it_has_never_seen(shop: Shop) -> None:
    shop.strangler("apply", "--yes")
    shop.strangler("switch", ROUTE, "--to", "parallel", "--yes")
    wait_for("both stacks", lambda: (shop.served_by(V1), shop.served_by(V2)) == ("django", "fastapi"))
    with load(shop):
        said = shop.strangler("ramp", ROUTE, "--steps", "50,100", "--hold", "3s", "--detach", "--reason", "release 42")
        assert "watched in the background" in said, said
        shop.strangler("ramp", "pause", "--reason", "lunch")
        wait_for("the pause", lambda: "paused" in shop.ramp["why"])
        shop.run(*PROFILE, "stop", "strangler-ramp")
        logged = shop.run(*PROFILE, "logs", "strangler-ramp")
        assert "its container goes on with it when it runs again" in logged, logged
        shop.run(*PROFILE, "start", "strangler-ramp")
        wait_for("the next container", lambda: shop.ramp["watched"])
        shop.strangler("ramp", "resume")
        wait_for("its end", lambda: shop.ramp["phase"] == "finished")
    assert shop.served_by(V1) == "fastapi"
    moves = json.loads(shop.strangler("history", "--json"))
    assert (moves[-1]["who"], moves[-1]["reason"]) == ("ramp@compose", "ramp: step 100% (release 42)")
    assert shop.strangler("plan") == "nothing to do\n"


def test_its_container_sees_no_setting_of_the_host(shop: Shop) -> None:
    read = shop.run(*PROFILE, "exec", "-T", "strangler-ramp", "sh", "-c", "cat /project/.env; ls /project")
    assert "GATEWAY" not in read
    assert "strangler.toml" in read


def test_ramps_know_what_the_shadow_has_found_and_no_port_tells_others(shop: Shop) -> None:
    shop.strangler("switch", ROUTE, "--shadow", "100", "--yes")
    script = (
        "import pathlib\n"
        "from strangler.compare.shadow.results import ShadowResults\n"
        "from strangler.deployment.container_shadow import ServedShadow\n"
        "found = ShadowResults(ServedShadow('shadow').fetch(pathlib.Path('/tmp'))).routes()\n"
        f"print(found['{ROUTE}'].equal if found else 0)"
    )

    def counted() -> bool:
        shop.get(V1)
        return int(shop.run(*PROFILE, "exec", "-T", "strangler-ramp", "python", "-c", script)) > 0

    wait_for("the shadow's counts", counted)
    closed = "import socket; print(socket.socket().connect_ex(('strangler-shadow', 9146)))"
    assert int(shop.run("exec", "-T", "web", "python", "-c", closed)) == errno.ECONNREFUSED


def test_each_service_is_replaced_with_the_one_that_init_has_written_beside_it(shop: Shop) -> None:
    def started(service: str) -> str:
        return shop.run("exec", "-T", service, "cat", "/proc/1/stat").split()[21]

    services = ("web", "fastapi", "strangler-nginx")
    before = {service: started(service) for service in services}
    with load(shop) as answered:
        for stack in ("django", "fastapi"):
            assert f"{stack} is deployed" in shop.strangler("deploy", stack)
    assert set(answered) == {httpx.codes.OK}
    assert {service for service in services if started(service) != before[service]} == {"web", "fastapi"}
