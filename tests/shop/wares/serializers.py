"""What wares look like in requests and answers."""

from strangler_fastapi.drf.fields.model_fields import model_fields
from strangler_fastapi.drf.filters.filtering import boolean_filter
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.serializers import Serializer
from tests.shop.models import Ware

WARE_SERIALIZER = Serializer("Ware", model_fields(Ware, "id", "code", "title", "pieces", "sold", "made_at"))
WARES = Resource(
    Ware,
    WARE_SERIALIZER,
    ordering=("code",),
    ordering_fields=("code", "pieces"),
    search_fields=("title",),
    filters={"sold": boolean_filter(lambda: Ware.sold)},
)
