"""One description of a view over rows, built of DRF's generic views and of the library's resources."""

from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import django_filters.rest_framework as django_filters
from django.db import models
from django.urls import path
from fastapi import APIRouter
from rest_framework import authentication as drf_authentication
from rest_framework import filters as drf_filters
from rest_framework import generics
from rest_framework import pagination as drf_pagination
from rest_framework import serializers as drf
from rest_framework.validators import UniqueTogetherValidator as DrfTogether
from rest_framework.viewsets import ModelViewSet, ReadOnlyModelViewSet
from starlette.requests import Request
from starlette.responses import Response

from strangler_fastapi.auth.authentication import BaseAuthentication
from strangler_fastapi.db.session import RequestSession, Session
from strangler_fastapi.drf.fields.fields import Field
from strangler_fastapi.drf.fields.model_fields import model_field, model_fields
from strangler_fastapi.drf.filters.filter_forms import DATE, NUMBER, TEXT, choice
from strangler_fastapi.drf.filters.filtering import Filter, boolean_filter
from strangler_fastapi.drf.filters.filters import column_filter, range_filter
from strangler_fastapi.drf.filters.row_filters import related_filter
from strangler_fastapi.drf.pagination.cursor_pagination import CursorPagination
from strangler_fastapi.drf.pagination.pagination import LimitOffsetPagination, PageNumberPagination
from strangler_fastapi.drf.resources.resources import Resource
from strangler_fastapi.drf.rules import UniqueTogetherValidator
from strangler_fastapi.drf.serializers import Serializer
from strangler_fastapi.drf.views.permissions import AllowAny
from strangler_fastapi.drf.views.view import View, feature_router
from tests.generated_rows.relations import MAKER, PART, RELATIONS, MakerSerializer
from tests.generated_rows.tables import KINDS, Maker, MakerRow, Part, PartRow, Thing, ThingRow
from tests.side_by_side import PREFIXES


class DrfKey(drf_authentication.BaseAuthentication):
    """The maker whose key is in a header."""

    def authenticate(self, request: Any) -> Any:
        return SimpleNamespace(is_authenticated=True, is_active=True, id=int(request.headers["X-Key"])), None


class Key(BaseAuthentication):
    """The same."""

    async def authenticate(self, request: Request, session: Any) -> Any:  # noqa: ARG002 - see BaseAuthentication
        return SimpleNamespace(is_authenticated=True, is_active=True, id=int(request.headers["x-key"]))


MAKERS = Resource(MakerRow, MAKER, name="makers")
PARTS = Resource(PartRow, PART, name="parts")


def _summary(self: Any, _instance: Any) -> list[str]:
    """The first of the other keys of the answer, in the order of the alphabet."""
    return sorted(name for name, field in self.fields.items() if not field.write_only and name != "summary")[:1]


# DRF's class of the list and of one row.
CLASSES: dict[str, tuple[Any, Any]] = {
    "sets": (ModelViewSet, ModelViewSet),
    "sets that only read": (ReadOnlyModelViewSet, ReadOnlyModelViewSet),
    "all": (generics.ListCreateAPIView, generics.RetrieveUpdateDestroyAPIView),
    "no new rows": (generics.ListAPIView, generics.RetrieveUpdateAPIView),
    "no changes": (generics.CreateAPIView, generics.RetrieveDestroyAPIView),
    "changes alone": (generics.ListCreateAPIView, generics.UpdateAPIView),
    "deletes alone": (generics.CreateAPIView, generics.DestroyAPIView),
    "a row alone": (generics.CreateAPIView, generics.RetrieveAPIView),
}
SEVERAL = {"get": "list", "post": "create"}
ONE = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
# Of a list: DRF's pagination with its attributes, and the library's.
PAGES: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "whole": (None, {}, None),
    "numbers": (
        drf_pagination.PageNumberPagination,
        {"page_size": 2, "page_size_query_param": "size", "max_page_size": 3},
        PageNumberPagination(page_size=2, page_size_query_param="size", max_page_size=3),
    ),
    "named numbers": (
        drf_pagination.PageNumberPagination,
        {"page_size": 2, "invalid_page_message": "No page {page_number}: {message}."},
        PageNumberPagination(
            page_size=2, page_size_query_param=None, invalid_page_message="No page {page_number}: {message}."
        ),
    ),
    "limits": (
        drf_pagination.LimitOffsetPagination,
        {"default_limit": 2, "max_limit": 3},
        LimitOffsetPagination(default_limit=2, max_limit=3),
    ),
    "cursors": (
        drf_pagination.CursorPagination,
        {"page_size": 2, "ordering": ("-id",), "invalid_cursor_message": "No such cursor."},
        CursorPagination(page_size=2, invalid_cursor_message="No such cursor."),
    ),
}


