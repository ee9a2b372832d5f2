"""What posts look like in answers."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fastapi_app.users.schemas import UserRead


class PostRead(BaseModel):
    """A post, its author within."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[1])
    title: str = Field(max_length=200, examples=["Fig trees"])
    content: str = Field(examples=["They grow by swallowing others."])
    author: UserRead
    tags: list[str] = Field(description="Names, sorted.", examples=[["garden", "trees"]])
    published: bool
    created_at: datetime


class PostWrite(BaseModel):
    """What is sent to write a post."""

    title: str = Field(min_length=1, max_length=200, examples=["Fig trees"])
    content: str = Field(min_length=1, examples=["They grow by swallowing others."])
    tags: list[str] = Field(default=[], description="Names; unknown ones are created.", examples=[["garden", "trees"]])
    published: bool = False


class Published(BaseModel):
    """What publishing answers."""

    status: Literal["published"]


class PostMinimal(BaseModel):
    """A post for lists that know their authors: `?view=minimal`."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[1])
    title: str = Field(max_length=200, examples=["Fig trees"])
    author_id: int = Field(examples=[1])
