"""Rows with PostgreSQL's hstore and ranges, written and answered by DRF on one side and by the library on the other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.fields import (
    BigIntegerRangeField,
    DateRangeField,
    DateTimeRangeField,
    DecimalRangeField,
    HStoreField,
    IntegerRangeField,
)
from django.contrib.postgres.signals import get_hstore_oids, register_type_handlers
from django.db import connection, models, transaction
from django.test import Client
from django.test.utils import isolate_apps
from django_filters.rest_framework import BooleanFilter, CharFilter, DjangoFilterBackend, FilterSet
from rest_framework import serializers, viewsets
from sqlalchemy.orm import Mapped
from starlette.requests import Request
from starlette.responses import Response

from shared_schema.mapping import Mapping, Reflected
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.fields.computed_fields import ComputedField
from strangler_fastapi.drf.fields.model_fields import model_fields
from strangler_fastapi.drf.fields.nested_fields import NestedField
from strangler_fastapi.drf.filters.filter_forms import TEXT
from strangler_fastapi.drf.filters.filters import column_filter
from strangler_fastapi.drf.filters.json_filters import TRUE_OR_FALSE, json_filter, json_text, json_value
from strangler_fastapi.drf.links import foreign_key
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from tests.databases import empty_database
from tests.shared_stack import StackAddresses
from tests.side_by_side import PREFIXES, BothSides, add_endpoints, djangos_database, side_by_side

with isolate_apps("django_app.blog"):

    class Berth(models.Model):
        name = models.CharField(max_length=9)
        facts = HStoreField(default=dict, blank=True)
        more = HStoreField(null=True)
        places = IntegerRangeField(null=True, blank=True)
        tons = BigIntegerRangeField(null=True, blank=True)
        depth = DecimalRangeField(null=True, blank=True)
        days = DateRangeField(null=True, blank=True)
        hours = DateTimeRangeField(null=True, blank=True)
        closed = DateRangeField(null=True, editable=False)
        data = models.JSONField(default=dict, blank=True)

        class Meta:
            app_label = "blog"
            db_table = "berths"

    class Stay(models.Model):
        berth = models.ForeignKey(Berth, models.CASCADE)

        class Meta:
            app_label = "blog"
            db_table = "stays"


NAMES = [field.name for field in Berth._meta.concrete_fields]


class BerthSerializer(serializers.ModelSerializer[Berth]):
    class Meta:
        model = Berth
        fields = NAMES


class StaySerializer(serializers.ModelSerializer[Stay]):
    berth = BerthSerializer(read_only=True)
    facts = serializers.ReadOnlyField(source="berth.facts")

    class Meta:
        model = Stay
        fields = ("id", "berth", "facts")


class BerthFilters(FilterSet):
    kind = CharFilter(field_name="data__kind")
    owner = CharFilter(field_name="data__owner__name", lookup_expr="icontains")
    begins = CharFilter(field_name="data__kind", lookup_expr="startswith")
    has = CharFilter(field_name="data__kind", lookup_expr="contains")
    lit = BooleanFilter(field_name="data__lit")
    dark = BooleanFilter(field_name="data__lit", lookup_expr="isnull")

    class Meta:
        model = Berth
        fields = ()


class Berths(viewsets.ModelViewSet[Berth]):
    filter_backends = (DjangoFilterBackend,)
    filterset_class = BerthFilters
    queryset = Berth.objects.order_by("id")
    serializer_class = BerthSerializer
    authentication_classes = ()
    permission_classes = ()


class Stays(viewsets.ReadOnlyModelViewSet[Stay]):
    queryset = Stay.objects.order_by("id")
    serializer_class = StaySerializer
    authentication_classes = ()
    permission_classes = ()


class Library:
    """The library's counterpart, of the contract alone."""

    def __init__(self, contract: Path) -> None:
        self.mapping = mapping = Mapping(contract=contract)

        class BerthRow(Reflected):
            __mapping__ = mapping
            __tablename__ = "berths"
            id: Mapped[int]
            name: Mapped[str]
            facts: Mapped[Any]
            more: Mapped[Any]
            places: Mapped[Any]
            tons: Mapped[Any]
            depth: Mapped[Any]
            days: Mapped[Any]
            hours: Mapped[Any]
            closed: Mapped[Any]
            data: Mapped[Any]

        class StayRow(Reflected):
            __mapping__ = mapping
            __tablename__ = "stays"
            id: Mapped[int]
            berth_id: Mapped[int]

        berth = Serializer("Berth", model_fields(BerthRow, *NAMES))
        within = NestedField(children=berth, link=foreign_key(StayRow, "berth"), read_only=True)
        facts = ComputedField(columns=("berth__facts",))
        stay = Serializer("Stay", model_fields(StayRow, "id") | {"berth": within, "facts": facts})
        self.router = feature_router(PREFIXES, "berths")
        given: dict[str, Any] = {"permission": AllowAny, "authenticators": ()}
        many = View(self.router, "/berths/", name="Berths", methods=("GET", "POST"), serializer=berth, **given)
        one = View(self.router, "/berths/{pk}/", name="B", methods=("GET", "PUT", "PATCH"), serializer=berth, **given)
        filters = {
            "kind": json_filter(lambda: json_value(BerthRow.data, "kind"), TEXT),
            "owner": column_filter(lambda: json_text(BerthRow.data, "owner", "name"), TEXT, "icontains"),
            "begins": column_filter(lambda: json_text(BerthRow.data, "kind"), TEXT, "startswith"),
            "has": json_filter(lambda: json_value(BerthRow.data, "kind"), TEXT, "contains"),
            "lit": json_filter(lambda: json_value(BerthRow.data, "lit"), TRUE_OR_FALSE),
            "dark": column_filter(lambda: json_value(BerthRow.data, "lit"), TEXT, "isnull"),
        }
        add_endpoints(many, one, Resource(BerthRow, berth, ordering=("id",), filters=filters))
        stays = View(self.router, "/stays/", name="Stays", methods=("GET",), **given)
        listed = Resource(StayRow, stay, ordering=("id",))

        @stays.get()
        async def stays_list(request: Request, session: Session) -> Response:
            return await listed.list(request, session)


