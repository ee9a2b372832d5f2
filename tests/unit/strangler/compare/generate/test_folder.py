"""Generated case files: what they ask of a small API, that they can be read, and that they can be repeated."""

import dataclasses
import json
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from strangler.compare.cases.case_files import cases_from_files, scenarios_from_files
from strangler.compare.generate.body_values import ValidValues, body_values
from strangler.compare.generate.case_text import GeneratedCase, cases_text
from strangler.compare.generate.folder import files_of, folder_write
from strangler.compare.generate.permissions import Permissions
from strangler.compare.generate.query_values import odd_ids
from strangler.compare.generate.schemas import NamedRows, SchemaField, field_of
from strangler.compare.generate.stored import UserTable
from strangler.errors import UsageError
from strangler.sections import SignInSection
from tests.generated_world import HeldValues, routes, world_made


def generated(**options: Any) -> dict[str, list[dict[str, Any]]]:
    files = files_of(world_made(**options), routes())
    return {name.partition("-")[2].removesuffix(".toml"): tomllib.loads(text)["case"] for name, text in files}


def values(cases: list[dict[str, Any]], parameter: str) -> set[str]:
    """What a parameter is given where it is the only one."""
    queries = [parse_qsl(urlsplit(case["get"]).query, keep_blank_values=True) for case in cases if "get" in case]
    return {query[0][1] for query in queries if len(query) == 1 and query[0][0] == parameter}


def test_there_is_a_file_for_each_route_and_one_for_methods_that_none_has() -> None:
    found = generated()
    assert list(found) == [
        *("wares.list", "wares.create", "wares.get", "wares.update", "wares.delete", "wares.login", "wares.renew"),
        "not-allowed",
    ]
    refused = [list(case)[-1] for case in found["not-allowed"]]
    assert refused[:5] == ["put", "patch", "delete", "post", "put"]
    assert refused[5:] == ["get", "put", "patch", "delete", "options"] * 2


def test_every_kind_of_caller_asks() -> None:
    (everybody,) = (case for case in generated()["wares.list"] if case["name"] == "everything, by everybody")
    assert everybody["as"][:4] == ["nobody", "ann@x.org", "bea@x.org", "root@x.org"]
    kinds = {each.partition(" (")[2][:-1] for each in everybody["as"][4:]}
    assert kinds == {"expired", "early", "foreign", "tampered", "unsigned", "refresh", "revoked", "issued"}
    assert "gone@x.org (issued)" in everybody["as"]
    assert not any("(" in str(case.get("as")) for case in generated(signs=False)["wares.list"])


def test_what_is_unique_is_sent_several_times_at_once() -> None:
    raced = [case for case in generated()["wares.create"] if "together" in case]
    assert [case["together"] for case in raced] == [8, 8]
    assert raced[0]["json"]["name"] != raced[1]["json"]["name"]
    assert not [
        case for name, cases in generated().items() if name != "wares.create" for case in cases if "together" in case
    ]


def test_filters_match_rows_of_the_caller_in_several_spellings() -> None:
    asked = values(generated()["wares.list"], "name")
    assert {"Ale", "aLE", " Ale ", "Al", "Übel", "", "no-such-value", "\x00"} <= asked
    assert "plain Bread" not in asked
    moments = values(generated()["wares.list"], "made_after")
    assert {"2025-03-04T05:06:07.890123Z", "2025-03-04T05:06:07.890123", "2025-03-04", "yesterday"} <= moments
    assert "2025-03-04T10:36:07.890123+05:30" in moments


def test_search_orders_and_pages_are_those_of_the_view() -> None:
    cases = generated()["wares.list"]
    words = {each for each in values(cases, "search") if each.isalpha()}
    assert any(each != each.lower() for each in words)
    assert any(each == each.lower() for each in words)
    assert {"name", "-name", "made_at", "-made_at", "no_such_field", ""} <= values(cases, "ordering")
    assert {"1", "2", "3", "last", "0", "-1", "x"} <= values(cases, "page")
    assert {"1", "3", "4", "1000", "0"} <= values(cases, "page_size")


