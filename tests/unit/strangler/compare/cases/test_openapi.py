"""Cases from an OpenAPI document: the same seed makes the same ones, and most ask for what exists."""

import builtins
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import hypothesis.core
import hypothesis.internal.conjecture.engine
import hypothesis.internal.entropy
import hypothesis.strategies._internal.collections
import hypothesis.strategies._internal.core
import pytest

from strangler.compare.case import Case
from strangler.compare.cases import openapi
from strangler.compare.cases.openapi import Generation, cases_from_openapi
from strangler.compare.cases.openapi_document import ids_in, lists_of, with_known_ids
from strangler.errors import UsageError
from tests.example import ROOT, load_routes

TABLE = load_routes(ROOT / "nginx" / "routes.toml")
INTEGER = {"type": "integer", "minimum": 1}
OK: dict[str, Any] = {"responses": {"200": {"description": "OK"}}}


def parameter(name: str, where: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": schema}


def body(*media_types: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["username", "password"],
        "properties": {"username": {"type": "string"}, "password": {"type": "string", "minLength": 8}},
    }
    return {"requestBody": {"required": True, "content": {each: {"schema": schema} for each in media_types}}}


PAGE = {"parameters": [parameter("page", "query", INTEGER), parameter("cursor", "query", {"type": "string"})]}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Blog", "version": "1"},
    "paths": {
        "/api/posts/": {"get": OK | PAGE},
        "/api/posts/{id}/": {"get": OK | {"parameters": [parameter("id", "path", INTEGER)]}},
        "/api/users/": {"post": OK | body("application/json", "multipart/form-data")},
        "/api/feed/highlights/": {"get": OK},
    },
    "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    "security": [{"token": []}],
}


@pytest.fixture(autouse=True)
def own_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    """What schemathesis changes in Hypothesis is as it was for the tests that come after."""
    collections, core = hypothesis.strategies._internal.collections, hypothesis.strategies._internal.core
    for module, name in (
        (hypothesis.core, "RepresentationPrinter"),
        (hypothesis.core, "BUFFER_SIZE"),
        (hypothesis.internal.conjecture.engine, "BUFFER_SIZE"),
        (hypothesis.internal.entropy, "register_random"),
        (collections, "BUFFER_SIZE"),
        (core, "is_first_param_referenced_in_function"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name, None), raising=False)


def read(
    document: Any = DOCUMENT, *, prefix: str = "/api", per_operation: int = 6, **more: Any
) -> tuple[list[Case], Counter[str]]:
    skipped: Counter[str] = Counter()
    making = Generation(prefix=prefix, per_operation=per_operation, **more)
    return list(cases_from_openapi(document, TABLE, making, skipped=skipped)), skipped


@pytest.mark.long
def test_each_safe_operation_is_asked_and_none_twice() -> None:
    cases, skipped = read()
    assert {(case.method, case.route) for case in cases} == {
        ("GET", "posts.list"),
        ("GET", "posts.retrieve"),
        ("GET", "feed.highlights"),
    }
    assert len({(case.target, case.headers) for case in cases}) == len(cases)
    assert skipped[openapi.UNSAFE] == 1
    assert all(0 < count <= 6 for count in Counter(case.route for case in cases).values())
    assert all(case.target.startswith("/") and not case.target.startswith("/api") for case in cases)
    assert {case.source for case in cases if case.route == "posts.list"} == {"OpenAPI, GET /posts/"}


@pytest.mark.long
def test_half_of_the_requests_do_not_fit_the_document() -> None:
    cases, _ = read(per_operation=20)
    pages = [case.target.partition("page=")[2].partition("&")[0] for case in cases if "page=" in case.target]
    assert any(page.isdigit() for page in pages)
    assert any(not page.isdigit() for page in pages)


@pytest.mark.long
def test_nobody_is_signed_in_by_what_is_made() -> None:
    cases, _ = read(per_operation=20, writes=True)
    names = {name.lower() for case in cases for name, _ in case.headers}
    assert not names & {"authorization", "cookie", "user-agent", "x-schemathesis-testcaseid", "content-length"}


@pytest.mark.long
def test_the_callers_take_turns() -> None:
    cases, _ = read(callers=("alice", ""))
    assert [case.caller for case in cases if case.route == "posts.list"][:4] == ["alice", "", "alice", ""]


def test_writes_are_made_where_they_are_wanted_and_their_passwords_are_secrets() -> None:
    cases, skipped = read(writes=True, per_operation=12)
    writes = [case for case in cases if case.route == "users.create"]
    assert {dict(case.headers).get("Content-Type", "").partition(";")[0] for case in writes} >= {
        "application/json",
        "multipart/form-data",
    }
    assert any(case.secrets for case in writes)
    assert openapi.UNSAFE not in skipped


def test_parameters_of_one_side_alone_are_left_out() -> None:
    assert any("cursor=" in case.target for case in read(per_operation=20)[0])
    assert not any("cursor=" in case.target for case in read(per_operation=20, without=("cursor",))[0])


def test_most_paths_have_an_id_that_exists() -> None:
    cases, _ = read(per_operation=40, known={"/posts/": ["700001", "700002"]})
    targets = [case.target for case in cases if case.route == "posts.retrieve"]
    assert {"/posts/700001/", "/posts/700002/"} <= {target.partition("?")[0] for target in targets}
    assert any("70000" not in target for target in targets)