class ThingFilters(django_filters.FilterSet):
    price = django_filters.RangeFilter()
    # Names that the library's own conditions have, too.
    owner = django_filters.ModelChoiceFilter(field_name="maker", queryset=Maker.objects.all())
    pk = django_filters.NumberFilter(field_name="id")

    class Meta:
        model = Thing
        fields = {  # noqa: RUF012 - django-filter's own
            "title": ["exact", "icontains", "istartswith"],
            "kind": ["exact"],
            "pieces": ["exact", "gte", "lt", "in", "range"],
            "made_on": ["exact", "gte", "isnull"],
            "sold": ["exact"],
            "maker": ["exact"],
        }


class DrfOrdering(drf_filters.OrderingFilter):
    """DRF's, with the term that the library adds: rows of equal rank have an order."""

    def get_ordering(self, request: Any, queryset: Any, view: Any) -> Any:
        terms = super().get_ordering(request, queryset, view)
        return terms and (*terms, "-id" if terms[-1].startswith("-") else "id")


FILTERS: dict[str, Filter] = {
    "title": column_filter(lambda: ThingRow.title, TEXT),
    "title__icontains": column_filter(lambda: ThingRow.title, TEXT, "icontains"),
    "title__istartswith": column_filter(lambda: ThingRow.title, TEXT, "istartswith"),
    "kind": column_filter(lambda: ThingRow.kind, choice(KINDS)),
    "pieces": column_filter(lambda: ThingRow.pieces, NUMBER),
    "pieces__gte": column_filter(lambda: ThingRow.pieces, NUMBER, "gte"),
    "pieces__lt": column_filter(lambda: ThingRow.pieces, NUMBER, "lt"),
    "pieces__in": column_filter(lambda: ThingRow.pieces, NUMBER, "in"),
    "pieces__range": column_filter(lambda: ThingRow.pieces, NUMBER, "range"),
    "made_on": column_filter(lambda: ThingRow.made_on, DATE),
    "made_on__gte": column_filter(lambda: ThingRow.made_on, DATE, "gte"),
    "made_on__isnull": boolean_filter(lambda: ThingRow.made_on.is_(None)),
    "sold": boolean_filter(lambda: ThingRow.sold),
    "maker": related_filter(lambda: ThingRow.maker_id, MakerRow),
    "price": range_filter(lambda: ThingRow.price),
    "owner": related_filter(lambda: ThingRow.maker_id, MakerRow),
    "pk": column_filter(lambda: ThingRow.id, NUMBER),
}


