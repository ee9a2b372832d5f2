"""What users look like in answers."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from fastapi_app.models import User
from shared_schema.contract.stored import Stored


class UserRead(BaseModel):
    """A user as everybody sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[1])
    username: str = Field(examples=["alice"])
    display_name: str = Field(examples=["@alice"])
    created_at: datetime
    post_count: int = Field(description="All posts, drafts included.", examples=[3])


class UserWrite(BaseModel):
    """What is sent to register, or to change an account; e-mail and password are never shown to others."""

    username: Annotated[str, Stored(User, "username", sent=True)] = Field(examples=["alice"])
    email: Annotated[str, Stored(User, "email")] = Field(examples=["alice@example.com"])
    password: Annotated[str, Stored(User, "password")] = Field(examples=["correct horse battery staple"])


class MeRead(BaseModel):
    """A user as the user sees it: with the e-mail."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[1])
    username: str = Field(examples=["alice"])
    email: str = Field(examples=["alice@example.com"])
    display_name: str = Field(examples=["@alice"])
    created_at: datetime
    post_count: int = Field(description="All posts, drafts included.", examples=[3])
