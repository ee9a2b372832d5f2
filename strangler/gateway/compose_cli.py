"""The services of docker-compose.yml, through the operator's own compose: `docker compose`, `podman compose`."""

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from strangler.errors import FailedError, UsageError

EXEC_SECONDS: Final = 30.0
# The first word of whatever runs inside a container; without it, compose never got there.
_INSIDE: Final = "strangler: inside"
_KILLED_SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A command of compose that ended: its exit code and what it said."""

    code: int
    stdout: str
    stderr: str


class ContainerShell(Protocol):
    """Runs scripts in a container of docker-compose.yml; `command` is how the operator calls compose, for hints."""

    command: str

    def inside(self, service: str, script: str, *arguments: str, stdin: bytes = b"") -> Ended:
        """A script of `sh` in a running container, which is given `arguments` and `stdin`.

        :raises UsageError: there is no compose.
        :raises FailedError: the container can't be reached, or the script took too long.
        """


class Compose:
    """`command` (`docker compose`, with options of its own if need be) in `folder`, where docker-compose.yml is.

    `env` adds to the environment, whose variables docker-compose.yml may name.
    """

    def __init__(self, command: str, *, folder: Path, env: Mapping[str, str] | None = None) -> None:
        try:
            self.argv = tuple(shlex.split(command))
        except ValueError as error:
            raise UsageError(f"COMPOSE can't be read ({error}): write it like docker compose.") from error
        if not self.argv:
            raise UsageError("COMPOSE is empty: write docker compose, or leave the line out.")
        self.command = command
        self.folder = folder
        self.env = os.environ | dict(env or {})

    def run(self, *arguments: str, stdin: bytes = b"", seconds: float | None = None) -> Ended:
        """A command to its end, within `seconds` (`EXEC_SECONDS`).

        :raises UsageError: there is no such program.
        :raises FailedError: it took longer.
        """
        seconds = seconds or EXEC_SECONDS
        try:
            process = subprocess.Popen(  # noqa: S603 - the operator's own compose
                [*self.argv, *arguments],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # Engines start plugins and helpers; the group is ended as one.
                start_new_session=True,
            )
        except OSError as error:
            message = f"{self.argv[0]} can't be run ({error.strerror}): install it, or name another with COMPOSE."
            raise UsageError(message) from error
        with process:
            try:
                stdout, stderr = process.communicate(stdin, timeout=seconds)
            except BaseException as error:
                _end_group(process)
                if isinstance(error, subprocess.TimeoutExpired):
                    what = f"{self.command} {arguments[0]} did not end within {seconds:g} s"
                    raise FailedError(f"{what}: look at {self.command} ps, and try again.") from error
                raise
        return Ended(
            code=process.returncode, stdout=stdout.decode(errors="replace"), stderr=stderr.decode(errors="replace")
        )

    def inside(self, service: str, script: str, *arguments: str, stdin: bytes = b"") -> Ended:
        """See `ContainerShell`."""
        marked = f"echo '{_INSIDE}'\n{script}"
        ended = self.run("exec", "-T", service, "sh", "-euc", marked, "sh", *arguments, stdin=stdin)
        first, _, rest = ended.stdout.partition("\n")
        if first.strip() != _INSIDE:
            said = last_line(ended.stderr) or f"exit code {ended.code}"
            message = f"the container {service} can't be reached ({said}): start it with {self.command} up --detach."
            raise FailedError(message)
        return Ended(code=ended.code, stdout=rest, stderr=ended.stderr)


def last_line(text: str) -> str:
    """What a program said last, without the full stop."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else ""


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """End compose and all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait(_KILLED_SECONDS)
