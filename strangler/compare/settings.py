"""What a comparison is told by the environment: what nobody should type into a command."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class CompareSettings(BaseSettings):
    """Every field is an environment variable in capitals that begins with `STRANGLER_`.

    `password` is that of each caller who is signed in; empty where it isn't told.
    """

    model_config = SettingsConfigDict(env_prefix="STRANGLER_", env_ignore_empty=True, frozen=True)

    password: SecretStr = SecretStr("")
