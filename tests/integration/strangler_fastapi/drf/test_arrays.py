"""Rows with arrays, written and answered by DRF on one side and by the library on the other."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.test import Client
from django.test.utils import isolate_apps
from django_filters.rest_framework import (
    BaseCSVFilter,
    BaseInFilter,
    CharFilter,
    DjangoFilterBackend,
    FilterSet,
    NumberFilter,
)
from rest_framework import serializers, viewsets
from rest_framework.filters import SearchFilter
from sqlalchemy.orm import Mapped

from shared_schema.mapping import Mapping, Reflected
from strangler_django.contract.tables import table_facts
from strangler_django.contract.unconnected import Sql
from strangler_fastapi.drf.fields.collection_fields import ListField
from strangler_fastapi.drf.fields.fields import CharField
from strangler_fastapi.drf.fields.model_fields import model_fields
from strangler_fastapi.drf.fields.number_fields import IntegerField
from strangler_fastapi.drf.filters.array_filters import array_filter, array_size
from strangler_fastapi.drf.filters.filter_forms import NUMBER, SENT_TEXT, TEXT
from strangler_fastapi.drf.filters.filters import column_filter
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from tests.databases import empty_database
from tests.shared_stack import StackAddresses
from tests.side_by_side import PREFIXES, BothSides, add_endpoints, djangos_database, side_by_side

with isolate_apps("django_app.blog"):

    class Crate(models.Model):
        name = models.CharField(max_length=9)
        tags = ArrayField(models.CharField(max_length=5), size=3, blank=True, default=list)
        grid = ArrayField(ArrayField(models.IntegerField(), blank=True), null=True, blank=True)
        prices = ArrayField(models.DecimalField(max_digits=5, decimal_places=2), null=True)
        days = ArrayField(models.DateField(null=True), blank=True, default=list)
        times = ArrayField(models.DateTimeField(), blank=True, default=list)
        spans = ArrayField(models.DurationField(), blank=True, default=list)
        numbers = ArrayField(models.UUIDField(), blank=True, default=list)
        grades = ArrayField(models.SmallIntegerField(choices=[(1, "One"), (2, "Two")]), blank=True, default=list)
        weights = ArrayField(models.FloatField(), default=list, editable=False)
        moved = ArrayField(models.DateTimeField(), default=list, editable=False)
        codes = ArrayField(models.CharField(max_length=9), default=list)
        notes = models.JSONField(default=list)

        class Meta:
            app_label = "blog"
            db_table = "crates"

        def __str__(self) -> str:
            return self.name


NAMES = [field.name for field in Crate._meta.concrete_fields]


class CrateSerializer(serializers.ModelSerializer[Crate]):
    codes = serializers.ListField(child=serializers.CharField(max_length=3), allow_empty=False, required=False)
    notes = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()), required=False)

    class Meta:
        model = Crate
        fields = NAMES


class Texts(BaseInFilter, CharFilter): ...


class Numbers(BaseCSVFilter, NumberFilter): ...


class CrateFilters(FilterSet):
    has = Texts(field_name="tags", lookup_expr="contains")
    lacks = Texts(field_name="tags", lookup_expr="contains", exclude=True)
    within = Texts(field_name="tags", lookup_expr="contained_by")
    any = Texts(field_name="tags", lookup_expr="overlap")
    sent = BaseInFilter(field_name="tags", lookup_expr="overlap")
    whole = Texts(field_name="tags", lookup_expr="exact")
    graded = Numbers(field_name="grades", lookup_expr="overlap")
    all_grades = Numbers(field_name="grades", lookup_expr="contains")
    size = NumberFilter(field_name="tags", lookup_expr="len")
    larger = NumberFilter(field_name="grades", lookup_expr="len__gt")
    tagged = CharFilter(field_name="tags", lookup_expr="icontains")
    begins = CharFilter(field_name="notes", lookup_expr="startswith")

    class Meta:
        model = Crate
        fields = ()


class Crates(viewsets.ModelViewSet[Crate]):
    filter_backends = (DjangoFilterBackend, SearchFilter)
    filterset_class = CrateFilters
    search_fields = ("tags", "=grades", "^notes")
    queryset = Crate.objects.order_by("id")
    serializer_class = CrateSerializer
    authentication_classes = ()
    permission_classes = ()


class Library:
    """The library's counterpart, of the contract alone."""

    def __init__(self, contract: Path) -> None:
        self.mapping = mapping = Mapping(contract=contract)

        class CrateRow(Reflected):
            __mapping__ = mapping
            __tablename__ = "crates"
            id: Mapped[int]
            name: Mapped[str]
            tags: Mapped[list[str]]
            grid: Mapped[list[int] | None]
            prices: Mapped[list[Decimal] | None]
            days: Mapped[list[date]]
            times: Mapped[list[datetime]]
            spans: Mapped[list[timedelta]]
            numbers: Mapped[list[UUID]]
            grades: Mapped[list[int]]
            weights: Mapped[list[float]]
            moved: Mapped[list[datetime]]
            codes: Mapped[list[str]]
            notes: Mapped[Any]

        # As `strangler scaffold` writes those that a serializer declares.
        declared = {
            "codes": ListField(child=CharField(max_length=3), required=False, allow_empty=False),
            "notes": ListField(child=ListField(child=IntegerField()), required=False),
        }
        serializer = Serializer("Crate", model_fields(CrateRow, *NAMES) | declared)
        filters = {
            "has": array_filter(lambda: CrateRow.tags, TEXT, "contains"),
            "lacks": array_filter(lambda: CrateRow.tags, TEXT, "contains", exclude=True),
            "within": array_filter(lambda: CrateRow.tags, TEXT, "contained_by"),
            "any": array_filter(lambda: CrateRow.tags, TEXT, "overlap"),
            "sent": array_filter(lambda: CrateRow.tags, SENT_TEXT, "overlap"),
            "whole": array_filter(lambda: CrateRow.tags, TEXT),
            "graded": array_filter(lambda: CrateRow.grades, NUMBER, "overlap"),
            "all_grades": array_filter(lambda: CrateRow.grades, NUMBER, "contains"),
            "size": column_filter(lambda: array_size(CrateRow.tags), NUMBER),
            "larger": column_filter(lambda: array_size(CrateRow.grades), NUMBER, "gt"),
            "tagged": column_filter(lambda: CrateRow.tags, TEXT, "icontains"),
            "begins": column_filter(lambda: CrateRow.notes, TEXT, "startswith"),
        }
        search_fields = ("tags", "=grades", "^notes")
        crates = Resource(CrateRow, serializer, ordering=("id",), filters=filters, search_fields=search_fields)
        self.router = feature_router(PREFIXES, "crates")
        given: dict[str, Any] = {"permission": AllowAny, "authenticators": (), "serializer": serializer}
        many = View(self.router, "/crates/", name="Crates", methods=("GET", "POST"), **given)
        one = View(self.router, "/crates/{pk}/", name="Crates", methods=("GET", "PUT", "PATCH"), **given)
        add_endpoints(many, one, crates)


