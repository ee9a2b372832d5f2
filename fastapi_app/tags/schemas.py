"""What tags look like in answers."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from fastapi_app.models import Tag
from shared_schema.contract.stored import Stored


class TagWrite(BaseModel):
    """What is sent to add or rename a tag."""

    name: Annotated[str, Stored(Tag, "name", sent=True)] = Field(examples=["garden"])


class TagRead(BaseModel):
    """A tag and how many posts bear it."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[1])
    name: Annotated[str, Stored(Tag, "name")] = Field(examples=["garden"])
    post_count: int = Field(description="All posts, drafts included.", examples=[3])
