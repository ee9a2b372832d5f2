"""Filters, orders, searches, pages and annotations of a list, as the scaffold writes them."""

from typing import Any

import pytest

from tests.unit.strangler.adoption.scaffold.harbour import (
    CREATE,
    DRF,
    LIST,
    NAME,
    SERIALIZER,
    feature,
    flat,
    linked_contract,
    linked_feature,
    text_of,
)


def test_a_filter_that_is_lacking_is_a_gap_of_its_parameter() -> None:
    parameters = [
        {"name": "name", "kind": "CharFilter", "field": "name"},
        {"name": "near", "kind": "NumberFilter", "field": "berth", "method": "by_distance"},
    ]
    filters = {"backends": ["django_filters.rest_framework.backends.DjangoFilterBackend"]}
    filters |= {"search": {"parameter": "search", "fields": ["^tide"]}, "filterset": {"parameters": parameters}}
    made = feature(LIST | {"filters": filters})
    assert (made.endpoints[0].gaps, len(made.endpoints[0].limits)) == ([], 2)
    serializers = text_of(made, "serializers.py")
    assert '"name": column_filter(lambda: Boat.name, TEXT),' in serializers
    assert '"near": not_ported_filter("filter near: by_distance"),' in serializers
    assert '"search": not_ported_filter("?search=: harbour.Boat has no column tide"),' in serializers


def test_orders_and_searches_keep_their_parameters() -> None:
    filters = {
        "ordering": {"parameter": "sort", "valid": ["name"]},
        "search": {"parameter": "q", "fields": ["name"]},
    }
    made = feature(LIST | {"filters": filters})
    assert (made.endpoints[0].gaps, made.endpoints[0].limits) == ([], [])
    text = " ".join(text_of(made, "serializers.py").split())
    assert 'ordering_param="sort"' in text
    assert 'search_param="q"' in text


@pytest.mark.parametrize(
    ("parameter", "code"),
    [
        ({"kind": "CharFilter", "field": "name", "lookup": "icontains"}, 'lambda: Boat.name, TEXT, "icontains"'),
        ({"kind": "CharFilter", "field": "built_at", "lookup": "lte"}, 'lambda: Boat.built_at, TEXT, "lte"'),
        ({"kind": "CharFilter", "field": "photo", "lookup": "contains"}, 'lambda: Boat.photo, TEXT, "contains"'),
        (
            {"kind": "BaseInFilter", "field": "id", "lookup": "in", "items": "NumberFilter"},
            'lambda: Boat.id, NUMBER, "in"',
        ),
        (
            {"kind": "BaseInFilter", "field": "name", "lookup": "in", "items": "ChoiceFilter", "choices": ["a"]},
            'lambda: Boat.name, choice(("a",)), "in"',
        ),
        ({"kind": "RangeFilter", "field": "id", "suffixes": ["_min", "_max"]}, "range_filter(lambda: Boat.id, ANY_"),
        (
            {"kind": "NumberFilter", "field": "built_at", "lookup": "year__gte"},
            'lambda: part_of(Boat.built_at, "year"), NUMBER, "gte"',
        ),
        ({"kind": "BooleanFilter", "field": "berth", "lookup": "isnull"}, 'lambda: Boat.berth_id, TEXT, "isnull"'),
        ({"kind": "ChoiceFilter", "field": "name", "choices": ["a", "b"]}, 'lambda: Boat.name, choice(("a", "b"))'),
        ({"kind": "ModelChoiceFilter", "field": "berth"}, "related_filter(lambda: Boat.berth_id, Berth)"),
        (
            {"kind": "ModelMultipleChoiceFilter", "field": "berth"},
            "related_multiple_filter(lambda: Boat.berth_id, Berth)",
        ),
        ({"kind": "DateRangeFilter", "field": "built_at"}, "date_range_filter(lambda: Boat.built_at)"),
        ({"kind": "DurationFilter", "field": "id"}, "column_filter(lambda: Boat.id, DURATION)"),
        (
            {"kind": "CharFilter", "field": "berth__place", "exclude": True},
            'lambda: related_column(Boat, "berth__place"), TEXT, exclude=True',
        ),
    ],
)
def test_filters_are_those_of_django_filter(parameter: dict[str, Any], code: str) -> None:
    filters = {"filterset": {"parameters": [{"name": "x", **parameter}]}}
    made = feature(LIST | {"filters": filters})
    assert (made.endpoints[0].gaps, made.endpoints[0].limits) == ([], [])
    assert code in text_of(made, "serializers.py")


