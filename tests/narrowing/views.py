"""The views, by the filters that their lists have."""

from typing import Any

import django_filters as plain
from django import forms
from django.urls import path
from django_filters import rest_framework as rest
from django_filters.widgets import DateRangeWidget, RangeWidget, SuffixedMultiWidget
from rest_framework import filters, pagination, serializers, viewsets

from tests.narrowing.models import STATES, Shop, Ware


class WareSerializer(serializers.ModelSerializer[Ware]):
    class Meta:
        model = Ware
        fields = ("id", "name")


class Wares(viewsets.ReadOnlyModelViewSet[Ware]):
    queryset = Ware.objects.order_by("id")
    serializer_class = WareSerializer
    authentication_classes = ()
    permission_classes = ()
    pagination_class = None
    filter_backends: Any = (rest.DjangoFilterBackend,)


PARTS = ("date", "date__gte", "date__in", "year", "year__lt", "month", "day", "week", "week_day", "quarter", "iso_year")
CLOCK = ("hour", "hour__gte", "minute", "second", "time", "time__gt")
# What `Meta.fields` makes filters of, of the FilterSet of DRF, and what of it that of django-filter makes others of.
FIELDS: dict[str, list[str]] = {
    "name": ["exact", "icontains", "in", "regex", "isnull"],
    "state": ["exact", "in"],
    "price": ["exact", "lt", "range", "in"],
    "pieces": ["exact", "gte", "range"],
    "weight": ["exact", "lte", "isnull"],
    "made_on": ["exact", "gt", "in", "range", *PARTS[3:]],
    "made_at": ["exact", "gte", "in", "range", *PARTS, *CLOCK],
    "opens": ["exact", "lt", "hour", "minute__gte"],
    "lasts": ["exact", "gt"],
    "serial": ["exact", "in"],
    "sold": ["exact"],
    "known": ["exact", "isnull"],
    "shop": ["exact"],
    "shop__name": ["exact", "icontains"],
    "shop__opened_at": ["lt", "date", "year"],
}
OTHERS = {name: FIELDS[name] for name in ("made_at", "sold", "known", "shop__opened_at")}


class RestFilters(rest.FilterSet):
    class Meta:
        model = Ware
        fields = FIELDS


class PlainFilters(plain.FilterSet):
    class Meta:
        model = Ware
        fields = OTHERS


class ByRest(Wares):
    filterset_class = RestFilters


class ByPlain(Wares):
    filterset_class = PlainFilters


class ByFields(Wares):
    filterset_fields = ("name", "sold")


class NumberIn(plain.BaseInFilter, plain.NumberFilter): ...


class TextIn(plain.BaseInFilter, plain.CharFilter): ...


class DateRange(plain.BaseRangeFilter, plain.DateFilter): ...


class NumberRange(plain.BaseRangeFilter, plain.NumberFilter): ...


class DaysFilter(plain.DateFilter):
    """Says no more than a name."""


class FromTo(SuffixedMultiWidget):
    suffixes = ("from", "to")

    def __init__(self, attrs: Any = None) -> None:
        super().__init__((forms.TextInput, forms.TextInput), attrs)


class Declared(plain.FilterSet):
    price = plain.RangeFilter()
    cost = plain.RangeFilter(field_name="price", widget=FromTo)
    worth = plain.RangeFilter(field_name="price", widget=RangeWidget(attrs={"class": "small"}))
    sums = plain.RangeFilter(field_name="price", widget=forms.MultiWidget((forms.TextInput, forms.TextInput)))
    made_on = plain.DateFromToRangeFilter()
    days_at = plain.DateFromToRangeFilter(field_name="made_at", widget=DateRangeWidget)
    made_at = plain.DateTimeFromToRangeFilter()
    iso = plain.IsoDateTimeFromToRangeFilter(field_name="made_at")
    opens = plain.TimeRangeFilter()
    lately = plain.DateRangeFilter(field_name="made_at")
    lately_on = plain.DateRangeFilter(field_name="made_on")
    before = plain.DateTimeFilter(field_name="made_at", lookup_expr="lt")
    german = plain.DateFilter(field_name="made_on", input_formats=["%d.%m.%Y"])
    german_at = plain.DateTimeFilter(field_name="made_at", lookup_expr="gte", input_formats=["%d.%m.%Y %H:%M"])
    clock = plain.TimeFilter(field_name="opens", input_formats=["%H.%M"])
    day = plain.DateFilter(field_name="made_at", lookup_expr="gte")
    on = DaysFilter(field_name="made_at", lookup_expr="date")
    pieces = NumberIn()
    names = TextIn(field_name="name")
    span = DateRange(field_name="made_on")
    not_span = DateRange(field_name="made_on", exclude=True)
    not_pieces = NumberRange(field_name="pieces", exclude=True)
    compared = plain.LookupChoiceFilter(
        field_name="pieces", field_class=forms.DecimalField, lookup_choices=[("exact", "is"), ("gt", "more")]
    )
    named = plain.LookupChoiceFilter(field_name="name", lookup_choices=["icontains", "exact", "startswith"])
    lately_by = plain.LookupChoiceFilter(
        field_name="made_at", field_class=forms.DateTimeField, lookup_choices=["gt", "lte"]
    )
    not_sold = plain.BooleanFilter(field_name="sold", exclude=True)
    known = plain.BooleanFilter()
    not_known = rest.BooleanFilter(field_name="known", exclude=True)
    state = plain.ChoiceFilter(choices=STATES)
    not_state = plain.ChoiceFilter(field_name="state", choices=STATES, exclude=True)
    states = plain.MultipleChoiceFilter(field_name="state", choices=STATES)
    shop = plain.ModelChoiceFilter(queryset=Shop.objects.all())
    shops = plain.ModelMultipleChoiceFilter(field_name="shop", queryset=Shop.objects.all())
    any_name = plain.AllValuesFilter(field_name="name")
    any_names = plain.AllValuesMultipleFilter(field_name="name")

    class Meta:
        model = Ware
        fields = ()


