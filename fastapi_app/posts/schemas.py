"""What posts look like in answers."""

from datetime import datetime

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


class PostMinimal(BaseModel):
    """A post for lists that know their authors: `?view=minimal`."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[1])
    title: str = Field(max_length=200, examples=["Fig trees"])
    author_id: int = Field(examples=[1])