def drf_urls(made: dict[str, Any]) -> list[Any]:
    """The URL patterns of the view, and of the rows that it links to."""
    declared: dict[str, Any] = {"get_summary": _summary, "create": _drf_create, "update": _drf_update}
    for name, kind in made["relations"].items():
        field = RELATIONS[name][kind][0]()
        declared |= {} if field is None else {name: field}
    columns = {name: dict(given) for name, given in made["columns"].items()}
    names = ("id", *columns, *made["relations"])
    together = [DrfTogether(queryset=Thing.objects.all(), fields=made["together"])] if made["together"] else []
    meta = {"model": Thing, "fields": names, "extra_kwargs": deepcopy(columns), "validators": together}
    serializer = type("ThingSerializer", (drf.ModelSerializer,), declared | {"Meta": type("Meta", (), meta)})
    pages, settings, _ = PAGES[made["pages"]]
    backends = (django_filters.DjangoFilterBackend, drf_filters.SearchFilter, DrfOrdering)
    facts = {
        "queryset": Thing.objects.order_by("id"),
        "serializer_class": serializer,
        "authentication_classes": (DrfKey,),
        "permission_classes": (),
        "pagination_class": pages and type("Pages", (pages,), settings),
        "filter_backends": backends[:2] if made["pages"] == "cursors" else backends,
        "filterset_class": ThingFilters,
        "search_fields": made["search"],
        "ordering_fields": made["ordering"],
        "lookup_field": made["lookup"],
        "name": "Things",
    }
    if made["marks"]:
        facts["perform_destroy"] = _drf_mark
    if made["owned"]:
        facts["get_queryset"] = lambda self: Thing.objects.order_by("id").filter(maker_id=self.request.user.id)
        if "maker" not in made["relations"]:
            facts["perform_create"] = lambda self, serializer: serializer.save(maker_id=self.request.user.id)
    many, one = (type("Things", (kind,), facts) for kind in CLASSES[made["classes"]])
    other: Any = type("Other", (ModelViewSet,), facts)
    return [
        path("things/", _as_view(many, SEVERAL)),
        path(f"things/<{made['lookup']}>/", _as_view(one, ONE), name="thing-detail"),
        # Only their addresses are used.
        path("makers/<pk>/", other.as_view({"get": "list"}), name="maker-detail"),
        path("labels/<pk>/", other.as_view({"get": "list"}), name="label-detail"),
    ]


def methods_of(kind: Any, actions: dict[str, str]) -> dict[str, str]:
    """The actions that a class has, by method."""
    return {method: action for method, action in actions.items() if hasattr(kind, action)}


def _as_view(kind: Any, actions: dict[str, str]) -> Any:
    is_set = hasattr(kind, "reverse_action")
    return kind.as_view(methods_of(kind, actions), name="Things") if is_set else kind.as_view()


def _drf_mark(_view: Any, thing: Thing) -> None:
    """What a project does that keeps its rows."""
    thing.kind = "lost"
    thing.save()


async def _mark(resource: Resource, session: RequestSession, key: Any) -> None:
    await resource.save(session, key, {"kind": "lost"})


def _drf_create(self: Any, validated_data: dict[str, Any]) -> models.Model:
    parts, maker = _taken(self, validated_data)
    if isinstance(maker, dict):
        validated_data["maker"] = Maker.objects.create(**maker)
    thing: Thing = drf.ModelSerializer.create(self, validated_data)
    for part in parts or ():
        Part.objects.create(thing=thing, **part)
    return thing


def _drf_update(self: Any, instance: Any, validated_data: dict[str, Any]) -> models.Model:
    parts, maker = _taken(self, validated_data)
    if isinstance(maker, dict):
        instance.maker = Maker.objects.create(**maker)
    thing: Any = drf.ModelSerializer.update(self, instance, validated_data)
    if parts is not None:
        thing.parts.all().delete()
        for part in parts:
            Part.objects.create(thing=thing, **part)
    return thing  # type: ignore[no-any-return] # a Thing


def _taken(serializer: Any, data: dict[str, Any]) -> tuple[Any, Any]:
    """What was said of rows of other tables, taken out of the data."""
    is_nested = isinstance(serializer.fields.get("maker"), MakerSerializer)
    return data.pop("parts", None), data.pop("maker", None) if is_nested else None


async def _create(resource: Resource, session: RequestSession, cleaned: dict[str, Any]) -> Any:
    parts, maker = cleaned.pop("parts", ()), cleaned.pop("maker", None)
    if maker is not None:
        cleaned["maker_id"] = await MAKERS.add(session, maker)
    key = await resource.add(session, cleaned)
    for part in parts:
        await PARTS.add(session, part | {"thing_id": key})
    return key


