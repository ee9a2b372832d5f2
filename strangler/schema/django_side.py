"""A Django project's own description of its schema, read by running commands of strangler_django in the project."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from shared_schema.contract.contract import Contract
from strangler.errors import FailedError
from strangler.routes.route import Stack
from strangler.settings import LocalSettings

if TYPE_CHECKING:
    from strangler.local.services import Connections

TIMEOUT_SECONDS: Final = 120.0
# Places in a traceback, and those that are not in the project's own code.
_PLACE: Final = re.compile(r'^ *File "([^"]+)", line (\d+)', re.MULTILINE)
_LIBRARY: Final = re.compile(r"^<|/site-packages/|/lib/python\d")
_LOGIN: Final = re.compile(r"(://[^:/@\s]*):[^@\s]*@")
_INSTALL: Final = "is strangler_django in its INSTALLED_APPS, and does manage in the project file start it?"
_MISSING: Final = "install strangler_django there: pip install 'strangler[django]'."
_SETTINGS: Final = "name its settings in the environment, as by export DJANGO_SETTINGS_MODULE=shop.settings."


class _Output(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MissingMigration(_Output):
    """An operation that makemigrations would write, in Django's words, with its table and column."""

    app: str
    description: str
    table: str | None = None
    column: str | None = None


class MigrationConflict(_Output):
    """An app whose migrations have several leaf migrations."""

    app: str
    names: tuple[str, ...]


class MigrationName(_Output):
    """The name of a migration."""

    app: str
    name: str

    def __str__(self) -> str:
        return f"{self.app}.{self.name}"


class SchemaState(_Output):
    """The differences between models, migrations and the database.

    `pending` are migrations that aren't applied yet, `unknown` those that are applied and missing in the code; both are
    None if no database was read.
    """

    unmade: tuple[MissingMigration, ...]
    conflicts: tuple[MigrationConflict, ...]
    pending: tuple[MigrationName, ...] | None = None
    unknown: tuple[MigrationName, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class ManageCommand:
    """How a management command of a Django project is run.

    `addresses` are the variables that hold its database's address, as `{owner_url}`; `timeout` is in seconds.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    cwd: Path
    addresses: Mapping[str, str] = field(default_factory=lambda: {"DATABASE_URL": "{owner_url}"})
    timeout: float = TIMEOUT_SECONDS

    def at(self, dsn: str) -> Self:
        """The same project on another database."""
        addresses = {name: text.replace("{owner_url}", dsn) for name, text in self.addresses.items()}
        return replace(self, env={**self.env, **addresses})

    def start(self, *arguments: str, stdin: int, stderr: int | IO[bytes]) -> "subprocess.Popen[bytes]":
        """Start a command with its output piped, in a process group of its own, so that its children end with it.

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
                "correct manage under [django] of the project file",
            ) from error


def django_project(settings: LocalSettings, connections: "Connections") -> ManageCommand:
    """The management commands of the project, on the owner's database.

    :raises UsageError: the project file doesn't say how they are called.
    """
    # Here, since the image of the tool brings no servers along.
    from strangler.local.services import manage_argv, stack_environment, stack_folder

    return ManageCommand(
        argv=with_commands(manage_argv(settings.project)),
        env=stack_environment(settings, connections, Stack.DJANGO),
        cwd=stack_folder(settings.project, Stack.DJANGO),
        addresses={name: text for name, text in settings.project.django.environment.items() if "{owner_url}" in text},
    )


def with_commands(argv: tuple[str, ...]) -> tuple[str, ...]:
    """A project's management command with those of strangler_django, whether it is in INSTALLED_APPS or not.

    That takes `python manage.py`; whatever else starts the project knows the commands of its installed apps alone.
    """
    *before, python, script = ("", *argv)
    if script.endswith(".py") and Path(python).name.startswith("python"):
        return (*before[1:], python, "-m", "strangler_django", script)
    return argv


def is_installed(project: ManageCommand) -> bool:
    """Whether strangler_django is among the project's INSTALLED_APPS, so that it hears what Django does."""
    argv = project.argv
    if argv[-3:-1] == ("-m", "strangler_django"):
        argv = (*argv[:-3], argv[-1])
    try:
        manage_output(replace(project, argv=argv), "schema_state", "--help")
    except FailedError:
        return False
    return True


Document = TypeVar("Document", bound=BaseModel)


def django_contract(project: ManageCommand) -> Contract:
    """The contract as exported from the models now; no database is used.

    :raises FailedError: the project doesn't start, or its output is in another format.
    """
    return manage_document(project, "export_schema", Contract, what="Django's models")


def django_state(project: ManageCommand, *, database: bool = True) -> SchemaState:
    """The state of models and migrations, and with `database` that of the database.

    :raises FailedError: the project doesn't start, its migrations can't be read or its database doesn't answer.
    """
    output = manage_output(project, "schema_state", *([] if database else ["--no-database"]))
    # The project itself may print lines before it and after it.
    for line in reversed(output.splitlines()):
        try:
            return SchemaState.model_validate_json(line)
        except ValidationError:
            continue
    raise FailedError(
        "Django's migrations can't be read",
        "schema_state wrote another format, so install the same version of strangler_django there",
    )


def without_secrets(text: str, env: Mapping[str, str]) -> str:
    """`text` without passwords in addresses and without secrets from the environment."""
    for name, value in env.items():
        if len(value) >= 8 and re.search(r"KEY|PASSWORD|SECRET|TOKEN|URL", name):
            text = text.replace(value, "…")
    return _LOGIN.sub(r"\1:…@", text)


def last_words(complaint: str, code: int) -> str:
    """The last line of an error output, after a traceback the error itself, with the project's line that raised it."""
    lines = [line.strip() for line in complaint.strip().splitlines() if line.strip()]
    if not lines:
        return f"it ended with code {code}"
    own = [place for place in _PLACE.findall(complaint) if not _LIBRARY.search(place[0])]
    where = f" ({own[-1][0]}, line {own[-1][1]})" if own else ""
    return lines[-1].removeprefix("CommandError: ").rstrip(".") + where


def manage_output(project: ManageCommand, *arguments: str) -> str:
    """What a management command of the project prints.

    :raises FailedError: it doesn't start, fails or doesn't end in time.
    """
    process = project.start(*arguments, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        output, complaint = (pipe.decode(errors="replace") for pipe in process.communicate(timeout=project.timeout))
    except subprocess.TimeoutExpired as error:
        raise FailedError(
            f"Django's command {arguments[0]} didn't end within {project.timeout:.0f} s",
            "run it by hand, or allow more with --timeout",
        ) from error
    finally:
        process_end(process)
    if process.returncode:
        reason = without_secrets(last_words(complaint, process.returncode), project.env)
        raise FailedError(f"Django's command {arguments[0]} fails ({reason}): {_hint(complaint)}")
    return output


def manage_document(project: ManageCommand, command: str, model: type[Document], *, what: str) -> Document:
    """The JSON document that an exporting command of `strangler_django` prints; `what` it is of, for the message.

    :raises FailedError: as `manage_output`, or the document is in another format.
    """
    output = manage_output(project, command)
    try:
        # The project itself may print lines before it.
        return model.model_validate_json(output[max(output.find("{\n"), 0) :])
    except ValidationError as error:
        raise FailedError(
            f"{what} can't be read",
            f"{command} wrote another format, so install the same version of strangler_django there",
        ) from error


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
    if "No module named strangler_django" in complaint:
        return _MISSING
    if "DJANGO_SETTINGS_MODULE" in complaint:
        return _SETTINGS
    return _INSTALL if "Unknown command" in complaint else "run it by hand to see more."
