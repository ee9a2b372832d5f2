"""The unit and the commands of docs/production.md, in a container that systemd boots, with a PostgreSQL of its own."""

import base64
import json
import os
import random
import re
import secrets
import shlex
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from strangler.local.ports import port_free_pick
from tests.checkouts import FILES, PARTS
from tests.e2e.containers.engine import COMMAND_SECONDS, PREFIXES, wait_for
from tests.example import ROOT

ROUTE, PATH = "tags.list", "/tags/"
# With these a step passes with the requests of seconds.
LIMITS = f'\n[ramp.routes."{ROUTE}"]\nerrors = 5.0\np95 = 20.0\np99 = 20.0\nslack = 1.0\n'
SETTINGS = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": secrets.token_hex(24),
    "JWT_SIGNING_KEY": secrets.token_hex(24),
    "DATABASE_PASSWORD": "the-owners",
    "FASTAPI_DATABASE_PASSWORD": "fastapis",
    "DATABASE_URL": "postgresql://strangler:the-owners@127.0.0.1/strangler",
    "FASTAPI_DATABASE_URL": "postgresql://strangler_fastapi:fastapis@127.0.0.1/strangler",
    "PROXY_HOST": "0.0.0.0",  # noqa: S104 - of the container
    "ALLOWED_HOSTS": "127.0.0.1",
    "EVIDENCE_EQUAL": "0",
    "READY_SECONDS": "240",
}
# systemd's Python, since the unit hides one below /root.
COMPOSE_FILE = """
services:
  machine:
    image: strangler-check-machine
    build:
      context: checkout
      dockerfile_inline: |
        FROM ${PYTHON_IMAGE:-python:3.13-slim}
        RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \\
            systemd systemd-sysv dbus sudo procps postgresql python3 python3-venv && apt-get clean
        WORKDIR /srv/api
        COPY . .
        RUN /usr/bin/python3 -I requirements/bootstrap.py run
    privileged: true
    command: [/sbin/init]
    stop_signal: SIGRTMIN+3
    stop_grace_period: 120s
    tmpfs: [/run, /run/lock, /tmp]
    ports: ["127.0.0.1:${PORT}:8080"]
"""
DATABASE = """
sudo -u postgres createdb strangler
set -a; . /srv/api/.env; set +a
runuser -u postgres -- psql --quiet strangler <django_app/roles.sql
"""


class Machine:
    """A container whose first process is systemd; `units` and `commands` are those of the page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in (*PARTS, *FILES):
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            copy(ROOT / part, folder / "checkout" / part)
        (folder / "compose.yml").write_text(COMPOSE_FILE)
        page = (ROOT / "docs" / "production.md").read_text()
        self.unit = re.findall(r"^```ini\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0]
        consoles = re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        self.commands = [line.removeprefix("# ") for line in consoles[0].splitlines()]
        engine = shlex.split(os.environ.get("COMPOSE") or "docker compose")
        self.command = [*engine, "--project-name", "strangler-check-machine"]
        self.port = port_free_pick()
        self.url = f"http://127.0.0.1:{self.port}"

    def run(self, *words: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command of compose, to its end."""
        done = subprocess.run(  # noqa: S603 - the developer's own compose
            [*self.command, *words],
            cwd=self.folder,
            env=os.environ | {"PORT": str(self.port), "BUILDAH_FORMAT": "docker"},
            input=stdin,
            check=False,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert not check or done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
        return done

    def shell(self, script: str, *, check: bool = True) -> str:
        """What a script says that root runs there, in the project's folder."""
        return self.run("exec", "-T", "machine", "sh", "-euc", f"cd /srv/api\n{script}", check=check).stdout

    def write(self, file: str, text: str) -> None:
        self.run("exec", "-T", "machine", "sh", "-euc", f"cat >{file}", stdin=text)

    def strangler(self, *words: str, check: bool = True) -> str:
        """What a command of the tool says, as the page's user calls it."""
        return self.shell(f"sudo -u strangler .venv/bin/strangler {shlex.join(words)}", check=check)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.strangler("status", "--json", check=False) or "{}")
        return found

    def wait_until_booted(self) -> None:
        wait_for("systemd", lambda: self.shell("systemctl is-system-running", check=False).strip() == "running")

    def wait_until_ready(self) -> None:
        """Until all services are, by the tool and by a client."""

        def ready() -> bool:
            services = self.status().get("services", [])
            return len(services) == 5 and {each["state"] for each in services} == {"ready"} and self.answers()

        wait_for("the services", ready, seconds=300)

    def answers(self) -> bool:
        try:
            return all(httpx.get(f"{self.url}{prefix}{PATH}").is_success for prefix in PREFIXES.values())
        except httpx.TransportError:
            return False

    def share(self) -> Counter[str]:
        """Who answers 200 callers, always the same ones."""
        with httpx.Client(base_url=self.url, timeout=30) as client:
            return Counter(
                client.get(f"/api{PATH}", headers=bearer(user)).headers["X-Served-By"] for user in range(200)
            )

    @property
    def ramp(self) -> dict[str, Any]:
        found: dict[str, Any] = self.status().get("ramp") or {"phase": "", "watched": False}
        return found


