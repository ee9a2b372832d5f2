"""What crates look like in requests and answers."""

from strangler_fastapi.drf.fields.model_fields import model_fields
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.serializers import Serializer
from tests.shop.models import Crate

_COLUMNS = ("serial", "label", "price", "weight", "packed_on", "packed_at", "opened", "slug", "notes")
CRATE_SERIALIZER = Serializer("Crate", model_fields(Crate, *_COLUMNS))
CRATES = Resource(
    Crate,
    CRATE_SERIALIZER,
    ordering=("-price",),
    ordering_fields=("price", "packed_on"),
    lookup_url_kwarg="serial",
)
