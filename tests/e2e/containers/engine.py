"""The containers of docker-compose.yml out of a copy of the checkout, under a name, a port and secrets of their own."""

import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import httpx

from strangler.local.ports import port_free_pick
from tests.example import ROOT

PROJECT = "strangler-check"
SECRETS = ("SECRET_KEY", "JWT_SIGNING_KEY", "POSTGRES_PASSWORD", "DATABASE_PASSWORD", "FASTAPI_DATABASE_PASSWORD")
PREFIXES = {"django": "/api", "fastapi": "/api/v2"}
# Without them `down` leaves the containers of profiles running.
PROFILES = ("copies", "cutover", "deploy", "observability", "ramp")
# A command may build images; the start of PostgreSQL, the migrations and the demo data are far below a minute.
COMMAND_SECONDS = 900
READY_SECONDS = 120
_POLL_SECONDS = 0.3
# Neither what is built out of a checkout nor what a developer keeps in theirs.
_LEFT_OUT = (".git", ".venv", ".run", ".env", "docker-compose.override.yml", "__pycache__", ".*_cache", ".hypothesis")


class Containers:
    """Runs `$COMPOSE` (docker compose), and the tool, in a copy of the checkout, whose routes file may be edited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)
        self.routes_file = folder / "nginx" / "routes.toml"
        self.command = [*shlex.split(os.environ.get("COMPOSE") or "docker compose"), "--project-name", PROJECT]
        self.port = port_free_pick()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = os.environ | {name: secrets.token_hex(32) for name in SECRETS}
        self.env |= {
            "ENVIRONMENT": "development",
            "PROXY_HOST": "127.0.0.1",
            "PROXY_PORT": str(self.port),
            "GATEWAY": "container",
            "COMPOSE": shlex.join(self.command),
            # Empty: the default, whatever the developer's environment says.
            "DATABASE_URL": "",
            "FASTAPI_DATABASE_URL": "",
            # Without it podman leaves the health checks out of the images.
            "BUILDAH_FORMAT": "docker",
        }

    def run(self, *arguments: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        """A command of compose, to its end; with `check`, a failure shows what it said."""
        result = self._ended(self.command, arguments, env)
        assert not check or result.returncode == 0, f"{arguments}: {result.stdout}\n{result.stderr}"
        return result

    def remove(self) -> None:
        """Remove all containers, also those of profiles, and what they have stored."""
        self.run(*(word for name in PROFILES for word in ("--profile", name)), "down", "--volumes")

    def strangler(self, *arguments: str, code: int = 0, stdin: str = "") -> str:
        """What a command of the tool says, as an operator calls it; `code` is the exit code that it must have."""
        result = self._ended([sys.executable, "-m", "strangler.cli"], arguments, {}, stdin=stdin)
        assert result.returncode == code, f"{arguments}: {result.stdout}\n{result.stderr}"
        return result.stdout + result.stderr

    def begun(self, *arguments: str, out: IO[str]) -> "subprocess.Popen[str]":
        """A command of the tool that goes on; `out` is the file of what it prints."""
        return subprocess.Popen(  # noqa: S603 - the tool
            [sys.executable, "-m", "strangler.cli", *arguments],
            cwd=self.folder,
            env=self.env,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def inside(self, service: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command in a running container."""
        return self.run("exec", "-T", service, *command, check=check)

    def terminate(self, service: str) -> None:
        """Ask the first process of a container to end, as an operator or a crash does behind the engine's back."""
        self.inside(service, "python", "-c", "import os, signal; os.kill(1, signal.SIGTERM)")

    def wait_until_ready(self) -> None:
        """Wait until both stacks answer from the database through the front door."""
        wait_for("both stacks", lambda: self.answers("/api/feed/") and self.answers("/api/v2/feed/"))

    def wait_until_away(self, path: str) -> None:
        """Wait until the front door has no answer for a path."""
        wait_for(f"{path} to be away", lambda: not self.answers(path))

    def answers(self, path: str) -> bool:
        """Whether the front door answers 200."""
        return self.served_by(path) is not None

    def served_by(self, path: str) -> str | None:
        """The stack that answers 200; None where none does."""
        try:
            response = httpx.get(self.url + path, timeout=5)
        except httpx.TransportError:
            return None
        return response.headers["X-Served-By"] if response.status_code == httpx.codes.OK else None

    def _ended(
        self, command: list[str], arguments: tuple[str, ...], env: dict[str, str], *, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - the developer's own compose, and the tool
            [*command, *arguments],
            cwd=self.folder,
            env=self.env | env,
            input=stdin,
            check=False,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )


def is_podman(compose: Sequence[str]) -> bool:
    """Whether a command is podman-compose, whatever its name: it makes services anew that depend on the one that is."""
    said = subprocess.run([*compose, "version"], check=False, capture_output=True, text=True)  # noqa: S603 - as above
    return "podman" in said.stdout + said.stderr


def wait_for(what: str, holds: Callable[[], bool], *, seconds: float = READY_SECONDS) -> None:
    """Ask again until it holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(_POLL_SECONDS)
