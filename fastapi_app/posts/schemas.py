"""What posts look like in answers."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fastapi_app.models import Post
from fastapi_app.users.schemas import UserRead
from shared_schema.contract.stored import Stored


class PostRead(BaseModel):
    """A post, its author within."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[1])
    title: Annotated[str, Stored(Post, "title")] = Field(examples=["Fig trees"])
    content: str = Field(examples=["They grow by swallowing others."])
    author: UserRead
    tags: list[str] = Field(description="Names, sorted.", examples=[["garden", "trees"]])
    published: bool
    created_at: datetime


class PostWrite(BaseModel):
    """What is sent to write a post."""

    title: Annotated[str, Stored(Post, "title", sent=True)] = Field(examples=["Fig trees"])
    content: Annotated[str, Stored(Post, "content", sent=True)] = Field(examples=["They grow by swallowing others."])
    tags: list[str] = Field(default=[], description="Names; unknown ones are created.", examples=[["garden", "trees"]])
    published: bool = False


class Published(BaseModel):
    """What publishing answers."""

    status: Literal["published"]


class PostMinimal(BaseModel):
    """A post for lists that know their authors: `?view=minimal`."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[1])
    title: Annotated[str, Stored(Post, "title")] = Field(examples=["Fig trees"])
    author_id: int = Field(examples=[1])
