"""What a Django project says of its own schema: commands of strangler_django, in a process of the project's."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from shared_schema.contract.contract import Contract
from strangler.errors import FailedError
from strangler.routes.route import Stack
from strangler.settings import LocalSettings

if TYPE_CHECKING:
    from strangler.local.services import Connections

TIMEOUT_SECONDS: Final = 120.0
# Where a traceback was, and what of it is not the project's.
_PLACE: Final = re.compile(r'^ *File "([^"]+)", line (\d+)', re.MULTILINE)
_LIBRARY: Final = re.compile(r"^<|/site-packages/|/lib/python\d")
_LOGIN: Final = re.compile(r"(://[^:/@\s]*):[^@\s]*@")
_INSTALL: Final = "is strangler_django in its INSTALLED_APPS, and does manage in the project file start it?"


class _Output(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MissingMigration(_Output):
    """What makemigrations would still write, in Django's words, and the table and column that it is about."""

    app: str
    description: str
    table: str | None = None
    column: str | None = None


class MigrationConflict(_Output):
    """An app whose migrations have more than one end."""

    app: str
    names: tuple[str, ...]


class MigrationName(_Output):
    """A migration."""

    app: str
    name: str

    def __str__(self) -> str:
        return f"{self.app}.{self.name}"


class SchemaState(_Output):
    """Where models, migrations and the database stand to one another.

    `pending` are migrations that the database has yet to see, `unknown` those that it has seen and the code lacks; both
    are None where no database was asked.
    """

    unmade: tuple[MissingMigration, ...]
    conflicts: tuple[MigrationConflict, ...]
    pending: tuple[MigrationName, ...] | None = None
    unknown: tuple[MigrationName, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class ManageCommand:
    """How a management command of a Django project is run.

    `addresses` are the variables that name its database, with `{owner_url}` for the address; `timeout` is how many
    seconds it has for an answer.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    cwd: Path
    addresses: Mapping[str, str] = field(default_factory=lambda: {"DATABASE_URL": "{owner_url}"})
    timeout: float = TIMEOUT_SECONDS

    def at(self, dsn: str) -> Self:
        """The same project on another database."""
        told = {name: text.replace("{owner_url}", dsn) for name, text in self.addresses.items()}
        return replace(self, env={**self.env, **told})

    def start(self, *arguments: str, stdin: int, stderr: int | IO[bytes]) -> "subprocess.Popen[bytes]":
        """Starts a command, whose output is piped; its group is its own, so that what it starts ends with it.

        :raises FailedError: there is no such program.
        """
        try:
            return subprocess.Popen(  # noqa: S603 - the project's own command, never a shell
                [*self.argv, *arguments],
                env=dict(self.env),
                cwd=self.cwd,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise FailedError(
                f"Django can't be started ({error.strerror}: {self.argv[0]})",
                "set manage under [django] of the project file right",
            ) from error


def django_project(settings: LocalSettings, connections: "Connections") -> ManageCommand:
    """The management commands of the project, on the owner's database.

    :raises UsageError: the project file doesn't say how they are called.
    """
    # Here, since the image of the tool brings no servers along.
    from strangler.local.services import manage_argv, stack_environment, stack_folder

    return ManageCommand(
        argv=manage_argv(settings.project),
        env=stack_environment(settings, connections, Stack.DJANGO),
        cwd=stack_folder(settings.project, Stack.DJANGO),
        addresses={name: text for name, text in settings.project.django.environment.items() if "{owner_url}" in text},
    )


def django_contract(project: ManageCommand) -> Contract:
    """What the models say now. No database is asked.

    :raises FailedError: the project doesn't start, or says something else.
    """
    said = _run(project, "export_schema")
    try:
        return Contract.model_validate_json(said[max(said.find("{\n"), 0) :])
    except ValidationError as error:
        raise FailedError(
            "Django's models can't be read",
            "export_schema wrote another format, so install the same version of strangler_django there",
        ) from error


def django_state(project: ManageCommand, *, database: bool = True) -> SchemaState:
    """Where models and migrations stand, and with `database` where its database does.

    :raises FailedError: the project doesn't start, its migrations can't be read or its database doesn't answer.
    """
    said = _run(project, "schema_state", *([] if database else ["--no-database"]))
    # What a project prints while it starts comes before, and what it prints when it ends after.
    for line in reversed(said.splitlines()):
        try:
            return SchemaState.model_validate_json(line)
        except ValidationError:
            continue
    raise FailedError(
        "Django's migrations can't be read",
        "schema_state wrote another format, so install the same version of strangler_django there",
    )


def without_secrets(text: str, env: Mapping[str, str]) -> str:
    """`text` without passwords of addresses and what the environment keeps as secrets."""
    for name, value in env.items():
        if len(value) >= 8 and re.search(r"KEY|PASSWORD|SECRET|TOKEN|URL", name):
            text = text.replace(value, "…")
    return _LOGIN.sub(r"\1:…@", text)


def last_words(complaint: str, code: int) -> str:
    """The last thing that it said, which is the error itself where a traceback precedes it."""
    lines = [line.strip() for line in complaint.strip().splitlines() if line.strip()]
    if not lines:
        return f"it ended with code {code}"
    own = [place for place in _PLACE.findall(complaint) if not _LIBRARY.search(place[0])]
    where = f" ({own[-1][0]}, line {own[-1][1]})" if own else ""
    return lines[-1].removeprefix("CommandError: ").rstrip(".") + where


def _run(project: ManageCommand, *arguments: str) -> str:
    process = project.start(*arguments, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        said, complaint = (told.decode(errors="replace") for told in process.communicate(timeout=project.timeout))
    except subprocess.TimeoutExpired as error:
        raise FailedError(
            f"Django has not answered {arguments[0]} within {project.timeout:.0f} s",
            "try it by hand, or give it longer with --timeout",
        ) from error
    finally:
        process_end(process)
    if process.returncode:
        reason = without_secrets(last_words(complaint, process.returncode), project.env)
        raise FailedError(f"Django can't answer {arguments[0]} ({reason}): {_hint(complaint)}")
    return said


def process_end(process: "subprocess.Popen[bytes]", *, seconds: float = 0) -> None:
    """Close a command's pipes and end its group: by SIGTERM if it has some `seconds` to end, then by SIGKILL."""
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    for number, timeout in ((signal.SIGTERM, seconds), (signal.SIGKILL, None)):
        if process.poll() is None and timeout != 0:
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, number)
                process.wait(timeout)


def _hint(complaint: str) -> str:
    return _INSTALL if "Unknown command" in complaint else "run it by hand to see more."