_SCRIPT = """
import sys
sys.path[:0] = sys.argv[2:]
if sys.argv[2:]:
    import more
from tests.unit.strangler.compare.cases.test_openapi import read
for case in read(seed=int(sys.argv[1]), writes=True, known={"/posts/": ["1", "2"]})[0]:
    print((case.method, case.target, case.headers, case.body, case.caller))
"""


def _made_elsewhere(seed: int, *, hash_seed: int, source: Sequence[str] = ()) -> str:
    """What another process makes: nothing of this one's chance is in it."""
    environment = os.environ | {"PYTHONHASHSEED": str(hash_seed)}
    command = [sys.executable, "-c", _SCRIPT, str(seed), *source]
    run = subprocess.run(  # noqa: S603 - this Python
        command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment
    )
    return run.stdout


@pytest.mark.long
def test_the_same_seed_makes_the_same_cases_in_any_process() -> None:
    first = _made_elsewhere(7, hash_seed=1)
    assert "multipart/form-data" in first
    assert first == _made_elsewhere(7, hash_seed=2)
    assert first != _made_elsewhere(8, hash_seed=1)


@pytest.mark.long
def test_what_stands_in_the_program_is_in_no_case(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hypothesis would take texts from the source, but not from a folder that is called after a test."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "more.py").write_text("".join(f'A{number} = "from the source {number}"\n' for number in range(50)))
    made = _made_elsewhere(7, hash_seed=1, source=[str(folder)])
    assert made == _made_elsewhere(7, hash_seed=1)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/api/health/", openapi.FIXED),
        ("/api/events/", openapi.STREAMING),
        ("/other/", openapi.ELSEWHERE),
    ],
)
def test_an_operation_that_is_not_asked_is_counted_by_its_reason(path: str, reason: str) -> None:
    cases, skipped = read(DOCUMENT | {"paths": {path: {"get": OK}, "/api/tags/": {"get": OK}}})
    assert {case.route for case in cases} == {"tags.list"}
    assert skipped == {reason: 1}


def test_an_operation_that_can_not_be_read_leaves_the_others() -> None:
    broken = {"get": OK | {"parameters": [{"$ref": "#/components/parameters/nowhere"}]}}
    cases, skipped = read(DOCUMENT | {"paths": {"/api/posts/": broken, "/api/tags/": {"get": OK}}})
    assert {case.route for case in cases} == {"tags.list"}
    assert skipped == {openapi.UNREADABLE: 1}


def test_a_request_that_another_route_would_answer_is_none() -> None:
    text = parameter("id", "path", {"type": "string", "enum": ["recent", "1.5", "7"]})
    cases, skipped = read(DOCUMENT | {"paths": {"/api/posts/{id}/": {"get": OK | {"parameters": [text]}}}})
    assert {case.route for case in cases} == {"posts.retrieve"}
    assert skipped[openapi.OFF_ROUTE] >= 1


@pytest.mark.parametrize("document", [{}, {"openapi": "9.0.0", "paths": {}}, {"openapi": 3}, {"openapi": "3.1.0"}])
def test_a_document_that_is_none_is_one_sentence(document: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        read(document)
    assert str(caught.value).startswith("the OpenAPI document can't be understood (")
    assert str(caught.value).endswith("): fix it, or use the other side's.")
    assert "\n" not in str(caught.value)


def test_without_schemathesis_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    known = builtins.__import__

    def missing(name: str, *more: Any, **options: Any) -> Any:
        if name == "schemathesis":
            raise ModuleNotFoundError(name=name)
        return known(name, *more, **options)

    monkeypatch.delitem(sys.modules, "strangler.compare.cases.generator", raising=False)
    monkeypatch.delattr("strangler.compare.cases.generator", raising=False)
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(UsageError, match=r"^cases from an OpenAPI document need schemathesis, which isn't installed: "):
        read()


def test_the_lists_that_know_ids() -> None:
    paths = {"/api/posts/": {"get": {}}, "/api/posts/{id}/": {}, "/api/tags/": {"post": {}}, "/api/tags/{id}/": {}}
    assert lists_of({"paths": paths}, prefix="/api") == ("/posts/",)
    assert lists_of({"paths": []}, prefix="/api") == lists_of(None, prefix="/api") == ()


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ('{"count":2,"results":[{"id":7},{"id":"a b"},{"id":7},{"name":"x"},5]}', ("7", "a b")),
        ('[{"id":12345678901234567890}]', ("12345678901234567890",)),
        ('{"items":[{"id":1}]}', ("1",)),
        ('{"results":5}', ()),
        ("{bad", ()),
        ("null", ()),
    ],
)
def test_ids_in_an_answer(text: str, ids: tuple[str, ...]) -> None:
    assert ids_in(text) == ids


def test_only_the_variable_behind_its_list_gets_an_id() -> None:
    known = {"/posts/": ["9"]}
    random = Random(1)  # noqa: S311 - repeatable on purpose
    for _ in range(20):
        values = with_known_ids("/users/{id}/posts/{post}/", {"id": 1, "post": 2}, known, random)
        assert values == {"id": 1, "post": 2}
    found = [with_known_ids("/posts/{id}/publish/", {"id": 1}, known, random)["id"] for _ in range(100)]
    assert 60 <= found.count("9") <= 90