BERTHS = {"kind": "ModelMultipleChoiceFilter", "field": "berths"}
LINKED = 'lambda: Boat.id, Berth, link=lambda: many_to_many(Boat, "berths")'


@pytest.mark.parametrize(
    ("parameter", "code"),
    [
        (BERTHS, f"related_multiple_filter({LINKED})"),
        (BERTHS | {"settings": ["conjoined"]}, f"related_multiple_filter({LINKED}, conjoined=True)"),
        (
            BERTHS | {"field": "berths__place", "to_field": "place", "settings": ["QueryArrayWidget"]},
            f'query_array(related_multiple_filter({LINKED}, to_field_name="place"))',
        ),
        (
            {"kind": "AllValuesMultipleFilter", "field": "berths__place", "declared": True},
            f"all_values_multiple_filter({LINKED.replace(' Berth,', '')}, named=lambda: Berth.place)",
        ),
        ({"kind": "AllValuesMultipleFilter", "field": "name"}, "all_values_multiple_filter(lambda: Boat.name)"),
        ({"kind": "AllValuesFilter", "field": "name", "declared": True}, "all_values_filter(lambda: Boat.name)"),
        (
            {
                "kind": "BooleanFilter",
                "field": "name",
                "lookup": "isnull",
                "settings": ["NullBooleanSelect", "required"],
            },
            'column_filter(lambda: Boat.name, TEXT, "isnull", selected=True)',
        ),
        (
            {"kind": "MultipleChoiceFilter", "field": "name", "choices": ["a"], "settings": ["CSVWidget"]},
            'comma_separated(multiple_choice_filter(lambda: Boat.name, ("a",)))',
        ),
    ],
)
def test_filters_by_rows_that_are_linked_are_those_of_django_filter(parameter: dict[str, Any], code: str) -> None:
    filters = {"filterset": {"parameters": [{"name": "x", **parameter}]}}
    made = linked_feature(LIST | {"filters": filters}, linked_contract("place"))
    assert (made.endpoints[0].gaps, made.endpoints[0].limits) == ([], [])
    assert flat(code) in flat(text_of(made, "serializers.py"))


@pytest.mark.parametrize(
    ("parameter", "gap"),
    [
        (BERTHS | {"declared": True}, "a ModelMultipleChoiceFilter of berths by exact"),
        (BERTHS | {"exclude": True}, "a ModelMultipleChoiceFilter of berths by exact"),
        (BERTHS | {"settings": ["null_label"]}, "a ModelMultipleChoiceFilter of berths by exact with null_label"),
        ({"kind": "NumberFilter", "field": "id", "settings": ["CSVWidget"]}, "a NumberFilter with CSVWidget"),
        ({"kind": "BooleanFilter", "field": "id", "settings": ["CheckboxInput"]}, "a BooleanFilter with CheckboxInput"),
        (
            {"kind": "AllValuesFilter", "field": "name", "settings": ["a manager of your own"]},
            "a AllValuesFilter with a manager of your own",
        ),
    ],
)
def test_filters_by_rows_that_are_found_otherwise_are_gaps(parameter: dict[str, Any], gap: str) -> None:
    filters = {"filterset": {"parameters": [{"name": "x", **parameter}]}}
    made = linked_feature(LIST | {"filters": filters}, linked_contract("place"))
    assert made.endpoints[0].limits == [f"filter x: {gap}"]


def test_values_with_commas_are_compared_with_an_array_or_several_alone() -> None:
    parameter = {"name": "x", "kind": "CharFilter", "items": "CharFilter", "field": "name", "lookup": "icontains"}
    made = feature(LIST | {"filters": {"filterset": {"parameters": [parameter]}}})
    assert made.endpoints[0].limits == ["filter x: a CharFilter of name by icontains"]


