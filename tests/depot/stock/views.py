"""The depot's API: plain viewsets, and one that computes."""

from decimal import Decimal
from typing import Any

from rest_framework import filters, permissions, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tests.depot.stock.models import Item, Label, Place


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

    class Meta:
        model = Item
        fields = "__all__"


class PricedLabelSerializer(LabelSerializer):
    total = serializers.SerializerMethodField()

    class Meta(LabelSerializer.Meta):
        fields = [*LabelSerializer.Meta.fields, "total"]

    def get_total(self, label: Label) -> Decimal:
        return sum((item.price for item in label.item_set.all()), Decimal(0))


class OfStaff(permissions.BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.is_staff)


class PlaceViewSet(viewsets.ModelViewSet[Place]):
    queryset = Place.objects.all()
    serializer_class = PlaceSerializer


class LabelViewSet(viewsets.ModelViewSet[Label]):
    queryset = Label.objects.all()
    serializer_class = LabelSerializer
    pagination_class = None

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
    serializer_class = ItemSerializer
    filter_backends = (filters.SearchFilter, filters.OrderingFilter)
    search_fields = ("title", "place__name")
    ordering_fields = ("title", "price")
