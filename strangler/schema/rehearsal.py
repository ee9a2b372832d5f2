"""A Django project's migrations, applied to a scratch database or undone there one by one, as they are told of."""

import json
import subprocess
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from strangler.errors import FailedError, UnsafeError
from strangler.schema.django_side import Project, without_secrets

_END_SECONDS: Final = 10
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

    @property
    def label(self) -> str:
        """What people call it."""
        return f"{self.app}.{self.name}".lstrip(".")


@contextmanager
def rehearsing(project: Project, *, scratch: str, backward: Sequence[str] = ()) -> Iterator[Iterator[Rehearsed]]:
    """Gives each migration once it is done; the next begins when the next is asked for.

    `scratch` is the name of the database, which must be the one that the project is told of. The pending migrations
    are applied, or those of `backward` undone.

    :raises UnsafeError: the project is connected to another database; nothing was changed.
    :raises FailedError: the project doesn't start, or it ends without saying why.
    """
    argv = [*project.argv, "rehearse_migrations", "--wait", "--scratch", scratch]
    if backward:
        argv += ["--backward", *backward]
    with tempfile.TemporaryFile("w+") as told:
        try:
            process = subprocess.Popen(  # noqa: S603 - the project's own command, never a shell
                argv,
                env=dict(project.env),
                cwd=project.cwd,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=told,
                text=True,
                # Ctrl-C is for this process, which then ends the other one in order.
                start_new_session=True,
            )
        except OSError as error:
            raise FailedError(f"{argv[0]} can't be started ({error.strerror}): set MANAGE right.") from error
        try:
            yield _lines(process, told, project.env)
        finally:
            _end(process)


def _lines(process: "subprocess.Popen[str]", told: IO[str], env: Mapping[str, str]) -> Generator[Rehearsed, None, None]:
    failed = False
    for line in process.stdout or ():
        if (found := _parsed(line)) is not None:
            failed = failed or bool(found.error)
            yield found
            _go_on(process)
    if process.wait() and not failed:
        told.seek(0)
        last = (told.read().strip().splitlines() or [f"it ended with code {process.returncode}"])[-1]
        refused = UnsafeError if process.returncode == _REFUSED else FailedError
        reason = without_secrets(last.removeprefix("CommandError: "), env)
        raise refused(f"the migrations can't be rehearsed: {reason.rstrip('.')}.")


def _parsed(line: str) -> Rehearsed | None:
    """None of what a migration prints by itself."""
    try:
        return Rehearsed.model_validate(json.loads(line))
    except (json.JSONDecodeError, ValidationError):
        return None


def _go_on(process: "subprocess.Popen[str]") -> None:
    if process.stdin is not None:
        try:
            process.stdin.write("\n")
            process.stdin.flush()
        except BrokenPipeError:
            # It has ended; how, its exit code says.
            return


def _end(process: "subprocess.Popen[str]") -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except BrokenPipeError:
                continue
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
