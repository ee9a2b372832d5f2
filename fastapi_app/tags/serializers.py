"""What tags look like in requests and answers."""

from fastapi_app.models import Tag
from strangler_fastapi.drf.fields import ReadOnlyField
from strangler_fastapi.drf.model_fields import model_field
from strangler_fastapi.drf.serializers import Serializer

TAG_SERIALIZER = Serializer(
    "Tag",
    {
        "id": model_field(Tag, "id", example=1),
        "name": model_field(Tag, "name", example="garden"),
        "post_count": ReadOnlyField(type="integer", help_text="All posts, drafts included.", example=3),
    },
    description="A tag and how many posts bear it.",
)
