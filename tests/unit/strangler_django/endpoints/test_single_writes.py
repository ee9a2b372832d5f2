"""A `create` or `update` that writes one row within in another way than it seems is no fact."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework import serializers

from strangler_django.endpoints.fields.nested_writes import nested_writes
from tests.archive.letter_views import (
    AddressSerializer,
    BadgeSerializer,
    KeeperSerializer,
    LetterSerializer,
    OtherLetterSerializer,
)
from tests.archive.models import Address, Badge, Keeper, Letter
from tests.installed_app import installed_app


@pytest.fixture(autouse=True)
def archive() -> Iterator[None]:
    with installed_app("tests.archive"):
        yield


@pytest.mark.parametrize(
    ("serializer", "key", "when"),
    [
        (LetterSerializer, "address", "filled"),
        (OtherLetterSerializer, "address", "always"),
        (KeeperSerializer, "badge", "given"),
    ],
)
def test_a_row_within_is_made_and_changed(serializer: Any, key: str, when: str) -> None:
    assert nested_writes(serializer(), "create") == {"fields": [key], "bulk": False, "when": "given"}
    assert nested_writes(serializer(), "update") == {"fields": [key], "bulk": False, "when": when}


class Letters(serializers.ModelSerializer[Letter]):
    address = AddressSerializer()

    class Meta:
        model = Letter
        fields: tuple[str, ...] = ("id", "text", "address")


class Keepers(serializers.ModelSerializer[Keeper]):
    badge = BadgeSerializer()

    class Meta:
        model = Keeper
        fields = ("id", "name", "badge")


class Found(Letters):
    """Takes an address that is there already."""

    def create(self, validated_data: Any) -> Any:
        data = validated_data.pop("address")
        address, _ = Address.objects.get_or_create(**data)
        return Letter.objects.create(address=address, **validated_data)

    def update(self, instance: Any, validated_data: Any) -> Any:
        """Makes another address."""
        data = validated_data.pop("address")
        instance.address = Address.objects.create(**data)
        return super().update(instance, validated_data)


class Raised(Letters):
    def create(self, validated_data: Any) -> Any:
        data = validated_data.pop("address")
        address = Address.objects.create(floor=1, **data)
        return Letter.objects.create(address=address, **validated_data)

    def update(self, instance: Any, validated_data: Any) -> Any:
        data = validated_data.pop("address", None)
        if data:
            for key, value in data.items():
                setattr(instance.address, key, value)
        instance.address.save()
        return super().update(instance, validated_data)


class Unmade(Letters):
    def create(self, validated_data: Any) -> Any:
        validated_data.pop("address")
        return Letter.objects.create(**validated_data)

    def update(self, instance: Any, validated_data: Any) -> Any:
        """Doesn't save it."""
        data = validated_data.pop("address", {})
        for key, value in data.items():
            setattr(instance.address, key, value)
        return super().update(instance, validated_data)


class Optional(Keepers):
    badge = BadgeSerializer(required=False)

    def create(self, validated_data: Any) -> Any:
        badge = validated_data.pop("badge")
        keeper = Keeper.objects.create(**validated_data)
        Badge.objects.create(keeper=keeper, **badge)
        return keeper

    def update(self, instance: Any, validated_data: Any) -> Any:
        """Sets the attributes of the keeper."""
        badge = validated_data.pop("badge")
        for key, value in badge.items():
            setattr(instance, key, value)
        instance.save()
        return instance


class Returned(Keepers):
    def create(self, validated_data: Any) -> Any:
        badge = validated_data.pop("badge")
        keeper = Keeper.objects.create(**validated_data)
        keeper = Badge.objects.create(keeper=keeper, **badge)
        return keeper  # noqa: RET504 - as it is

    def update(self, instance: Any, validated_data: Any) -> Any:
        badge_data = validated_data.pop("badge", None)
        badge = instance.badge
        for key, value in badge_data.items():
            setattr(badge, key, value)
        badge.save(update_fields=["code"])
        return super().update(instance, validated_data)


@pytest.mark.parametrize("name", ["create", "update"])
@pytest.mark.parametrize("serializer", [Found, Raised, Unmade, Optional, Returned])
def test_what_does_more_or_less_is_no_fact(serializer: Any, name: str) -> None:
    assert nested_writes(serializer(), name) is None
