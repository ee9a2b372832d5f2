"""What an event says."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class PostEventRead(BaseModel):
    """The `data` of an event whose name is `created`, `published`, `updated` or `deleted`: read the post for more.

    A published post that becomes a draft is `updated` with `published` false, to everybody who could see it.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"post_id": 42, "author_id": 7, "published": True, "created_at": "2026-01-01T12:00:00.123456Z"}
        }
    )

    post_id: int
    author_id: int
    published: bool = Field(description="Whether everybody may see the post now.")
    created_at: datetime = Field(description="When it happened.")
