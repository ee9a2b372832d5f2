"""What posts look like in requests and answers."""

from typing import Any, Literal

from pydantic import BaseModel

from fastapi_app.models import Post, Tag
from fastapi_app.users.serializers import USER_SERIALIZER
from strangler_fastapi.drf.fields.collection_fields import ListField
from strangler_fastapi.drf.fields.fields import ReadOnlyField, Scope
from strangler_fastapi.drf.fields.model_fields import model_field
from strangler_fastapi.drf.serializers import Serializer

# Every page of a list carries them whole: as in v1.
CONTENT_MAX_LENGTH = 50_000
TAGS_MAX = 50


class TagNamesField(ListField):
    """A post's tags as their names; a name that is given twice counts once."""

    async def convert(self, value: Any, scope: Scope) -> list[str]:  # noqa: ANN401 - whatever was sent
        """The names, each once, in the order given."""
        return list(dict.fromkeys(await super().convert(value, scope)))


POST_SERIALIZER = Serializer(
    "Post",
    {
        "id": model_field(Post, "id", example=1),
        "title": model_field(Post, "title", example="Fig trees"),
        "content": model_field(
            Post, "content", max_length=CONTENT_MAX_LENGTH, example="They grow by swallowing others."
        ),
        "author": ReadOnlyField(type="nested object", children=USER_SERIALIZER),
        "tags": TagNamesField(
            required=False,
            max_length=TAGS_MAX,
            child=model_field(Tag, "name", validators=()),
            description="Names, sorted in answers; unknown ones are created.",
            example=["garden", "trees"],
        ),
        "published": model_field(Post, "published"),
        "created_at": model_field(Post, "created_at"),
    },
    description="A post, its author within.",
)
POST_MINIMAL_SERIALIZER = Serializer(
    "PostMinimal",
    {
        "id": model_field(Post, "id", example=1),
        "title": model_field(Post, "title", example="Fig trees"),
        "author_id": ReadOnlyField(type="integer", example=1),
    },
    description="A post for lists that know their authors: `?view=minimal`.",
)
POST_FORMS = (POST_SERIALIZER, POST_MINIMAL_SERIALIZER)


class Published(BaseModel):
    """What publishing answers."""

    status: Literal["published"]
