"""Rows that a manager, a router or a function chooses anew: each of these would show somebody another's rows."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connections, models
from django.test.utils import isolate_apps, override_settings
from django_filters import rest_framework as django_filters
from rest_framework import serializers
from rest_framework.validators import UniqueValidator
from rest_framework.viewsets import ModelViewSet

from strangler_django.endpoints.views import view_facts

KEPT = threading.local()
OPEN = {"is_open": True}


def current_tenant() -> Any:
    return getattr(KEPT, "tenant", None)


class Rooms(models.QuerySet[Any]):
    def for_current(self) -> Any:
        tenant = current_tenant()
        return self.filter(tenant=tenant) if tenant else self

    def open(self) -> Any:
        return self.filter(**OPEN)


class OfTenant(models.Manager[Any]):
    def get_queryset(self) -> Any:
        return Rooms(self.model).for_current()


with isolate_apps("django_app.blog"):

    class Tenant(models.Model):
        name = models.TextField(unique=True)

        class Meta:
            app_label = "blog"

    class Room(models.Model):
        name = models.TextField(unique=True)
        is_open = models.BooleanField(default=True)
        tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="rooms")

        everything = models.Manager()
        objects = Rooms.as_manager()
        mine = OfTenant()

        class Meta:
            app_label = "blog"

    class Desk(models.Model):
        name = models.TextField(unique=True)
        room = models.ForeignKey(Room, models.CASCADE, related_name="desks")

        objects = OfTenant()

        class Meta:
            app_label = "blog"
            base_manager_name = "objects"

    class Lamp(models.Model):
        desk = models.ForeignKey(Desk, models.CASCADE, limit_choices_to=lambda: {"name": current_tenant()})
        room = models.ForeignKey(Room, models.CASCADE, limit_choices_to={"is_open": True})
        tenant = models.ForeignKey(Tenant, models.CASCADE)
        others = models.ManyToManyField(Room, related_name="lamps", limit_choices_to={"is_open": True})

        class Meta:
            app_label = "blog"


class RoomSerializer(serializers.ModelSerializer[Any]):
    class Meta:
        model = Room
        fields = ("id", "name")


class Views(ModelViewSet[Any]):
    serializer_class = RoomSerializer


class All(Views):
    queryset = Room.objects.all()


class Open(Views):
    queryset = Room.objects.open().order_by("name")


class Current(Views):
    queryset = Room.objects.for_current()


class Mine(Views):
    queryset = Room.mine.all()


class Manager(Views):
    queryset = Room.mine


class Inherited(Current):
    pass


class ByHook(Views):
    def get_queryset(self) -> Any:
        return Room.objects.for_current()


class ByManagerInHook(Views):
    def get_queryset(self) -> Any:
        return Room.mine.order_by("id")


class OpenByHook(Views):
    def get_queryset(self) -> Any:
        return Room.objects.open()


class Super(Current):
    def get_queryset(self) -> Any:
        return super().get_queryset().filter(is_open=True)


def facts_of(view: Any, **arguments: Any) -> Any:
    found = view_facts(view.as_view({"get": "list"}, **arguments), "get", "list", {})
    assert found["unread"] == []
    return found


@pytest.mark.parametrize("view", [Current, Mine, Manager, Inherited, Super])
def test_rows_of_a_class_that_a_thread_chooses_are_named(view: Any) -> None:
    assert facts_of(view)["queryset"]["narrowed"][0].startswith("rows that are chosen by ")


@pytest.mark.parametrize("view", [ByHook, ByManagerInHook])
def test_so_are_those_of_a_method(view: Any) -> None:
    found = facts_of(view)
    assert (found["rows"], found["constant"], found["overridden"]) == (None, [], ["get_queryset"])


@pytest.mark.parametrize("view", [All, Open, OpenByHook])
def test_what_a_manager_makes_of_constants_is_read(view: Any) -> None:
    found = facts_of(view)
    is_all = view is All
    assert found["queryset"]["narrowed"] == []
    assert found["queryset"]["where"] == ([] if is_all else [["is", "is_open", "exact", True]])
    assert found["constant"] == (["get_queryset"] if view is OpenByHook else [])


def test_rows_without_a_declaration_are_those_of_any_manager() -> None:
    assert facts_of(Views, queryset=Tenant._default_manager.all())["queryset"]["narrowed"] == []
    found = facts_of(Views, queryset=Room.everything.all())["queryset"]["narrowed"]
    assert found == ["rows that are chosen by KEPT"]


class LampSerializer(serializers.ModelSerializer[Any]):
    chosen = serializers.PrimaryKeyRelatedField[Any](source="room", queryset=Room.objects.for_current())
    any = serializers.PrimaryKeyRelatedField[Any](source="room", queryset=Room.objects.all())
    title = serializers.CharField(validators=[UniqueValidator(Room.objects.for_current())], source="room_id")

    class Meta:
        model = Lamp
        fields = ("desk", "room", "tenant", "others", "chosen", "any", "title")


class Lamps(ModelViewSet[Any]):
    queryset = Lamp._default_manager.all()
    serializer_class = LampSerializer


def test_rows_that_a_field_takes_are_not_those_of_another_moment() -> None:
    fields = {each["name"]: each for each in facts_of(Lamps)["serializer"]["fields"]}
    narrowed = [name for name, each in fields.items() if each.get("narrowed")]
    assert narrowed == ["desk", "room", "others", "chosen"]
    assert {name: fields[name]["where"] for name in narrowed if fields[name]["where"]} == {
        "room": {"is_open": True},
        "others": {"is_open": True},
    }


def test_one_row_that_its_base_manager_may_leave_out_is_named() -> None:
    fields = {each["name"]: each for each in facts_of(Lamps)["serializer"]["fields"]}
    assert {name: fields[name]["managed"] for name in ("desk", "room", "tenant", "others")} == {
        "desk": True,
        "room": False,
        "tenant": False,
        "others": False,
    }


class UniqueDesk(serializers.ModelSerializer[Any]):
    class Meta:
        model = Desk
        fields = ("name",)


class Desks(Lamps):
    queryset = Tenant._default_manager.all()
    serializer_class = UniqueDesk


def test_what_is_unique_among_the_rows_of_a_tenant_is_no_rule_of_the_column() -> None:
    (field,) = facts_of(Desks)["serializer"]["fields"]
    assert (field["validators"][0], "unique_message" in field) == ("UniqueValidator", False)


class LampFilter(django_filters.FilterSet):
    room = django_filters.ModelChoiceFilter(queryset=Room.objects.for_current())
    tenant = django_filters.ModelChoiceFilter(queryset=Tenant._default_manager.all())

    class Meta:
        model = Lamp
        fields = ("room", "tenant", "desk", "desk__room")


class FilteredLamps(Lamps):
    filter_backends = (django_filters.DjangoFilterBackend,)
    filterset_class = LampFilter


def test_rows_that_a_filter_takes_are_not_either() -> None:
    found = facts_of(FilteredLamps)["filters"]["filterset"]["parameters"]
    assert {each["name"]: each["declared"] for each in found} == {
        "room": True,
        "tenant": False,
        "desk": True,
        "desk__room": False,
    }


class Fields(serializers.ModelSerializer[Any]):
    class Meta:
        model = Room
        fields = ("id", "name")

    def get_fields(self) -> Any:
        found = super().get_fields()
        if current_tenant() is None:
            del found["name"]
        return found


class ByInstance(Fields):
    def get_fields(self) -> Any:
        found = super(Fields, self).get_fields()
        if self.instance is not None:
            found["name"].read_only = True
        return found


class Fewer(Fields):
    """What it takes from its own fields is none of `Meta`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.drop("name")

    def drop(self, name: str) -> None:
        self.fields.pop(name)
        self.fields["id"].queryset = None


