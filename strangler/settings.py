"""The settings of the local stack: from the environment, then `.env`, then these defaults."""

import logging
import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import quote, urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from strangler.addresses import LAST_PORT, require_port
from strangler.errors import UsageError
from strangler.project import Project, project_load
from strangler.routes.route import Stack

HOST: Final = "127.0.0.1"
# What a program needs to run at all, and nothing that carries a secret.
_PASSED_ON: Final = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ")

# Names in `.env` that compose, or other parts of the tool, read.
_ELSEWHERE: Final = (
    *("POSTGRES_PASSWORD", "DATABASE_PASSWORD", "FASTAPI_DATABASE_PASSWORD"),
    *("COPIES_MEMORY", "POSTGRES_IMAGE", "NGINX_IMAGE", "PYTHON_IMAGE"),
    *("PROMETHEUS_PORT", "PROMETHEUS_IMAGE", "GRAFANA_PORT", "GRAFANA_IMAGE"),
    *("RAMP_USER", "STRANGLER_PROJECT", "STRANGLER_PASSWORD"),
)
_NAME: Final = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", re.MULTILINE)
_NEAR: Final = 0.85
# One is answered while seven wait: more would wait for longer than it takes to ask again.
_REQUESTS_EACH: Final = 8
_LOG: Final = logging.getLogger(__name__)


Port = Annotated[int, Field(ge=1, le=LAST_PORT)]
Count = Annotated[int, Field(ge=1, le=256)]


class LocalSettings(BaseModel):
    """One run of the stack; every field is an environment variable in capitals, explained in `.env.example`."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True)

    project: Project = Field(validation_alias="strangler_project_file")
    environment: Literal["development", "production"] = "development"
    secret_key: str = Field(default="", repr=False)
    jwt_signing_key: str = Field(default="", repr=False)
    caller_key: str = Field(default="", repr=False)
    database_url: str = Field(default="", repr=False)
    fastapi_database_url: str = Field(default="", repr=False)
    fastapi_pooler_url: str = Field(default="", repr=False)
    fastapi_replica_url: str = Field(default="", repr=False)
    proxy_host: str = "127.0.0.1"
    proxy_port: Port = 8080
    proxy_tls_port: Port = 8443
    proxy_certificate: str = ""
    proxy_certificate_key: str = ""
    django_port: Port = 8001
    fastapi_port: Port = 8002
    postgres_port: Port = 54320
    django_workers: Count = 2
    django_threads: Count = 4
    fastapi_workers: Count = 2
    fastapi_read_only: bool = False
    django_requests: Annotated[int, Field(ge=0, le=16_000)] = 0
    fastapi_requests: Annotated[int, Field(ge=0, le=16_000)] = 0
    db_pool_max: Count = 10
    ready_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    statement_timeout: Annotated[int, Field(ge=0, le=3600)] = 10
    allowed_hosts: str = "localhost,127.0.0.1,[::1]"
    # Development only; nothing is seeded elsewhere.
    demo_password: str = Field(default="strangler-demo", repr=False)
    trusted_proxies: str = ""
    stack_header_networks: str = ""
    operator_networks: str = ""
    board_address: Annotated[str, Field(pattern=r"^([A-Za-z0-9.-]+:[0-9]{1,5})?$"), AfterValidator(require_port)] = ""
    body_size: str = "2m"
    shadow_rate: Annotated[float, Field(gt=0, le=10_000)] = 20.0
    report_sql: Literal["", "0", "1"] = ""
    service_metrics: bool = False
    otel_exporter_otlp_endpoint: Annotated[str, Field(pattern=r"^(https?://[^\s/]+\S*)?$")] = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    evidence_equal: Annotated[int, Field(ge=0)] = 5
    evidence_days: Annotated[int, Field(ge=1)] = 7
    gateway: Literal["local", "container", "kubernetes"] = "local"
    compose: str = "docker compose"
    moves_folder: str = ""

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        ports = [self.proxy_port, self.proxy_tls_port, self.django_port, self.fastapi_port, self.postgres_port]
        if len(set(ports)) < len(ports):
            raise ValueError("PROXY_PORT, PROXY_TLS_PORT, DJANGO_PORT, FASTAPI_PORT and POSTGRES_PORT must differ")
        if bool(self.proxy_certificate) is not bool(self.proxy_certificate_key):
            raise ValueError("PROXY_CERTIFICATE and PROXY_CERTIFICATE_KEY go together")
        return self

    @property
    def is_development(self) -> bool:
        """Whether secrets are made here and demo data is loaded."""
        return self.environment == "development"

    @property
    def signing_secret(self) -> str:
        """The name of the secret that signs tokens: the one that the project file gives to a service.

        Services that run elsewhere are given none by it: then JWT_SIGNING_KEY, or SECRET_KEY where that is empty.
        """
        names = ("jwt_signing_key", "secret_key")
        given = next(filter(self.project.uses, names), None)
        return given or next((name for name in names if getattr(self, name)), names[-1])

    @property
    def signing_key(self) -> str:
        """What `signing_secret` is here; empty where nobody says it."""
        return str(getattr(self, self.signing_secret))

    @property
    def reports_sql(self) -> bool:
        """Whether both stacks tell each client how many SQL statements its request took."""
        return self.report_sql == "1" or (self.report_sql == "" and self.is_development)

    @property
    def stack_requests(self) -> dict[Stack, int]:
        """The most requests of each stack under way at once, those that wait included; 0 is any number.

        Eight for each thread of Django and each connection of FastAPI; of a service that is kept elsewhere nobody here
        knows what it can take.
        """
        rooms = {
            Stack.DJANGO: (self.django_requests, self.django_workers * self.django_threads),
            Stack.FASTAPI: (self.fastapi_requests, self.fastapi_workers * self.db_pool_max),
        }
        return {
            stack: most or (_REQUESTS_EACH * at_once if self.project.stack(stack).command is not None else 0)
            for stack, (most, at_once) in rooms.items()
        }

    @property
    def state_dir(self) -> Path:
        """Where the gateway's state on this machine is; the history of its moves, but of a cluster's."""
        folder = {"container": "containers", "kubernetes": "kubernetes"}.get(self.gateway, "")
        return self.project.state / folder

    @property
    def trusted_networks(self) -> tuple[str, ...]:
        """The networks of `trusted_proxies`."""
        return _listed(self.trusted_proxies)

    @property
    def stack_header_cidrs(self) -> tuple[str, ...]:
        """The networks of `stack_header_networks`."""
        return _listed(self.stack_header_networks)

    @property
    def operator_cidrs(self) -> tuple[str, ...]:
        """The networks of `operator_networks`."""
        return _listed(self.operator_networks)

    @property
    def plain_host(self) -> str:
        """Where the front door takes requests without TLS: on this machine alone where it has a certificate."""
        return HOST if self.proxy_certificate else self.proxy_host

    @property
    def proxy_url(self) -> str:
        """Where a browser on this machine reaches the front door, without TLS."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.plain_host, self.plain_host)  # noqa: S104 - compared only
        return f"http://{f'[{host}]' if ':' in host else host}:{self.proxy_port}"

    def with_manage(self, command: tuple[str, ...]) -> "LocalSettings":
        """The same, with another command for Django's management commands."""
        django = self.project.django.model_copy(update={"manage": command})
        return self.model_copy(update={"project": self.project.model_copy(update={"django": django})})

    def stack_url(self, stack: Stack) -> str:
        """The address of a service itself, without nginx before it."""
        port = self.django_port if stack is Stack.DJANGO else self.fastapi_port
        return self.project.stack(stack).address or f"http://{HOST}:{port}"

    @property
    def probe_host(self) -> str:
        """A Host header that Django accepts."""
        first = self.allowed_hosts.split(",")[0].strip().removeprefix(".")
        return "localhost" if first in {"", "*"} else first


