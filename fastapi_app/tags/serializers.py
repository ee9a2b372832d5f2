"""What tags look like in requests and answers."""

from functools import cache

from sqlalchemy import ColumnElement, func, select

from fastapi_app.models import PostTag, Tag
from strangler_fastapi.drf.fields.fields import ReadOnlyField
from strangler_fastapi.drf.fields.model_fields import model_field
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.serializers import Serializer


@cache
def post_count() -> ColumnElement[int]:
    """How many posts bear a tag, drafts included."""
    links = select(func.count()).select_from(PostTag).where(PostTag.tag_id == Tag.id)
    return links.correlate(Tag).scalar_subquery()


TAG_SERIALIZER = Serializer(
    "Tag",
    {
        "id": model_field(Tag, "id", example=1),
        "name": model_field(Tag, "name", example="garden"),
        "post_count": ReadOnlyField(type="integer", description="All posts, drafts included.", example=3),
    },
    description="A tag and how many posts bear it.",
)
TAGS = Resource(
    Tag,
    TAG_SERIALIZER,
    annotations={"post_count": post_count},
    ordering=("name",),
    ordering_fields=("name", "post_count"),
    search_fields=("name",),
)
