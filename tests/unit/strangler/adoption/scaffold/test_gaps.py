"""What the scaffold can't write of a view is a gap with a name."""

from typing import Any

import pytest

from strangler.adoption.endpoints import BROWSABLE_API
from tests.unit.strangler.adoption.scaffold.harbour import (
    CREATE,
    DRF,
    LIST,
    NAME,
    SERIALIZER,
    THROTTLE,
    VERSIONS,
    feature,
    field,
    text_of,
)


@pytest.mark.parametrize(
    ("facts", "gap"),
    [
        (field(source="photo"), "field other: a FileField of which the contract has no storage"),
        (field(source="map"), "field other: a file that storages.S3Storage keeps"),
        (field(source="nothing"), "field other: harbour.Boat has no column nothing"),
        (
            field(
                source="berth",
                kind="SlugRelatedField",
                slug_field="place",
                link="many_to_one",
                changed=None,
                read_only=False,
                **DRF,
            ),
            "field other: found by harbour.Berth.place, which isn't unique",
        ),
        (
            field(source="berth", kind="StringRelatedField", link="many_to_one", changed=None, **DRF),
            "field other: shown by a __str__ of your own",
        ),
        (field(kind="MoneyField", changed=None), "field other: a MoneyField of your own"),
        (field(source="built_at", format="none"), "field other: shown as the renderer likes"),
        (
            {"serializer": SERIALIZER | {"overridden": ["to_representation"]}},
            "serializer Boat: to_representation is your own",
        ),
        ({"overridden": ["list"]}, "Boats.list is your own"),
        ({"overridden": ["get_queryset"]}, "Boats.get_queryset is your own"),
        ({"own_filters": ["filter backend harbour.api.OfCaller"]}, "filter backend harbour.api.OfCaller"),
        ({"action": "tide"}, "handler Boats.tide is your own"),
        (
            {"parameters": [{"name": "pk", "kind": "hashid", "pattern": "\\w+", "converter": "harbour.HashId"}]},
            "pk of its path is what harbour.HashId makes of it",
        ),
        (
            {"action": None, "view": "djoser.views.TokenCreateView"},
            "handler TokenCreateView.get has no counterpart here: leave it with Django, whose users and tokens FastAPI"
            " reads",
        ),
        ({"queryset": {"narrowed": ["a filter"]}}, "the queryset has a filter"),
        (
            {"action": "destroy", "model": {"label": "harbour.Ferry", "table": "boat", "writes": ["save"]}},
            "of the proxy Ferry Django calls others: save",
        ),
        ({"elsewhere": ["harbour.Boat in the database other"]}, "rows of harbour.Boat in the database other"),
        ({"authenticators": ["harbour.api.ByFlag"]}, "authenticator harbour.api.ByFlag"),
        ({"throttles": ["harbour.api.Slow"]}, "throttle harbour.api.Slow can't be read without a request"),
        ({"versioning": "harbour.api.ByFlag"}, "versioning harbour.api.ByFlag"),
        (
            {"versioning": "harbour.api.ByFlag", "versions": VERSIONS | {"kind": "url", "overridden": ["reverse"]}},
            "versioning harbour.api.ByFlag",
        ),
        ({"throttle_rates": [THROTTLE | {"kind": "custom"}]}, "throttle harbour.api.Burst is your own"),
        ({"throttle_rates": [THROTTLE | {"overridden": ["wait"]}]}, "throttle harbour.api.Burst is your own"),
        (
            {"throttle_rates": [THROTTLE | {"shared": False}]},
            "throttle harbour.api.Burst counts in a cache of Django's:"
            " put strangler_django.throttling into INSTALLED_APPS",
        ),
        ({"pagination": {"kind": "custom"}}, "pagination: custom"),
        ({"renderers": ["harbour.api.Xml"]}, "renderer harbour.api.Xml"),
        (
            {"renderers": [BROWSABLE_API, "rest_framework.renderers.JSONRenderer"]},
            "answers are pages of HTML unless a request wants JSON: put JSONRenderer before BrowsableAPIRenderer",
        ),
        (
            {"unread": [{"what": "serializer", "reason": "KeyError: 'x'"}]},
            "serializer can't be read without a request (KeyError: 'x')",
        ),
    ],
)
def test_what_cannot_be_read_answers_501_by_name(facts: dict[str, Any], gap: str) -> None:
    made = feature(LIST | facts)
    assert gap in made.endpoints[0].gaps
    router = text_of(made, "router.py")
    assert "async def" not in router
    assert "boats.gap(" in router