def test_links_are_asked_for_below_v2s_prefix_and_behind_tls() -> None:
    found = generated()
    below = {name: [case for case in cases if case.get("prefix") == "v2"] for name, cases in found.items()}
    assert [case["get"] for case in below["wares.list"]] == ["/wares", "/wares/?page=2&page_size=1"]
    assert [case["headers"] for case in below["wares.create"]] == [{"X-Forwarded-Proto": "https"}]
    encoded = [case["get"] for case in found["wares.list"] if "%77ares" in str(case.get("get"))]
    assert encoded == ["/%77ares/?page=2&page_size=1"]


def test_what_a_field_links_to_is_named_below_the_prefix_of_the_side() -> None:
    world = world_made()
    rows = NamedRows(table="people", column="id", address="/api/people/{}/")
    operations = [
        dataclasses.replace(each, body=(*each.body, SchemaField(name="owner", required=True, rows=rows)))
        for each in world.operations
    ]
    world = dataclasses.replace(world, operations=tuple(operations), prefix="/api")
    text = dict(files_of(world, routes()))["2-wares.create.toml"]
    (case,) = (case for case in tomllib.loads(text)["case"] if case.get("prefix") == "v2")
    assert case["json"]["owner"].startswith("{prefix}/people/")


def test_a_parameter_without_which_a_list_is_refused_is_always_sent(tmp_path: Path) -> None:
    world = world_made()
    operations = [
        dataclasses.replace(
            each,
            parameters=tuple(dataclasses.replace(one, required=one.name == "name") for one in each.parameters),
        )
        for each in world.operations
    ]
    world = dataclasses.replace(world, operations=tuple(operations))
    folder_write(tmp_path, files_of(world, routes()))
    cases = [case for case in cases_from_files(tmp_path, routes()) if case.route == "wares.list"]
    without = [case for case in cases if "name=" not in case.target and case.method == "GET"]
    assert {case.name for case in without} == {"without name"}
    assert {case.name for case in cases if case.target.startswith("/wares/?name=Ale&")} >= {
        "behind TLS",
        "links keep parameters",
    }


def test_pages_that_nginx_leaves_to_django_are_not_asked_for() -> None:
    for browsable in (False, True):
        headers = [case.get("headers", {}) for case in generated(browsable=browsable)["wares.list"]]
        accepted = [each["Accept"] for each in headers if "Accept" in each]
        assert any("html" in each for each in accepted) is not browsable
        assert any("indent=4" in each for each in accepted)


def test_without_the_views_facts_columns_and_orders_are_guessed() -> None:
    cases = generated(facts=False)["wares.list"]
    assert "Ale" in values(cases, "name")
    assert "2025-03-04T05:06:07.890123Z" in values(cases, "made_after")
    assert {"id", "-name", "made_at"} <= values(cases, "ordering")


def test_what_only_the_new_side_knows_is_an_addition_and_is_not_asked() -> None:
    found = generated()
    assert not any("cursor" in case.get("get", "") for cases in found.values() for case in cases)
    assert any("name=" in case.get("get", "") for case in found["wares.get"])


def test_paths_name_rows_of_all_owners_and_rows_that_are_not_there() -> None:
    paths = {urlsplit(case["get"]).path for case in generated()["wares.get"] if "get" in case}
    assert {"/wares/10/", "/wares/11/", "/wares/12/", "/wares/x/", "/wares/-1/", "/wares/0/"} <= paths


def test_bodies_are_at_the_edges_of_each_field_and_beyond() -> None:
    bodies = [case.get("json") for case in generated()["wares.create"]]
    names = [body["name"] for body in bodies if body and isinstance(body.get("name"), str)]
    assert {40, 41} <= set(map(len, names))
    assert any(name.startswith("  ") and name.endswith(" ") for name in names)
    assert {"Ale", "aLE", " Ale "} <= set(names)
    raw = [case["body"] for case in generated()["wares.create"] if "body" in case]
    assert {"null", "[]", '{"a": '} <= set(raw)
    assert any('"name": null' in text for text in raw)