class ByDeclared(Wares):
    filterset_class = Declared


class Lenient(rest.DjangoFilterBackend):
    """What it can't read narrows nothing."""

    raise_exception = False


class SomeFilters(rest.FilterSet):
    price = plain.RangeFilter()
    pieces = plain.NumberFilter(required=True)
    state = plain.ChoiceFilter(choices=STATES)
    shop = plain.ModelChoiceFilter(queryset=Shop.objects.all())
    shops = plain.ModelMultipleChoiceFilter(field_name="shop", queryset=Shop.objects.all())
    any_name = plain.AllValuesFilter(field_name="name")

    class Meta:
        model = Ware
        fields = ()


class ByLenient(Wares):
    filter_backends = (Lenient,)
    filterset_class = SomeFilters


class Unaccented(Wares):
    filter_backends = (filters.UnaccentedSearchFilter,)
    search_fields = ("name", "^shop__street", "=shop__name", "@name")


class UnaccentedPattern(Unaccented):
    search_fields = ("$name",)


class Asked(filters.SearchFilter):
    search_param = "q"
    search_title = "Ask"


class Sorted(filters.OrderingFilter):
    ordering_param = "sort"


class ByOwnNames(Wares):
    filter_backends = (Asked, Sorted)
    search_fields = ("name__startswith", "^shop__name", "=price", "shop__street__iregex")
    ordering_fields = ("name", "shop__name", "price")


class OrderedFilters(plain.FilterSet):
    o = plain.OrderingFilter(
        fields=(("price", "cost"), ("name", "name"), ("shop__name", "shop"), ("shop", "place")),
        field_labels={"price": "Cost"},
    )
    some = plain.OrderingFilter(choices=[("pieces", "Pieces")])

    class Meta:
        model = Ware
        fields = ("state",)


class ByOrder(Wares):
    filterset_class = OrderedFilters


class Positions(pagination.CursorPagination):
    page_size = 2
    ordering = "-pieces"


class ByPosition(Wares):
    filter_backends = (rest.DjangoFilterBackend, filters.OrderingFilter)
    filterset_fields = ("state",)
    pagination_class = Positions
    ordering_fields = ("price", "made_at", "serial", "name", "pieces", "weight", "shop__name")


class PostgresFilters(plain.FilterSet):
    place = plain.NumberFilter(field_name="places", lookup_expr="contains")
    not_place = plain.NumberFilter(field_name="places", lookup_expr="contains", exclude=True)
    ton = plain.NumberFilter(field_name="tons", lookup_expr="contains")
    depth = plain.NumberFilter(field_name="depth", lookup_expr="contains")
    day_in = plain.DateFilter(field_name="days", lookup_expr="contains")
    hours_at = plain.DateTimeFilter(field_name="hours", lookup_expr="contains")
    hours_iso_at = plain.IsoDateTimeFilter(field_name="hours", lookup_expr="contains")
    place_from = plain.NumberFilter(field_name="places", lookup_expr="startswith")
    place_to = plain.NumberFilter(field_name="places", lookup_expr="endswith__lte")
    depth_from = plain.NumberFilter(field_name="depth", lookup_expr="startswith__gt")
    day_from = plain.DateFilter(field_name="days", lookup_expr="startswith__gte")
    hours_from_at = plain.IsoDateTimeFilter(field_name="hours", lookup_expr="startswith__gte")
    closed = plain.BooleanFilter(field_name="places", lookup_expr="isempty")
    open = rest.BooleanFilter(field_name="days", lookup_expr="isempty", exclude=True)
    never = plain.BooleanFilter(field_name="places", lookup_expr="isnull")
    depths = plain.NumericRangeFilter(field_name="depth")
    depths_over = plain.NumericRangeFilter(field_name="depth", lookup_expr="overlap")
    depths_within = plain.NumericRangeFilter(field_name="depth", lookup_expr="contained_by", widget=FromTo)
    places = plain.NumericRangeFilter(field_name="places", lookup_expr="contains")
    tons = plain.NumericRangeFilter(field_name="tons")
    name_a = plain.CharFilter(field_name="facts__a")
    name_b = plain.CharFilter(field_name="facts__b", lookup_expr="icontains")
    name_none = rest.BooleanFilter(field_name="facts__b", lookup_expr="isnull")
    name_key = plain.CharFilter(field_name="facts", lookup_expr="has_key")
    name_lacks = plain.CharFilter(field_name="facts", lookup_expr="has_key", exclude=True)

    class Meta:
        model = Ware
        fields = ()


class ByPostgres(Wares):
    filterset_class = PostgresFilters


VIEWS = {"rest": ByRest, "plain": ByPlain, "fields": ByFields, "declared": ByDeclared, "lenient": ByLenient}
VIEWS |= {"postgres": ByPostgres}
MORE = {"unaccented": Unaccented, "pattern": UnaccentedPattern, "named": ByOwnNames}
MORE |= {"ordered": ByOrder, "positions": ByPosition}
urlpatterns = [
    *(path(f"{name}/", view.as_view({"get": "list"})) for name, view in (VIEWS | MORE).items()),
    *(path(f"{name}/<pk>/", view.as_view({"get": "retrieve"})) for name, view in (VIEWS | MORE).items()),
]
