"""What a value of the project file may say: paths, addresses, roles, and texts with placeholders in braces."""

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from strangler.routes.mistakes import nearest

# What commands and environments may hold in braces; `strangler.local.services` fills them in.
PLACEHOLDERS: Final = frozenset(
    {
        *(
            "python",
            "host",
            "port",
            "workers",
            "threads",
            "pool",
            "environment",
            "log_level",
            "report_sql",
            "service_metrics",
            "otlp_endpoint",
            "statement_timeout",
            "read_only",
        ),
        *("allowed_hosts", "owner_url", "fastapi_url", "pooler_url", "replica_url"),
        *("secret_key", "jwt_signing_key", "demo_password"),
    }
)
BRACES: Final = re.compile(r"\{([^{}]*)\}")
_SEGMENTS: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def _prefix(value: str) -> str:
    path = value.rstrip("/")
    if not _SEGMENTS.fullmatch(path) or not value.startswith("/"):
        raise ValueError('write a path such as "/api", or "/" where the API has no prefix')
    return path


def _path(value: str) -> str:
    if not value.startswith("/") or any(character.isspace() for character in value):
        raise ValueError('write a path such as "/health/"')
    return value


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "http" or not parts.hostname or parts.port is None or parts.path.strip("/") or parts.query:
        raise ValueError('write an address such as "http://127.0.0.1:8000"')
    return f"http://{parts.netloc}"


def _template(value: str) -> str:
    for name in BRACES.findall(value):
        if name not in PLACEHOLDERS:
            meant = nearest(name, PLACEHOLDERS)
            raise ValueError(
                f"{{{name}}} stands for nothing: {f'did you mean {{{meant}}}?' if meant else 'leave it out'}"
            )
    return value


def _sink_template(value: str) -> str:
    if unknown := set(BRACES.findall(value)) - {"host", "port"}:
        raise ValueError(f"{{{min(unknown)}}} stands for nothing: a sink has {{host}} and {{port}}")
    return value


def _own_template(value: str) -> str:
    if unknown := set(BRACES.findall(value)) - {"folder", "unique"}:
        raise ValueError(f"{{{min(unknown)}}} stands for nothing: a side has {{folder}} and {{unique}}")
    return value


def _role(value: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", value):
        raise ValueError('write a role such as "strangler_fastapi"')
    return value


PathPrefix = Annotated[str, AfterValidator(_prefix)]
UrlPath = Annotated[str, AfterValidator(_path)]
Address = Annotated[str, AfterValidator(_address)]
Template = Annotated[str, AfterValidator(_template)]
SinkTemplate = Annotated[str, AfterValidator(_sink_template)]
OwnTemplate = Annotated[str, AfterValidator(_own_template)]
Role = Annotated[str, AfterValidator(_role)]
ContainerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Command = Annotated[tuple[Template, ...], Field(min_length=1)]
