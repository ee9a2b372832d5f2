"""What a post's body may hold."""

from typing import Any

from fastapi_app.models import Post, Tag
from fastapi_app.users.serializers import USER_SERIALIZER
from strangler_fastapi.drf.model_fields import model_field
from strangler_fastapi.drf.serializers import ListField, ReadOnlyField, Scope, Serializer


class TagNamesField(ListField):
    """A post's tags as their names; a name that is given twice counts once."""

    async def convert(self, value: Any, scope: Scope) -> list[str]:  # noqa: ANN401 - whatever was sent
        """The names, each once, in the order given."""
        return list(dict.fromkeys(await super().convert(value, scope)))


POST_SERIALIZER = Serializer(
    {
        "id": model_field(Post, "id"),
        "title": model_field(Post, "title"),
        "content": model_field(Post, "content"),
        "author": ReadOnlyField(type="nested object", children=USER_SERIALIZER),
        # Names of tags that there are, and of new ones.
        "tags": TagNamesField(required=False, child=model_field(Tag, "name", validators=())),
        "published": model_field(Post, "published"),
        "created_at": model_field(Post, "created_at"),
    }
)
