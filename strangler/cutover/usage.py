"""What of Django a project still uses besides its endpoints, as `manage.py export_usage` writes it."""

from typing import Self

from pydantic import BaseModel, ConfigDict

from strangler.adoption.serializer_facts import Unread
from strangler.schema.django_side import ManageCommand, manage_document


class _Facts(BaseModel):
    # Newer versions of strangler_django may tell more.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Task(_Facts):
    """A function that a queue runs, and where it is."""

    name: str
    file: str
    line: int


class SessionUsage(_Facts):
    """How many sessions have not expired; None where their store can't be counted."""

    engine: str | None
    live: int | None


class AdminLog(_Facts):
    """The entries of the admin's log, and the time of the last one."""

    rows: int
    last: str | None


class DjangoUsage(_Facts):
    """What is still used; None stands for what could not be read, which `unread` says why.

    `libraries` are installed apps that are taken for those of others: what they bring isn't counted.
    """

    format: int
    apps: tuple[str, ...] | None = None
    libraries: tuple[str, ...] | None = None
    commands: tuple[str, ...] | None = None
    tasks: tuple[Task, ...] = ()
    task_libraries: tuple[str, ...] = ()
    schedules: tuple[str, ...] | None = None
    receivers: tuple[str, ...] | None = None
    templates: tuple[str, ...] | None = None
    static: tuple[str, ...] | None = None
    admin_models: tuple[str, ...] | None = None
    sessions: SessionUsage | None = None
    admin_log: AdminLog | None = None
    staff: int | None = None
    unread: tuple[Unread, ...] = ()

    @classmethod
    def read(cls, project: ManageCommand) -> Self:
        """What a project uses, by its own command.

        :raises FailedError: the project doesn't start, or its output is in another format.
        """
        return manage_document(project, "export_usage", cls, what="what Django is used for")
