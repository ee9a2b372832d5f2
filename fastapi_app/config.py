"""The service's settings: environment variables, and nothing else reads them."""

from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared_schema.secrets import secret_weakness
from shared_schema.sign_in import FAILURES
from strangler_fastapi.db.address import OPTIONS
from strangler_fastapi.drf.http.urls import ApiPrefixes

NAME = "fastapi_app"
PREFIXES = ApiPrefixes(service="/api/v2", v1="/api", v2="/api/v2")


class Settings(BaseSettings):
    """The settings that the service is started with. `.env.example` documents each name."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    environment: Literal["development", "production"] = "development"
    fastapi_database_url: str = Field(min_length=1, repr=False)
    fastapi_pooler_url: str = Field(default="", repr=False)
    fastapi_replica_url: str = Field(default="", repr=False)
    # Of the tables' owner: for commands alone, which else are FastAPI's role too.
    database_url: str = Field(default="", repr=False)
    # Of the demo users that `seed --demo` makes.
    demo_password: SecretStr = SecretStr("")
    # How old drafts are that the worker deletes; 0: none.
    draft_days: int = Field(default=0, ge=0)
    jwt_signing_key: SecretStr
    allowed_hosts: str = "localhost,127.0.0.1,[::1]"
    fastapi_host: str = "127.0.0.1"
    fastapi_port: int = Field(default=8002, ge=1, le=65535)
    fastapi_workers: int = Field(default=2, ge=1)
    fastapi_read_only: bool = False
    db_pool_max: int = Field(default=10, ge=1)
    statement_timeout: int = Field(default=10, ge=0)
    sign_in_failures: int = Field(default=FAILURES, ge=1)
    hashes_waiting: int = Field(default=32, ge=0)
    event_streams_of_user: int = Field(default=50, ge=1)
    report_sql: bool = False
    service_metrics: bool = False
    otel_exporter_otlp_endpoint: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("fastapi_database_url", "fastapi_pooler_url", "fastapi_replica_url", "database_url")
    @classmethod
    def _refuse_unknown_options(cls, value: str) -> str:
        unknown = sorted(set(dict(parse_qsl(urlsplit(value).query))) - OPTIONS)
        if unknown:
            kept = " and ".join(sorted(OPTIONS))
            raise ValueError(f"the option {unknown[0]} is libpq's own and asyncpg has none such: leave only {kept}")
        return value

    @model_validator(mode="after")
    def _refuse_weak_secret(self) -> "Settings":
        production = self.environment == "production"
        if weakness := secret_weakness(self.jwt_signing_key.get_secret_value(), production=production):
            raise ValueError(f"JWT_SIGNING_KEY is {weakness}: set a random one")
        if production and "*" in self.hosts:
            raise ValueError("ALLOWED_HOSTS is *: name the hosts of the service")
        return self

    @property
    def hosts(self) -> list[str]:
        """The host names that a request may name, in Django's notation."""
        return [name.strip() for name in self.allowed_hosts.split(",") if name.strip()]


class SettingsError(Exception):
    """The environment does not say what the service needs; the text is one sentence for a person."""


def load_settings() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: a variable is missing or wrong; its value is not shown, for it may be a secret.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name}: {reason}." if name else f"{reason}.") from None
