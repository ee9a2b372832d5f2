"""A `create` or `update` that writes rows within in another way than it seems is no fact."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework import serializers

from strangler_django.endpoints.fields.nested_writes import nested_writes
from tests.installed_app import installed_app
from tests.kitchen.basket_views import BasketSerializer, BulkSerializer, LineSerializer, WholeSerializer
from tests.kitchen.models import Basket, Line


@pytest.fixture(autouse=True)
def kitchen() -> Iterator[None]:
    with installed_app("tests.kitchen"):
        yield


class Base(serializers.ModelSerializer[Basket]):
    lines = LineSerializer(many=True, required=False)

    class Meta:
        model = Basket
        fields: tuple[str, ...] = ("name", "lines")


class Always(Base):
    def update(self, instance: Any, validated_data: Any) -> Any:
        lines = validated_data.pop("lines", [])
        for attr, value in validated_data.items():
            setattr(instance, attr, value)
        instance.save()
        instance.lines.all().delete()
        for line in lines:
            Line.objects.create(basket=instance, **line)
        return instance


class Sure(Base):
    def update(self, instance: Any, validated_data: Any) -> Any:
        """Fails without lines."""
        lines = validated_data.pop("lines")
        instance = super().update(instance, validated_data)
        instance.lines.all().delete()
        for line in lines:
            Line.objects.create(basket=instance, **line)
        return instance


@pytest.mark.parametrize(
    ("serializer", "name", "bulk", "when"),
    [
        (BasketSerializer, "create", False, "given"),
        (BasketSerializer, "update", False, "given"),
        (BulkSerializer, "create", True, "always"),
        (BulkSerializer, "update", True, "filled"),
        (Always, "update", False, "always"),
        (Sure, "update", False, "given"),
    ],
)
def test_rows_within_are_written_one_by_one_or_in_bulk(serializer: Any, name: str, bulk: bool, when: str) -> None:
    found = nested_writes(serializer(), name)
    assert found is not None
    assert (found["fields"], found["bulk"]) == (["lines"], bulk)
    assert name == "create" or found["when"] == when


class Numbered(Base):
    def create(self, validated_data: Any) -> Any:
        lines = validated_data.pop("lines")
        basket = Basket.objects.create(**validated_data)
        for line in lines:
            Line.objects.create(basket=basket, amount=len(lines), **line)
        return basket


class Named(Base):
    def create(self, validated_data: Any) -> Any:
        lines = validated_data.pop("lines")
        basket = Basket.objects.create(name="always", **validated_data)
        for line in lines:
            Line.objects.create(basket=basket, **line)
        return basket


class First(Base):
    def create(self, validated_data: Any) -> Any:
        lines = validated_data.pop("lines")
        basket = Basket.objects.create(**validated_data)
        for line in lines[:1]:
            Line.objects.create(basket=basket, **line)
        return basket


class Dropped(Base):
    def create(self, validated_data: Any) -> Any:
        validated_data.pop("lines")
        return Basket.objects.create(**validated_data)


class Left(Base):
    def update(self, instance: Any, validated_data: Any) -> Any:
        """Adds to the lines that there are."""
        lines = validated_data.pop("lines", [])
        instance = super().update(instance, validated_data)
        for line in lines:
            Line.objects.create(basket=instance, **line)
        return instance


class Partly(Base):
    class Meta(Base.Meta):
        fields = ("name", "user", "lines")

    def update(self, instance: Any, validated_data: Any) -> Any:
        lines = validated_data.pop("lines", None)
        instance.name = validated_data.get("name", instance.name)
        instance.save()
        if lines is not None:
            instance.lines.all().delete()
            for line in lines:
                Line.objects.create(basket=instance, **line)
        return instance


class Cleared(Base):
    def update(self, instance: Any, validated_data: Any) -> Any:
        """Removes the lines even where none are sent, and writes none then."""
        lines = validated_data.pop("lines", None)
        instance = super().update(instance, validated_data)
        instance.lines.all().delete()
        if lines is not None:
            for line in lines:
                Line.objects.create(basket=instance, **line)
        return instance


class Filtered(Base):
    def update(self, instance: Any, validated_data: Any) -> Any:
        lines = validated_data.pop("lines", [])
        instance = super().update(instance, validated_data)
        instance.lines.filter(amount=1).delete()
        for line in lines:
            Line.objects.create(basket=instance, **line)
        return instance


class Logged(Base):
    def create(self, validated_data: Any) -> Any:
        lines = validated_data.pop("lines")
        basket = Basket.objects.create(**validated_data)
        for line in lines:
            Line.objects.create(basket=basket, **line)
        basket.user.email_user("basket", "made")
        return basket


class Linked(Base):
    class Meta(Base.Meta):
        fields = ("name", "likers", "lines")

    def create(self, validated_data: Any) -> Any:
        """Fails, since a manager takes no links."""
        lines = validated_data.pop("lines")
        basket = Basket.objects.create(**validated_data)
        for line in lines:
            Line.objects.create(basket=basket, **line)
        return basket


@pytest.mark.parametrize(
    ("serializer", "name"),
    [
        *((each, "create") for each in (Numbered, Named, First, Dropped, Logged, Linked, Base)),
        *((each, "update") for each in (Left, Partly, Cleared, Filtered, WholeSerializer)),
    ],
)
def test_what_does_more_or_less_is_no_fact(serializer: Any, name: str) -> None:
    assert nested_writes(serializer(), name) is None
