"""What tags look like in answers."""

from pydantic import BaseModel, ConfigDict, Field


class TagRead(BaseModel):
    """A tag and how many posts bear it."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[1])
    name: str = Field(max_length=50, examples=["garden"])
    post_count: int = Field(description="All posts, drafts included.", examples=[3])
