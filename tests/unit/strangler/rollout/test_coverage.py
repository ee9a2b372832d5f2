"""The routes file against the endpoints of an API that has nothing to do with the blog."""

import pytest

from strangler.rollout.coverage import uncovered, unimplemented
from strangler.rollout.endpoints import ApiEndpoint
from strangler.routes.route import Stack
from strangler.routes.table import RouteTable
from tests.example import parse_routes

FIXED = """
[[fixed]]
name = "shop.admin"
path = "/api/admin/"
stack = "django"

[[fixed]]
name = "shop.schema"
path = "/api/schema"
stack = "django"
"""


def shop(stage: str = "parallel", more: str = "", methods: str = '["GET"]') -> RouteTable:
    text = f'[[route]]\nname = "carts.items"\nmethods = {methods}\npath = "/carts/{{id}}/items/"\nstage = "{stage}"\n'
    return parse_routes(text + more + FIXED, source="routes.toml")


def endpoints(*texts: str) -> list[ApiEndpoint]:
    return [ApiEndpoint(path=path, method=method) for method, path in (text.split() for text in texts)]


V1 = endpoints("GET /api/carts/{cart_pk}/items/")
V2 = endpoints("GET /api/v2/carts/{cart_id}/items")


def reported(found: object) -> list[tuple[str, str]]:
    return [(finding.level, finding.sentence) for finding in found]  # type: ignore[attr-defined]


def unnamed(stack: Stack, *texts: str) -> list[tuple[str, str]]:
    return reported(uncovered(shop(), endpoints(*texts), stack))


def sent(
    table: RouteTable, django: list[ApiEndpoint] | None, fastapi: list[ApiEndpoint] | None
) -> list[tuple[str, str]]:
    has = {Stack.DJANGO: django, Stack.FASTAPI: fastapi}
    known = {stack: found for stack, found in has.items() if found is not None}
    return reported(unimplemented(table, known, source="routes.toml"))


def test_a_whole_file_covers_all() -> None:
    assert reported(uncovered(shop(), V1, Stack.DJANGO)) == []
    assert reported(uncovered(shop(), V2, Stack.FASTAPI)) == []
    assert sent(shop(), V1, V2) == []


def test_an_endpoint_that_no_route_names() -> None:
    assert unnamed(Stack.DJANGO, "POST /api/carts/{id}/items/", "GET /api/carts/") == [
        (
            "finding",
            "django has GET /api/carts/, which no route names, so django answers: add a [[route]] at stage legacy.",
        ),
        (
            "finding",
            "django has POST /api/carts/{id}/items/, which no route names, so django answers: "
            "add a [[route]] at stage legacy.",
        ),
    ]
    assert unnamed(Stack.FASTAPI, "GET /api/v2/carts/") == [
        (
            "finding",
            "fastapi has GET /api/v2/carts/, which no route names, so django answers: "
            "add a [[route]] at stage parallel.",
        )
    ]


def test_a_path_of_its_own_is_not_covered_by_a_variable() -> None:
    assert len(unnamed(Stack.DJANGO, "GET /api/carts/mine/items/")) == 1


def test_fixed_paths_are_covered() -> None:
    assert unnamed(Stack.DJANGO, "GET /api/admin/x/", "POST /api/admin", "GET /api/schema") == []
    assert len(unnamed(Stack.DJANGO, "GET /api/schema/")) == 1


def test_a_fixed_path_of_the_other_stack() -> None:
    table = parse_routes(
        '[[route]]\nname = "a.b"\nmethods = ["GET"]\npath = "/a/"\nstage = "legacy"\n'
        '[[fixed]]\nname = "x.docs"\npath = "/api/v2/docs"\nstack = "django"\n',
        source="routes.toml",
    )
    assert reported(uncovered(table, endpoints("GET /api/v2/docs"), Stack.FASTAPI)) == [
        ("finding", "fastapi has GET /api/v2/docs, but x.docs gives that path to django: correct its stack.")
    ]


