"""What a post's body may hold."""

from typing import Any

from fastapi_app.models import Post, Tag
from fastapi_app.users.inputs import USER_INPUT
from strangler_fastapi.drf.model_fields import stored_field
from strangler_fastapi.drf.serializers import Input, ListField, Scope, Shown


class TagNamesField(ListField):
    """A post's tags as their names; a name that is given twice counts once."""

    async def convert(self, value: Any, scope: Scope) -> list[str]:  # noqa: ANN401 - whatever was sent
        """The names, each once, in the order given."""
        return list(dict.fromkeys(await super().convert(value, scope)))


POST_INPUT = Input(
    {
        "id": stored_field(Post, "id"),
        "title": stored_field(Post, "title"),
        "content": stored_field(Post, "content"),
        "author": Shown(shown_as="nested object", children=USER_INPUT),
        # Names of tags that there are, and of new ones.
        "tags": TagNamesField(required=False, child=stored_field(Tag, "name", validators=())),
        "published": stored_field(Post, "published"),
        "created_at": stored_field(Post, "created_at"),
    }
)
