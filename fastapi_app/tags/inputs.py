"""What a tag's body may hold."""

from fastapi_app.models import Tag
from strangler_fastapi.drf.model_fields import stored_field
from strangler_fastapi.drf.serializers import Input, Shown

TAG_INPUT = Input(
    {
        "id": stored_field(Tag, "id"),
        "name": stored_field(Tag, "name"),
        "post_count": Shown(shown_as="integer"),
    }
)
