"""What users look like in answers."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


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

    username: str = Field(min_length=3, max_length=50, examples=["alice"])
    email: str = Field(max_length=254, examples=["alice@example.com"])
    password: str = Field(max_length=128, examples=["correct horse battery staple"])


class MeRead(BaseModel):
    """A user as the user sees it: with the e-mail."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[1])
    username: str = Field(examples=["alice"])
    email: str = Field(examples=["alice@example.com"])
    display_name: str = Field(examples=["@alice"])
    created_at: datetime
    post_count: int = Field(description="All posts, drafts included.", examples=[3])
