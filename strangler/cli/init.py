"""`strangler init`: write the project file of a Django REST API, and its routes file."""

import difflib
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from strangler.adoption.compose_file import OVERLAY, ComposeFile, ComposeService, container_address, overlay_text
from strangler.adoption.detection import ADMIN_FORM, Detection, SignInGuess, detect, find_manage
from strangler.adoption.project_file import Answers, project_text
from strangler.adoption.route_sync import sync_project
from strangler.cli.output import note, say
from strangler.cli.schema.inputs import DjangoTimeout
from strangler.errors import UsageError, many
from strangler.project import FILE_NAME, Project, project_load, project_parse
from strangler.rollout.atomic_write import write_durably
from strangler.schema.django_side import TIMEOUT_SECONDS

_NO_HEALTH: Final = "/"
# Of a sign-in of which nothing but its path is known.
_TOKEN: Final = "token"  # noqa: S105 - a key
_SCHEME: Final = "Bearer"


def init(
    manage: Annotated[str | None, typer.Option("--manage", metavar="COMMAND", help="How manage.py is called.")] = None,
    django: Annotated[str, typer.Option("--django", metavar="URL", help="The address of the Django service.")] = (
        "http://127.0.0.1:8000"
    ),
    fastapi: Annotated[str, typer.Option("--fastapi", metavar="URL", help="The address of the FastAPI service.")] = (
        "http://127.0.0.1:9000"
    ),
    v1: Annotated[str | None, typer.Option("--v1", metavar="PREFIX", help="Where clients find the API.")] = None,
    v2: Annotated[str | None, typer.Option("--v2", metavar="PREFIX", help="Where they will find FastAPI's.")] = None,
    health: Annotated[
        str | None, typer.Option("--health", metavar="PATH", help="What Django answers with 200 once it is ready.")
    ] = None,
    openapi: Annotated[
        str | None, typer.Option("--openapi", metavar="PATH", help="Django's OpenAPI document in JSON.")
    ] = None,
    sign_in: Annotated[
        str | None, typer.Option("--sign-in", metavar="PATH", help="What callers send a name and a password to.")
    ] = None,
    compose: Annotated[
        str | None,
        typer.Option("--compose", metavar="FILE", help="The compose file of the services; else docker's own."),
    ] = None,
    django_container: Annotated[
        str | None, typer.Option("--django-container", metavar="NAME:PORT", help="Django's service in it.")
    ] = None,
    fastapi_container: Annotated[
        str, typer.Option("--fastapi-container", metavar="NAME:PORT", help="FastAPI's, which may come later.")
    ] = "fastapi:8000",
    name: Annotated[str | None, typer.Option("--name", help="The project's name; else the folder's.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace a project file that is there.")] = False,
    timeout: DjangoTimeout = TIMEOUT_SECONDS,
) -> None:
    """Write strangler.toml and nginx/routes.toml for the Django REST API in this folder; touch nothing else.

    Looks for manage.py, the API's prefix, sign-in, health and OpenAPI by the project's own code, and asks on a terminal
    for what it doesn't find; each is an option too.
    Where there is a compose file, writes compose.strangler.yml, which adds the gateway to its services.

    Example: strangler init --manage 'venv/bin/python manage.py' --django http://127.0.0.1:8000
    """
    folder = Path.cwd()
    command = tuple(shlex.split(manage)) if manage else find_manage(folder)
    found = _completed(detect(command, folder, timeout=timeout), health=health, openapi=openapi, sign_in=sign_in)
    base = ComposeFile.find(folder, compose)
    service = _compose_service(base, django_container)
    answers = replace(
        _answers(found, folder, django=django, fastapi=fastapi, v1=v1, v2=v2, name=name),
        containers=(service.address, container_address(fastapi_container)) if service else None,
    )
    text = project_text(answers)
    file = folder / FILE_NAME
    project_parse(text, file=file)
    if not _write(file, text, yes=yes):
        return
    project = project_load(file)
    _report(found, project)
    if project.cases:
        project.cases.mkdir(parents=True, exist_ok=True)
    if base and service:
        _write(folder / OVERLAY, overlay_text(base, service, project), yes=yes)
    if project.routes.exists():
        note(f"{project.routes.relative_to(folder)} is there already: strangler routes sync brings it up to date")
        return
    synced = sync_project(project, found.api)
    synced.write(project.routes)
    stay = f", {many(len(synced.unroutable), 'path')} that stay with Django" if synced.unroutable else ""
    say(f"{project.routes.relative_to(folder)} is written: {many(len(synced.added), 'route')} at stage legacy{stay}")
    say("next: strangler inventory")


