"""Applies or undoes a Django project's migrations on a scratch database, one by one."""

import contextlib
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from strangler.errors import FailedError, UnsafeError
from strangler.schema.django_side import ManageCommand, last_words, process_end, without_secrets

_END_SECONDS: Final = 10
_POLL_SECONDS: Final = 0.2
# The command's own exit code when it was connected to another database than the scratch one.
_REFUSED: Final = 3


class MigrationOperation(BaseModel):
    """One operation of a migration, in Django's words."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str
    describe: str = ""
    reversible: bool = True


class Rehearsed(BaseModel):
    """One migration that was applied or undone; `error` is why it failed, `sql` the statements that were sent.

    `locked` are the oids of tables that are locked against writes until it is committed; `started` marks the line
    that only announces it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    app: str
    name: str
    atomic: bool = True
    operations: tuple[MigrationOperation, ...] = ()
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
        """The name with the app before it."""
        return f"{self.app}.{self.name}".lstrip(".")


@contextmanager
def rehearse(
    project: ManageCommand,
    *,
    scratch: str,
    role: str,
    timeout: float,
    backward: Sequence[str] = (),
    check: Callable[[], None] = lambda: None,
) -> Iterator[Iterator[Rehearsed]]:
    """Run the migrations one by one: the iterator yields each once it is done, and the next begins with the next step.

    `scratch` is the name of the database and `role` that of its owner, as which the project must sign in. The pending
    migrations are applied, or those of `backward` undone. One that takes longer than `timeout` seconds has failed.
    `check` is called while the guard waits for a migration; what it raises ends Django.

    :raises UnsafeError: the project is connected to another database; nothing was changed.
    :raises FailedError: the project doesn't start, or it ends without saying why.
    """
    undoing = ["--backward", *backward] if backward else []
    with tempfile.TemporaryFile() as stderr:
        # Ctrl-C is for this process, which then ends the other one in order.
        process = project.start(
            *("rehearse_migrations", "--wait", "--scratch", scratch, "--role", role, *undoing),
            stdin=subprocess.PIPE,
            stderr=stderr,
        )
        try:
            yield _rehearsed(process, stderr, project.env, timeout, check)
        finally:
            process_end(process, seconds=_END_SECONDS)


def _rehearsed(
    process: "subprocess.Popen[bytes]",
    stderr: IO[bytes],
    env: Mapping[str, str],
    timeout: float,
    check: Callable[[], None],
) -> Iterator[Rehearsed]:
    failed, current = False, Rehearsed(app="", name="")
    for line in _lines(process, timeout, check):
        if line is None:
            error = f"it takes longer than {timeout:.0f} s: see what it waits for, or allow more with --timeout"
            yield current.model_copy(update={"error": error})
            return
        migration = _parsed(line)
        if migration is not None and migration.started:
            current = migration
        elif migration is not None:
            failed = failed or bool(migration.error)
            yield migration
            _continue(process)
    if process.wait() and not failed:
        stderr.seek(0)
        reason = last_words(stderr.read().decode(errors="replace"), process.returncode)
        refused = UnsafeError if process.returncode == _REFUSED else FailedError
        raise refused("the migrations can't be rehearsed", f"{without_secrets(reason, env)}")


def _lines(process: "subprocess.Popen[bytes]", timeout: float, check: Callable[[], None]) -> Iterator[bytes | None]:
    """The lines of its output; None once it has written nothing for `timeout` seconds."""
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
        output = os.read(number, 65_536)
        if not output:
            return
        *whole, rest = (rest + output).split(b"\n")
        yield from whole
        last = time.monotonic()  # after the yield: the reader's snapshots of the database take their time


def _parsed(line: bytes) -> Rehearsed | None:
    """The migration that a line reports; None for a line that the project printed itself."""
    try:
        return Rehearsed.model_validate(json.loads(line))
    except (ValueError, ValidationError):
        return None


def _continue(process: "subprocess.Popen[bytes]") -> None:
    # A process that has ended is reported by its exit code.
    with contextlib.suppress(BrokenPipeError):
        if process.stdin is not None:
            process.stdin.write(b"\n")
