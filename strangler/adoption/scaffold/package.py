"""The package of a project's FastAPI service, and how the project file starts it."""

import re
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Final

from shared_schema.contract.contract import Contract
from strangler.adoption.endpoints import DjangoApi
from strangler.adoption.scaffold.service import ServiceScaffold
from strangler.adoption.scaffold.tables import snake
from strangler.errors import UsageError
from strangler.project import Project
from strangler.rollout.endpoints import path_key
from strangler.routes.route import Route

_TARGET: Final = re.compile(r"([A-Za-z_]\w*)(?:\.\w+)*(?::\w+)?")
# Where an environment's Python is, from the service's folder.
_PYTHONS: Final = (".venv/bin/python", "venv/bin/python")
_SERVERS: Final = frozenset({"uvicorn", "gunicorn", "hypercorn", "granian", "fastapi"})


def service_scaffold(
    project: Project, routes: Iterable[Route], *, package: str | None = None, api: DjangoApi, contract: Contract
) -> ServiceScaffold:
    """The scaffold of those of the routes that are views of Django REST framework, in Django's order.

    :raises UsageError: the package's name is none of Python's.
    """
    by_key = {(method, path_key(route.path)): route for route in routes for method in route.methods}
    prefix = project.prefixes.django
    selected = [
        (each, route)
        for each in api.of_v1(project.prefixes)
        if each.is_api and (route := by_key.get((each.method, path_key(each.path.removeprefix(prefix)))))
    ]
    return ServiceScaffold(project, package_of(project, package), selected, api=api, contract=contract)


def package_of(project: Project, named: str | None) -> str:
    """The package: `named`, else that of the command in the project file, else one after the project's name.

    :raises UsageError: its name is none of Python's.
    """
    package = named or _of_command(project.fastapi.command or ()) or f"{snake(project.name)}_fastapi"
    if not package.isidentifier():
        raise UsageError(f"{package!r} is no name of a Python package", "name one with --package")
    return package


def project_section(service: ServiceScaffold, project: Project) -> str:
    """The section of the project file that starts the service; empty where it has a command."""
    if project.fastapi.command:
        return ""
    fastapi = project.fastapi
    # What Django is given, where the project file says it; else what Django's settings do.
    is_secret = service.has_tokens_by_secret_key and not project.uses("jwt_signing_key")
    signing = '# Django signs its tokens with SECRET_KEY.\nJWT_SIGNING_KEY = "{secret_key}"\n' if is_secret else ""
    key = (signing or 'JWT_SIGNING_KEY = "{jwt_signing_key}"\n') if service.has_tokens else ""
    if service.fetches_keys:
        key = '# That of Django\'s SIMPLE_JWT: where the keys of tokens are published.\nJWK_URL = ""\n'
    secret = 'SECRET_KEY = "{secret_key}"\n' if service.has_sessions else ""
    python, comment = _interpreter(service)
    return f"""\
[fastapi]
# {comment}
command = ["{python}", "-m", "{service.folder.name}"]
folder = "{fastapi.folder}"
health = "{fastapi.health}"
openapi = "{fastapi.openapi}"
prefix = "{project.prefixes.fastapi or "/"}"
inherit = false

[fastapi.environment]
ALLOWED_HOSTS = "{{allowed_hosts}}"
DB_POOL_MAX = "{{pool}}"
ENVIRONMENT = "{{environment}}"
FASTAPI_DATABASE_URL = "{{fastapi_url}}"
FASTAPI_HOST = "{{host}}"
FASTAPI_PORT = "{{port}}"
FASTAPI_READ_ONLY = "{{read_only}}"
FASTAPI_WORKERS = "{{workers}}"
{key}LOG_LEVEL = "{{log_level}}"
OTEL_EXPORTER_OTLP_ENDPOINT = "{{otlp_endpoint}}"
REPORT_SQL = "{{report_sql}}"
{secret}SERVICE_METRICS = "{{service_metrics}}"
STATEMENT_TIMEOUT = "{{statement_timeout}}"
"""


def _interpreter(service: ServiceScaffold) -> tuple[str, str]:
    """The word of a command that is Python of the environment where FastAPI is, and what is said of it."""
    if find_spec("fastapi"):
        return "{python}", f'{{python}} is the one that runs strangler; if FastAPI has another, write "{_PYTHONS[0]}".'
    there = next((each for each in _PYTHONS if (service.folder.parent / each).exists()), None)
    if there:
        return there, "FastAPI's environment; {python} would be the one that runs strangler, which has no FastAPI."
    return "python", f'The Python of FastAPI\'s environment, such as "{_PYTHONS[0]}": the tool has none of FastAPI.'


def _of_command(command: tuple[str, ...]) -> str | None:
    """The module that a command runs: `-m NAME`, or what a server is given, such as `shop.main:app`."""
    if "-m" in command[:-1]:
        name = command[command.index("-m") + 1]
        if name not in _SERVERS:
            return name.partition(".")[0]
        command = command[command.index("-m") + 2 :]
    targets = (_TARGET.fullmatch(word) for word in command if ":" in word and not word.startswith(("-", "{")))
    return next((found[1] for found in targets if found), None)
