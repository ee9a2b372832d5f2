"""Rows within a body: validated, refused, written and described as by DRF's nested serializers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings as djangos
from django.db import connection, models
from django.test import Client
from django.test.utils import isolate_apps
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework import serializers, viewsets
from sqlalchemy.orm import Mapped
from starlette.requests import Request
from starlette.responses import Response

from shared_schema.consumer.derivation import derive_consumer
from shared_schema.consumer.samples import Deletion
from shared_schema.mapping import Mapping, Reflected
from strangler_fastapi.db.session import RequestSession, Session
from strangler_fastapi.drf.fields.computed_fields import ComputedField
from strangler_fastapi.drf.fields.fields import CharField, ReadOnlyField
from strangler_fastapi.drf.fields.nested_fields import NestedField
from strangler_fastapi.drf.fields.number_fields import IntegerField
from strangler_fastapi.drf.links import ForeignKey, OneToMany
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.validators import Unique
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from tests.databases import migrated_database
from tests.example import CONTRACT_FILE
from tests.shared_stack import StackAddresses
from tests.side_by_side import PREFIXES, BothSides, djangos_database, side_by_side

MAPPING = Mapping(contract=CONTRACT_FILE)

with isolate_apps("django_app.blog"):

    class Maker(models.Model):
        name = models.CharField(max_length=9, unique=True)

        class Meta:
            app_label = "blog"
            db_table = "makers"

    class Box(models.Model):
        label = models.CharField(max_length=9)
        maker = models.ForeignKey(Maker, models.CASCADE, null=True)

        class Meta:
            app_label = "blog"
            db_table = "boxes"

    class Item(models.Model):
        box = models.ForeignKey(Box, models.CASCADE, related_name="items")
        name = models.CharField(max_length=5)
        pieces = models.IntegerField(default=1)

        class Meta:
            app_label = "blog"
            db_table = "items"


class MakerRow(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "makers"
    id: Mapped[int]
    name: Mapped[str]


class BoxRow(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "boxes"
    id: Mapped[int]
    label: Mapped[str]
    maker_id: Mapped[int | None]


class ItemRow(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "items"
    id: Mapped[int]
    box_id: Mapped[int]
    name: Mapped[str]
    pieces: Mapped[int]


class ItemSerializer(serializers.ModelSerializer[Item]):
    class Meta:
        model = Item
        fields = ("name", "pieces")


class MakerSerializer(serializers.ModelSerializer[Maker]):
    class Meta:
        model = Maker
        fields = ("name",)


class BoxSerializer(serializers.ModelSerializer[Box]):
    items = ItemSerializer(many=True, max_length=3, required=False)
    items_count = serializers.IntegerField(source="items.count", read_only=True)
    maker = MakerSerializer(allow_null=True)

    class Meta:
        model = Box
        fields = ("id", "label", "items", "items_count", "maker")

    def create(self, validated_data: Any) -> Box:
        items, maker = validated_data.pop("items", []), validated_data.pop("maker")
        made = Box.objects.create(maker=maker and Maker.objects.create(**maker), **validated_data)
        for item in items:
            Item.objects.create(box=made, **item)
        return made

    def update(self, instance: Box, validated_data: Any) -> Box:
        items, maker = validated_data.pop("items", None), validated_data.pop("maker", None)
        if maker is not None:
            instance.maker = Maker.objects.create(**maker)
        box: Box = super().update(instance, validated_data)
        if items is not None:
            box.items.all().delete()  # type: ignore[attr-defined] # the related name
            for item in items:
                Item.objects.create(box=box, **item)
        return box


class Boxes(viewsets.ModelViewSet[Box]):
    queryset = Box.objects.order_by("id")
    serializer_class = BoxSerializer
    authentication_classes = ()
    permission_classes = ()
    filter_backends = ()
    pagination_class = None


ITEM = Serializer(
    "Item",
    {"name": CharField(max_length=5), "pieces": IntegerField(required=False, min_value=-(2**31), max_value=2**31 - 1)},
)
MAKER = Serializer(
    "Maker",
    {"name": CharField(max_length=9, validators=(Unique(MakerRow, "name", "maker with this name already exists."),))},
)
ITEMS = Resource(ItemRow, ITEM, name="items")
MAKERS = Resource(MakerRow, MAKER, name="makers")
# Of models that no contract has.
DEFAULTS = {"name": "", "pieces": 1}


async def create_box(resource: Resource, session: RequestSession, cleaned: dict[str, Any]) -> Any:
    items, maker = cleaned.pop("items", []), cleaned.pop("maker")
    maker_id = None if maker is None else await MAKERS.add(session, {"name": ""} | maker)
    key = await resource.add(session, cleaned | {"maker_id": maker_id})
    for item in items:
        await ITEMS.add(session, DEFAULTS | item | {"box_id": key})
    return key


async def update_box(resource: Resource, session: RequestSession, key: Any, cleaned: dict[str, Any]) -> None:
    items, maker = cleaned.pop("items", None), cleaned.pop("maker", None)
    if maker is not None:
        cleaned["maker_id"] = await MAKERS.add(session, {"name": ""} | maker)
    await resource.save(session, key, cleaned)
    if items is not None:
        table = ItemRow.__table__
        await session.execute(table.delete().where(table.c.box_id == key))
        for item in items:
            await ITEMS.add(session, DEFAULTS | item | {"box_id": key})


def boxes(*, as_dict: bool) -> Resource:
    link = OneToMany(ItemRow, "box_id", "id", ordering=("id",))
    items = NestedField(children=ITEM, link=link, read_only=False, required=False, max_length=3, errors_as_dict=as_dict)
    maker = NestedField(children=MAKER, link=ForeignKey("maker_id", MakerRow, "id"), read_only=False, allow_null=True)
    serializer = Serializer(
        "Box",
        {
            "id": ReadOnlyField(type="integer", label="ID"),
            "label": CharField(max_length=9),
            "items": items,
            "items_count": ComputedField(columns=(link,), function=lambda count: count, type="integer"),
            "maker": maker,
        },
    )
    return Resource(
        BoxRow, serializer, pagination=None, ordering_fields=(), perform_create=create_box, perform_update=update_box
    )


def library_router(*, as_dict: bool) -> Any:
    router, resource = feature_router(PREFIXES, "boxes"), boxes(as_dict=as_dict)
    common: dict[str, Any] = {"permission": AllowAny, "authenticators": (), "serializer": resource.serializer}
    several = View(router, "/boxes/", name="Boxes", methods=("GET", "POST"), **common)
    one = View(
        router, "/boxes/{pk}/", name="Boxes", methods=("GET", "PUT", "PATCH", "DELETE"), find=resource.find, **common
    )

    @several.get(many=list)
    async def boxes_list(request: Request, session: Session) -> Response:
        """All."""
        return await resource.list(request, session)

    @several.post(status=201)
    async def boxes_create(request: Request, session: Session) -> Response:
        """Another."""
        return await resource.create(request, session)

    @one.put()
    @one.patch()
    async def boxes_update(request: Request, session: Session) -> Response:
        """Other values."""
        return await resource.update(request, session)

    return router


@pytest.fixture(scope="module")
def database(stack: StackAddresses, worker_id: str, django_db_blocker: Any) -> Iterator[Any]:
    with (
        migrated_database(admin_dsn=stack.admin_dsn, name=f"nested_{worker_id}") as database,
        django_db_blocker.unblock(),
    ):
        with djangos_database(database), connection.schema_editor() as editor:
            for model in (Maker, Box, Item):
                editor.create_model(model)
        yield database


@contextmanager
def sides_of(database: Any, *, as_dict: bool = True) -> Iterator[BothSides]:
    given = {"REST_FRAMEWORK": djangos.REST_FRAMEWORK | {"LIST_SERIALIZER_ERRORS_AS_DICT": as_dict}}
    views = {
        "boxes/": Boxes.as_view({"get": "list", "post": "create"}),
        "boxes/<pk>/": Boxes.as_view({"put": "update", "patch": "partial_update"}),
    }
    router = library_router(as_dict=as_dict)
    with side_by_side(database, views=views, routers=(router,), tables=MAPPING, settings=given) as made:
        yield made


@pytest.fixture(scope="module")
def sides(database: Any) -> Iterator[BothSides]:
    with sides_of(database) as made:
        yield made


def rows() -> dict[str, list[Any]]:
    """What the tables hold, without keys."""
    found = [
        (box.label, box.maker and box.maker.name, [(item.name, item.pieces) for item in box.items.order_by("id")])  # type: ignore[attr-defined] # the related name
        for box in Box.objects.order_by("id")
    ]
    return {"boxes": found, "makers": [maker.name for maker in Maker.objects.order_by("id")]}


def ask_both(sides: BothSides, method: str, data: Any, kind: str = "application/json") -> tuple[int, Any]:
    """Both stacks' answer to the same on the same rows, and what they leave."""
    body = urlencode(data).encode() if kind != "application/json" else json.dumps(data).encode()
    seen = []
    for stack in ("fastapi", "django"):
        for model in (Item, Box, Maker):
            model.objects.all().delete()
        Maker.objects.create(name="taken")
        old = Box.objects.create(label="old", maker=Maker.objects.create(name="first"))
        Item.objects.create(box=old, name="a", pieces=2)
        url = "/boxes/" if method in ("POST", "OPTIONS") else f"/boxes/{old.pk}/"
        if stack == "fastapi":
            request = sides.library.request(method, url, content=body, headers={"Content-Type": kind})
            answer: Any = sides.runner.run(request)
        else:
            answer = Client(raise_request_exception=False).generic(method, url, body, content_type=kind)
        text = json.loads(answer.content)
        if isinstance(text, dict):
            text.pop("id", None)
        seen.append((answer.status_code, text, rows()))
    assert seen[0] == seen[1], f"{method} {data}"
    return seen[0][0], seen[0][1]


