"""What a tag's body may hold."""

from fastapi_app.drf.inputs import CharField, Input, Shown
from fastapi_app.drf.validators import Unique
from shared_schema.models import Tag

TAG_INPUT = Input(
    {
        "id": Shown(shown_as="integer", label="ID"),
        "name": CharField(max_length=50, validators=(Unique(Tag, "name", "tag with this name already exists."),)),
        "post_count": Shown(shown_as="integer"),
    }
)
