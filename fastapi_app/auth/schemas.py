"""What is sent and answered about tokens."""

from pydantic import BaseModel, ConfigDict, Field


class TokenObtain(BaseModel):
    """Who signs in."""

    username: str = Field(examples=["alice"])
    password: str = Field(examples=["strangler-demo"])


class TokenPair(BaseModel):
    """A refresh token and the access token that goes with it."""

    refresh: str
    access: str


class TokenRefresh(BaseModel):
    """A refresh token to be exchanged; it can be exchanged once."""

    refresh: str


class TokenRefreshed(BaseModel):
    """The new access token and the refresh token that replaces the old one."""

    access: str
    refresh: str


class TokenVerify(BaseModel):
    """A token of either type."""

    token: str


class TokenBlacklist(BaseModel):
    """A refresh token that shall no longer be accepted."""

    refresh: str


class Nothing(BaseModel):
    """An empty object."""

    model_config = ConfigDict(extra="forbid")
