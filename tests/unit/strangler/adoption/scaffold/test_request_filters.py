"""What a project's `get_queryset` narrows by a query parameter, as the scaffold writes it."""

from typing import Any

import pytest

from tests.unit.strangler.adoption.scaffold.harbour import LIST, feature, text_of

BOATS = {"kind": "pointing", "table": "boat", "field": "berth"}
BERTHS: dict[str, Any] = {
    "model": {"label": "harbour.Berth", "table": "berth"},
    "queryset": {"ordering": ["place"]},
    "serializer": {
        "class": "harbour.api.BerthSerializer",
        "model": "harbour.Berth",
        "table": "berth",
        "fields": [{"name": "place", "kind": "CharField", "source": "place", "required": True, "changed": {}}],
    },
}


def written(found: dict[str, Any], **more: Any) -> str:
    made = feature(LIST | {"overridden": ["get_queryset"], "rows": {"filters": {"x": found}}} | more)
    assert (made.endpoints[0].gaps, made.endpoints[0].limits) == ([], [])
    return " ".join(text_of(made, "serializers.py").split())


@pytest.mark.parametrize(
    ("form", "column", "code"),
    [
        (
            {"form": "text"},
            {"path": "name", "lookup": "icontains"},
            'column_filter(lambda: Boat.name, SENT_TEXT, "icontains")',
        ),
        (
            {"form": "text"},
            {"path": "berth__place"},
            'column_filter(lambda: related_column(Boat, "berth__place"), SENT_TEXT)',
        ),
        (
            {"form": "integer"},
            {"path": "berth__id", "lookup": "in"},
            'related_column(Boat, "berth__id"), INTEGER, "in")',
        ),
        (
            {"form": "day", "format": "%d.%m.%Y"},
            {"path": "built_at", "part": "date", "lookup": "gte"},
            'column_filter(lambda: part_of(Boat.built_at, "date"), day("%d.%m.%Y"), "gte")',
        ),
        ({"form": "day"}, {"path": "built_at", "part": "date"}, 'lambda: part_of(Boat.built_at, "date"), ISO_DAY)'),
        (
            {"form": "flag"},
            {"path": "berth", "lookup": "isnull", "value": [False]},
            "flag_filter(FLAG, lambda: Boat.berth_id.is_not(None))",
        ),
        (
            {"form": "words", "words": ["1", "yes"], "ignore_case": True},
            {"path": "name", "value": ["Ada"]},
            'flag_filter(words("1", "yes", ignore_case=True), lambda: Boat.name == "Ada")',
        ),
    ],
)
def test_a_filter_says_how_its_text_is_read_and_what_it_is_compared_with(
    form: dict[str, Any], column: dict[str, Any], code: str
) -> None:
    assert code in written(form | {"columns": [column]})


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (
            {"form": "flag", "columns": [{"path": "boat", "link": BOATS, "lookup": "isnull", "value": [False]}]},
            'flag_filter(FLAG, lambda: has_rows(Berth, one_to_many(Berth, Boat, "berth")))',
        ),
        (
            {"form": "given", "columns": [{"path": "boat", "link": BOATS, "lookup": "isnull", "value": [True]}]},
            'flag_filter(GIVEN, lambda: not_(has_rows(Berth, one_to_many(Berth, Boat, "berth"))))',
        ),
        (
            {"form": "given", "columns": [{"path": "boat__name", "link": BOATS, "value": ["Ada"]}]},
            'flag_filter(GIVEN, lambda: has_rows(Berth, one_to_many(Berth, Boat, "berth"), Boat.name == "Ada"))',
        ),
        (
            {"form": "integer", "columns": [{"path": "boat", "link": BOATS, "lookup": "in"}]},
            'linked_filter( Berth, lambda: one_to_many(Berth, Boat, "berth"),'
            ' column_filter(lambda: Boat.id, INTEGER, "in") )',
        ),
        (
            {"form": "text", "columns": [{"path": "place"}, {"path": "boat__name", "link": BOATS}]},
            "any_filter( column_filter(lambda: Berth.place, SENT_TEXT), linked_filter(",
        ),
    ],
)
def test_a_relation_to_several_rows_is_followed(found: dict[str, Any], code: str) -> None:
    assert code in written(found, **BERTHS)


def test_what_can_not_be_written_is_a_gap_of_the_parameter() -> None:
    columns = [{"path": "tide"}, {"path": "boat__name", "link": BOATS, "lookup": "isnull", "value": [True]}]
    filters = {name: {"form": "text", "columns": [column]} for name, column in zip("xy", columns, strict=True)}
    made = feature(LIST | BERTHS | {"overridden": ["get_queryset"], "rows": {"filters": filters}})
    assert made.endpoints[0].gaps == []
    assert made.endpoints[0].limits == ["?x=: harbour.Berth has no column tide", "?y=: whether boat__name is null"]


def test_paths_with_views_of_one_name_have_resources_of_their_own() -> None:
    paged = {"pagination": {"class": "PageNumberPagination", "kind": "page", "page_size": 2}}
    other = {"path": "/api/all-boats/", "pagination": None}
    row = {"action": "retrieve", "detail": True, "pagination": None}
    one, all_one = ({"path": f"{path}{{pk}}/"} | row for path in ("/api/boats/", "/api/all-boats/"))
    made = feature(LIST | paged, LIST | other, LIST | one, LIST | all_one)
    assert [each.gaps for each in made.endpoints] == [[], [], [], []]
    resources = [made.resources.resource_of(each) for each in made.endpoints]
    assert resources[0] is resources[2] is not resources[1] is resources[3]
    first, second = " ".join(text_of(made, "serializers.py").split()).split("= Resource(")[1:]
    assert ("pagination=None" in first, "pagination=None" in second) == (False, True)


def test_actions_with_other_rows_have_resources_of_their_own() -> None:
    narrowed = {"rows": {"filters": {"x": {"form": "text", "columns": [{"path": "name"}]}}}}
    one = LIST | {"path": "/api/boats/{pk}/", "action": "retrieve", "detail": True, "overridden": ["get_queryset"]}
    made = feature(LIST | {"overridden": ["get_queryset"]} | narrowed, one | {"rows": {}})
    assert [each.gaps for each in made.endpoints] == [[], []]
    text = " ".join(text_of(made, "serializers.py").split())
    first, second = text.split("= Resource(")[1:]
    assert ("filters=" in first, "filters=" in second) == (True, False)
