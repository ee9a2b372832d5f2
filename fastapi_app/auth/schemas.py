"""What is answered about tokens."""

from pydantic import BaseModel, ConfigDict


class TokenPair(BaseModel):
    """A refresh token and the access token that goes with it."""

    refresh: str
    access: str


class TokenRefreshed(BaseModel):
    """The new access token and the refresh token that replaces the old one."""

    access: str
    refresh: str


class Nothing(BaseModel):
    """An empty object."""

    model_config = ConfigDict(extra="forbid")
