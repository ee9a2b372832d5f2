"""`strangler routes sync`: bring the endpoints that Django has into the routes file."""

from typing import Annotated

import typer

from strangler.adoption.endpoints import DjangoApi
from strangler.adoption.route_sync import RouteSync, sync_project
from strangler.cli.output import json_print, note, say
from strangler.cli.schema.inputs import DjangoTimeout, ManageOption, manage_command
from strangler.errors import many
from strangler.rollout.state_dir import RolloutFolder
from strangler.schema.django_side import TIMEOUT_SECONDS
from strangler.settings import LocalSettings, settings_load

_CHANGES = 1


def sync(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the changes, write nothing; exit with 1 if there are any.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    manage: ManageOption = None,
    timeout: DjangoTimeout = TIMEOUT_SECONDS,
) -> None:
    """Add the endpoints that Django has, and no route names, to the routes file, at stage legacy.

    Reads the URL resolver of the project, by `manage` of the project file. Marks routes whose endpoint has vanished;
    everything else in the file stays as it is. Nothing moves before strangler apply.

    Example: strangler routes sync --dry-run
    """
    settings = settings_load()
    project = settings.project
    api = DjangoApi.read(manage_command(settings, manage=manage, timeout=timeout))
    with RolloutFolder(settings.state_dir / "rollout").locked():
        found = sync_project(project, api)
        if found.changed and not dry_run:
            found.write(project.routes)
    if as_json:
        json_print(_document(found))
    else:
        _report(found, settings, known=len(api.of_v1(project.prefixes)), dry_run=dry_run)
    if dry_run and found.changed:
        raise SystemExit(_CHANGES)


def _document(found: RouteSync) -> dict[str, object]:
    return {
        "added": [{"name": each.name, "methods": each.methods, "path": each.path} for each in found.added],
        "vanished": [route.name for route in found.vanished],
        "returned": [route.name for route in found.returned],
        "unroutable": [str(each) for each in found.unroutable],
    }


def _report(found: RouteSync, settings: LocalSettings, *, known: int, dry_run: bool) -> None:
    for new in found.added:
        say(f"+ {new.name:<32} {' '.join(new.methods)} {new.path}")
    for route in found.vanished:
        say(f"- {route.name:<32} {' '.join(route.methods)} {route.path}: Django has it no more, remove the route")
    for route in found.returned:
        say(f"= {route.name:<32} {' '.join(route.methods)} {route.path}: Django has it again")
    for each in found.unroutable:
        say(f"! {each}: no route can name this path, so Django answers it at every stage")
    if not (found.added or found.vanished or found.returned):
        say(f"Every one of {many(known, 'endpoint')} of Django is in {settings.project.routes.name}.")
    elif not dry_run:
        note(f"{settings.project.routes.name} is written: review it, then run strangler apply")
