"""`strangler inventory`: what the API is made of, endpoint by endpoint, and what will be hard to move."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from shared_schema.contract.contract import Contract
from strangler.adoption.endpoints import DjangoApi
from strangler.adoption.hazards import Effort
from strangler.adoption.inventory import Inventory, take_inventory
from strangler.adoption.scaffold.package import service_scaffold
from strangler.cli.output import file_write, json_print, note, out, say, shared_by_most, table_print
from strangler.cli.schema.inputs import DjangoTimeout, ManageOption, manage_command
from strangler.errors import FailedError, many
from strangler.routes.table import load_routes
from strangler.schema.django_side import TIMEOUT_SECONDS, ManageCommand, django_contract
from strangler.settings import settings_load

# Further ones are in --json.
_MOST_GAPS: Final = 8
_STYLES: Final = {Effort.SCAFFOLD: "green", Effort.PORT: "yellow", Effort.REWRITE: "magenta", Effort.STAY: "dim"}


def inventory(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write one page for a browser.")
    ] = None,
    manage: ManageOption = None,
    timeout: DjangoTimeout = TIMEOUT_SECONDS,
) -> None:
    """List the endpoints of the Django API with what a move can lose, in the order in which to move them.

    Reads views, serializers, permissions, filters and models by the project's own code; sends no request and reads no
    row. Effort: scaffold (strangler scaffold writes it whole), port (but for functions of yours), rewrite (nothing is
    written), stay (better left with Django). Each hazard has a section in docs/hazards.md.

    Example: strangler inventory --html inventory.html
    """
    settings = settings_load()
    project, prefixes = settings.project, settings.project.prefixes
    command = manage_command(settings, manage=manage, timeout=timeout)
    api, contract = DjangoApi.read(command), _contract(command)
    table = load_routes(project.routes, prefixes=prefixes) if project.routes.exists() else None
    service = service_scaffold(project, table.routes, api=api, contract=contract) if table and contract else None
    found = take_inventory(
        api,
        contract,
        table,
        prefixes=prefixes,
        sign_in=project.sign_in_routes,
        written=service.endpoints if service else (),
    )
    if html is not None:
        file_write(html, found.as_html(name=project.name))
    if as_json:
        json_print(found.as_json())
    else:
        _show(found)
        if html is not None:
            note(f"{html} is written")


def _contract(command: ManageCommand) -> Contract | None:
    """The facts of the models; a database other than PostgreSQL has none, and the endpoints are read all the same."""
    try:
        return django_contract(command)
    except FailedError as error:
        note(f"without signals and overridden methods of models: {error}")
        return None


def _show(found: Inventory) -> None:
    codes = [tuple(dict.fromkeys(each.code for each in entry.hazards)) for entry in found.entries]
    common = shared_by_most(codes)
    rows = [
        (
            entry.route or "-",
            entry.endpoint.method,
            entry.endpoint.path,
            Text(entry.effort.name.lower(), style=_STYLES[entry.effort]),
            ", ".join(code for code in own if code not in common) or "-",
        )
        for entry, own in zip(found.entries, codes, strict=True)
    ]
    table_print(("ROUTE", "METHOD", "PATH", "EFFORT", "HAZARDS"), rows, whole=("METHOD", "EFFORT"))
    say()
    counts = ", ".join(f"{found.efforts[effort]} {effort.name.lower()}" for effort in Effort if found.efforts[effort])
    say(f"{many(len(found.entries), 'endpoint')}: {counts or 'none'}.")
    for code, number in common.items():
        say(f"{code}: {many(number, 'endpoint')}, not repeated above")
    if shared := [f"  {number:>4}  {what}" for what, number in found.gaps if number > 1][:_MOST_GAPS]:
        say("what several endpoints lack, each to be written once:")
        for line in shared:
            say(line)
    for hazard in found.hazards:
        out.print(Text(f"{hazard.code}: ", style="bold") + Text(hazard.what))