def settings_load(project: Project | None = None) -> LocalSettings:
    """The settings of a project, or of the one that the project file names: the environment and the `.env` beside it.

    :raises UsageError: there is no project file, or it or a variable is wrong; names the first.
    """
    chosen = project or project_load()
    _misspelt_log(chosen.root / ".env")
    try:
        found = _named(dotenv_values(chosen.root / ".env", encoding="utf-8"), os.environ)
        return LocalSettings.model_validate({**found, "project": chosen})
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        what = f"{name} is {first['input']!r}, which it can't be ({reason})" if name else reason
        raise UsageError(what, "set it right in .env") from error


def _named(*sources: Mapping[str, str | None]) -> dict[str, str]:
    """What the sources have for settings, in letters of any case, the last first; an empty one counts as none.

    Read by hand, since pydantic-settings brings asyncio and a command line along: 3 MiB that the supervisor would keep.
    """
    known = LocalSettings.model_fields.keys()
    pairs = ((name.lower(), text) for source in sources for name, text in source.items())
    return {name: text for name, text in pairs if text and name in known}


@cache
def _misspelt_log(file: Path) -> None:
    """Log names in `.env` that are nearly a setting's; others may be the project's own."""
    known = {*(name.upper() for name in LocalSettings.model_fields), *_ELSEWHERE}
    for name in _NAME.findall(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else ():
        meant = get_close_matches(name.upper(), known, n=1, cutoff=_NEAR)
        if name.upper() not in known and meant:
            _LOG.warning("%s in .env is no setting and is ignored: did you mean %s?", name, meant[0])


def fastapi_dsn_derive(*, owner_dsn: str, role: str, password: str) -> str:
    """The owner's URL with FastAPI's role and password in place of the owner's."""
    parts = urlsplit(owner_dsn)
    address = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{role}:{quote(password, safe='')}@{address}").geturl()


def base_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What every child of the stack gets before its own settings."""
    return {name: environ[name] for name in _PASSED_ON if name in environ} | {"PYTHONUNBUFFERED": "1"}


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
