"""`strangler check` against a real nginx before the real stacks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from strangler.rollout.check import Documents, check_all
from tests.example import PREFIXES
from tests.rollouts import Moves, moves
from tests.shared_stack import StackAddresses

DOCUMENTS = Documents(django="/api/schema/", fastapi="/api/v2/openapi.json", host="localhost", prefixes=PREFIXES)


@pytest.fixture(scope="module")
def running(stack: StackAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moves]:
    with moves(tmp_path_factory.mktemp("check"), stack.django_url, stack.fastapi_url) as made:
        yield made


@pytest.fixture(autouse=True)
def file_as_it_was(running: Moves) -> Iterator[None]:
    content = running.file.read_bytes()
    yield
    running.file.write_bytes(content)


def checked(running: Moves, documents: Documents = DOCUMENTS) -> list[tuple[str, str, str]]:
    return [(one.level, one.check, one.sentence) for one in check_all(running.rollout, documents)]


def test_the_deployed_routes_name_every_endpoint_and_each_is_answered(running: Moves) -> None:
    found = checked(running)
    assert [(level, check) for level, check, _ in found] == [
        ("ok", "file"),
        ("ok", "endpoints"),
        ("ok", "endpoints"),
        ("ok", "stacks"),
        ("ok", "running"),
        ("ok", "apply"),
    ]


def test_a_route_that_is_taken_out_of_the_file(running: Moves) -> None:
    text = running.file.read_text()
    start = text.index('[[route]]\nname = "feed.list"')
    running.file.write_text(text[:start] + text[text.index("[[route]]", start + 1) :])
    found = [(check, sentence) for level, check, sentence in checked(running) if level == "finding"]
    assert found[:2] == [
        (
            "endpoints",
            "django has GET /api/feed/, which no route names, so django answers: add a [[route]] at stage legacy.",
        ),
        (
            "endpoints",
            "fastapi has GET /api/v2/feed/, which no route names, so django answers: "
            "add a [[route]] at stage parallel.",
        ),
    ]
    assert [check for check, _ in found[2:]] == ["apply"]


def test_a_route_that_no_stack_answers(running: Moves) -> None:
    text = running.file.read_text()
    line = text.count("\n") + 1
    running.file.write_text(
        text + '[[route]]\nname = "carts.list"\nmethods = ["GET"]\npath = "/carts/"\nstage = "migrated"\n'
    )
    assert (
        "finding",
        "stacks",
        f"{running.file}, line {line}: carts.list is sent to fastapi (stage migrated), "
        "which has no GET /api/v2/carts/: implement it there, or move the route back to legacy.",
    ) in checked(running)


def test_a_document_at_another_address(running: Moves, stack: StackAddresses) -> None:
    elsewhere = Documents(
        django=f"{stack.django_url}/api/schema/", fastapi="/api/v2/nothing", host="localhost", prefixes=PREFIXES
    )
    unknown = [sentence for level, _, sentence in checked(running, elsewhere) if level == "unknown"]
    assert unknown == [
        f"the endpoints of fastapi: {running.nginx.url}/api/v2/nothing answers 404: "
        "check the stack with strangler status, or pass the address of its OpenAPI document."
    ]
    no_host = Documents(django=DOCUMENTS.django, fastapi=DOCUMENTS.fastapi, host="nobody.example", prefixes=PREFIXES)
    assert any("/api/schema/ answers 400" in sentence for level, _, sentence in checked(running, no_host))


def test_a_stack_that_is_down(tmp_path: Path) -> None:
    with moves(tmp_path) as made:
        assert [(level, check) for level, check, _ in checked(made)] == [
            ("ok", "file"),
            ("unknown", "endpoints"),
            ("unknown", "endpoints"),
            ("ok", "running"),
            ("ok", "apply"),
        ]
        made.nginx.stop()
        found = checked(made)
    assert [(level, check) for level, check, _ in found] == [
        ("ok", "file"),
        ("unknown", "endpoints"),
        ("unknown", "endpoints"),
        ("unknown", "running"),
        ("ok", "apply"),
    ]
    assert found[3][2] == f"no gateway answers at {made.nginx.url}: start it."