def _compose_service(base: ComposeFile | None, named: str | None) -> ComposeService | None:
    """Django's service; None where there is no compose file, or nothing shows which it is."""
    if base is None:
        if named is not None:
            raise UsageError("there is no compose file here", "name it with --compose FILE")
        return None
    if named is not None:
        return base.service(container_address(named))
    try:
        return base.django()
    except UsageError as error:
        note(f"{OVERLAY} is not written: {error}")
        return None


def _completed(found: Detection, *, health: str | None, openapi: str | None, sign_in: str | None) -> Detection:
    """What was found with what was typed, as an option or, on a terminal, where nothing was found."""
    path = sign_in if sign_in is not None or found.sign_in else _ask("Path that signs callers in, below the API")
    if path and found.v1.strip("/"):
        # Others are whole paths, and so may this one be.
        path = path.removeprefix(found.v1.rstrip("/"))
    typed = (
        SignInGuess(path=path, user=found.api.settings.username_field, token=_TOKEN, scheme=_SCHEME) if path else None
    )
    return replace(
        found,
        health=health or found.health or _ask("Path that Django answers with 200 once it is ready"),
        openapi=openapi or found.openapi or ("" if found.closed_openapi else _ask("Path of Django's OpenAPI document")),
        sign_in=typed or found.sign_in,
    )


def _ask(question: str) -> str:
    """What is typed; nothing where nobody sits there, or knows."""
    if not sys.stdin.isatty():
        return ""
    while (typed := str(typer.prompt(f"{question} (empty for none)", default="", show_default=False))).strip():
        if typed.startswith("/"):
            return typed.strip()
        note("write a path such as /health/")
    return ""


def _answers(
    found: Detection, folder: Path, *, django: str, fastapi: str, v1: str | None, v2: str | None, name: str | None
) -> Answers:
    return Answers(
        name=name or re.sub(r"[^A-Za-z0-9_-]+", "-", folder.name).strip("-_") or "api",
        v1=v1 or found.v1,
        v2=v2 or found.v2,
        django=django,
        fastapi=fastapi,
        manage=found.manage,
        health=found.health or _NO_HEALTH,
        openapi=found.openapi,
        sign_in=found.sign_in,
        browsable=found.browsable,
    )


def _write(file: Path, text: str, *, yes: bool) -> bool:
    """Whether the file says now what it should; one that says something else is replaced after a question only."""
    before = file.read_text(encoding="utf-8") if file.exists() else None
    if before is not None and before != text:
        for line in difflib.unified_diff(before.splitlines(), text.splitlines(), "as it is", "as found", lineterm=""):
            say(line)
        if not yes and not sys.stdin.isatty():
            raise UsageError(f"{file.name} is there already and says something else", "pass --yes to replace it")
        if not yes and not typer.confirm(f"Replace {file.name}?"):
            return False
    if before != text:
        write_durably(file, text.encode())
        say(f"{file.name} is written")
    return True


def _sign_in_text(found: Detection) -> str:
    if found.sign_in is None:
        return "none was found: pass --sign-in PATH"
    only = any(form.path == found.sign_in.path and form.view == ADMIN_FORM for form in found.api.login_forms)
    return f"{found.sign_in.path}{', for staff alone: pass --sign-in PATH for others' if only else ''}"


def _openapi_text(found: Detection) -> str:
    if found.closed_openapi:
        return f"{found.closed_openapi} wants callers to sign in: Django's views are read in its place"
    return "none was found: pass --openapi PATH, or check --django-schema FILE"


def _report(found: Detection, project: Project) -> None:
    rows = {
        "manage": shlex.join(found.manage),
        "v1, v2": f"{project.api.v1 or '/'}, {project.api.v2}",
        "health": found.health or "none was found: pass --health PATH",
        "openapi": found.openapi or _openapi_text(found),
        "sign-in": _sign_in_text(found),
        "callers": ", ".join(found.authenticators) or "nobody is asked who he is",
        "database": found.api.settings.database_engine.rpartition(".")[2] or "unknown",
    }
    for key, value in rows.items():
        say(f"  {key:<8} {value}")
    if (engine := found.api.settings.database_engine) and "postg" not in engine:
        note(f"Django's database is no PostgreSQL ({engine}): FastAPI, grants and comparisons of writes need one")
