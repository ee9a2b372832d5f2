"""Orders whose FilterSets leave out those of others, as django-filter documents it."""

from typing import Any

import django_filters.rest_framework as django_filters
from django.db.models import QuerySet
from rest_framework import permissions, serializers, viewsets

from tests.kitchen.models import Order


class PlainOrderSerializer(serializers.ModelSerializer[Order]):
    class Meta:
        model = Order
        fields = ("id", "state", "is_paid")


class OwnOrders(django_filters.FilterSet):
    @property
    def qs(self) -> QuerySet[Order]:
        parent = super().qs
        user = getattr(self.request, "user", None)
        if user.is_staff:
            return parent
        return parent.filter(user=user)

    class Meta:
        model = Order
        fields = ("state", "is_paid")


class UnpaidOrders(django_filters.FilterSet):
    def filter_queryset(self, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Those that have to be paid yet."""
        queryset = super().filter_queryset(queryset)
        return queryset.filter(is_paid=False)

    class Meta:
        model = Order
        fields = ("state",)


class OwnOrderViewSet(viewsets.ReadOnlyModelViewSet[Order]):
    queryset = Order.objects.order_by("id")
    serializer_class = PlainOrderSerializer
    permission_classes: Any = (permissions.IsAuthenticated,)
    filter_backends: Any = (django_filters.DjangoFilterBackend,)
    filterset_class: Any = OwnOrders
    pagination_class = None


class UnpaidOrderViewSet(OwnOrderViewSet):
    filterset_class = UnpaidOrders
