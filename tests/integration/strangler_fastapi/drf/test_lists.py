"""Lists: pages by limit and offset, DRF's cursors, envelopes, searches and django-filter's filters."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import django_filters.rest_framework as django_filters
import pytest
from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.test import Client
from django.test.utils import isolate_apps
from django_filters.widgets import CSVWidget, QueryArrayWidget
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework import filters as drf_filters
from rest_framework import generics, pagination, serializers
from rest_framework.response import Response as DrfResponse
from rest_framework.validators import UniqueForMonthValidator as UniqueForMonth
from rest_framework.validators import UniqueTogetherValidator as UniqueTogether
from sqlalchemy import not_
from sqlalchemy.orm import Mapped
from starlette.requests import Request
from starlette.responses import Response

from shared_schema.mapping import Mapping, Reflected
from strangler_fastapi.db.session import Session
from strangler_fastapi.drf.fields.computed_fields import HiddenField, SerializerMethodField
from strangler_fastapi.drf.fields.fields import CharField, ReadOnlyField
from strangler_fastapi.drf.fields.number_fields import DecimalField, IntegerField
from strangler_fastapi.drf.fields.relations import SlugRelatedField, StringRelatedField
from strangler_fastapi.drf.fields.time_fields import DateField, DateTimeField
from strangler_fastapi.drf.filters.filter_forms import (
    ANY_NUMBER,
    BOOLEAN,
    DATE,
    DATETIME,
    DURATION,
    FLAG,
    FLOAT,
    GIVEN,
    IDENTIFIER,
    INTEGER,
    ISO_DAY,
    NUMBER,
    SENT_TEXT,
    TEXT,
    choice,
    day,
    words,
)
from strangler_fastapi.drf.filters.filtering import Filter, boolean_filter, comma_separated, query_array
from strangler_fastapi.drf.filters.filters import (
    column_filter,
    date_range_filter,
    filtered_ordering,
    lookup_choice_filter,
    multiple_choice_filter,
    range_filter,
)
from strangler_fastapi.drf.filters.request_filters import any_filter, flag_filter, has_rows, linked_filter, part_of
from strangler_fastapi.drf.filters.row_filters import (
    all_values_filter,
    all_values_multiple_filter,
    related_filter,
    related_multiple_filter,
)
from strangler_fastapi.drf.links import ForeignKey, ManyToMany
from strangler_fastapi.drf.pagination.cursor_pagination import CursorPagination
from strangler_fastapi.drf.pagination.pagination import LimitOffsetPagination, Pagination
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.resources.sample_queries import body_samples
from strangler_fastapi.drf.rules import UniqueForMonthValidator, UniqueTogetherValidator
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from strangler_fastapi.errors import ApiError, full_details
from tests.databases import migrated_database
from tests.example import CONTRACT_FILE
from tests.shared_stack import StackAddresses
from tests.side_by_side import PREFIXES, BothSides, djangos_database, side_by_side

KINDS = ["new", "used", "lost"]
NAMES = ["ax", "Bow", "car%t", "d_t", "Égg", "ax bow", "fan", "AXE"]
FIRST = datetime(2026, 1, 30, 23, 59, 59, tzinfo=UTC)
MAPPING = Mapping(contract=CONTRACT_FILE)

with isolate_apps("django_app.blog"):

    class Mate(models.Model):
        nick = models.CharField(max_length=9, default="")

        class Meta:
            app_label = "blog"
            db_table = "mates"

    class Thing(models.Model):
        name = models.CharField(max_length=20, unique=True)
        kind = models.CharField(max_length=5, choices=[(kind, kind) for kind in KINDS], null=True)  # noqa: DJ001 - a project may
        price = models.DecimalField(max_digits=6, decimal_places=2)
        pieces = models.SmallIntegerField()
        weight = models.FloatField(null=True)
        made_on = models.DateField(null=True)
        made_at = models.DateTimeField()
        serial = models.UUIDField(unique=True)
        known = models.BooleanField(null=True)
        owner = models.ForeignKey(get_user_model(), models.CASCADE, null=True, related_name="+")
        friends = models.ManyToManyField(Mate, db_table="friends")
        lasts = models.DurationField(null=True)

        class Meta:
            app_label = "blog"
            db_table = "things"


class Row(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "things"
    id: Mapped[int]
    name: Mapped[str]
    kind: Mapped[str | None]
    price: Mapped[Decimal]
    pieces: Mapped[int]
    weight: Mapped[float | None]
    made_on: Mapped[date | None]
    made_at: Mapped[datetime]
    serial: Mapped[uuid.UUID]
    known: Mapped[bool | None]
    owner_id: Mapped[int | None]
    lasts: Mapped[timedelta | None]


class FriendRow(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "friends"
    id: Mapped[int]
    thing_id: Mapped[int]
    mate_id: Mapped[int]


class MateRow(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "mates"
    id: Mapped[int]
    nick: Mapped[str]


class User(Reflected):
    __mapping__ = MAPPING
    __tablename__ = "users"
    id: Mapped[int]
    username: Mapped[str]
    email: Mapped[str]


class ThingSerializer(serializers.ModelSerializer[Thing]):
    class Meta:
        model = Thing
        fields = ("id", "name", "price", "made_at")


class NumbersIn(django_filters.BaseInFilter, django_filters.NumberFilter): ...


class NumbersRange(django_filters.BaseRangeFilter, django_filters.NumberFilter): ...


class TextsIn(django_filters.BaseInFilter, django_filters.CharFilter): ...


class ThingFilters(django_filters.FilterSet):
    name__icontains = django_filters.CharFilter(field_name="name", lookup_expr="icontains")
    name__startswith = django_filters.CharFilter(field_name="name", lookup_expr="startswith")
    name__iendswith = django_filters.CharFilter(field_name="name", lookup_expr="iendswith")
    name__iexact = django_filters.CharFilter(field_name="name", lookup_expr="iexact")
    name__in = TextsIn(field_name="name", lookup_expr="in")
    not_kind = django_filters.CharFilter(field_name="kind", exclude=True)
    kind = django_filters.ChoiceFilter(choices=[(kind, kind) for kind in KINDS])
    kinds = django_filters.MultipleChoiceFilter(field_name="kind", choices=[(kind, kind) for kind in KINDS])
    price__gte = django_filters.NumberFilter(field_name="price", lookup_expr="gte")
    pieces = django_filters.NumberFilter()
    pieces__lt = django_filters.NumberFilter(field_name="pieces", lookup_expr="lt")
    pieces__gt = django_filters.NumberFilter(field_name="pieces", lookup_expr="gt")
    pieces__in = NumbersIn(field_name="pieces", lookup_expr="in")
    pieces__range = NumbersRange(field_name="pieces", lookup_expr="range")
    weight = django_filters.RangeFilter()
    weight__isnull = django_filters.BooleanFilter(field_name="weight", lookup_expr="isnull")
    made_on = django_filters.DateFilter()
    made_at = django_filters.DateFromToRangeFilter()
    made_at__lte = django_filters.IsoDateTimeFilter(field_name="made_at", lookup_expr="lte")
    serial = django_filters.UUIDFilter()
    known = django_filters.BooleanFilter()
    owner = django_filters.ModelChoiceFilter(queryset=get_user_model().objects.all())
    owners = django_filters.ModelMultipleChoiceFilter(field_name="owner", queryset=get_user_model().objects.all())
    friends = django_filters.ModelMultipleChoiceFilter(queryset=Mate.objects.all())
    friends_all = django_filters.ModelMultipleChoiceFilter(
        field_name="friends", queryset=Mate.objects.all(), conjoined=True
    )
    friends_array = django_filters.ModelMultipleChoiceFilter(
        field_name="friends", queryset=Mate.objects.all(), widget=QueryArrayWidget
    )
    nicks = django_filters.ModelMultipleChoiceFilter(
        field_name="friends__nick", to_field_name="nick", queryset=Mate.objects.all()
    )
    kinds_array = django_filters.MultipleChoiceFilter(
        field_name="kind", choices=[(kind, kind) for kind in KINDS], widget=QueryArrayWidget
    )
    kinds_csv = django_filters.MultipleChoiceFilter(
        field_name="kind", choices=[(kind, kind) for kind in KINDS], widget=CSVWidget
    )
    any_name = django_filters.AllValuesFilter(field_name="name")
    any_names = django_filters.AllValuesMultipleFilter(field_name="name")
    any_pieces = django_filters.AllValuesMultipleFilter(field_name="pieces")
    any_nicks = django_filters.AllValuesMultipleFilter(field_name="friends__nick")
    all_nicks = django_filters.AllValuesMultipleFilter(field_name="friends__nick", conjoined=True)
    lasts = django_filters.DurationFilter()
    lately = django_filters.DateRangeFilter(field_name="made_on")
    lately_at = django_filters.DateRangeFilter(field_name="made_at")
    compared = django_filters.LookupChoiceFilter(
        field_name="pieces", field_class=forms.DecimalField, lookup_choices=[("exact", "is"), ("gt", "more")]
    )
    kind_or_none = django_filters.ChoiceFilter(
        field_name="kind", choices=[(kind, kind) for kind in KINDS], null_label="none"
    )

    class Meta:
        model = Thing
        fields = ()


FILTERS = {
    "name__icontains": column_filter(lambda: Row.name, TEXT, "icontains"),
    "name__startswith": column_filter(lambda: Row.name, TEXT, "startswith"),
    "name__iendswith": column_filter(lambda: Row.name, TEXT, "iendswith"),
    "name__iexact": column_filter(lambda: Row.name, TEXT, "iexact"),
    "name__in": column_filter(lambda: Row.name, TEXT, "in"),
    "not_kind": column_filter(lambda: Row.kind, TEXT, exclude=True),
    "kind": column_filter(lambda: Row.kind, choice(KINDS)),
    "kinds": multiple_choice_filter(lambda: Row.kind, KINDS),
    "price__gte": column_filter(lambda: Row.price, NUMBER, "gte"),
    "pieces": column_filter(lambda: Row.pieces, NUMBER),
    "pieces__lt": column_filter(lambda: Row.pieces, NUMBER, "lt"),
    "pieces__gt": column_filter(lambda: Row.pieces, NUMBER, "gt"),
    "pieces__in": column_filter(lambda: Row.pieces, NUMBER, "in"),
    "pieces__range": column_filter(lambda: Row.pieces, NUMBER, "range"),
    "weight": range_filter(lambda: Row.weight),
    "weight__isnull": column_filter(lambda: Row.weight, NUMBER, "isnull"),
    "made_on": column_filter(lambda: Row.made_on, DATE),
    "made_at": range_filter(lambda: Row.made_at, DATE, suffixes=("_after", "_before")),
    "made_at__lte": column_filter(lambda: Row.made_at, DATETIME, "lte"),
    "serial": column_filter(lambda: Row.serial, IDENTIFIER),
    "known": boolean_filter(lambda: Row.known),
    "owner": related_filter(lambda: Row.owner_id, User),
    "owners": related_multiple_filter(lambda: Row.owner_id, User),
    "friends": related_multiple_filter(lambda: Row.id, MateRow, link=lambda: FRIENDS),
    "friends_all": related_multiple_filter(lambda: Row.id, MateRow, link=lambda: FRIENDS, conjoined=True),
    "friends_array": query_array(related_multiple_filter(lambda: Row.id, MateRow, link=lambda: FRIENDS)),
    "nicks": related_multiple_filter(lambda: Row.id, MateRow, link=lambda: FRIENDS, to_field_name="nick"),
    "kinds_array": query_array(multiple_choice_filter(lambda: Row.kind, KINDS)),
    "kinds_csv": comma_separated(multiple_choice_filter(lambda: Row.kind, KINDS)),
    "any_name": all_values_filter(lambda: Row.name),
    "any_names": all_values_multiple_filter(lambda: Row.name),
    "any_pieces": all_values_multiple_filter(lambda: Row.pieces),
    "any_nicks": all_values_multiple_filter(lambda: Row.id, link=lambda: FRIENDS, named=lambda: MateRow.nick),
    "all_nicks": all_values_multiple_filter(
        lambda: Row.id, link=lambda: FRIENDS, named=lambda: MateRow.nick, conjoined=True
    ),
    "lasts": column_filter(lambda: Row.lasts, DURATION),
    "lately": date_range_filter(lambda: Row.made_on),
    "lately_at": date_range_filter(lambda: Row.made_at),
    "compared": lookup_choice_filter(lambda: Row.pieces, NUMBER, ("exact", "gt")),
    "kind_or_none": column_filter(lambda: Row.kind, choice(KINDS), null_value="null"),
}
FRIENDS = ManyToMany(FriendRow, "thing_id", "mate_id", MateRow, "id")
SEARCHED = ("^name", "=kind", "price", "$name")


class Limited(pagination.LimitOffsetPagination):
    default_limit = 3
    max_limit = 5


class Optional(pagination.LimitOffsetPagination):
    default_limit = None


class ByCursor(pagination.CursorPagination):
    page_size = 3
    ordering = ("-made_at", "id")
    page_size_query_param = "size"
    max_page_size = 6


class Numbered(pagination.CursorPagination):
    page_size = 4
    ordering = ("pieces", "id")


class Enveloped(Limited):
    def get_paginated_response(self, data: Any) -> DrfResponse:
        return DrfResponse({"meta": {"total": self.count, "next": self.get_next_link()}, "data": data})


def enveloped(_request: Request, page: dict[str, Any]) -> dict[str, Any]:
    return {"meta": {"total": page["count"], "next": page["next"]}, "data": page["results"]}


LIMITS = {"default_limit": 3, "max_limit": 5}
# Both stacks' pages of each list, and the library's order.
LISTS: dict[str, tuple[Any, Pagination, tuple[str, ...]]] = {
    "limited": (Limited, LimitOffsetPagination(default_limit=3, max_limit=5), ("id",)),
    "optional": (Optional, LimitOffsetPagination(default_limit=None), ("id",)),
    "enveloped": (Enveloped, LimitOffsetPagination(default_limit=3, max_limit=5, envelope=enveloped), ("id",)),
    "cursor": (
        ByCursor,
        CursorPagination(page_size=3, page_size_query_param="size", max_page_size=6),
        ("-made_at", "id"),
    ),
    "numbered": (Numbered, CursorPagination(page_size=4), ("pieces", "id")),
}
SERIALIZER = Serializer(
    "Thing",
    {
        "id": ReadOnlyField(type="integer"),
        "name": ReadOnlyField(type="string"),
        "price": ReadOnlyField(type="decimal"),
        "made_at": ReadOnlyField(type="datetime"),
    },
)


def drf_view(pages: Any) -> Any:
    class List(generics.ListAPIView[Thing]):
        queryset = Thing.objects.order_by("id")
        serializer_class = ThingSerializer
        authentication_classes = ()
        permission_classes = ()
        pagination_class = pages
        filter_backends = (django_filters.DjangoFilterBackend, drf_filters.SearchFilter)
        filterset_class = ThingFilters
        search_fields = SEARCHED

    return List.as_view()


class Sorted(drf_filters.OrderingFilter):
    ordering_param = "sort"


class Asked(drf_filters.SearchFilter):
    search_param = "q"


class Renamed(generics.ListAPIView[Thing]):
    queryset = Thing.objects.order_by("id")
    serializer_class = ThingSerializer
    authentication_classes = ()
    permission_classes = ()
    pagination_class = None
    filter_backends = (Sorted, Asked)
    ordering_fields = ("name", "price")
    ordering = ("id",)
    search_fields = ("name",)


def integers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


# What a project's `get_queryset` does where a parameter was sent, and the filter that does the same.
NARROWED: dict[str, tuple[Any, Filter]] = {
    "name": (
        lambda rows, text: rows.filter(name__icontains=text),
        column_filter(lambda: Row.name, SENT_TEXT, "icontains"),
    ),
    "names": (
        lambda rows, text: rows.filter(name__in=text.split(",")),
        column_filter(lambda: Row.name, SENT_TEXT, "in"),
    ),
    "pieces": (lambda rows, text: rows.filter(pieces=text), column_filter(lambda: Row.pieces, INTEGER)),
    "least": (lambda rows, text: rows.filter(pieces__gte=int(text)), column_filter(lambda: Row.pieces, INTEGER, "gte")),
    "weight": (lambda rows, text: rows.filter(weight__lt=text), column_filter(lambda: Row.weight, FLOAT, "lt")),
    "price": (lambda rows, text: rows.filter(price=text), column_filter(lambda: Row.price, ANY_NUMBER)),
    "known": (lambda rows, text: rows.filter(known=text), column_filter(lambda: Row.known, BOOLEAN)),
    "serial": (lambda rows, text: rows.filter(serial=text), column_filter(lambda: Row.serial, IDENTIFIER)),
    "made_on": (lambda rows, text: rows.filter(made_on=text), column_filter(lambda: Row.made_on, ISO_DAY)),
    "day": (
        lambda rows, text: rows.filter(made_at__date=datetime.strptime(text, "%d.%m.%Y").date()),  # noqa: DTZ007 - as projects do
        column_filter(lambda: part_of(Row.made_at, "date"), day("%d.%m.%Y")),
    ),
    "before": (
        lambda rows, text: rows.filter(made_at__date__lte=text),
        column_filter(lambda: part_of(Row.made_at, "date"), ISO_DAY, "lte"),
    ),
    "month": (
        lambda rows, text: rows.filter(made_at__month=text),
        column_filter(lambda: part_of(Row.made_at, "month"), INTEGER),
    ),
    "year": (
        lambda rows, text: rows.filter(made_on__year=text),
        column_filter(lambda: part_of(Row.made_on, "year"), INTEGER),
    ),
    "friends": (
        lambda rows, text: rows.filter(friends__id__in=integers(text)).distinct(),
        linked_filter(Row, lambda: FRIENDS, column_filter(lambda: MateRow.id, INTEGER, "in")),
    ),
    "alone": (
        lambda rows, text: rows.filter(friends__isnull=True) if int(text) else rows,
        flag_filter(FLAG, lambda: not_(has_rows(Row, FRIENDS))),
    ),
    "second": (
        lambda rows, text: rows.filter(friends__id=2) if text.lower() in ("yes", "true") else rows,
        flag_filter(words("yes", "true", ignore_case=True), lambda: has_rows(Row, FRIENDS, MateRow.id == 2)),
    ),
    "old": (lambda rows, _text: rows.filter(pieces__gt=1), flag_filter(GIVEN, lambda: Row.pieces > 1)),
    "either": (
        lambda rows, text: rows.filter(models.Q(name__startswith=text) | models.Q(kind=text)),
        any_filter(
            column_filter(lambda: Row.name, SENT_TEXT, "startswith"),
            column_filter(lambda: Row.kind, SENT_TEXT),
        ),
    ),
}


class Narrowed(generics.ListAPIView[Thing]):
    serializer_class = ThingSerializer
    authentication_classes = ()
    permission_classes = ()
    pagination_class = None

    def get_queryset(self) -> Any:
        rows = Thing.objects.order_by("id")
        for name, (narrow, _) in NARROWED.items():
            if text := self.request.query_params.get(name):
                rows = narrow(rows, text)
        return rows


def narrowed_router() -> Any:
    router = feature_router(PREFIXES, "narrowed")
    filters = {name: filter_ for name, (_, filter_) in NARROWED.items()}
    things = Resource(Row, SERIALIZER, ordering=("id",), ordering_fields=(), filters=filters, pagination=None)
    view = View(router, "/narrowed/", name="Narrowed", methods=("GET",), permission=AllowAny, authenticators=())

    @view.get(many=list, query=things.query)
    async def things_list(request: Request, session: Session) -> Response:
        return await things.list(request, session)

    return router


def renamed_router() -> Any:
    router = feature_router(PREFIXES, "renamed")
    given: dict[str, Any] = {"ordering_fields": ("name", "price"), "search_fields": ("name",), "pagination": None}
    things = Resource(Row, SERIALIZER, ordering_param="sort", search_param="q", **given)
    assert {*things.query} == {"sort", "q"}
    view = View(router, "/renamed/", name="Renamed", methods=("GET",), permission=AllowAny, authenticators=())

    @view.get(many=list, query=things.query)
    async def things_list(request: Request, session: Session) -> Response:
        return await things.list(request, session)

    return router


def router_of(name: str, pages: Pagination, ordering: tuple[str, ...]) -> Any:
    router = feature_router(PREFIXES, name)
    things = Resource(
        Row,
        SERIALIZER,
        ordering=ordering,
        ordering_fields=(),
        search_fields=SEARCHED,
        filters=FILTERS,
        pagination=pages,
    )
    view = View(
        router,
        f"/{name}/",
        name="List",
        methods=("GET",),
        permission=AllowAny,
        authenticators=(),
        serializer=SERIALIZER,
    )

    @view.get(response=dict[str, Any], query=things.query)  # type: ignore[arg-type] # any JSON
    async def answer(request: Request, session: Session) -> Response:
        """The things."""
        return await things.list(request, session)

    return router


def fill() -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Mate)
        editor.create_model(Thing)
    for key in (1, 2):
        get_user_model().objects.create(pk=key, username=f"owner{key}", email=f"{key}@example.com")
    Mate.objects.bulk_create([Mate(pk=1, nick="bo"), Mate(pk=2, nick="al")])
    today = datetime.now(UTC).date()
    for number, name in enumerate(NAMES * 2):
        thing = Thing.objects.create(
            name=name if number < len(NAMES) else f"{name}{number}",
            kind=[*KINDS, None][number % 4],
            price=Decimal(number * 7) / 4,
            pieces=number // 6,
            weight=None if number % 5 == 0 else number / 2,
            made_on=[None, date(2026, 1, number + 1), today - timedelta(days=number // 2), date(2025, 1, 5)][
                number % 4
            ],
            # Several have the same, as far as a cursor sees.
            made_at=FIRST + timedelta(seconds=number // 5, microseconds=number // 5),
            serial=uuid.UUID(int=number),
            known=[True, False, None][number % 3],
            owner_id=[1, None][number % 2],
            lasts=None if number % 3 else timedelta(days=1, seconds=number),
        )
        thing.friends.set([[1], [1, 2], []][number % 3])


@pytest.fixture(scope="module")
def sides(stack: StackAddresses, worker_id: str, django_db_blocker: Any) -> Iterator[BothSides]:
    views = {f"{name}/": drf_view(pages) for name, (pages, _, _) in LISTS.items()}
    routers = [router_of(name, pages, ordering) for name, (_, pages, ordering) in LISTS.items()]
    with (
        migrated_database(admin_dsn=stack.admin_dsn, name=f"lists_{worker_id}") as database,
        django_db_blocker.unblock(),
    ):
        with djangos_database(database):
            fill()
        views |= {"related/": RelatedView.as_view(), "renamed/": Renamed.as_view(), "narrowed/": Narrowed.as_view()}
        routers += [related_router(), renamed_router(), narrowed_router()]
        with side_by_side(database, views=views, routers=routers, tables=MAPPING) as both:
            yield both


TEXTS = (
    st.sampled_from(
        ["", " ", "ax", "AX", "b", "%", "_", "new", "used", "1", "2", "0", "3.5", "1,2", "1,,2", "a,b", "new,"]
    )
    | st.sampled_from(["2026-01-05", "1/5/2026", "2026-01-31T00:00:00Z", "true", "false", "True", "nan", "1e60", "-1"])
    | st.sampled_from([str(uuid.UUID(int=3)), "x", "99999999999999999999", "-99999999999", "ax,Bow,", "32768", "1e3"])
)
# Of several keys that are none Django names any, as the hashes of the process have it.
_SEVERAL_KEYS = {"owners", "friends", "friends_all", "friends_array", "nicks", "kinds_array", "kinds_csv"}
QUERIES = st.dictionaries(
    st.sampled_from(
        [*sorted({*FILTERS} - _SEVERAL_KEYS), "weight_min", "weight_max", "made_at_after", "made_at_before", "search"]
    )
    | st.sampled_from(["limit", "offset"]),
    st.lists(TEXTS, min_size=1, max_size=2),
    max_size=3,
)


@given(query=QUERIES, name=st.sampled_from(["limited", "optional", "enveloped"]))
@settings(max_examples=60, derandomize=True)
def test_a_list_is_narrowed_and_divided_as_by_drf(sides: BothSides, query: dict[str, list[str]], name: str) -> None:
    sides.ask("GET", f"/{name}/?{urlencode(query, doseq=True)}")


def test_each_filter_alone_is_as_django_filters(sides: BothSides) -> None:
    tried: dict[str, set[int]] = {}
    texts = [
        "ax",
        "new",
        "1",
        "2",
        "1,2",
        "a,b,c",
        "2026-01-05",
        "2026-01-31T00:00:00Z",
        "true",
        *("today", "yesterday", "week", "month", "year", "null", "P1D", "1 00:00:03", "9", "Bow", "car%t10"),
        str(uuid.UUID(int=3)),
        "x",
    ]
    for name in [*FILTERS, "weight_min", "weight_max", "made_at_after", "made_at_before", "compared_lookup"]:
        for text in texts:
            answer = sides.ask("GET", f"/optional/?{urlencode({name: text})}")
            tried.setdefault(name, set()).add(len(answer.json()) if answer.status_code == 200 else -1)
    # Each narrows by something.
    assert [name for name, counts in tried.items() if counts == {2 * len(NAMES)}] == ["weight", "made_at"]


@pytest.mark.parametrize(
    "query",
    [
        *("owners=1&owners=2", "owners=", "owners=1&owners=9", "owners=x&owners=1", "owners=%201", "owners=1&owners=1"),
        *(
            "friends=1&friends=2",
            "friends_all=1&friends_all=2",
            "friends_all=2&friends_all=1",
            "friends_all=1&friends_all=9",
        ),
        *(
            "owners=99999999999999999999",
            "any_name=ax",
            "any_name=AX",
            "any_name=",
            "any_name=%00",
            "lasts=1%2000:00:06",
        ),
        *("lasts=x", "lasts=9999999999999", "lately=tomorrow", "lately=", "kind_or_none=null", "kind_or_none=nothing"),
        *("compared=1&compared_lookup=gt", "compared=1&compared_lookup=exact", "compared=1&compared_lookup=lt"),
        *("compared=x&compared_lookup=gt", "compared=&compared_lookup=gt", "compared=1&compared_lookup="),
        *("friends_array[]=1&friends_array[]=2", "friends_array=2", "friends_array=&friends_array[]=1"),
        *(
            "friends_array[]=9",
            "kinds_array[]=new&kinds_array[]=&kinds_array[]=new",
            "kinds_array=new&kinds_array=used",
        ),
        *("kinds_array[]=x", "kinds_csv=new,used", "kinds_csv=new,,used", "kinds_csv=", "kinds_csv=lost&kinds_csv=new"),
        *("nicks=bo", "nicks=bo&nicks=al", "nicks=x", "nicks=%00", "nicks=", "any_names=ax&any_names=Bow"),
        *("any_names=ax&any_names=nobody", "any_names=%00", "any_pieces=2&any_pieces=3", "any_pieces=x"),
        *("any_nicks=bo", "any_nicks=al&any_nicks=bo", "any_nicks=x", "all_nicks=al&all_nicks=bo", "all_nicks=bo"),
    ],
)
def test_filters_of_several_parameters_are_as_django_filters(sides: BothSides, query: str) -> None:
    sides.ask("GET", f"/optional/?{query}")


@pytest.mark.parametrize(
    "query", ["q=ax&sort=-name", "sort=price", "search=ax&ordering=-name", "q=%00", "sort=kind", "q=a,x"]
)
def test_parameters_may_have_other_names(sides: BothSides, query: str) -> None:
    sides.ask("GET", f"/renamed/?{query}")


def test_what_code_of_a_project_narrows_by_is_read_as_by_python(sides: BothSides) -> None:
    tried: dict[str, set[int]] = {}
    texts = [
        *(
            "ax",
            "Bow,ax",
            "1",
            "2",
            " 1 ",
            "0",
            "1,2",
            "2,2",
            "1,",
            "1.5",
            "1e3",
            "nan",
            "True",
            "t",
            "f",
            "yes",
            "YES",
        ),
        *(
            "no",
            "2026",
            "2026-01-06",
            "2026-01-30",
            "2026-1-5",
            "20260105",
            "2026-02-30",
            "30.01.2026",
            "31.01.2026",
            "+1",
            "1_0",
        ),
        *(
            "99999999999999999999",
            "-99999999999999999999",
            str(uuid.UUID(int=3)),
            str(uuid.UUID(int=3).hex),
            "\x00",
            "",
        ),
    ]
    for name in NARROWED:
        for text in texts:
            answer = sides.ask("GET", f"/narrowed/?{urlencode({name: text})}")
            if text and answer.status_code == 200:
                tried.setdefault(name, set()).add(len(answer.json()))
    # Each finds something, and not always all.
    assert [name for name in NARROWED if max(tried[name]) == 0 or tried[name] == {2 * len(NAMES)}] == []


def test_a_cursor_is_drfs_own_and_leads_through_the_whole_list(sides: BothSides) -> None:
    for name in ("cursor", "cursor/?size=1", "cursor/?size=99", "cursor/?search=a", "numbered"):
        url = f"/{name}" if "?" in name else f"/{name}/"
        seen: list[int] = []
        ways = {"next": 0, "previous": 0}
        for way in ways:
            while url:
                page = sides.ask("GET", url.removeprefix("http://testserver")).json()
                seen += [item["id"] for item in page["results"]] if way == "next" else []
                ways[way] += 1
                last, url = url, page[way]
            url = last
        assert len(seen) == len(set(seen))
        assert ways["previous"] > 0
        assert "search" in name or len(seen) == 2 * len(NAMES)
    for cursor in ("x", "", "é", "cD1hYmM=", "bz0tMQ==", "cj14", "bz05OTk5OTk="):
        sides.ask("GET", f"/numbered/?{urlencode({'cursor': cursor})}")
    # A position that the column can't hold, on which DRF fails.
    refused = sides.runner.run(sides.library.get("/numbered/?cursor=cD1hYmM="))
    assert (refused.status_code, refused.json()) == (404, {"detail": "Invalid cursor"})


def test_django_filters_ordering_is_read_as_by_it() -> None:
    fields = {"cost": "price", "name": "name"}
    ours, theirs = [], []
    drf_filter = django_filters.OrderingFilter(fields={"price": "cost", "name": "name"})
    for text in ("", "cost", "-cost,name", "nome", "cost,", "-", "cost,-nope"):
        try:
            ours.append(json.dumps(filtered_ordering({"o": text}, "o", fields, ())))
        except ApiError as error:
            ours.append(json.dumps(full_details(error.body["o"])))
        field = drf_filter.field
        try:
            value = field.clean(field.widget.value_from_datadict({"o": text}, {}, "o"))
            theirs.append(json.dumps([drf_filter.get_ordering_value(word) for word in value if word]))
        except ValidationError as error:
            theirs.append(json.dumps([{"message": each.messages[0], "code": each.code} for each in error.error_list]))
    assert ours == theirs


RELATED = Serializer(
    "Related",
    {
        "id": ReadOnlyField(type="integer"),
        "name": CharField(max_length=20),
        "kind": CharField(allow_null=True, required=False),
        "made_on": DateField(allow_null=True, required=False),
        "owner": SlugRelatedField(link=ForeignKey("owner_id", User, "id"), slug_field="username", source="owner_id"),
        "owned_by": StringRelatedField(link=ForeignKey("owner_id", User, "id"), text=lambda user: user.username),
        "mail": SlugRelatedField(link=ForeignKey("owner_id", User, "id"), slug_field="email", read_only=True),
        "price": DecimalField(max_digits=6, decimal_places=2, default=Decimal(1)),
        "pieces": IntegerField(default=1),
        "made_at": DateTimeField(format="%Y/%m", default=lambda: FIRST),
        "serial": HiddenField(default=uuid.uuid4),
        "shout": SerializerMethodField(method=lambda item: f"{item['name']}!"),
    },
    rules=(UniqueTogetherValidator(Row, ("kind", "made_on")), UniqueForMonthValidator(Row, "name", "made_on")),
)


class RelatedSerializer(serializers.ModelSerializer[Thing]):
    owner = serializers.SlugRelatedField(slug_field="username", queryset=get_user_model().objects.all())
    owned_by = serializers.StringRelatedField(source="owner")
    mail = serializers.CharField(source="owner.email", read_only=True)
    kind = serializers.CharField(allow_null=True, required=False)
    price = serializers.DecimalField(6, 2, default=Decimal(1))
    pieces = serializers.IntegerField(default=1)
    made_at = serializers.DateTimeField(format="%Y/%m", default=lambda: FIRST)
    serial = serializers.HiddenField(default=uuid.uuid4)
    shout = serializers.SerializerMethodField()
    name = serializers.CharField(max_length=20)

    class Meta:
        model = Thing
        fields = (
            "id",
            "name",
            "kind",
            "made_on",
            *("owner", "owned_by", "mail", "price", "pieces", "made_at", "serial", "shout"),
        )
        validators = (
            UniqueTogether(queryset=Thing.objects.all(), fields=("kind", "made_on")),
            UniqueForMonth(queryset=Thing.objects.all(), field="name", date_field="made_on"),
        )

    def get_shout(self, thing: Thing) -> str:
        return f"{thing.name}!"


class RelatedView(generics.CreateAPIView[Thing]):
    queryset = Thing.objects.all()
    serializer_class = RelatedSerializer
    authentication_classes = ()
    permission_classes = ()


def related_router() -> Any:
    router = feature_router(PREFIXES, "related")
    things = Resource(Row, RELATED)
    view = View(
        router,
        "/related/",
        name="Related",
        methods=("POST",),
        permission=AllowAny,
        authenticators=(),
        serializer=RELATED,
    )

    @view.post(status=201)
    async def create(request: Request, session: Session) -> Response:
        """Add a thing."""
        return await things.create(request, session)

    return router


def test_rows_that_hang_on_others_are_written_and_answered_as_by_drf(sides: BothSides) -> None:
    body = {"name": "new", "kind": "new", "made_on": "2027-05-01", "owner": "owner1"}
    refused: tuple[dict[str, Any], ...] = (
        {},
        body | {"owner": "nobody"},
        body | {"owner": None},
        body | {"owner": ""},
        body | {"kind": "used", "made_on": "2026-01-06"},
        body | {"name": "Bow", "made_on": "2020-01-09"},
        {name: body[name] for name in ("name", "owner")},
    )
    for sent in refused:
        assert sides.ask("POST", "/related/", body=json.dumps(sent).encode()).status_code == 400
    ours = sides.runner.run(sides.library.post("/related/", json=body))
    found = Thing.objects.filter(name="new")
    written = [thing_row(thing) for thing in found]
    found.delete()
    theirs = Client().post("/related/", body, content_type="application/json")
    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert written == [thing_row(thing) for thing in found.all()]
    found.all().delete()
    assert [*ours.json().items()][1:] == [*theirs.json().items()][1:]
    assert ours.json()["shout"] == "new!"
    names = {sample.name for sample in body_samples(RELATED)}
    assert names >= {"slug owner", "unique together kind made_on", "unique name for month but for one"}


def thing_row(thing: Thing) -> dict[str, Any]:
    """What is in the row, but for what is made anew for each."""
    return {name: value for name, value in vars(thing).items() if name not in ("_state", "id", "serial")}