async def _update(resource: Resource, session: RequestSession, key: Any, cleaned: dict[str, Any]) -> None:
    parts, maker = cleaned.pop("parts", None), cleaned.pop("maker", None)
    if maker is not None:
        cleaned["maker_id"] = await MAKERS.add(session, maker)
    await resource.save(session, key, cleaned)
    if parts is not None:
        table = PartRow.__table__
        await session.execute(table.delete().where(table.c.thing_id == key))
        for part in parts:
            await PARTS.add(session, part | {"thing_id": key})


# What the library calls what DRF's fields are made with.
_NAMES = {"trim_whitespace": "trim"}


def library_router(made: dict[str, Any]) -> APIRouter:
    """The routes of the view, and of the rows that it links to."""
    fields: dict[str, Field] = model_fields(ThingRow, "id")
    for name, given in made["columns"].items():
        changed = {_NAMES.get(key, key): value for key, value in given.items()}
        fields[name] = model_field(ThingRow, given.get("source", name), **changed)
    fields |= {name: RELATIONS[name][kind][1]() for name, kind in made["relations"].items()}
    rules = (UniqueTogetherValidator(ThingRow, made["together"]),) if made["together"] else ()
    serializer = Serializer("Thing", fields, rules=rules)
    is_nested = "written" in (made["relations"].get("maker"), made["relations"].get("parts"))
    things = Resource(
        ThingRow,
        serializer,
        ordering=("-id",) if made["pages"] == "cursors" else ("id",),
        ordering_fields=() if made["pages"] == "cursors" else made["ordering"],
        search_fields=made["search"],
        filters=FILTERS,
        pagination=PAGES[made["pages"]][2],
        lookup_field=made["lookup"],
        owner="maker_id" if made["owned"] else None,
        creator="maker_id" if made["owned"] and "maker" not in made["relations"] else None,
        perform_create=_create if is_nested else None,
        perform_update=_update if is_nested else None,
        perform_destroy=_mark if made["marks"] else None,
        destroys=not made["marks"],
        performed={"destroy": ("kind",)} if made["marks"] else {},
    )
    router = feature_router(PREFIXES, "things")
    common: dict[str, Any] = {"permission": AllowAny, "serializer": serializer, "name": "Things"}
    common["authenticators"] = (Key(),)
    one_path = f"/things/{{{made['lookup']}}}/"
    several, single = (
        methods_of(kind, actions) for kind, actions in zip(CLASSES[made["classes"]], (SEVERAL, ONE), strict=True)
    )
    many = View(router, "/things/", methods=(*map(str.upper, several),), **common)
    one = View(router, one_path, methods=(*map(str.upper, single),), find=things.find, **common)
    for address in ("/makers/{pk}/", "/labels/{pk}/"):
        View(router, address, methods=("GET",), **(common | {"serializer": None})).gap("GET", "reading")

    async def things_list(request: Request, session: Session) -> Response:
        return await things.list(request, session)

    async def things_create(request: Request, session: Session) -> Response:
        return await things.create(request, session)

    async def things_retrieve(request: Request, session: Session) -> Response:
        return await things.retrieve(request, session)

    async def things_update(request: Request, session: Session) -> Response:
        return await things.update(request, session)

    async def things_destroy(request: Request, session: Session) -> Response:
        return await things.destroy(request, session)

    offered = {
        "list": (many.get(many=list, query=things.query), things_list),
        "create": (many.post(status=201), things_create),
        "retrieve": (one.get(), things_retrieve),
        "update": (one.put(), things_update),
        "partial_update": (one.patch(), things_update),
        "destroy": (one.delete(), things_destroy),
    }
    for action in (*several.values(), *single.values()):
        add, endpoint = offered[action]
        add(endpoint)
    return router
