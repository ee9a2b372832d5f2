"""A Django project's migrations, applied to a scratch database or undone there one by one, as they are told of."""

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
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
    """One migration that was applied or undone; `error` is why it wasn't, `sql` what was sent.

    `locked` are the oids of tables that nobody may write until it is committed; `started` is one that only begins.
    """

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
    locked: tuple[int, ...] = ()
    started: bool = False

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
    timeout: float,
    backward: Sequence[str] = (),
    check: Callable[[], None] = lambda: None,
) -> Iterator[Iterator[Rehearsed]]:
    """Gives each migration once it is done; the next begins when the next is asked for.

    `scratch` is the name of the database and `role` who migrates it: the project must sign in there as that role. The
    pending migrations are applied, or those of `backward` undone. One that takes longer than `timeout` seconds has
    failed. `check` is called while a migration is waited for; what it raises ends Django.

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
            yield _rehearsed(process, told, project.env, timeout, check)
        finally:
            _end(process)


def _rehearsed(
    process: "subprocess.Popen[bytes]",
    told: IO[bytes],
    env: Mapping[str, str],
    timeout: float,
    check: Callable[[], None],
) -> Iterator[Rehearsed]:
    failed, current = False, Rehearsed(app="", name="")
    for line in _lines(process, timeout, check):
        if line is None:
            error = f"it takes longer than {timeout:.0f} s: look what it waits for, or give it longer with --timeout"
            yield current.model_copy(update={"error": error})
            return
        found = _parsed(line)
        if found is not None and found.started:
            current = found
        elif found is not None:
            failed = failed or bool(found.error)
            yield found
            _go_on(process)
    if process.wait() and not failed:
        told.seek(0)
        reason = last_words(told.read().decode(errors="replace"), process.returncode)
        refused = UnsafeError if process.returncode == _REFUSED else FailedError
        raise refused("the migrations can't be rehearsed", f"{without_secrets(reason, env)}")


def _lines(process: "subprocess.Popen[bytes]", timeout: float, check: Callable[[], None]) -> Iterator[bytes | None]:
    """What it writes; None once it has written nothing for so many seconds."""
    if process.stdout is None:
        return
    number, rest, last = process.stdout.fileno(), b"", time.monotonic()
    while True:
        check()
        if time.monotonic() - last > timeout:
            yield None
            return
        if not select.select([number], [], [], _POLL_SECONDS)[0]:
            continue
        found = os.read(number, 65_536)
        if not found:
            return
        *whole, rest = (rest + found).split(b"\n")
        yield from whole
        last = time.monotonic()  # not before: who reads may have looked at the database meanwhile


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