@pytest.mark.parametrize(
    ("facts", "gap", "file", "code"),
    [
        (
            field(method="get_other"),
            "field other: computed by get_other",
            "serializers.py",
            '@unported("BoatSerializer, field other: computed by get_other")\ndef boat_other(boat: Mapping[str, Any])',
        ),
        (
            {"permissions": ["harbour.api.OfTheCrew"]},
            "permission OfTheCrew is your own",
            "router.py",
            'permission=not_ported("permission OfTheCrew is your own"),',
        ),
        (
            {"permissions": None},
            "its permissions can't be read without a request",
            "router.py",
            "permission=not_ported",
        ),
        ({"overridden": ["get_permissions"]}, "Boats.get_permissions reads the request", "router.py", "=not_ported("),
    ],
)
def test_what_one_function_lacks_is_written_but_for_that(facts: dict[str, Any], gap: str, file: str, code: str) -> None:
    made = feature(LIST | facts)
    assert (made.endpoints[0].gaps, made.endpoints[0].functions) == ([], [gap])
    assert code in text_of(made, file)
    assert "async def boats_list(" in text_of(made, "router.py")


def test_a_hook_that_reads_nothing_of_a_request_is_no_gap() -> None:
    assert feature(LIST | {"overridden": ["get_queryset"], "constant": ["get_queryset"]}).endpoints[0].gaps == []


def test_a_gap_of_what_is_written_leaves_reading_alone() -> None:
    for name in ("validate_name", "run_validation", "is_valid"):
        own = SERIALIZER | {"overridden": [name]}
        made = feature(LIST | {"serializer": own}, CREATE | {"serializer": own})
        assert [each.gaps for each in made.endpoints] == [[], [f"serializer Boat: {name} is your own"]]
    # Whatever else a serializer replaces may show in an answer.
    for name in ("data", "fields", "get_attribute"):
        made = feature(LIST | {"serializer": SERIALIZER | {"overridden": [name]}})
        assert made.endpoints[0].gaps == [f"serializer Boat: {name} is your own"]


def test_a_context_that_no_field_looks_at_is_no_gap() -> None:
    own = {"overridden": ["get_serializer_context"]}
    name = NAME | {"class": "rest_framework.fields.CharField"}
    assert not feature(LIST | own | {"serializer": SERIALIZER | {"fields": [name]}}).endpoints[0].gaps
    hidden = name | {"kind": "HiddenField", "write_only": True}
    gaps = feature(LIST | own | {"serializer": SERIALIZER | {"fields": [name, hidden]}}).endpoints[0].gaps
    assert "Boats.get_serializer_context is your own" in gaps


def test_what_leaves_rows_out_is_a_gap_of_all_that_looks_for_one() -> None:
    """A row that the caller may not see would be shown by its path alone."""
    own = {"own_filters": ["filter backend harbour.api.OfCaller"]}
    row = LIST | own | {"action": "retrieve", "path": "/api/boats/{pk}/"}
    put, delete = {"method": "PUT", "action": "update"}, {"method": "DELETE", "action": "destroy"}
    for endpoint in (row, row | put, row | delete):
        assert feature(endpoint).endpoints[0].gaps == own["own_filters"]
    assert feature(CREATE | own).endpoints[0].gaps == []


def test_a_permission_that_is_denied_is_a_gap_of_each_row() -> None:
    """Django shows it the row, which it lets everybody touch; a generic view, which isn't `detail`, does too."""
    negated = {"permissions": ["~rest_framework.permissions.IsAdminUser"]}
    row = LIST | negated | {"path": "/api/boats/{pk}/", "pagination": None}
    gap = "permission of a negated class: Django shows it each row, and refuses it"
    for facts in ({"action": "retrieve"}, {"action": "destroy", "method": "DELETE"}):
        made = feature(row | facts)
        assert made.endpoints[0].functions == [gap]
        assert f'permission=not_ported("{gap}")' in text_of(made, "router.py")
    assert feature(LIST | negated).endpoints[0].functions == []