@pytest.fixture(scope="module")
def sides(
    stack: StackAddresses, worker_id: str, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BothSides]:
    contract = tmp_path_factory.mktemp("arrays") / "contract.json"
    facts = {"format": 2, "tables": {"crates": table_facts(Crate, Sql())}, "tokens": {}}
    contract.write_text(json.dumps(facts))
    library = Library(contract)
    views = {
        "crates/": Crates.as_view({"get": "list", "post": "create"}),
        "crates/<pk>/": Crates.as_view({"get": "retrieve", "put": "update", "patch": "partial_update"}),
    }
    with (
        empty_database(admin_dsn=stack.admin_dsn, name=f"arrays_{worker_id}") as database,
        django_db_blocker.unblock(),
    ):
        with djangos_database(database), connection.schema_editor() as editor:
            editor.create_model(Crate)
        with side_by_side(database, views=views, routers=(library.router,), tables=library.mapping) as both:
            yield both


MOMENT = "2026-01-03T10:00:00Z"
FULL = {
    "name": "Full",
    "tags": ["a", "b, c", '"}'],
    "grid": [[1, 2], [3, 4]],
    "prices": ["1.50", 2],
    "days": ["2026-01-03", None],
    "times": ["2026-01-03T10:00:00.5+02:00", "2026-01-03"],
    "spans": ["1 02:00:00", 90],
    "numbers": [str(UUID(int=7))],
    "grades": [2, "1"],
    "weights": [1.5],
}
EMPTY = {"name": "Empty", "prices": None}
BODIES: list[dict[str, Any]] = [
    {},
    {"name": "Bare"},
    EMPTY,
    FULL,
    FULL | {"tags": []},
    FULL | {"tags": ["a", "b", "c", "d"]},
    FULL | {"days": ["0001-01-01", "9999-12-31"], "times": ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]},
    FULL | {"tags": ["abcdef", None], "grades": [3, [1]], "grid": [["x"], 1], "days": "2026-01-03"},
    FULL | {"grid": []},
    FULL | {"grid": None, "prices": []},
    FULL | {"prices": [None]},
    FULL | {"codes": [], "notes": [[1], ["2", 3]]},
    FULL | {"codes": ["abc", 1], "notes": []},
    FULL | {"codes": ["abcd"], "notes": [1, ["x"]]},
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_arrays_are_written_and_answered_alike(sides: BothSides, method: str, body: dict[str, Any]) -> None:
    seen = []
    for stack in ("django", "fastapi"):
        Crate.objects.all().delete()
        crate = Crate.objects.create(
            name="Old", tags=["old"], grid=[[7]], weights=[0.5], moved=["2026-01-03T10:00:00Z"]
        )
        url = "/crates/" if method == "POST" else f"/crates/{crate.pk}/"
        status, answer = ask(sides, stack, method, url, json.dumps(body).encode(), "application/json")
        rows = [list(row) for row in Crate.objects.order_by("id").values_list(*NAMES[1:])]
        seen.append((status, answer, ask(sides, stack, "GET", "/crates/", b"", "")[1], rows))
    assert seen[0] == seen[1]
    assert seen[0][0] in (200, 201, 400)


