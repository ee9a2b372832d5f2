"""Rows that are named by their addresses: taken, refused, written and answered as by a HyperlinkedModelSerializer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, models
from django.test import Client
from django.test.utils import isolate_apps
from rest_framework import serializers, viewsets
from sqlalchemy.orm import Mapped

from shared_schema.mapping import Mapping, Reflected
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql
from strangler_fastapi.drf.fields.choice_fields import FilePathField
from strangler_fastapi.drf.fields.computed_fields import CreateOnlyDefault, HiddenField
from strangler_fastapi.drf.fields.hyperlinks import HyperlinkedField, HyperlinkedRelatedField
from strangler_fastapi.drf.fields.model_fields import many_related_field, model_field, model_fields
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from tests.databases import empty_database
from tests.shared_stack import StackAddresses
from tests.side_by_side import PREFIXES, BothSides, add_endpoints, djangos_database, side_by_side

FOLDER = str(Path(__file__).parent)

with isolate_apps("django_app.blog"):

    class Port(models.Model):
        name = models.CharField(max_length=9)

        class Meta:
            app_label = "blog"
            db_table = "ports"

    class Flag(models.Model):
        code = models.CharField(max_length=3, primary_key=True)

        class Meta:
            app_label = "blog"
            db_table = "flags"
            ordering = ("code",)

    class Ship(models.Model):
        name = models.CharField(max_length=9)
        home = models.ForeignKey(Port, models.CASCADE)
        next_port = models.ForeignKey(Port, models.SET_NULL, null=True, related_name="+")
        flags = models.ManyToManyField(Flag)
        chart = models.CharField(max_length=200, default="")
        origin = models.CharField(max_length=9, default="")

        class Meta:
            app_label = "blog"
            db_table = "ships"


class ShipSerializer(serializers.HyperlinkedModelSerializer[Ship]):
    chart = serializers.FilePathField(path=FOLDER, match=r"^test_h\w+\.py$", required=False)
    origin = serializers.HiddenField(default=serializers.CreateOnlyDefault("yard"))

    class Meta:
        model = Ship
        fields = ("url", "name", "home", "next_port", "flags", "chart", "origin")
        extra_kwargs = {  # noqa: RUF012 - DRF's own
            name: {"view_name": f"{view}-detail"}
            for name, view in (("url", "ship"), ("home", "port"), ("next_port", "port"), ("flags", "flag"))
        }


class Ships(viewsets.ModelViewSet[Ship]):
    queryset = Ship.objects.order_by("id")
    serializer_class = ShipSerializer
    authentication_classes = ()
    permission_classes = ()
    filter_backends = ()
    pagination_class = None


def library(contract: Path) -> tuple[Any, Mapping]:
    mapping = Mapping(contract=contract)

    class PortRow(Reflected):
        __mapping__ = mapping
        __tablename__ = "ports"
        id: Mapped[int]

    class FlagRow(Reflected):
        __mapping__ = mapping
        __tablename__ = "flags"
        code: Mapped[str]

    class ShipFlagRow(Reflected):
        __mapping__ = mapping
        __tablename__ = "ships_flags"
        id: Mapped[int]
        ship_id: Mapped[int]
        flag_id: Mapped[str]

    class ShipRow(Reflected):
        __mapping__ = mapping
        __tablename__ = "ships"
        id: Mapped[int]
        name: Mapped[str]
        home_id: Mapped[int]
        next_port_id: Mapped[int | None]
        chart: Mapped[str]
        origin: Mapped[str]

    ports: dict[str, Any] = {"into": HyperlinkedRelatedField, "path": "/ports/{}/"}
    fields = {
        "url": HyperlinkedField(path="/ships/{}/", source="id"),
        **model_fields(ShipRow, "name"),
        "home": model_field(ShipRow, "home_id", **ports),
        "next_port": model_field(ShipRow, "next_port_id", **ports),
        "flags": many_related_field(ShipRow, "flags", path="/flags/{}/", allow_empty=False),
        "chart": FilePathField(path=FOLDER, match=r"^test_h\w+\.py$", required=False),
        "origin": HiddenField(default=CreateOnlyDefault("yard")),
    }
    serializer = Serializer("Ship", fields)
    ships = Resource(ShipRow, serializer, pagination=None)
    router = feature_router(PREFIXES, "ships")
    given: dict[str, Any] = {"permission": AllowAny, "authenticators": (), "serializer": serializer}
    many = View(router, "/ships/", name="Ships", methods=("GET", "POST"), **given)
    one = View(router, "/ships/{pk}/", name="Ships", methods=("GET", "PUT", "PATCH"), find=ships.find, **given)
    for path in ("/ports/{pk}/", "/flags/{pk}/"):
        View(router, path, name="Ships", methods=("GET",), permission=AllowAny, authenticators=()).gap("GET", "reading")
    add_endpoints(many, one, ships)
    return router, mapping


@pytest.fixture(scope="module")
def sides(
    stack: StackAddresses, worker_id: str, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BothSides]:
    contract = tmp_path_factory.mktemp("ships") / "contract.json"
    tables = {model._meta.db_table: table_facts(model, Sql()) for model in (Port, Flag, Ship, Ship.flags.through)}
    contract.write_text(json.dumps({"format": 2, "tables": tables, "tokens": {}}))
    router, mapping = library(contract)
    several, one = {"get": "list", "post": "create"}, {"get": "retrieve", "put": "update", "patch": "partial_update"}
    views = {
        ("ships/", ""): Ships.as_view(several, name="Ships"),
        ("ships/<pk>/", "ship-detail"): Ships.as_view(one, name="Ships"),
        ("ports/<pk>/", "port-detail"): Ships.as_view({"get": "retrieve"}),
        ("flags/<pk>/", "flag-detail"): Ships.as_view({"get": "retrieve"}),
    }
    with (
        empty_database(admin_dsn=stack.admin_dsn, name=f"ships_{worker_id}") as database,
        django_db_blocker.unblock(),
    ):
        with djangos_database(database), connection.schema_editor() as editor:
            for model in (Port, Flag, Ship):
                editor.create_model(model)
        with side_by_side(database, views=views, routers=(router,), tables=mapping) as both:
            yield both


HTTP = "http://testserver"
BODY = {"name": "Ann", "home": f"{HTTP}/ports/1/", "next_port": None, "flags": [f"{HTTP}/flags/de/", "/flags/fr/"]}
CHARTS = ("", f"{FOLDER}/test_hyperlinked_rows.py", f"{FOLDER}/test_lists.py", 7)
ADDRESSES = (
    *("/ports/1/", "/ports/2/", "https://elsewhere.example/ports/1/?page=2#x", "/ports/%31/", "/ports/9/", "/ports/x/"),
    *("/ports/1", "ports/1/", "/flags/de/", "/ships/1/", "/nowhere/1/", "", " ", "http://", "/ports//"),
    *("/ports/99999999999999999999/", 1, None, True, [], {}, ["/ports/1/"], "ftp://testserver/ports/1/"),
)


def ask_both(sides: BothSides, method: str, body: Any, query: str = "") -> tuple[int, Any]:
    """Both stacks' answer to the same on the same rows, and the row that is left."""
    seen = []
    content = json.dumps(body).encode()
    for stack in ("fastapi", "django"):
        for model in (Ship, Port, Flag):
            model.objects.all().delete()
        ports = [Port.objects.create(pk=key, name=f"port {key}") for key in (1, 2)]
        Flag.objects.bulk_create([Flag(code=code) for code in ("de", "fr")])
        ship = Ship.objects.create(pk=1 if method != "POST" else -1, name="old", home=ports[1], next_port=ports[0])
        ship.flags.set(["fr"])
        url = f"/ships/{query}" if method in ("POST", "OPTIONS") else f"/ships/1/{query}"
        if stack == "fastapi":
            given = {"Content-Type": "application/json"}
            answer: Any = sides.runner.run(sides.library.request(method, url, content=content, headers=given))
        else:
            answer = Client(raise_request_exception=False).generic(
                method, url, content, content_type="application/json"
            )
        text = json.loads(answer.content)
        last = Ship.objects.latest("id")
        if method == "POST" and "url" in text:
            assert text["url"] == f"{HTTP}/ships/{last.pk}/{query}"
            del text["url"]
        flags = sorted(last.flags.values_list("pk", flat=True))
        seen.append(
            (answer.status_code, text, (last.name, last.home_id, last.next_port_id, flags, last.chart, last.origin))
        )
    assert seen[0] == seen[1] or seen[1][0] == 500 > seen[0][0], f"{method} {body}"
    return seen[0][0], seen[0][1]


