"""A method that shows rows of another table by another serializer is read in a few shapes, and no other one."""

from typing import Any

import pytest
from django.db import models
from django.test.utils import isolate_apps
from rest_framework import serializers

from strangler_django.endpoints.fields.own_rows import ShownRows, shown_rows
from strangler_django.endpoints.fields.serializers import serializer_facts


class Refusing(models.QuerySet[Any]):
    """Rows of whoever calls, which nobody has without a request, as of django-scopes."""

    def all(self) -> Any:
        raise RuntimeError("no tenant")


class TenantManager(models.Manager[Any]):
    def get_queryset(self) -> Any:
        return Refusing(self.model)

    def all(self) -> Any:
        return self.get_queryset().all()


with isolate_apps("django_app.blog"):

    class Berth(models.Model):
        name = models.CharField(max_length=9, unique=True)
        number = models.IntegerField()
        objects = TenantManager()

        class Meta:
            app_label = "blog"
            unique_together = ("name", "number")

    class Mooring(models.Model):
        berth = models.ForeignKey(Berth, models.CASCADE)
        name = models.CharField(max_length=9)

        class Meta:
            app_label = "blog"

    class Port(models.Model):
        name = models.CharField(max_length=9)

        class Meta:
            app_label = "blog"

    class Fleet(models.Model):
        class Meta:
            app_label = "blog"

        def __len__(self) -> int:
            return 0

    class Ship(models.Model):
        home = models.ForeignKey(Port, models.CASCADE)
        at = models.ForeignKey(Port, models.CASCADE, null=True, related_name="moored")
        fleet = models.ForeignKey(Fleet, models.CASCADE)
        pictures = models.FileField()

        class Meta:
            app_label = "blog"


class MooringSerializer(serializers.ModelSerializer[Mooring]):
    class Meta:
        model = Mooring
        fields = ("berth", "name")


class BerthSerializer(serializers.ModelSerializer[Berth]):
    class Meta:
        model = Berth
        fields = ("name", "number")


class PortSerializer(serializers.ModelSerializer[Port]):
    ships = serializers.SerializerMethodField()

    class Meta:
        model = Port
        fields = ("name", "ships")

    def get_ships(self, port: Port) -> Any:
        return ShipSerializer(port.ship_set.all(), many=True, context=self.context).data


class PictureSerializer(serializers.ModelSerializer[Ship]):
    class Meta:
        model = Ship
        fields = ("pictures",)


class ShipSerializer(serializers.ModelSerializer[Ship]):
    home = serializers.SerializerMethodField()

    class Meta:
        model = Ship
        fields = ("home",)

    def get_home(self, obj: Ship) -> Any:
        """Where it belongs."""
        return PortSerializer(obj.home).data

    @staticmethod
    def tested(obj: Ship) -> Any:
        at = obj.at
        if at:
            return PortSerializer(instance=at).data
        return None

    def chosen(self, obj: Ship) -> Any:
        return None if obj.at is None else PortSerializer(obj.at, context=self.context).data

    def falls_through(self, obj: Ship) -> Any:  # noqa: RET503 - as it is written
        if obj.at is not None:
            return PortSerializer(obj.at).data

    def untested(self, obj: Ship) -> Any:
        return PortSerializer(obj.at).data

    def empty(self, obj: Ship) -> Any:
        if not obj.at:
            return {}
        return PortSerializer(obj.at).data

    def of_another(self, obj: Ship) -> Any:
        if obj.home:
            return PortSerializer(obj.at).data
        return None

    def of_length(self, obj: Ship) -> Any:
        return PortSerializer(obj.fleet).data

    def of_context(self, obj: Ship) -> Any:
        return PortSerializer(obj.home, context={"request": None}).data

    def narrowed(self, obj: Ship) -> Any:
        return PortSerializer(obj.home.ship_set.filter(at=None), many=True).data

    def looked_up(self, obj: Ship) -> Any:
        return PortSerializer(Port.objects.get(pk=obj.pk)).data


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("get_home", ShownRows(PortSerializer, "home", many=False, has_context=False)),
        ("chosen", ShownRows(PortSerializer, "at", many=False, has_context=True)),
        ("tested", ShownRows(PortSerializer, "at", many=False, has_context=False)),
        ("falls_through", ShownRows(PortSerializer, "at", many=False, has_context=False)),
    ],
)
def test_rows_by_a_foreign_key_are_read(name: str, shown: ShownRows) -> None:
    assert shown_rows(ShipSerializer, name, Ship) == shown


def test_all_rows_of_a_relation_are_read() -> None:
    shown = ShownRows(ShipSerializer, "ship_set", many=True, has_context=True)
    assert shown_rows(PortSerializer, "get_ships", Port) == shown


@pytest.mark.parametrize(
    "name",
    ["untested", "empty", "of_another", "of_length", "of_context", "narrowed", "looked_up", "missing"],
)
def test_anything_else_is_not(name: str) -> None:
    assert shown_rows(ShipSerializer, name, Ship) is None


def test_a_serializer_within_itself_is_read_once() -> None:
    (home,) = serializer_facts(ShipSerializer())["fields"]
    assert (home["source"], home["method"], home["many"]) == ("home", "get_home", False)
    name, ships = home["serializer"]["fields"]
    assert (name["name"], ships["method"], ships.get("serializer")) == ("name", "get_ships", None)


def test_files_are_not_shown_by_one_that_does_not_know_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ShipSerializer.get_home.__globals__, "PortSerializer", PictureSerializer)
    (home,) = serializer_facts(ShipSerializer())["fields"]
    assert "serializer" not in home


def test_rows_that_only_a_request_has_are_no_gap_of_what_shows_them() -> None:
    found = serializer_facts(MooringSerializer())
    berth, name = found["fields"]
    assert (berth["narrowed"], berth["where"], "narrowed" in name) == (True, {}, False)
    found = serializer_facts(BerthSerializer())
    assert (found["unique_together"], found["validators"]) == ([], ["UniqueTogetherValidator"])
    assert "unique_message" not in found["fields"][0]
    assert "UniqueValidator" in found["fields"][0]["validators"]