def test_arrays_of_other_lengths_are_no_failure(sides: BothSides) -> None:
    body = json.dumps(FULL | {"grid": [[1], [2, 3]]}).encode()
    (first, _), (second, answer) = (
        ask(sides, stack, "POST", "/crates/", body, "application/json") for stack in ("django", "fastapi")
    )
    assert (first, second, answer) == (500, 400, {"grid": ["Nested arrays must have the same length."]})


@pytest.mark.parametrize(
    "form",
    [
        *("name=a&tags=x&tags=y&prices=1", "name=a&tags[0]=x&tags[2]=y", "name=a&prices=", "tags=&prices=1.5&name=b"),
        *("name=a&grid[0][0]=1&grid[0][1]=2&notes[1][0]=3", "name=a&grid[0]=1&notes[0]a=2", "name=a&tags[0][0]=x"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_form_has_a_value_for_each(sides: BothSides, method: str, form: str) -> None:
    seen = []
    for stack in ("django", "fastapi"):
        Crate.objects.all().delete()
        crate = Crate.objects.create(name="Old", tags=["old"])
        url = "/crates/" if method == "POST" else f"/crates/{crate.pk}/"
        answer = ask(sides, stack, method, url, form.encode(), "application/x-www-form-urlencoded")
        seen.append((answer, list(Crate.objects.values_list(*NAMES[1:]))))
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("tagged=AB", ["One"]),
        ("tagged=%2C", ["Two"]),
        ("tagged={", ["One", "Two", "Three"]),
        ("begins=[[1", ["One"]),
        ("search=b", ["One", "Two"]),
        ("search={1,2}", []),
        ("search=%22{1,2}%22", ["Two"]),
        ("search=%5B%5B7", ["Three"]),
    ],
)
def test_an_array_is_searched_by_its_text(sides: BothSides, query: str, names: list[str]) -> None:
    Crate.objects.all().delete()
    Crate.objects.create(name="One", tags=["abc"], notes=[[1]])
    Crate.objects.create(name="Two", tags=["b", "c"], grades=[1, 2])
    Crate.objects.create(name="Three", tags=[], notes=[[77]])
    first, second = (ask(sides, stack, "GET", f"/crates/?{query}", b"", "") for stack in ("django", "fastapi"))
    assert first == second
    assert [row["name"] for row in first[1]["results"]] == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("has=b", ["One", "Two"]),
        ("has=b,c", ["Two"]),
        ("has=+b+,c", ["Two"]),
        ("has=", ["One", "Two", "Three"]),
        ("has=,", []),
        # Texts of the array have five letters.
        ("has=cratesful", ["Three"]),
        ("lacks=b", ["Three"]),
        ("within=b,c,d", ["One", "Two"]),
        ("within=crate,", ["Three"]),
        ("any=b,crate", ["One", "Two", "Three"]),
        ("any=x", []),
        ("sent=+b", []),
        ("sent=b", ["One", "Two"]),
        ("whole=b,c", ["Two"]),
        ("whole=c,b", []),
        ("graded=1", ["Two"]),
        ("graded=1.7", ["Two"]),
        ("graded=1,", ["Two"]),
        ("graded=x", None),
        ("all_grades=1,2", ["Two"]),
        ("all_grades=1,,2", []),
        ("size=0", []),
        ("size=1", ["One", "Three"]),
        ("size=x", None),
        ("larger=0", ["Two"]),
        ("larger=-1&size=2", ["Two"]),
        ("any=b&graded=2", ["Two"]),
    ],
)
def test_an_array_is_narrowed_by_its_values(sides: BothSides, query: str, names: list[str] | None) -> None:
    Crate.objects.all().delete()
    Crate.objects.create(name="One", tags=["b"])
    Crate.objects.create(name="Two", tags=["b", "c"], grades=[1, 2])
    Crate.objects.create(name="Three", tags=["crate"])
    first, second = (ask(sides, stack, "GET", f"/crates/?{query}", b"", "") for stack in ("django", "fastapi"))
    assert first == second
    assert first[0] == (400 if names is None else 200)
    assert names is None or [row["name"] for row in first[1]["results"]] == names


