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


class MeRead(BaseModel):
    """A user as the user sees it: with the e-mail."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[1])
    username: str = Field(examples=["alice"])
    email: str = Field(examples=["alice@example.com"])
    display_name: str = Field(examples=["@alice"])
    created_at: datetime
    post_count: int = Field(description="All posts, drafts included.", examples=[3])