VALUES = st.sampled_from(["a", "ab", "abcdefg", "", None, 1, True, [], {}, "taken"])
ITEM_VALUES = st.fixed_dictionaries(
    {}, optional={"name": VALUES, "pieces": st.sampled_from([1, "2", "x", None, 2**31])}
)
ITEMS_SENT = st.lists(ITEM_VALUES | VALUES, max_size=4) | VALUES
MAKER_SENT = st.fixed_dictionaries({}, optional={"name": VALUES}) | VALUES
BODIES = st.fixed_dictionaries({}, optional={"label": VALUES, "items": ITEMS_SENT, "maker": MAKER_SENT})


@given(body=BODIES, method=st.sampled_from(["POST", "PUT", "PATCH"]))
@settings(max_examples=50, derandomize=True, deadline=None)
def test_a_body_with_rows_within_is_taken_or_refused_as_by_drf(sides: BothSides, body: Any, method: str) -> None:
    ask_both(sides, method, body)


GOOD = {"label": "box", "items": [{"name": "a", "pieces": 3}, {"name": "b"}], "maker": {"name": "new"}}


def test_rows_within_are_written_by_the_projects_function(sides: BothSides) -> None:
    assert ask_both(sides, "POST", GOOD) == (
        201,
        GOOD | {"items": [{"name": "a", "pieces": 3}, {"name": "b", "pieces": 1}], "items_count": 2},
    )
    assert ask_both(sides, "POST", {"label": "box", "maker": None})[1]["items"] == []
    assert ask_both(sides, "PATCH", {"items": [{"name": "c"}]})[1]["maker"] == {"name": "first"}
    assert ask_both(sides, "PATCH", {"items": [{}]})[0] in (200, 400)
    assert ask_both(sides, "PUT", GOOD)[0] == 200
    assert ask_both(sides, "PATCH", {"maker": {"name": "taken"}}) == (
        400,
        {"maker": {"name": ["maker with this name already exists."]}},
    )


