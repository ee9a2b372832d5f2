"""Baskets whose lines are written by the serializer's own `create` and `update`, in the shapes that projects write."""

from typing import Any

from django.db import transaction
from rest_framework import permissions, serializers, viewsets
from rest_framework.routers import SimpleRouter

from tests.kitchen.models import Basket, Line


class LineSerializer(serializers.ModelSerializer[Line]):
    class Meta:
        model = Line
        fields = ("id", "recipe", "item", "amount", "extra")


class BasketSerializer(serializers.ModelSerializer[Basket]):
    lines = LineSerializer(many=True)

    class Meta:
        model = Basket
        fields: tuple[str, ...] = ("id", "name", "lines")

    def create(self, validated_data: Any) -> Basket:
        lines = validated_data.pop("lines")
        basket = Basket.objects.create(**validated_data)
        for line in lines:
            Line.objects.create(basket=basket, **line)
        return basket

    def update(self, instance: Basket, validated_data: Any) -> Basket:
        lines = validated_data.pop("lines", None)
        instance.name = validated_data.get("name", instance.name)
        instance.save()
        if lines is not None:
            instance.lines.all().delete()  # type: ignore[attr-defined] # a relation
            for line in lines:
                instance.lines.create(**line)  # type: ignore[attr-defined] # a relation
        return instance


class BulkSerializer(serializers.ModelSerializer[Basket]):
    lines = LineSerializer(many=True, required=False)

    class Meta:
        model = Basket
        fields = ("id", "name", "year", "likers", "lines")

    @transaction.atomic
    def create(self, validated_data: Any) -> Basket:
        lines_data = validated_data.pop("lines", [])
        basket = super().create(validated_data)
        Line.objects.bulk_create([Line(basket=basket, **line) for line in lines_data])
        return basket

    def update(self, instance: Basket, validated_data: Any) -> Basket:
        lines_data = validated_data.pop("lines", [])
        with transaction.atomic():
            super().update(instance, validated_data)
            if lines_data:
                instance.lines.all().delete()  # type: ignore[attr-defined] # a relation
                Line.objects.bulk_create(Line(basket=instance, **line) for line in lines_data)
        return instance


class WholeSerializer(BasketSerializer):
    lines = LineSerializer(many=True, required=False)

    def update(self, instance: Basket, validated_data: Any) -> Basket:
        lines = validated_data.pop("lines", [])
        basket: Basket = super(BasketSerializer, self).update(instance, validated_data)
        return basket if lines else instance


class Baskets(viewsets.ModelViewSet[Basket]):
    serializer_class: Any = BasketSerializer
    permission_classes = (permissions.IsAuthenticated,)
    filter_backends = ()
    queryset = Basket.objects.all()

    def perform_create(self, serializer: serializers.BaseSerializer[Basket]) -> None:
        serializer.save(user=self.request.user)


class BulkBaskets(Baskets):
    serializer_class = BulkSerializer


class WholeBaskets(Baskets):
    """Their own way isn't read: a function stands for it."""

    serializer_class = WholeSerializer


router = SimpleRouter()
router.register("baskets", Baskets, basename="baskets")
router.register("bulk", BulkBaskets, basename="bulk")
router.register("whole", WholeBaskets, basename="whole")