def test_rows_are_named_by_their_addresses(sides: BothSides) -> None:
    status, shown = ask_both(sides, "POST", BODY)
    assert (status, shown["home"], shown["flags"]) == (
        201,
        f"{HTTP}/ports/1/",
        [f"{HTTP}/flags/de/", f"{HTTP}/flags/fr/"],
    )
    assert ask_both(sides, "PUT", BODY)[0] == 200
    assert ask_both(sides, "PATCH", {"next_port": "/ports/2/", "flags": ["/flags/de/"]})[1]["flags"] == [
        f"{HTTP}/flags/de/"
    ]
    assert ask_both(sides, "GET", None, "?format=json")[1]["home"] == f"{HTTP}/ports/2/?format=json"
    ask_both(sides, "OPTIONS", None)


@pytest.mark.parametrize("value", ADDRESSES, ids=repr)
def test_an_address_is_taken_or_refused_as_by_drf(sides: BothSides, value: Any) -> None:
    for name in ("home", "next_port"):
        ask_both(sides, "PATCH", {name: value})
    flag = value.replace("ports", "flags") if isinstance(value, str) else value
    ask_both(sides, "PATCH", {"flags": [flag]})
    ask_both(sides, "PATCH", {"flags": flag})


@pytest.mark.parametrize("value", CHARTS)
def test_a_path_is_one_of_the_files_that_are_there(sides: BothSides, value: Any) -> None:
    assert ask_both(sides, "PATCH", {"chart": value})[0] == (200 if value in CHARTS[:2] else 400)
    ask_both(sides, "POST", BODY | {"chart": value})


def test_what_only_new_rows_get_is_left_where_a_row_is_changed(sides: BothSides) -> None:
    ask_both(sides, "POST", BODY | {"origin": "mine"})
    assert Ship.objects.latest("id").origin == "yard"
    ask_both(sides, "PUT", BODY)
    assert Ship.objects.latest("id").origin == ""


def test_an_address_that_a_router_has_no_path_for_is_none(sides: BothSides) -> None:
    ask_both(sides, "GET", None)
    given = {"Content-Type": "application/json"}
    answer = sides.runner.run(
        sides.library.request("PATCH", "/ships/1/", content=b'{"home": "/ports/1.5/"}', headers=given)
    )
    assert answer.json() == {"home": ["Invalid hyperlink - No URL match."]}


def test_an_address_of_the_other_version_is_as_good(sides: BothSides) -> None:
    given = {"Content-Type": "application/json", "X-Forwarded-Prefix": "/v2"}
    ask_both(sides, "GET", None)
    content = json.dumps({"home": "/v2/ports/1/"}).encode()
    answer = sides.runner.run(sides.library.request("PATCH", "/ships/1/", content=content, headers=given))
    assert answer.json()["home"] == f"{HTTP}/v2/ports/1/"