NESTED = {
    "type": "object",
    "required": ["lines"],
    "properties": {
        "place": {"type": "object", "required": ["town"], "properties": {"town": {"type": "string", "maxLength": 9}}},
        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
    },
}
LINE = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "count": {"type": "integer"},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
    },
}


def test_objects_within_a_body_are_whole_and_wrong_in_one_field(tmp_path: Path) -> None:
    field = field_of("order", NESTED, {"components": {"schemas": {"Line": LINE}}})
    valid = ValidValues(0)
    body = valid.body(field.fields)
    assert set(body) == {"place", "lines"}
    assert set(body["place"]) == {"town"}
    assert [set(line) for line in body["lines"]] == [{"count", "parts"}] * 2
    place, lines = field.fields
    edges = dict(body_values(place, valid))
    assert edges["without town"] == {}
    assert edges["town, null"] == {"town": None}
    assert len(edges["town, as long as may be +1"]["town"]) == 10
    assert dict(body_values(lines, valid))["one with count, a list"][1]["count"] == ["a"]
    cases = (
        GeneratedCase(name=kind, method="POST", target="/wares/", kind=kind, value=body)
        for kind in ("json", "form", "multipart")
    )
    (tmp_path / "orders.toml").write_text(cases_text(cases, head="a body"))
    (scenario,) = scenarios_from_files(tmp_path, routes())
    as_json, as_form, as_multipart = (step.case.body for step in scenario.steps)
    assert json.loads(as_json) == body
    names = [name for name, _ in parse_qsl(as_form.decode())]
    # As rest_framework.utils.html reads them.
    assert names == ["place.town", "lines[0]count", "lines[1]count"]
    assert 'name="lines[1]count"' in as_multipart.decode()


def test_a_row_is_sent_what_it_holds() -> None:
    held = [case for case in generated()["wares.update"] if case["name"].startswith("what it holds")]
    assert [(case["patch"], case["json"]) for case in held] == [("/wares/11/", {"name": "Übel"})] * 2


class PermittedValues(HeldValues):
    """Bea alone may change wares."""

    def permissions(self, table: UserTable, identity: object) -> set[str]:
        del table
        return {"change_ware"} if identity == 3 else set()


ASKING = Permissions(classes=("rest_framework.permissions.DjangoModelPermissions",))


def test_who_has_the_models_permission_writes_where_the_view_asks_for_it() -> None:
    world = dataclasses.replace(world_made(), stored=PermittedValues(seed=0))
    chosen = {}
    for operation in world.operations:
        asking = dataclasses.replace(operation, facts=dataclasses.replace(operation.facts, permissions=ASKING))
        if operation.method in {"PATCH", "DELETE"}:
            chosen[operation.method] = world.writer(operation, "ann@x.org"), world.writer(asking, "ann@x.org")
    assert chosen == {"PATCH": ("ann@x.org", "bea@x.org"), "DELETE": ("ann@x.org", "ann@x.org")}


def test_new_rows_are_read_in_each_order() -> None:
    after = [case["get"] for case in generated()["wares.create"] if case["name"] == "read after the writes"]
    assert after == ["/wares/", "/wares/?ordering=name", "/wares/?ordering=made_at"]


def test_hardly_any_refusal_costs_a_hash() -> None:
    sent = [case.get("json", {}) for case in generated()["wares.login"] if "signs in" not in case["name"]]
    taken = [body for body in sent if all(str(body.get(name, "")).isalnum() for name in ("email", "secret"))]
    texts = [body for body in taken if all(isinstance(value, str) for value in body.values())]
    assert 0 < len(texts) < 8


