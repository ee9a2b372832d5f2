"""`strangler schema diff`: what differs between two states of the schema."""

import subprocess
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError
from rich.text import Text

from shared_schema.catalog import Catalog
from shared_schema.catalog_reading import read_catalog
from shared_schema.contract.contract import Contract
from strangler.cli.output import json_print, out
from strangler.cli.schema.inputs import DjangoTimeout, ManageOption, reach
from strangler.databases.connections import live_connection
from strangler.errors import UsageError
from strangler.schema.comparison import differences
from strangler.schema.django_side import TIMEOUT_SECONDS, django_contract
from strangler.settings import LocalSettings, settings_load

_COLOURS: Final = {"+": "green", "-": "red", "~": "yellow"}
_SIDES: Final = "contract, django, live, git:REVISION or a file"
_DIFFER: Final = 1


def diff(
    before: Annotated[str, typer.Argument(metavar="FROM", help=f"One of {_SIDES}.")] = "contract",
    after: Annotated[str, typer.Argument(metavar="TO", help="The same.")] = "live",
    manage: ManageOption = None,
    timeout: DjangoTimeout = TIMEOUT_SECONDS,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: one JSON array.")] = False,
) -> None:
    """Show what differs between two states of the schema, line by line; exits with 1 if anything does.

    `contract` is the contract file, `git:REVISION` that file at a revision, `django` what the models say now, and
    `live` the database.
    """
    settings = settings_load()
    sides = (_side(name, settings, manage=manage, timeout=timeout) for name in (before, after))
    found = differences(*sides)
    if as_json:
        json_print([each.as_json() for each in found])
    for each in [] if as_json else found:
        out.print(Text(str(each), style=_COLOURS[str(each)[0]]))
    raise typer.Exit(_DIFFER if found else 0)


def _side(name: str, settings: LocalSettings, *, manage: str | None, timeout: float) -> Contract | Catalog:
    if name == "contract":
        return settings.project.load_contract()
    if name == "live":
        dsn = reach(settings, django=False).owner_dsn
        assert dsn is not None  # noqa: S101 - the database was not left out
        with live_connection(dsn) as connection:
            return read_catalog(connection)
    if name == "django":
        project = reach(settings, database=False, manage=manage, timeout=timeout).project
        assert project is not None  # noqa: S101 - Django was not left out
        return django_contract(project)
    if name.startswith("git:"):
        return _at_revision(name.removeprefix("git:"), settings.project.contract)
    if not Path(name).exists():
        raise UsageError(f"{name} is no side to compare", f"name one of {_SIDES}")
    return settings.project.load_contract(Path(name))


def _at_revision(revision: str, file: Path) -> Contract:
    """The contract file as it was.

    :raises UsageError: git doesn't know it, or it was of another format.
    """
    if revision.startswith("-"):
        raise UsageError(f"git knows no revision {revision}", "name one of `git log`")
    command = ["git", "show", f"{revision}:./{file.name}"]
    try:
        shown = subprocess.run(command, cwd=file.parent, capture_output=True, check=True).stdout  # noqa: S603 - git itself
        return Contract.model_validate_json(shown)
    except OSError as error:
        raise UsageError("git isn't installed here", "name a file instead") from error
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.decode(errors="replace").strip().splitlines() or ["it says nothing"])[0]
        raise UsageError(
            f"git can't show the contract at {revision} ({reason})", "name a revision that has it"
        ) from error
    except ValidationError as error:
        raise UsageError(f"the contract at {revision} is of another format", "name a later revision") from error