def test_rows_within_may_come_in_a_form(sides: BothSides) -> None:
    kind = "application/x-www-form-urlencoded"
    form = {"label": "box", "items[0]name": "a", "items[0]pieces": "4", "items[1]name": "b", "maker.name": "new"}
    assert ask_both(sides, "POST", form, kind)[0] == 201
    for sent in (
        {"label": "box", "maker.name": "taken"},
        {"label": "box", "items[0]name": "abcdefgh", "items[7]name": "", "maker.": "x", "maker.name": "n"},
        {"label": "box", "items[0]": "a", "maker": "x"},
        {"items[0].name": "a"},
        {"label": "box", "items": "a", "maker.name": "n"},
    ):
        for method in ("POST", "PATCH"):
            ask_both(sides, method, sent, kind)


def test_options_describes_rows_within(sides: BothSides) -> None:
    described = ask_both(sides, "OPTIONS", {})[1]["actions"]["POST"]
    assert described["items"]["child"]["children"]["name"]["max_length"] == 5
    assert described["maker"]["required"] is True


@pytest.mark.filterwarnings("ignore:The list-based error format")  # DRF's own default, which it means to give up
def test_errors_of_a_list_are_a_list_where_drf_has_it_so(database: Any) -> None:
    with sides_of(database, as_dict=False) as sides:
        for items in ([{"name": "a"}, {}, "x", None], [], "x", [{"name": ""}]):
            ask_both(sides, "POST", GOOD | {"items": items})