def test_a_filter_with_settings_of_its_own_is_a_gap() -> None:
    parameter = {"name": "x", "kind": "NumberFilter", "field": "id", "settings": ["min_value", "required"]}
    made = feature(LIST | {"filters": {"filterset": {"parameters": [parameter]}}})
    assert made.endpoints[0].limits == ["filter x: a NumberFilter with min_value"]
    assert '"x": required(not_ported_filter("filter x: ' in text_of(made, "serializers.py")


@pytest.mark.parametrize(
    ("parameter", "suffixes"),
    [
        ({"kind": "RangeFilter", "suffixes": ["_min", "_max"], "settings": ["min_value"]}, '("_min", "_max")'),
        ({"kind": "RangeFilter", "suffixes": ["_min", "_max"], "settings": ["required"]}, '("_min", "_max")'),
        ({"kind": "BaseInFilter", "items": "NumberFilter", "settings": ["QueryArrayWidget"]}, '("", "[]")'),
        ({"kind": "LookupChoiceFilter", "suffixes": ["", "_lookup"], "lookups": ["near"]}, '("", "_lookup")'),
    ],
)
def test_a_gap_is_of_all_parameters_of_a_filter(parameter: dict[str, Any], suffixes: str) -> None:
    """Whoever sends one that is not known here would get rows that Django leaves out."""
    made = feature(LIST | {"filters": {"filterset": {"parameters": [{"name": "x", "field": "id"} | parameter]}}})
    assert len(made.endpoints[0].limits) == 1
    text = flat(text_of(made, "serializers.py"))
    assert f",suffixes={flat(suffixes)})" in text
    assert ('"x":required(' in text) is (parameter.get("settings") == ["required"])


def test_a_text_that_makes_no_value_of_its_column_is_a_gap() -> None:
    parameter = {"name": "x", "kind": "CharFilter", "field": "photo"}
    made = feature(LIST | {"filters": {"filterset": {"parameters": [parameter]}}})
    assert made.endpoints[0].limits == ["filter x: a CharFilter of photo by exact"]


def test_a_filter_that_is_required_is_so_but_for_one_that_takes_null() -> None:
    parameters = [
        {"name": "name", "kind": "CharFilter", "field": "name", "settings": ["required"]},
        {"name": "old", "kind": "BooleanFilter", "field": "name", "lookup": "isnull", "settings": ["required"]},
    ]
    made = feature(LIST | {"filters": {"filterset": {"parameters": parameters}}})
    assert made.endpoints[0].limits == []
    text = text_of(made, "serializers.py")
    assert '"name": required(column_filter(lambda: Boat.name, TEXT)),' in text
    assert '"old": column_filter(' in text


@pytest.mark.parametrize(
    ("pages", "code"),
    [
        ({"kind": "page", "page_size": 7, "page_query_param": "p"}, 'page_size=7, page_query_param="p", '),
        ({"kind": "limit_offset", "default_limit": 7, "max_limit": 9}, "LimitOffsetPagination(default_limit=7, "),
        ({"kind": "cursor", "page_size": 7, "ordering": "-id"}, 'ordering=("-id",)'),
        (
            {"kind": "page", "page_size": 7, "invalid_page_message": "No page {page_number}."},
            'invalid_page_message="No page {page_number}."',
        ),
        (
            {"kind": "cursor", "page_size": 7, "offset_cutoff": None, "invalid_cursor_message": "None."},
            'offset_cutoff=None, invalid_cursor_message="None."',
        ),
    ],
)
def test_pages_are_those_of_drf(pages: dict[str, Any], code: str) -> None:
    made = feature(LIST | {"pagination": pages})
    assert made.endpoints[0].gaps == []
    assert code in " ".join(text_of(made, "serializers.py").split())
    assert "@boats.get(many=Page, " in text_of(made, "router.py")


