"""A Django project's migrations, applied to a scratch database or undone there one by one, as they are told of."""

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from strangler.errors import FailedError, UnsafeError
from strangler.schema.django_side import ManageCommand, last_words, without_secrets

_END_SECONDS: Final = 10
_POLL_SECONDS: Final = 0.2
# The command's own exit code when it was connected to another database than the scratch one.
_REFUSED: Final = 3


class Operation(BaseModel):
    """One operation of a migration, in Django's words."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str
    describe: str = ""
    reversible: bool = True
    reduces_to_sql: bool = True
    loses_data: bool = False


class Rehearsed(BaseModel):
    """One migration that was applied or undone; `error` is why it wasn't, `sql` what was sent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    app: str
    name: str
    atomic: bool = True
    reversible: bool = True
    operations: tuple[Operation, ...] = ()
    sql: tuple[str, ...] = ()
    seconds: float = 0.0
    error: str = ""
    sqlstate: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether its role lacks a right (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
        return self.sqlstate == "42501"

    @property
    def label(self) -> str:
        """What people call it."""
        return f"{self.app}.{self.name}".lstrip(".")


@contextmanager
def rehearsing(
    project: ManageCommand,
    *,
    scratch: str,
    role: str,
    backward: Sequence[str] = (),
    check: Callable[[], None] = lambda: None,
) -> Iterator[Iterator[Rehearsed]]:
    """Gives each migration once it is done; the next begins when the next is asked for.

    `scratch` is the name of the database and `role` who migrates it: the project must sign in there as that role. The
    pending migrations are applied, or those of `backward` undone. `check` is called while a migration is waited for;
    what it raises ends Django.

    :raises UnsafeError: the project is connected to another database; nothing was changed.
    :raises FailedError: the project doesn't start, or it ends without saying why.
    """
    undoing = ["--backward", *backward] if backward else []
    with tempfile.TemporaryFile() as told:
        # Ctrl-C is for this process, which then ends the other one in order.
        process = project.start(
            *("rehearse_migrations", "--wait", "--scratch", scratch, "--role", role, *undoing),
            stdin=subprocess.PIPE,
            stderr=told,
        )
        try:
            yield _rehearsed(process, told, project.env, check)
        finally:
            _end(process)


def _rehearsed(
    process: "subprocess.Popen[bytes]", told: IO[bytes], env: Mapping[str, str], check: Callable[[], None]
) -> Iterator[Rehearsed]:
    failed = False
    for line in _lines(process, check):
        if (found := _parsed(line)) is not None:
            failed = failed or bool(found.error)
            yield found
            _go_on(process)
    if process.wait() and not failed:
        told.seek(0)
        reason = last_words(told.read().decode(errors="replace"), process.returncode)
        refused = UnsafeError if process.returncode == _REFUSED else FailedError
        raise refused("the migrations can't be rehearsed", f"{without_secrets(reason, env)}")


def _lines(process: "subprocess.Popen[bytes]", check: Callable[[], None]) -> Iterator[bytes]:
    """What it writes, for as long as it takes."""
    if process.stdout is None:
        return
    number, rest = process.stdout.fileno(), b""
    while True:
        check()
        if not select.select([number], [], [], _POLL_SECONDS)[0]:
            continue
        found = os.read(number, 65_536)
        if not found:
            return
        *whole, rest = (rest + found).split(b"\n")
        yield from whole


def _parsed(line: bytes) -> Rehearsed | None:
    """None of what a project prints by itself."""
    try:
        return Rehearsed.model_validate(json.loads(line))
    except (ValueError, ValidationError):
        return None


def _go_on(process: "subprocess.Popen[bytes]") -> None:
    # Where it has ended meanwhile, its exit code says how.
    with contextlib.suppress(BrokenPipeError):
        if process.stdin is not None:
            process.stdin.write(b"\n")


def _end(process: "subprocess.Popen[bytes]") -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