def test_what_nobody_writes_is_refused_at_the_start() -> None:
    serializer = boxes(as_dict=True).serializer
    with pytest.raises(LookupError, match="Box takes items, maker in a body: give Resource perform_create and perform"):
        Resource(BoxRow, serializer)
    with pytest.raises(LookupError, match="give Resource perform_update to write them"):
        Resource(BoxRow, serializer, perform_create=create_box)
    Resource(BoxRow, serializer, actions=("list", "retrieve", "destroy"))


@pytest.mark.usefixtures("sides")
def test_what_a_service_needs_to_write_them_is_derived() -> None:
    resource = boxes(as_dict=True)
    features = {"boxes": lambda: (*resource.write_samples(), *ITEMS.write_samples(), *MAKERS.write_samples())}
    found = derive_consumer(MAPPING, MAPPING.contract, features).features["boxes"]
    assert {*found.inserts} == {"boxes", "items", "makers"}


@pytest.mark.usefixtures("sides")
def test_what_a_service_needs_to_mark_rows_as_gone_is_derived() -> None:
    async def mark(resource: Resource, session: RequestSession, key: Any) -> None:
        await resource.save(session, key, {"name": "gone"})

    given = {"perform_destroy": mark, "performed": {"destroy": ("name",)}, "actions": ("destroy",)}
    marked = Resource(MAKERS.model, MAKERS.serializer, destroys=False, **given)
    found = derive_consumer(MAPPING, MAPPING.contract, {"makers": marked.statements}).features["makers"]
    assert (found.updates["makers"], {*found.deletes}) == (("name",), set())


@pytest.mark.usefixtures("sides")
@pytest.mark.parametrize("action", ["create", "update"])
def test_what_a_function_of_the_projects_gives_a_row_is_written_by_its_action_alone(action: Any) -> None:
    made = Resource(MAKERS.model, MAKERS.serializer, performed={action: ("id",)}, actions=("create", "update"))
    found = derive_consumer(MAPPING, MAPPING.contract, {"makers": made.statements}).features["makers"]
    written = {"create": found.inserts["makers"], "update": found.updates["makers"]}
    assert [name for name, columns in written.items() if "id" in columns] == [action]


@pytest.mark.usefixtures("sides")
def test_a_function_of_the_projects_that_deletes_has_the_right_to() -> None:
    async def delete(resource: Resource, session: RequestSession, key: Any) -> None:
        await resource.remove(session, [key])

    deleted = Resource(MAKERS.model, MAKERS.serializer, perform_destroy=delete, actions=("destroy",))
    assert Deletion("makers") in [*deleted.statements()]


def test_rows_that_are_not_deleted_are_marked_by_a_function() -> None:
    with pytest.raises(LookupError, match="give Resource perform_destroy"):
        Resource(MAKERS.model, MAKERS.serializer, destroys=False)
