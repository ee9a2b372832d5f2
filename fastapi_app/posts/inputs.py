"""What a post's body may hold."""

from typing import Any

from fastapi_app.drf.inputs import BooleanField, CharField, Input, ListField, Scope, Shown
from fastapi_app.users.inputs import USER_INPUT


class TagNamesField(ListField):
    """A post's tags as their names; a name that is given twice counts once."""

    async def convert(self, value: Any, scope: Scope) -> list[str]:  # noqa: ANN401 - whatever was sent
        """The names, each once, in the order given."""
        return list(dict.fromkeys(await super().convert(value, scope)))


POST_INPUT = Input(
    {
        "id": Shown(shown_as="integer", label="ID"),
        "title": CharField(max_length=200),
        "content": CharField(),
        "author": Shown(shown_as="nested object", children=USER_INPUT),
        "tags": TagNamesField(required=False, child=CharField(max_length=50)),
        "published": BooleanField(required=False),
        "created_at": Shown(shown_as="datetime"),
    }
)