def test_constant_filters_are_conditions_of_the_rows() -> None:
    where = [
        ["is", "name", "exact", "Ada"],
        ["not", ["or", ["is", "built_at", "isnull", True], ["is", "berth__place", "startswith", "x"]]],
        ["is", "id", "in", [1, 2]],
    ]
    text = text_of(feature(LIST | {"queryset": {"ordering": ["name"], "where": where}}), "serializers.py")
    assert 'Boat.name == "Ada"' in text
    assert 'related_column(Boat, "berth__place").startswith("x", autoescape=True)' in text
    assert "not_(or_(Boat.built_at.is_(None)" in text
    assert "Boat.id.in_([1, 2])" in text
    assert "from sqlalchemy import not_, or_" in text


def test_a_count_of_rows_is_an_annotation_and_a_new_row_has_none() -> None:
    counted = {"queryset": {"ordering": ["place"], "annotations": {"many": ["count", "boat", "berth"]}}}
    many = {"name": "many", "kind": "IntegerField", "class": "rest_framework.fields.IntegerField", "read_only": True}
    rows = {"model": {"label": "harbour.Berth", "table": "berth"}}
    place = NAME | {"name": "place", "source": "place"}
    serializer = SERIALIZER | {"model": "harbour.Berth", "table": "berth", "fields": [place, many | {"source": "many"}]}
    made = feature(LIST | rows | counted | {"serializer": serializer}, CREATE | rows | {"serializer": serializer})
    assert made.endpoints[0].gaps == []
    text = text_of(made, "serializers.py")
    assert '"many": lambda: related_count(Berth, one_to_many(Berth, Boat, "berth"))' in " ".join(text.split())
    assert '"many": ReadOnlyField(type="integer")' in text
    assert "field many: Django's new row has none" in made.endpoints[1].gaps


def test_numbers_of_rows_are_calculated_as_their_queryset_says() -> None:
    count = ["count", "boat", "berth"]
    is_empty = ["is", "place", "exact", ""]
    numbers = {
        "free": ["-", ["*", ["column", "id"], ["+", ["value", 2], count]], ["-", ["value", 1], count]],
        "known": ["case", [[is_empty, ["value", None]]], ["coalesce", ["column", "id"], ["value", 0]]],
    }
    rows = {"model": {"label": "harbour.Berth", "table": "berth"}, "queryset": {"annotations": numbers}}
    shown = [
        NAME | {"name": name, "source": name, "kind": "IntegerField", "changed": None, "read_only": True, **DRF}
        for name in numbers
    ]
    serializer = SERIALIZER | {"model": "harbour.Berth", "table": "berth", "fields": shown}
    made = feature(LIST | rows | {"serializer": serializer})
    assert made.endpoints[0].gaps == []
    text, counted = text_of(made, "serializers.py"), 'related_count(Berth, one_to_many(Berth, Boat, "berth"))'
    assert f'"free": lambda: Berth.id * (2 + {counted}) - (1 - {counted})' in text
    case = 'lambda: case((Berth.place == "", null()), else_=func.coalesce(Berth.id, 0))'
    assert f'"known": {case}' in text
    assert "from sqlalchemy import case, func, null" in text


ANY_ORDER = (
    'come in any order from Django, and by their key from FastAPI: order both by what is unique, or declare order = "$"'
)


@pytest.mark.parametrize(
    ("ordering", "remark"),
    [
        (["-id"], []),
        (["name", "pk"], []),
        (["-name"], [f"rows that are equal in name {ANY_ORDER}"]),
        ([], [f"rows {ANY_ORDER}"]),
    ],
)
def test_a_list_whose_order_leaves_rows_alike_is_remarked(ordering: list[str], remark: list[str]) -> None:
    made = feature(LIST | {"queryset": {"ordering": ordering}}, CREATE)
    assert [each.remarks for each in made.endpoints] == [remark, []]
    paged = feature(LIST | {"pagination": {"kind": "page", "page_size": 7}, "queryset": {}}).endpoints[0].remarks
    assert [each.endswith('declare order = "$.results"') for each in paged] == [True]
    assert [each.gaps for each in made.endpoints] == [[], []]