def bearer(user: int) -> dict[str, str]:
    """A token of a user, signed by nobody: nginx only reads whose it is."""
    parts = ({"alg": "HS256"}, {"user_id": user}, {})
    token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def load(machine: Machine) -> Iterator[Counter[str]]:
    """Callers of v1 until the block ends, with how they were answered."""
    over, answered = threading.Event(), Counter[str]()

    def reads() -> None:
        while not over.is_set():
            try:
                with httpx.Client(base_url=machine.url, timeout=10) as client:
                    while not over.wait(0.02):
                        user = random.randrange(10_000)  # noqa: S311 - a caller
                        answered[str(client.get(f"/api{PATH}", headers=bearer(user)).status_code)] += 1
            except httpx.TransportError:
                answered["lost"] += 1

    thread = threading.Thread(target=reads)
    thread.start()
    try:
        yield answered
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    machine.run("down", "--volumes", check=False)
    try:
        machine.run("build")
        machine.run("up", "--detach")
        machine.wait_until_booted()
        machine.write("/srv/api/.env", "".join(f"{name}={value}\n" for name, value in SETTINGS.items()))
        machine.write("/etc/systemd/system/strangler.service", machine.unit)
        machine.shell(f"chmod 600 .env\nprintf '%s' {shlex.quote(LIMITS)} >>strangler.toml\n{DATABASE}")
        machine.shell("\n".join(machine.commands[:-1]))
        machine.wait_until_ready()
        yield machine
    finally:
        machine.run("down", "--volumes")


def test_the_commands_of_the_page_start_it_with_the_machine(machine: Machine) -> None:
    said = machine.shell(machine.commands[-1])
    assert said.count("ready") == 5, said
    assert machine.shell("systemctl is-active strangler; systemctl is-enabled strangler").split() == [
        "active",
        "enabled",
    ]
    # What the unit says of it holds: nothing of it is root's, and what it may not write it can't.
    owners = machine.shell("ps -o user= --ppid $(systemctl show --property MainPID --value strangler)")
    assert set(owners.split()) == {"strangler"}


@pytest.mark.parametrize("service", ["django", "fastapi", "nginx"])
def test_a_service_that_is_killed_is_started_again(machine: Machine, service: str) -> None:
    def row() -> dict[str, Any]:
        return next(each for each in machine.status()["services"] if each["service"] == service)

    before = row()
    machine.shell(f"kill -KILL {before['pid']}")
    wait_for("another process", lambda: row()["pid"] != before["pid"])
    machine.wait_until_ready()
    assert "was ended by SIGKILL" in row()["last_end"]


def test_systemd_starts_it_again_where_it_dies_itself(machine: Machine) -> None:
    machine.shell("systemctl kill --kill-whom main --signal KILL strangler")
    wait_for("its restart", lambda: machine.shell("systemctl show --property NRestarts --value strangler") != "0\n")
    machine.wait_until_ready()
    names = machine.shell("ps -e -o comm=").split()
    assert names.count("strangler") == 1


def test_a_ramp_goes_on_after_the_power_was_cut(machine: Machine) -> None:
    with load(machine) as answered:
        machine.strangler("ramp", ROUTE, "--steps", "50,100", "--hold", "40s", "--detach", "--reason", "release 42")
        split, before = machine.share(), machine.strangler("history", "--json")
        assert set(split) == {"django", "fastapi"}
        # Each process of the machine at once, and what was in memory.
        machine.run("kill", "--signal", "KILL", "machine")
        machine.run("start", "machine")
        machine.wait_until_booted()
        found = machine.status()
        assert (found["ramp"]["phase"], found["ramp"]["percent"]) == ("watching", 50.0)
        machine.wait_until_ready()
        assert machine.share() == split
        assert machine.strangler("history", "--json") == before
        wait_for("its process", lambda: machine.ramp["watched"] or machine.ramp["phase"] == "finished")
        wait_for("its end", lambda: machine.ramp["phase"] == "finished", seconds=240)
    assert set(machine.share()) == {"fastapi"}
    assert [entry["outcome"] for entry in json.loads(machine.strangler("history", "--json"))[-2:]] == ["applied"] * 2
    assert machine.strangler("plan") == "nothing to do\n"
    # Nothing failed but what the cut, and the start after it, took with them.
    assert set(answered) <= {"200", "401", "lost", "502", "503"}


def test_a_ramp_that_is_paused_stays_put_over_a_reboot(machine: Machine) -> None:
    machine.strangler("rollback", "--to", "0", "--yes", "--force", "--reason", "as it was")
    machine.strangler("ramp", ROUTE, "--steps", "50,100", "--hold", "3s", "--detach", "--reason", "release 43")
    machine.strangler("ramp", "pause", "--reason", "lunch")
    wait_for("the pause", lambda: "paused" in machine.ramp["why"])
    split = machine.share()
    machine.run("restart", "machine")
    machine.wait_until_booted()
    machine.wait_until_ready()
    wait_for("its process", lambda: machine.ramp["watched"])
    assert "paused" in machine.ramp["why"]
    assert machine.share() == split
    machine.strangler("ramp", "abort", "--reason", "seen")
    wait_for("its end", lambda: machine.ramp["phase"] == "returned")
    assert set(machine.share()) == {"django"}


def test_stopping_it_lets_requests_finish_and_leaves_nothing(machine: Machine) -> None:
    begun = time.monotonic()
    machine.shell("systemctl stop strangler")
    # TimeoutStopSec of the unit kills what is left.
    assert time.monotonic() - begun < 90
    assert machine.shell("systemctl show --property Result --value strangler") == "success\n"
    assert machine.shell("ps -u strangler -o comm=", check=False) == ""
