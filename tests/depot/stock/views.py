"""The depot's API: plain viewsets, and one that computes."""

from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from rest_framework import filters, parsers, permissions, serializers, throttling, versioning, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tests.depot.stock.models import Item, Label, Paper, Place, Wish


class PlaceSerializer(serializers.ModelSerializer[Place]):
    class Meta:
        model = Place
        fields = ["id", "name", "capacity"]


class LabelSerializer(serializers.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ["id", "word"]


class ItemSerializer(serializers.ModelSerializer[Item]):
    kept_at = PlaceSerializer(source="place", read_only=True)
    labelled = LabelSerializer(source="labels", many=True, read_only=True)
    words = serializers.SlugRelatedField(source="labels", slug_field="word", many=True, read_only=True)
    room = serializers.IntegerField(source="place.capacity", read_only=True)
    lent = serializers.SerializerMethodField()
    borrower = serializers.SerializerMethodField()

    class Meta:
        model = Item
        fields = "__all__"

    def get_lent(self, item: Item) -> str | None:
        """Where it is."""
        if item.lent_to is None:
            return None
        return f"in {item.lent_to.name.upper()}"

    def get_borrower(self, item: Item) -> Any:
        if item.lent_to:
            return PlaceSerializer(item.lent_to).data
        return None


class PaperSerializer(serializers.ModelSerializer[Paper]):
    class Meta:
        model = Paper
        fields = ["id", "title", "scan", "cover"]


class WishSerializer(serializers.ModelSerializer[Wish]):
    place = serializers.SlugRelatedField(
        slug_field="name", queryset=Place.objects.all(), required=False, allow_null=True
    )
    seen_at = serializers.StringRelatedField[str](source="place")

    class Meta:
        model = Wish
        fields = ["id", "text", "owner", "place", "seen_at"]
        read_only_fields = ["owner"]


class WishBodySerializer(serializers.ModelSerializer[Wish]):
    place = serializers.SlugRelatedField(
        slug_field="name", queryset=Place.objects.all(), required=False, allow_null=True
    )

    class Meta:
        model = Wish
        fields = ["text", "place"]

    def to_representation(self, wish: Wish) -> Any:
        return WishSerializer(wish, context=self.context).data


class PricedLabelSerializer(LabelSerializer):
    total = serializers.SerializerMethodField()

    class Meta(LabelSerializer.Meta):
        fields = [*LabelSerializer.Meta.fields, "total"]

    def get_total(self, label: Label) -> Decimal:
        return sum((item.price for item in label.item_set.all()), Decimal(0))


class OfStaff(permissions.BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return view.action == "unused" and bool(request.user and request.user.is_staff)


class PlaceViewSet(viewsets.ModelViewSet[Place]):
    queryset = Place.objects.all()
    serializer_class = PlaceSerializer
    versioning_class = versioning.QueryParameterVersioning


class LabelViewSet(viewsets.ModelViewSet[Label]):
    queryset = Label.objects.all()
    serializer_class = LabelSerializer
    pagination_class = None
    throttle_classes = (throttling.ScopedRateThrottle,)
    throttle_scope = "labels"
    lookup_value_regex = "[0-9]+"

    @action(detail=True, serializer_class=PricedLabelSerializer)
    def priced(self, request: Request, pk: str) -> Response:
        """The label, with what its items cost."""
        return Response(self.get_serializer(self.get_object()).data)

    @action(detail=False, methods=["delete"], permission_classes=[OfStaff])
    def unused(self, request: Request) -> Response:
        """Remove labels that no item has."""
        Label.objects.filter(item=None).delete()
        return Response(status=204)


class ItemViewSet(viewsets.ModelViewSet[Item]):
    queryset = Item.objects.order_by("title")
    permission_classes = (permissions.DjangoModelPermissionsOrAnonReadOnly,)
    serializer_class = ItemSerializer
    filter_backends = (filters.SearchFilter, filters.OrderingFilter)
    search_fields = ("title", "place__name")
    ordering_fields = ("title", "price")


class PaperViewSet(viewsets.ModelViewSet[Paper]):
    """Papers, which anybody may bring."""

    queryset = Paper.objects.all()
    serializer_class = PaperSerializer
    permission_classes = (permissions.AllowAny,)
    parser_classes = (parsers.MultiPartParser, parsers.JSONParser)


class WishViewSet(viewsets.ModelViewSet[Wish]):
    """What a user wants, which nobody else sees."""

    serializer_class = WishBodySerializer
    permission_classes = (permissions.IsAuthenticated,)

    def get_queryset(self) -> QuerySet[Wish]:
        return Wish.objects.filter(owner=self.request.user).exclude(text="of kim")  # type: ignore[misc] # nobody else is let in

    def perform_create(self, serializer: serializers.BaseSerializer[Wish]) -> None:
        serializer.save(owner=self.request.user)
