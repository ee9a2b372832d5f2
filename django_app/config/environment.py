"""The service's settings as the environment gives them. Nothing else in `django_app` reads the environment.

It imports no Django, because gunicorn reads it too, before any application is loaded.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from sample_data.demo import DEMO_PASSWORD
from shared_schema.secrets import secret_weakness
from shared_schema.sign_in import FAILURES

DEVELOPMENT = "development"
PRODUCTION = "production"
THREADS_DEFAULT = 4
LOG_LEVELS = ("critical", "error", "warning", "info", "debug")


class EnvironmentInvalidError(Exception):
    """A variable is missing or unusable; the text is one sentence that ends with the hint."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Every variable that the service knows, parsed. Names are those of `.env.example`, in lower case."""

    environment: str
    secret_key: str = field(repr=False)
    jwt_signing_key: str = field(repr=False)
    database_url: str = field(repr=False)
    db_pool_max: int
    statement_timeout: int
    sign_in_failures: int
    hashes_at_once: int
    hashes_waiting: int
    allowed_hosts: tuple[str, ...]
    demo_password: str = field(repr=False)
    log_level: str
    report_sql: bool
    service_metrics: bool
    otel_exporter_otlp_endpoint: str

    @property
    def is_production(self) -> bool:
        """Whether placeholders are refused."""
        return self.environment == PRODUCTION


@dataclass(frozen=True, kw_only=True)
class ServerEnvironment:
    """What gunicorn needs: where to listen, and with how many processes and threads."""

    bind: str
    workers: int
    threads: int
    log_level: str


def environment_read(variables: Mapping[str, str] = os.environ) -> Environment:
    """Parse the variables of the application.

    :raises EnvironmentInvalidError: when one is missing or unusable.
    """
    environment = variables.get("ENVIRONMENT") or DEVELOPMENT
    if environment not in {DEVELOPMENT, PRODUCTION}:
        msg = f"ENVIRONMENT is {environment!r}: set it to {DEVELOPMENT} or {PRODUCTION}."
        raise EnvironmentInvalidError(msg)
    production = environment == PRODUCTION
    read = _environment(variables, environment, production=production)
    if production:
        _require_production(read)
    return read


def _require_production(read: Environment) -> None:
    if read.secret_key == read.jwt_signing_key:
        raise EnvironmentInvalidError("SECRET_KEY and JWT_SIGNING_KEY are the same: set a random text for each.")
    if "*" in read.allowed_hosts:
        raise EnvironmentInvalidError("ALLOWED_HOSTS is *: name the hosts of the service.")


def _environment(variables: Mapping[str, str], environment: str, *, production: bool) -> Environment:
    return Environment(
        environment=environment,
        secret_key=_secret(variables, "SECRET_KEY", production=production),
        jwt_signing_key=_secret(variables, "JWT_SIGNING_KEY", production=production),
        database_url=_required(variables, "DATABASE_URL"),
        db_pool_max=_positive(variables, "DB_POOL_MAX", default=10),
        statement_timeout=_whole(variables, "STATEMENT_TIMEOUT", default=10),
        sign_in_failures=_positive(variables, "SIGN_IN_FAILURES", default=FAILURES),
        hashes_at_once=_hashes_at_once(_positive(variables, "DJANGO_THREADS", default=THREADS_DEFAULT)),
        hashes_waiting=_whole(variables, "HASHES_WAITING", default=2),
        allowed_hosts=_list(variables, "ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]"),
        demo_password=variables.get("DEMO_PASSWORD") or DEMO_PASSWORD,
        log_level=_log_level(variables),
        report_sql=_switch(variables, "REPORT_SQL"),
        service_metrics=_switch(variables, "SERVICE_METRICS"),
        otel_exporter_otlp_endpoint=variables.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
    )


def _hashes_at_once(threads: int) -> int:
    """How many threads of a process may hash: half as many as there are cores, and a quarter of the threads at most."""
    return max(1, min((os.cpu_count() or 1) // 2, threads // 4))


def server_environment_read(variables: Mapping[str, str] = os.environ) -> ServerEnvironment:
    """Parse the variables of gunicorn.

    :raises EnvironmentInvalidError: when one is unusable.
    """
    port = _positive(variables, "DJANGO_PORT", default=8001)
    return ServerEnvironment(
        bind=variables.get("BIND") or f"127.0.0.1:{port}",
        workers=_positive(variables, "DJANGO_WORKERS", default=2),
        threads=_positive(variables, "DJANGO_THREADS", default=THREADS_DEFAULT),
        log_level=_log_level(variables),
    )


def _required(variables: Mapping[str, str], name: str) -> str:
    value = variables.get(name, "")
    if not value:
        msg = f"{name} is not set: start with `make up`, which sets it, or set it as .env.example shows."
        raise EnvironmentInvalidError(msg)
    return value


def _secret(variables: Mapping[str, str], name: str, *, production: bool) -> str:
    value = _required(variables, name)
    if production and (weakness := secret_weakness(value)):
        msg = f"{name} is {weakness}: set a random text, such as the output of openssl rand -base64 48."
        raise EnvironmentInvalidError(msg)
    return value


def _whole(variables: Mapping[str, str], name: str, *, default: int) -> int:
    text = variables.get(name) or str(default)
    if not text.isascii() or not text.isdigit():
        msg = f"{name} is {text!r}: set it to a whole number, or 0 for none."
        raise EnvironmentInvalidError(msg)
    return int(text)


def _positive(variables: Mapping[str, str], name: str, *, default: int) -> int:
    text = variables.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        msg = f"{name} is {text!r}: set it to a whole number above 0."
        raise EnvironmentInvalidError(msg)
    return int(text)


def _switch(variables: Mapping[str, str], name: str) -> bool:
    value = variables.get(name) or "0"
    if value not in {"0", "1"}:
        msg = f"{name} is {value!r}: set it to 1 or 0."
        raise EnvironmentInvalidError(msg)
    return value == "1"


def _list(variables: Mapping[str, str], name: str, *, default: str) -> tuple[str, ...]:
    text = variables.get(name) or default
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _log_level(variables: Mapping[str, str]) -> str:
    level = (variables.get("LOG_LEVEL") or "info").lower()
    if level not in LOG_LEVELS:
        msg = f"LOG_LEVEL is {level!r}: set it to one of {', '.join(LOG_LEVELS)}."
        raise EnvironmentInvalidError(msg)
    return level