@pytest.mark.parametrize("query", ["graded=99999", "graded=99999,1", "all_grades=1,99999", "all_grades=-99999"])
def test_a_number_that_no_array_holds_is_in_none(sides: BothSides, query: str) -> None:
    Crate.objects.all().delete()
    Crate.objects.create(name="Two", grades=[1, 2])
    (first, _), (second, answer) = (
        ask(sides, stack, "GET", f"/crates/?{query}", b"", "") for stack in ("django", "fastapi")
    )
    assert (first, second) == (500, 200)
    assert len(answer["results"]) == (query == "graded=99999,1")


def test_options_describe_the_values_alike(sides: BothSides) -> None:
    first, second = (ask(sides, stack, "OPTIONS", "/crates/", b"", "") for stack in ("django", "fastapi"))
    assert first == second
    assert first[1]["actions"]["POST"]["grid"]["child"]["child"]["type"] == "integer"


def ask(sides: BothSides, stack: str, method: str, url: str, content: bytes, kind: str) -> tuple[int, Any]:
    """A stack's status and answer, without the keys of rows, which go on counting."""
    if stack == "fastapi":
        headers = {"Content-Type": kind}
        answer: Any = sides.runner.run(sides.library.request(method, url, content=content, headers=headers))
    else:
        answer = Client(raise_request_exception=False).generic(method, url, content, content_type=kind)
    found = json.loads(answer.content) if "json" in answer.headers["Content-Type"] else {}
    for row in found.get("results", [found]):
        row.pop("id", None)
    return answer.status_code, found