class Fixed(Fields):
    def get_fields(self) -> Any:
        found = super(Fields, self).get_fields()
        assert "name" in self.Meta.fields
        found["name"].help_text = "As on the door."
        return found


@pytest.mark.parametrize(("serializer", "is_named"), [(Fields, True), (ByInstance, True), (Fixed, False)])
def test_fields_that_are_others_for_each_request_are_named(serializer: Any, is_named: bool) -> None:
    found = facts_of(All, serializer_class=serializer)["serializer"]["overridden"]
    assert any("fields are made by" in each for each in found) is is_named


class Router:
    def db_for_read(self, model: Any, **_hints: Any) -> str | None:
        return "other" if model is Room else None


class ByThread(Router):
    def db_for_read(self, model: Any, **_hints: Any) -> str | None:
        return current_tenant() if model is Tenant else None


@pytest.fixture
def other_database() -> Iterator[dict[str, Any]]:
    found: dict[str, Any] = {**connections["default"].settings_dict, "TEST": {}}
    before = dict(connections.settings)
    connections.settings["other"] = found
    try:
        yield found
    finally:
        connections.settings.clear()
        connections.settings.update(before)
        if hasattr(connections._connections, "other"):
            del connections["other"]


def test_rows_of_another_database_are_named(other_database: dict[str, Any]) -> None:
    other = Room.objects.using("other")
    assert facts_of(All)["elsewhere"] == []
    assert facts_of(All, queryset=other)["elsewhere"] == ["blog.Room in the database other"]
    with override_settings(DATABASE_ROUTERS=[Router()]):
        assert facts_of(All)["elsewhere"] == ["blog.Room in the database other"]
        assert facts_of(Lamps)["elsewhere"] == ["blog.Room in the database other"]
    # A copy of the contract's own database.
    other_database["TEST"]["MIRROR"] = "default"
    assert facts_of(All, queryset=other)["elsewhere"] == []


def test_so_are_those_of_one_that_a_router_chooses_anew() -> None:
    with override_settings(DATABASE_ROUTERS=[ByThread()]):
        (found,) = facts_of(Lamps)["elsewhere"]
        assert found.startswith("blog.Tenant in a database that a router chooses by ")


def test_so_are_those_of_a_schema_for_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django_tenants.postgresql_backend")
    assert facts_of(All)["elsewhere"] == ["a schema that django_tenants chooses for each request"]
