"""What the worker is told from outside."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from strangler.compare.differ import Kind
from strangler.errors import UsageError

# An empty variable counts as none, so no prefix is written as a slash.
Prefix = Annotated[str, AfterValidator(lambda value: value.rstrip("/"))]
Positive = Annotated[int, Field(ge=1)]


class ShadowSettings(BaseSettings):
    """One worker; every field is an environment variable in capitals that begins with `SHADOW_`.

    `declared` is the file of declared differences, None for none. `v1` and `v2` are the public
    prefixes; those of the stacks are part of their addresses.
    `socket` is where nginx sends samples, and `socket_owner` the account that may, if it isn't the worker's own.
    `rate` is comparisons per second, each of two requests; `concurrency` how many are under way at once. Of each route
    `queue_per_route` samples wait, `queue` of all; more are dropped. `timeout` is seconds for one answer, `body_bytes`
    the size of the largest that is compared. Differences of the kinds in `ignore` don't count.
    """

    model_config = SettingsConfigDict(env_prefix="SHADOW_", env_ignore_empty=True, frozen=True)

    socket: Path
    database: Path
    django_url: HttpUrl
    fastapi_url: HttpUrl
    declared: Path | None = None
    v1: Prefix
    v2: Prefix
    socket_owner: str = ""
    rate: Annotated[float, Field(gt=0)] = 20.0
    concurrency: Positive = 4
    queue: Positive = 500
    queue_per_route: Positive = 50
    timeout: Annotated[float, Field(gt=0)] = 10.0
    body_bytes: Positive = 1_000_000
    ignore: frozenset[Kind] = frozenset()


def shadow_settings_load() -> ShadowSettings:
    """The settings in the environment.

    :raises UsageError: names the first variable that is missing or wrong.
    """
    try:
        return ShadowSettings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "SHADOW_" + "_".join(str(part) for part in first["loc"][:1]).upper()
        raise UsageError(f"{name} can't be read ({first['msg']}): set it right in the worker's environment.") from None
