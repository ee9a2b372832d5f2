"""Fields of bodies that name rows get values that rows have."""

import dataclasses
from typing import Any

import pytest

from strangler.compare.generate.body_values import ValidValues
from strangler.compare.generate.facts import EndpointFacts, facts_of
from strangler.compare.generate.named_rows import rows_named
from strangler.compare.generate.schemas import NamedRows, SchemaField
from strangler.compare.generate.writes import WriteCases
from tests.generated_world import CONTRACT, world_made

OWNER = SchemaField(name="owner", type="integer", required=True)


def facts(**field: Any) -> EndpointFacts:
    """Those of a view whose serializer has that field."""
    told = {"name": "owner", "model": "shop.Person"} | field
    view = {"method": "POST", "path": "/api/wares/", "serializer": {"fields": [told]}}
    (found,) = facts_of({"endpoints": [view]}, prefix="/api").values()
    return found


def values(field: SchemaField, view: EndpointFacts) -> set[Any]:
    """What is given for a field of wares."""
    valid = ValidValues(0, world_made().named)
    named = rows_named(field, "wares", view, CONTRACT)
    return {str(valid.value(named)) for _ in range(20)}


def test_a_foreign_key_gets_keys_of_rows_the_callers_own_where_it_has_some() -> None:
    assert rows_named(OWNER, "wares", EndpointFacts(), CONTRACT).rows == NamedRows(table="people", column="id")
    assert values(OWNER, EndpointFacts()) == values(OWNER, facts()) == {"2"}
    assert values(dataclasses.replace(OWNER, name="price"), EndpointFacts()) > {"2", "3", "4"}


def test_a_text_in_place_of_a_number_names_no_row_by_its_key() -> None:
    assert rows_named(dataclasses.replace(OWNER, type="string"), "wares", EndpointFacts(), CONTRACT).rows is None


def test_rows_are_named_by_a_slug_or_an_address_where_the_view_says_so() -> None:
    text = dataclasses.replace(OWNER, type="string")
    assert values(text, facts(slug_field="email")) == {"ann@x.org"}
    assert values(text, facts(lookup="pk", address="/api/people/{}/")) == {"/api/people/2/"}


def test_lists_and_objects_within_have_them_too() -> None:
    listed = SchemaField(name="owner", type="array", items=SchemaField(name="owner", type="integer"))
    assert values(listed, facts(many=True)) == {"[2]"}
    inner = SchemaField(name="line", type="object", fields=(OWNER,))
    view = facts(name="line", serializer={"fields": [{"name": "owner", "model": "shop.Person"}]})
    assert values(inner, view) == {"{'owner': 2}"}


@pytest.mark.parametrize(
    ("told", "kept"), [({"narrowed": True, "where": {"is_staff": True}}, {"1"}), ({"read_only": True}, {"2"})]
)
def test_only_rows_that_a_filter_lets_through_are_sent(told: dict[str, Any], kept: set[str]) -> None:
    assert values(OWNER, facts(**told)) == kept


def test_rows_that_must_not_be_named_are_sent_once() -> None:
    world = world_made()
    operation = next(each for each in world.operations if each.route.name == "wares.create")
    view = facts(narrowed=True, where={"is_staff": True})
    body = (rows_named(OWNER, "wares", view, CONTRACT),)
    cases = WriteCases(world, dataclasses.replace(operation, body=body), ValidValues(0, world.named)).cases()
    sent = {case.name: case.value["owner"] for case in cases if case.name.startswith("owner: a") and "row" in case.name}
    assert sent == {"owner: a row that is not there": 1005, "owner: another row": 2}
