"""`strangler check`: is everything as the routes file says?"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Annotated, Final

import typer
from rich.text import Text

from shared_schema.secrets import secret_weakness
from strangler.adoption.endpoints import DjangoApi
from strangler.cli.output import json_print, out
from strangler.cli.schema.inputs import manage_command
from strangler.deployment.open import rollout_open
from strangler.deployment.rollouts import document_address
from strangler.errors import StranglerError
from strangler.local.production import exposure_warning, production_problems
from strangler.local.state import StateFolder
from strangler.rollout.check import Documents, check_all
from strangler.rollout.coverage import CheckResult, Level
from strangler.rollout.endpoints import ApiEndpoint
from strangler.routes.route import Stack
from strangler.settings import LocalSettings, settings_load

_COLOURS: Final = {Level.OK: "green", Level.NOTE: "cyan", Level.FINDING: "red", Level.UNKNOWN: "yellow"}
_FOUND: Final = 1
_NOT_CHECKED: Final = 4


def check(
    django_schema: Annotated[
        str | None,
        typer.Option("--django-schema", metavar="PLACE", help="Read Django's OpenAPI document there: path, URL, file."),
    ] = None,
    fastapi_schema: Annotated[
        str | None, typer.Option("--fastapi-schema", metavar="PLACE", help="Read FastAPI's OpenAPI document.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Check the routes file against nginx and the endpoints of both stacks.

    Reads the OpenAPI documents of the project file by default; without one for Django its URL resolver, by `manage`.
    Exits with 1 for findings, 4 if a check can't be made.

    Example: strangler check --django-schema schema.json
    """
    settings = settings_load()
    is_alone = settings.gateway == "local" and StateFolder(settings.state_dir).runs_without_django
    documents = Documents(
        django=django_schema or (None if is_alone else _django_endpoints(settings)),
        resolved=partial(_resolved, settings) if settings.project.django.manage and not is_alone else None,
        fastapi=fastapi_schema or document_address(settings, Stack.FASTAPI),
        host=settings.probe_host,
        prefixes=settings.project.prefixes,
    )
    findings = [
        *_settings_results(settings),
        *_database_results(settings),
        *check_all(rollout_open(settings), documents),
    ]
    if as_json:
        json_print([asdict(finding) for finding in findings])
    for finding in [] if as_json else findings:
        level = Text(f"{finding.level:<8}", style=_COLOURS[finding.level])
        out.print(level + Text(f"{finding.check}: {finding.sentence}"))
    levels = {finding.level for finding in findings}
    if Level.UNKNOWN in levels:
        raise SystemExit(_NOT_CHECKED)
    if Level.FINDING in levels:
        raise SystemExit(_FOUND)


def _settings_results(settings: LocalSettings) -> Iterator[CheckResult]:
    """What production refuses in the settings, and what a development stack had better not do."""
    if warning := exposure_warning(settings):
        yield CheckResult(check="settings", level=Level.NOTE, sentence=warning)
    for problem in production_problems(settings):
        yield CheckResult(check="settings", level=Level.FINDING, sentence=f"{problem}")
    for name in ("secret_key", "jwt_signing_key"):
        secret = str(getattr(settings, name))
        if not settings.is_development and settings.project.uses(name) and (weakness := secret_weakness(secret)):
            sentence = f"{name.upper()} is {weakness}: set it to a random text, such as of openssl rand -base64 48."
            yield CheckResult(check="settings", level=Level.FINDING, sentence=sentence)


def _database_results(settings: LocalSettings) -> Iterator[CheckResult]:
    """Whether there is room for all connections; a database that a killed restore has closed.

    One that doesn't answer is the stacks' own finding.
    """
    if settings.gateway == "container" or (
        settings.gateway == "local" and StateFolder(settings.state_dir).read() is None
    ):
        return
    with suppress(StranglerError):
        # Imported here, since it takes a quarter of a second.
        from strangler.deployment.connection_room import connections_result

        yield connections_result(settings)
    if settings.gateway != "local":
        return
    with suppress(StranglerError):
        from strangler.databases.backups import is_closed
        from strangler.deployment.source import administration

        admin_dsn, name = administration(settings)
        if is_closed(admin_dsn=admin_dsn, name=name):
            sentence = (
                f"{name} lets nobody in: a restore puts another in its place now, or was killed; the next opens it."
            )
            yield CheckResult(check="database", level=Level.FINDING, sentence=sentence)


def _django_endpoints(settings: LocalSettings) -> str | frozenset[ApiEndpoint]:
    """Where Django's OpenAPI document is, or what its URL resolver has where the project names none."""
    if settings.project.django.openapi or settings.project.django.manage is None:
        return document_address(settings, Stack.DJANGO)
    return _resolved(settings)


def _resolved(settings: LocalSettings) -> frozenset[ApiEndpoint]:
    known = DjangoApi.read(manage_command(settings)).endpoints
    return frozenset(ApiEndpoint(path=each.path, method=each.method) for each in known if each.is_api)
