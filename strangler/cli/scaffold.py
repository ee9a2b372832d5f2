"""`strangler scaffold`: write FastAPI's side of endpoints from what Django's views are made of."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from shared_schema.contract.contract import Contract
from strangler.adoption.django_settings import DjangoSettings
from strangler.adoption.endpoints import DjangoApi
from strangler.adoption.scaffold.package import project_section, service_scaffold
from strangler.adoption.scaffold.service import ScaffoldFile, ServiceScaffold
from strangler.adoption.scaffold.written_endpoint import WrittenEndpoint
from strangler.cli.output import json_print, note, say, shared_by_most
from strangler.cli.schema.inputs import DjangoTimeout, ManageOption, manage_command
from strangler.errors import UsageError, many
from strangler.project import Project
from strangler.rollout.atomic_write import write_durably
from strangler.rollout.edits import routes_select
from strangler.schema.django_side import TIMEOUT_SECONDS, ManageCommand, django_contract, manage_output
from strangler.settings import settings_load

_CHANGES = 1


def scaffold(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="Routes, such as posts.list or 'posts.*'.")],
    package: Annotated[
        str | None, typer.Option("--package", metavar="NAME", help="The service's package; else [fastapi] names it.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; exit with 1 if there is anything to write.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    manage: ManageOption = None,
    timeout: DjangoTimeout = TIMEOUT_SECONDS,
) -> None:
    """Write FastAPI's side of routes: tables, serializers, endpoints, statements, tests and cases.

    Reads serializers, querysets, filters, permissions and pages by the project's own code. What can't be read is a
    gap: the endpoint answers 501 and names it, strangler check lists it, strangler switch refuses it. A file that is
    there is never replaced. Begins the service where the project has none.

    Example: strangler scaffold 'products.*'
    """
    settings = settings_load()
    project = settings.project
    command = manage_command(settings, manage=manage, timeout=timeout)
    api, contract = DjangoApi.read(command), django_contract(command)
    routes = routes_select(project.load_routes().routes, names)
    service = service_scaffold(project, routes, package=package, api=api, contract=contract)
    if not service.features:
        raise UsageError("none of these routes is a view of Django REST framework", "see strangler inventory")
    files = [*_contract_file(project, contract, command), *service.files(), *_languages_file(service, command)]
    for file in files if not dry_run else ():
        if file.is_written:
            file.path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(file.path, file.text.encode())
    endpoints = service.endpoints
    if as_json:
        json_print(_document(files, endpoints, project.root, api.settings.other_middleware))
    else:
        _report(files, endpoints, project.root)
        _report_settings(api.settings)
        _next(service, project, dry_run=dry_run)
    if dry_run and any(file.is_written for file in files):
        raise SystemExit(_CHANGES)


def _contract_file(project: Project, contract: Contract, command: ManageCommand) -> list[ScaffoldFile]:
    """The contract, where the project has none yet."""
    if project.contract.exists():
        return []
    assert contract  # noqa: S101 - it was read before
    return [ScaffoldFile(project.contract, _exported(command, "export_schema"), None)]


def _languages_file(service: ServiceScaffold, command: ManageCommand) -> list[ScaffoldFile]:
    """The project's languages and error texts, each time anew, where its errors aren't all English."""
    if not service.translates or service.is_by_hand:
        return []
    file = service.languages_file
    before = file.read_text(encoding="utf-8") if file.exists() else None
    return [ScaffoldFile(file, _exported(command, "export_languages"), before, grows=True)]


def _exported(command: ManageCommand, name: str) -> str:
    """The document that an exporting command prints, without what the project prints before it."""
    output = manage_output(command, name)
    return output[max(output.find("{\n"), 0) :]


def _report(files: Sequence[ScaffoldFile], endpoints: Sequence[WrittenEndpoint], root: Path) -> None:
    for file in files:
        name = _shown(file.path, root)
        if file.is_new:
            say(f"+ {name}")
        elif file.is_written:
            say(f"~ {name}")
            if file.path.suffix == ".py":
                _show_diff(file)
        elif file.is_left:
            say(f"! {name} is left alone; it would be")
            _show_diff(file)
    whole = [each for each in endpoints if not each.all_gaps]
    # Mostly of one setting of Django's.
    common = shared_by_most([each.all_gaps for each in endpoints])
    for gap, number in common.items():
        say(f"gap {f'of {number} endpoints':<24} {gap}")
    for each in endpoints:
        for gap in each.all_gaps:
            if gap not in common:
                say(f"gap {each.route.name:<24} {gap}")
    for each in endpoints:
        for remark in each.remarks:
            say(f"note {each.route.name:<23} {remark}")
    say(f"{many(len(endpoints), 'endpoint')}: {len(whole)} whole, {len(endpoints) - len(whole)} with gaps.")
    if written := [each for each in endpoints if each.functions and not each.gaps]:
        say(f"{len(written)} of those are written but for functions to fill in: look for unported and not_ported.")


def _report_settings(settings: DjangoSettings) -> None:
    """What Django does around every view, and FastAPI doesn't: middleware may be what refuses a request."""
    for name in settings.other_middleware:
        what = "FastAPI lets in what it refuses, and lacks what it adds; see middleware in docs/hazards.md"
        say(f"note {'every endpoint':<23} {name} is not written: {what}")
    if settings.own_exception_handler and settings.own_exception_handler.never:
        named = ", ".join(settings.own_exception_handler.never)
        what = f"looks for {named}, which no error of FastAPI is: what is bad input there is ValidationError here"
        say(f"note {'every endpoint':<23} {settings.exception_handler} {what}")
    for name, value in settings.unfollowed.items():
        what = "which FastAPI goes without; see settings in docs/hazards.md"
        say(f"note {'every endpoint':<23} {name} is {value}, {what}")


def _show_diff(file: ScaffoldFile) -> None:
    before = (file.before or "").splitlines()
    for line in difflib.unified_diff(before, file.text.splitlines(), "as it is", "as written", lineterm=""):
        say(f"  {line}")


def _next(service: ServiceScaffold, project: Project, *, dry_run: bool) -> None:
    if dry_run:
        return
    for feature in service.features if service.is_by_hand else ():
        note(
            f"add to your application: from {service.folder.name}.{feature.name}.router import router as {feature.name}"
        )
    if section := project_section(service, project):
        note(f"{project.file.name} names no command that starts it; put this in place of [fastapi]:\n{section}")
    note(f"next: python -m {service.folder.name}.consumer in {_shown(service.folder.parent, project.root)}")


def _document(
    files: Sequence[ScaffoldFile], endpoints: Sequence[WrittenEndpoint], root: Path, middleware: Sequence[str]
) -> dict[str, object]:
    return {
        "written": [_shown(file.path, root) for file in files if file.is_written],
        "left": [_shown(file.path, root) for file in files if file.is_left],
        "endpoints": [
            {
                "route": each.route.name,
                "method": each.endpoint.method,
                "path": each.endpoint.path,
                "gaps": each.all_gaps,
                "remarks": each.remarks,
                "written": not each.gaps,
                "fields": len(each.serializer.facts.fields) if each.serializer else 0,
                "readable": len(each.serializer.fields) - len(each.serializer.functions) if each.serializer else 0,
            }
            for each in endpoints
        ],
        "middleware": [*middleware],
    }


def _shown(path: Path, root: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(root.resolve())) if path.is_relative_to(root.resolve()) else str(path)
