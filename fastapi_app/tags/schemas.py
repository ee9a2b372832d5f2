"""What tags look like in answers."""

from pydantic import BaseModel, ConfigDict, Field


class TagWrite(BaseModel):
    """What is sent to add or rename a tag."""

    name: str = Field(min_length=1, max_length=50, examples=["garden"])


class TagRead(BaseModel):
    """A tag and how many posts bear it."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[1])
    name: str = Field(max_length=50, examples=["garden"])
    post_count: int = Field(description="All posts, drafts included.", examples=[3])
