"""What a side has answered is put into what it is asked later."""

import json
from dataclasses import replace

import pytest

from strangler.compare.case import Case, HeaderPlace, ScenarioStep
from strangler.compare.cases.message import FORM_TYPE, JSON_TYPE, form_body, json_body
from strangler.compare.client.response import SideResponse
from strangler.compare.json_values import Number
from strangler.compare.writes.variables import case_filled, names_in, variables_save

SAVED: dict[str, object] = {"post": Number("17"), "name": 'a/b "c" é', "flag": True, "nothing": None}


def body(kind: str, content: bytes) -> str:
    case = Case(method="POST", target="/", headers=(("Content-Type", kind),), body=content)
    return case_filled(case, SAVED).body.decode()


def test_a_target_is_filled_and_quoted() -> None:
    case = Case(method="GET", target="/posts/{post}/?q={name}&x={other}")
    assert case_filled(case, SAVED).target == "/posts/17/?q=a%2Fb%20%22c%22%20%C3%A9&x={other}"


def test_the_prefix_is_that_of_the_side_in_cases_below_v2s_alone() -> None:
    content = json_body({"place": "{prefix}/places/3/"})
    case = Case(method="POST", target="/", headers=(("Content-Type", JSON_TYPE),), body=content)
    assert case_filled(case, {}, prefix="/api/v2").body == content
    filled = case_filled(replace(case, below_v2=True), {}, prefix="/api/v2")
    assert json.loads(filled.body) == {"place": "/api/v2/places/3/"}


def test_headers_are_filled() -> None:
    case = Case(method="GET", target="/", headers=(("Authorization", "Bearer {post}"),))
    assert case_filled(case, SAVED).headers == (("Authorization", "Bearer 17"),)


def test_a_text_that_is_only_a_variable_becomes_its_value() -> None:
    sent = json_body({"id": "{post}", "title": "on {name} {post}", "on": "{flag}", "no": "{nothing}", "x": "{other}"})
    expected = {"id": 17, "title": 'on a/b "c" é 17', "on": True, "no": None, "x": "{other}"}
    assert json.loads(body(JSON_TYPE, sent)) == expected


def test_a_form_is_filled() -> None:
    assert body(FORM_TYPE, form_body({"id": "{post}", "t": "{name}"})) == "id=17&t=a/b%20%22c%22%20%C3%A9"


@pytest.mark.parametrize("content", [b"{bad", b"\xff{other}", b""])
def test_other_bodies_stay_as_they_are(content: bytes) -> None:
    case = Case(method="POST", target="/", body=content)
    assert case_filled(case, SAVED).body == content


def test_names_are_found_wherever_they_stand() -> None:
    case = Case(method="POST", target="/{a}/", headers=(("X", "{b}"),), body=b"c=%7Bc%7D&{unknown}")
    assert names_in(case, ["a", "b", "c", "d"]) == {"a", "b", "c"}


def test_what_an_answer_lacks_is_forgotten() -> None:
    step = ScenarioStep(case=Case(method="POST", target="/"), save=(("post", ("id",)), ("first", ("tags", 0))))
    variables: dict[str, object] = {"first": "old"}
    variables_save(step, SideResponse(status=201, body=b'{"id": 1.0, "tags": []}'), variables)
    assert variables == {"post": "1.0"}
    variables_save(step, SideResponse(status=500, body=b"oops"), variables)
    assert variables == {}


def test_a_header_is_saved_and_sent_again() -> None:
    step = ScenarioStep(case=Case(method="GET", target="/"), save=(("tag", HeaderPlace("etag")),))
    variables: dict[str, object] = {}
    variables_save(step, SideResponse(status=200, headers=(("etag", 'W/"1"'),), body=b"{}"), variables)
    again = Case(method="GET", target="/", headers=(("If-None-Match", "{tag}"),))
    assert case_filled(again, variables).headers == (("If-None-Match", 'W/"1"'),)
    assert variables_save(step, SideResponse(status=304), variables) == ["tag"]
    assert variables == {}
