"""A checkout of a test's own, for the commands that people run in theirs."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from strangler.cli import command_line
from strangler.local.ports import port_free_pick
from strangler.local.postgres import DATABASE, OWNER
from strangler.local.state import StackState, StateFolder
from tests.example import ROOT

PARTS = (
    *("django_app", "fastapi_app", "nginx", "requirements", "sample_data"),
    *("shared_schema", "strangler", "strangler_django", "strangler_fastapi"),
)
FILES = ("Makefile", "README.md", "pyproject.toml", "strangler.toml")
PORTS = ("PROXY_PORT", "DJANGO_PORT", "FASTAPI_PORT", "POSTGRES_PORT")
START_SECONDS = 240
# The developer's own settings must not reach the stack under test.
ENVIRONMENT = {name: os.environ[name] for name in ("HOME", "LD_LIBRARY_PATH", "PATH") if name in os.environ}


class Checkout:
    """A copy of the sources with free ports in its `.env`; the programs are those of this test's own Python."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = StateFolder(path / ".run")
        for part in PARTS:
            shutil.copytree(ROOT / part, path / part, ignore=shutil.ignore_patterns("__pycache__"))
        for file in FILES:
            shutil.copy(ROOT / file, path)
        self.ports = {name: port_free_pick() for name in PORTS}
        (path / ".env").touch(0o600)
        # Whatever else the machine does meanwhile.
        values = self.ports | {"READY_SECONDS": START_SECONDS}
        (path / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))

    def strangler(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return self.run(sys.executable, "-m", "strangler.cli", *arguments, **environment)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - the checkout's own commands
            command,
            cwd=self.path,
            env=ENVIRONMENT | environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        )

    def up(self) -> "subprocess.Popen[str]":
        """Start in front and wait until all is ready."""
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "strangler.cli", "up"],
            cwd=self.path,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        deadline = time.monotonic() + START_SECONDS
        while not ((state := self.state.read()) and state.supervisor.pid == supervisor.pid and state.phase == "ready"):
            if supervisor.poll() is not None or time.monotonic() > deadline:
                supervisor.kill()
                pytest.fail(f"the stack isn't ready: {supervisor.communicate()[0]}")
            time.sleep(0.05)
        return supervisor

    def owner(self) -> psycopg.Connection:
        """A connection to the database as the tables' owner; each statement is a transaction."""
        password = (self.state.path / "secrets" / "owner_password").read_text().strip()
        address = f"host=127.0.0.1 port={self.ports['POSTGRES_PORT']} user={OWNER} dbname={DATABASE}"
        return psycopg.connect(address, password=password, autocommit=True)

    def running(self) -> StackState:
        state = self.state.read()
        assert state is not None
        return state


def assert_one_sentence(result: subprocess.CompletedProcess[str], *, code: int, words: list[str]) -> None:
    lines = result.stderr.strip().splitlines()
    assert (result.returncode, len(lines)) == (code, 1), result.stderr
    assert lines[0].startswith("strangler: ")
    assert [word for word in words if word not in lines[0]] == []


def tool_run(folder: Path, *words: str, code: int = 0, **environment: str) -> str:
    """What the tool prints in `folder`, as a process of its own that has no terminal; it has to end with `code`."""
    done = subprocess.run(  # noqa: S603 - the tool itself
        [sys.executable, "-m", "strangler.cli", *words],
        env={**ENVIRONMENT, "PYTHONPATH": str(ROOT), **environment},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def command_run(name: str, *arguments: str) -> Result:
    """A command of the tool, run in this process; what it didn't expect is raised."""
    result = CliRunner().invoke(command_line([name]), [name, *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