def test_what_cannot_be_a_route_is_a_note() -> None:
    assert unnamed(Stack.DJANGO, "GET /api/carts{format}") == [
        (
            "note",
            "GET /api/carts{format} of django can't be a route, so django answers that path: "
            "write whole segments as {id}.",
        )
    ]


def test_what_is_not_below_the_prefix_is_one_note() -> None:
    assert unnamed(Stack.DJANGO, "GET /login/", "POST /login/", "GET /api/v2/x/", "GET /x/", "GET /y/") == [
        (
            "note",
            "django: not below /api, and so left with django: GET /api/v2/x/, GET /login/, POST /login/ and 2 more.",
        )
    ]
    assert unnamed(Stack.FASTAPI, "GET /metrics") == [
        ("note", "fastapi: not below /api/v2, and so out of the gateway's reach: GET /metrics.")
    ]


@pytest.mark.parametrize(
    ("stage", "needed"),
    [
        ("legacy", ["django"]),
        ("parallel", ["django", "fastapi"]),
        ("canary", ["django", "fastapi"]),
        ("migrated", ["fastapi"]),
        ("retired", ["fastapi"]),
    ],
)
def test_a_route_needs_the_stacks_that_it_is_sent_to(stage: str, needed: list[str]) -> None:
    table = shop(stage, "percent = 5\n" if stage == "canary" else "")
    sentences = [sentence for level, sentence in sent(table, [], []) if level == "finding"]
    assert [stack for stack in Stack if any(f"sent to {stack} (stage {stage})" in text for text in sentences)] == needed
    assert sent(table, V1 if "django" in needed else [], V2 if "fastapi" in needed else []) == []


def test_the_sentence_names_the_line_and_the_mend() -> None:
    assert sent(shop("migrated", methods='["GET", "POST"]'), V1, V2) == [
        (
            "finding",
            "routes.toml, line 1: carts.items is sent to fastapi (stage migrated), which has no "
            "POST /api/v2/carts/{id}/items/: implement it there, or move the route back to legacy.",
        )
    ]


def test_an_addition_of_v2_is_a_note_in_parallel() -> None:
    assert sent(shop(), [], V2) == [
        (
            "note",
            "routes.toml, line 1: carts.items is an addition of v2, django has no GET /api/carts/{id}/items/: "
            "write v2_only = true, so that no command moves it.",
        )
    ]
    assert sent(shop("parallel", "v2_only = true\n"), [], V2) == []
    ((level, sentence),) = sent(shop("parallel", "v2_only = true\n"), V1, V2)
    assert (level, sentence.endswith("is v2_only, and django has it: remove v2_only, so that it can move.")) == (
        "finding",
        True,
    )
    assert [level for level, _ in sent(shop("canary", "percent = 5\n"), [], V2)] == ["finding"]


@pytest.mark.parametrize("more", ["fallback = true\n", "shadow = 5\n"])
def test_fallback_and_shadow_need_django(more: str) -> None:
    [(level, sentence)] = sent(shop("parallel", more), [], V2)
    assert level == "finding"
    assert sentence.endswith("make its stage parallel, without shadow and fallback.")
    assert sent(shop("parallel", more), V1, V2) == []


def test_a_fallback_needs_django_when_nothing_else_does() -> None:
    [(level, sentence)] = sent(shop("migrated", "fallback = true\n"), [], V2)
    assert (level, "sent to django (fallback)" in sentence) == ("finding", True)


def test_a_shadow_needs_fastapi_too() -> None:
    [(level, sentence)] = sent(shop("legacy", "shadow = 5\n"), V1, [])
    assert level == "finding"
    assert sentence == (
        "routes.toml, line 1: carts.items is sent to fastapi (shadow 5%), which has no "
        "GET /api/v2/carts/{id}/items/: implement it there, or remove shadow."
    )


def test_a_stack_that_could_not_be_asked_is_left_out() -> None:
    assert sent(shop("canary", "percent = 5\n"), V1, None) == []
    assert len(sent(shop("canary", "percent = 5\n"), [], None)) == 1