@pytest.fixture(scope="module")
def sides(
    stack: StackAddresses, worker_id: str, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BothSides]:
    contract = tmp_path_factory.mktemp("berths") / "contract.json"
    tables = {model._meta.db_table: table_facts(model, Sql()) for model in (Berth, Stay)}
    contract.write_text(json.dumps({"format": 2, "tables": tables, "tokens": {}}))
    library = Library(contract)
    views = {
        "berths/": Berths.as_view({"get": "list", "post": "create"}),
        "berths/<pk>/": Berths.as_view({"get": "retrieve", "put": "update", "patch": "partial_update"}),
        "stays/": Stays.as_view({"get": "list"}),
    }
    with (
        empty_database(admin_dsn=stack.admin_dsn, name=f"berths_{worker_id}") as database,
        django_db_blocker.unblock(),
    ):
        with djangos_database(database), connection.schema_editor() as editor:
            editor.execute("CREATE EXTENSION hstore")
            editor.create_model(Berth)
            editor.create_model(Stay)
        with side_by_side(database, views=views, routers=(library.router,), tables=library.mapping) as both:
            get_hstore_oids.cache_clear()
            register_type_handlers(connection)
            yield both


FULL: dict[str, Any] = {
    "name": "Full",
    "facts": {"a": "1", "bcd": None, 'q"u=>o': "ü\\", "": ""},
    "more": {},
    "places": [1, 5],
    "tons": [None, 2**40],
    "depth": '{"lower": "1.50", "upper": null}',
    "days": '{"lower": "2026-01-03", "upper": "2026-02-01"}',
    "hours": '{"lower": "2026-01-03T10:00:00Z", "upper": "2026-01-04T08:00:00.5Z", "bounds": "(]"}',
}
BODIES: list[dict[str, Any]] = [
    {},
    {"name": "Bare", "more": None},
    FULL,
    FULL | {"facts": {"a": 1, "b": True, "c": [1]}},
    FULL | {"facts": {"a": 1.5}, "more": {"x": "\x00"}},
    FULL | {"facts": ["a"], "more": "a"},
    FULL | {"facts": None},
    FULL | {"places": None, "days": '{"empty": true}'},
    FULL | {"places": '{"lower": "x", "upper": 1}', "depth": '{"lower": "x"}'},
    FULL | {"days": '{"lower": "x"}', "hours": '{"lower": "x"}'},
    FULL | {"closed": [1, 2]},
    FULL | {"days": '{"lower": "0001-01-01", "upper": "9999-12-31"}'},
    FULL | {"hours": '{"lower": "0001-01-01T00:00:00Z", "upper": "9999-12-31T23:59:59.999999Z"}'},
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_hstore_and_ranges_are_written_and_answered_alike(sides: BothSides, method: str, body: dict[str, Any]) -> None:
    seen = []
    for stack in ("django", "fastapi"):
        Berth.objects.all().delete()
        berth = Berth.objects.create(name="Old", facts={"a": "b"}, places=(7, 8))
        Stay.objects.create(berth=berth)
        url = "/berths/" if method == "POST" else f"/berths/{berth.pk}/"
        status, answer = ask(sides, stack, method, url, json.dumps(body).encode())
        rows = [list(row) for row in Berth.objects.order_by("id").values_list(*NAMES[1:])]
        read = [ask(sides, stack, "GET", each)[1] for each in ("/berths/", "/stays/")]
        seen.append((status, answer, read, rows))
    assert seen[0] == seen[1]
    assert seen[0][0] in (200, 201, 400)


@pytest.mark.parametrize(
    "body",
    [
        *(
            {"places": "x"},
            {"places": [5, 1]},
            {"places": {"lower": 1}},
            {"places": [2**31, None]},
            {"places": [[1], 2]},
        ),
        *({"depth": ["x", None]}, {"days": '{"bounds": "[["}'}, {"days": '{"upper": "2026-01-01", "x": 1}'}),
        *({"places": "[" * 100_000}, {"places": '{"lower": 2147483647, "bounds": "()"}'}),
        {"places": '{"lower": 1, "upper": 2147483647, "bounds": "[]"}'},
        {"tons": '{"lower": 1, "upper": 9223372036854775807, "bounds": "[]"}'},
        *({"depth": f'{{"lower": "{text}"}}'} for text in ("1e999999", "1e200000", "1e-200000", "1e-20000")),
        *({"facts": {"\ud800": "a"}}, {"facts": {"\0": "a"}}, {"places": ["\ud800", None]}),
    ],
)
def test_what_is_no_range_is_refused_where_django_fails(sides: BothSides, body: dict[str, Any]) -> None:
    sent = json.dumps({"name": "a", "more": None} | body).encode()
    django, fastapi = (ask(sides, stack, "POST", "/berths/", sent)[0] for stack in ("django", "fastapi"))
    assert (django, fastapi) == (500, 400)


@pytest.mark.parametrize(
    "body",
    [
        {"days": '{"lower": "2026-01-01", "upper": "9999-12-31", "bounds": "[]"}'},
        {"days": '{"lower": "9999-12-31", "bounds": "()"}'},
        {"hours": '{"lower": "0001-01-01T00:00:00+14:00"}'},
        {"hours": '{"upper": "9999-12-31T23:59:59-14:00"}'},
    ],
)
def test_what_django_writes_and_fails_to_read_is_refused(sides: BothSides, body: dict[str, Any]) -> None:
    """Whoever asks for the list afterwards would get 500."""
    Berth.objects.all().delete()
    sent = json.dumps({"name": "a", "more": None} | body).encode()
    assert ask(sides, "fastapi", "POST", "/berths/", sent)[0] == 400
    with transaction.atomic():
        assert ask(sides, "django", "POST", "/berths/", sent)[0] == 201
        assert ask(sides, "django", "GET", "/berths/")[0] == 500
        transaction.set_rollback(True)


def test_the_last_values_of_ranges_are_taken(sides: BothSides) -> None:
    Berth.objects.all().delete()
    ends = {"places": [1, 2**31 - 1], "tons": [-(2**63), 2**63 - 1], "depth": f'{{"lower": "{10**1000}"}}'}
    sent = json.dumps({"name": "a", "more": None} | ends).encode()
    seen = [ask(sides, stack, "POST", "/berths/", sent) for stack in ("django", "fastapi")]
    assert seen[0] == seen[1]
    assert seen[0][0] == 201
    assert ask(sides, "django", "GET", "/berths/") == ask(sides, "fastapi", "GET", "/berths/")


def test_the_ends_of_a_range_are_answered_as_they_are_kept(sides: BothSides) -> None:
    places = '{"lower": 1, "upper": 5, "bounds": "[]"}'
    sent = {"name": "a", "more": None, "places": places, "hours": '{"lower": "2026-01-04T10:00:00+02:00"}'}
    django, fastapi = (
        ask(sides, stack, "POST", "/berths/", json.dumps(sent).encode())[1] for stack in ("django", "fastapi")
    )
    assert django["places"] == '{"bounds": "[]", "lower": "1", "upper": "5"}'
    assert fastapi["places"] == '{"bounds": "[)", "lower": "1", "upper": "6"}'
    assert django["hours"] == '{"bounds": "[)", "lower": "2026-01-04T10:00:00+02:00", "upper": null}'
    assert fastapi["hours"] == '{"bounds": "[)", "lower": "2026-01-04T08:00:00+00:00", "upper": null}'


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("kind=quay", ["A"]),
        ("kind=+quay+", ["A"]),
        ("kind=", ["A", "B", "C"]),
        ("kind=7", []),
        ("kind=%22", []),
        ("owner=N", ["A"]),
        ("owner=%25", []),
        ("begins=qu", ["A"]),
        ("begins=[", ["B"]),
        ("begins=7", ["C"]),
        ("has=quay", ["A", "B"]),
        ("lit=true", ["A"]),
        ("lit=FALSE", ["B"]),
        ("lit=x", ["A", "B", "C"]),
        ("dark=true", ["C"]),
        ("dark=false&kind=quay", ["A"]),
    ],
)
def test_what_json_holds_under_a_key_is_compared_alike(sides: BothSides, query: str, names: list[str]) -> None:
    Berth.objects.all().delete()
    Berth.objects.create(name="A", data={"kind": "quay", "lit": True, "owner": {"name": "Ann"}})
    Berth.objects.create(name="B", data={"kind": ["quay", 'a"'], "lit": False, "owner": "Ann"})
    Berth.objects.create(name="C", data={"kind": 7, "owner": {"name": None}})
    first, second = (ask(sides, stack, "GET", f"/berths/?{query}") for stack in ("django", "fastapi"))
    assert first == second
    assert [row["name"] for row in first[1]["results"]] == names


def test_options_describe_them_alike(sides: BothSides) -> None:
    first, second = (ask(sides, stack, "OPTIONS", "/berths/") for stack in ("django", "fastapi"))
    assert first == second


def ask(sides: BothSides, stack: str, method: str, url: str, content: bytes = b"") -> tuple[int, Any]:
    """A stack's status and answer, without the keys of rows, which go on counting."""
    if stack == "fastapi":
        headers = {"Content-Type": "application/json"}
        answer: Any = sides.runner.run(sides.library.request(method, url, content=content, headers=headers))
    else:
        answer = Client(raise_request_exception=False).generic(method, url, content, content_type="application/json")
    found = json.loads(answer.content) if "json" in answer.headers["Content-Type"] else {}
    for row in found.get("results", [found]):
        row.pop("id", None)
        if isinstance(row.get("berth"), dict):
            del row["berth"]["id"]
    return answer.status_code, found