def test_a_sign_in_is_sent_and_what_it_answers_where_a_body_takes_it() -> None:
    found = generated()
    signs_in = {"json": {"email": "ann@x.org", "secret": "{password}"}, "save": {"jwt": "$.data.jwt"}}
    for name in ("wares.login", "wares.renew"):
        (case,) = (case for case in found[name] if case["name"] == "signs in")
        assert {key: case[key] for key in signs_in} == signs_in
    renewed = [case["json"] for case in found["wares.renew"] if case["name"].startswith("what was answered")]
    assert renewed == [{"jwt": "{jwt}"}, {"jwt": "{jwt}"}]


def test_where_callers_have_sessions_cookies_and_csrf_tokens_are_wrong() -> None:
    session = {"path": "/accounts/login/", "outside": True, "token": "", "cookie": "sid", "csrf": "xsrf"}
    found = generated(sign_in=SignInSection(**session, csrf_header="X-XSRF", body={"email": "{user}"}))
    reads = {case["name"]: case["headers"] for case in found["wares.list"] if "Cookie" in case.get("headers", {})}
    assert reads == {
        "a cookie that is none": {"Cookie": "sid=x"},
        "two cookies": {"Cookie": "sid=x; sid=y"},
        "an empty cookie": {"Cookie": "sid="},
    }
    forged = [
        case for case in found["wares.create"] if case["name"].startswith(("without a CSRF", "from another site"))
    ]
    assert [(case["as"], case["headers"]) for case in forged] == [
        (["ann@x.org"], {"X-XSRF": ""}),
        (["ann@x.org"], {"Origin": "http://elsewhere.example"}),
    ]
    # The form is no endpoint of the API.
    assert not any(case["name"] == "signs in" for cases in found.values() for case in cases)
    assert not any("CSRF" in case["name"] for case in generated()["wares.create"])


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    first, again, other = (dict(files_of(world_made(seed=seed), routes())) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_the_files_are_read_as_one_scenario_without_what_only_reads(tmp_path: Path) -> None:
    count = folder_write(tmp_path / "cases", files_of(world_made(), routes()))
    folder = tmp_path / "cases"
    assert count == sum(len(cases) for cases in generated().values())
    (scenario,) = scenarios_from_files(folder, routes())
    asked = {step.case.route for step in scenario.steps}
    # What is written is read before it and after it, since a list may be kept in memory.
    read = {"wares.list", "wares.get"}
    assert asked - read == {"wares.create", "wares.update", "wares.delete", "wares.login", "wares.renew", ""}
    (chosen,) = scenarios_from_files(folder, routes(), chosen={"wares.delete"})
    assert {step.case.route for step in chosen.steps} == {"wares.delete", *read}
    listed = [(step.case.name, number) for number, step in enumerate(chosen.steps) if step.case.route == "wares.list"]
    assert [name for name, _ in listed] == ["read before the writes", "read after the writes"]
    assert (listed[0][1], listed[-1][1]) == (1, len(chosen.steps) - 1)
    assert {case.route for case in cases_from_files(folder, routes())} >= {"wares.list", "wares.get"}


def test_files_of_a_person_are_left_alone_and_own_ones_replaced(tmp_path: Path) -> None:
    (tmp_path / "0-old.toml").write_text("# Generated by strangler cases generate, seed 1: GET /old/\n")
    folder_write(tmp_path, files_of(world_made(), routes()))
    assert not (tmp_path / "0-old.toml").exists()
    (tmp_path / "mine.toml").write_text('[[case]]\nget = "/wares/"\n')
    with pytest.raises(UsageError, match="was not generated"):
        folder_write(tmp_path, [])
    assert (tmp_path / "mine.toml").exists()


def test_keys_that_a_path_cannot_hold_as_they_are_are_escaped() -> None:
    assert dict(odd_ids("Key 1/2"))["in other case"] == "kEY%201%2F2"
    assert dict(odd_ids("Key 1/2"))["part of an id"] == "Key%201%2F"
