"""What a tag's body may hold."""

from fastapi_app.drf.inputs import Input, Shown
from fastapi_app.drf.stored_fields import stored_field
from shared_schema.models import Tag

TAG_INPUT = Input(
    {
        "id": stored_field(Tag, "id"),
        "name": stored_field(Tag, "name"),
        "post_count": Shown(shown_as="integer"),
    }
)
