"""Serializers whose own `create` and `update` write one row within a body, in the shapes that projects write."""

from typing import Any

from django.db import transaction
from rest_framework import permissions, serializers, viewsets
from rest_framework.routers import SimpleRouter

from tests.archive.models import Address, Badge, Keeper, Letter


class AddressSerializer(serializers.ModelSerializer[Address]):
    class Meta:
        model = Address
        fields = ("id", "street", "floor")


class LetterSerializer(serializers.ModelSerializer[Letter]):
    address = AddressSerializer()

    class Meta:
        model = Letter
        fields: tuple[str, ...] = ("id", "text", "pages", "address")

    def create(self, validated_data: Any) -> Letter:
        address_data = validated_data.pop("address")
        address = Address.objects.create(**address_data)
        letter = Letter.objects.create(address=address, **validated_data)
        return letter  # noqa: RET504 - as projects write it

    def update(self, instance: Letter, validated_data: Any) -> Letter:
        address_data = validated_data.pop("address", None)
        if address_data:
            address = instance.address
            for attr, value in address_data.items():
                setattr(address, attr, value)
            address.save()
        return super().update(instance, validated_data)


class OtherLetterSerializer(serializers.ModelSerializer[Letter]):
    address = AddressSerializer()

    class Meta:
        model = Letter
        fields: tuple[str, ...] = ("id", "text", "address")

    def create(self, validated_data: Any) -> Letter:
        with transaction.atomic():
            data = validated_data.pop("address")
            home = Address.objects.create(**data)
            return Letter.objects.create(**validated_data, address=home)

    def update(self, instance: Letter, validated_data: Any) -> Letter:
        data = validated_data.pop("address", {})
        for key, value in validated_data.items():
            setattr(instance, key, value)
        instance.save()
        for key, value in data.items():
            setattr(instance.address, key, value)
        instance.address.save()
        return instance


class BadgeSerializer(serializers.ModelSerializer[Badge]):
    class Meta:
        model = Badge
        fields = ("code", "folder", "level")


class KeeperSerializer(serializers.ModelSerializer[Keeper]):
    badge = BadgeSerializer()

    class Meta:
        model = Keeper
        fields = ("id", "name", "badge")

    def create(self, validated_data: Any) -> Keeper:
        badge = validated_data.pop("badge")
        keeper = super().create(validated_data)
        Badge.objects.create(keeper=keeper, **badge)
        return keeper

    def update(self, instance: Keeper, validated_data: Any) -> Keeper:
        badge_data = validated_data.pop("badge", None)
        instance.name = validated_data.get("name", instance.name)
        instance.save()
        if badge_data is not None:
            badge = instance.badge
            for attr, value in badge_data.items():
                setattr(badge, attr, value)
            badge.save()
        return instance


class ShownSerializer(KeeperSerializer):
    """One that Django leaves out where there is none."""

    badge = BadgeSerializer(read_only=True)


class Letters(viewsets.ModelViewSet[Letter]):
    serializer_class: Any = LetterSerializer
    queryset = Letter.objects.all()
    permission_classes = (permissions.AllowAny,)
    pagination_class = None
    filter_backends = ()


class OtherLetters(Letters):
    serializer_class = OtherLetterSerializer


class Keepers(viewsets.ModelViewSet[Keeper]):
    serializer_class: Any = KeeperSerializer
    queryset = Keeper.objects.all()
    permission_classes = (permissions.AllowAny,)
    pagination_class = None
    filter_backends = ()


class NamedKeepers(Keepers):
    """What a change saves besides, its serializer's own `update` may save or not."""

    def perform_create(self, serializer: Any) -> None:
        serializer.save(name="new")

    def perform_update(self, serializer: Any) -> None:
        serializer.save(name="changed")


class ShownKeepers(viewsets.ReadOnlyModelViewSet[Keeper]):
    serializer_class = ShownSerializer
    queryset = Keeper.objects.all()
    permission_classes = (permissions.AllowAny,)
    pagination_class = None
    filter_backends = ()


router = SimpleRouter()
router.register("letters", Letters)
router.register("other-letters", OtherLetters, basename="other_letters")
router.register("keepers", Keepers)
router.register("named-keepers", NamedKeepers, basename="named_keepers")
router.register("shown", ShownKeepers, basename="shown")
urlpatterns = router.urls
