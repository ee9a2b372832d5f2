"""What a tag's body may hold."""

from fastapi_app.models import Tag
from strangler_fastapi.drf.model_fields import model_field
from strangler_fastapi.drf.serializers import ReadOnlyField, Serializer

TAG_SERIALIZER = Serializer(
    {
        "id": model_field(Tag, "id"),
        "name": model_field(Tag, "name"),
        "post_count": ReadOnlyField(type="integer"),
    }
)
