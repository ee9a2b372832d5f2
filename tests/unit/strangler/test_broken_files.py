"""Whatever stands in a project file, a routes file or a contract, it is read, or refused in a sentence."""

import copy
import json
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomlkit
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from strangler.errors import UsageError
from strangler.project import project_parse
from tests.example import EXAMPLE, parse_routes

ROUTES = EXAMPLE.routes.read_text(encoding="utf-8")
PROJECT = EXAMPLE.file.read_text(encoding="utf-8")
CONTRACT = json.loads(EXAMPLE.contract.read_bytes())
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(["", "{", "{port}", "/", "//", "\x00", "\ud800", "é", "*", "a" * 300, "http://[", "1e9"])
    | st.text(max_size=10),
    lambda values: st.lists(values, max_size=2) | st.dictionaries(st.text(max_size=5), values, max_size=2),
    max_leaves=4,
)


def places(document: Any, *, begin: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each value in a document."""
    pairs = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in pairs:
        yield (*begin, key)
        yield from places(value, begin=(*begin, key))


def changed(document: Any, place: tuple[Any, ...], value: Any, how: str) -> Any:
    """The document with the value there replaced, its key renamed, or without it."""
    whole = copy.deepcopy(document)
    around = whole
    for key in place[:-1]:
        around = around[key]
    if how == "replace":
        around[place[-1]] = value
    else:
        taken = around.pop(place[-1])
        if how == "rename" and isinstance(around, dict):
            around[str(value)] = taken
    return whole


def changes(document: Any) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda place, value, how: changed(document, place, value, how),
        st.sampled_from(sorted(places(document), key=str)),
        VALUES,
        st.sampled_from(["replace", "rename", "leave out"]),
    )


def written(document: Any) -> str | None:
    """The document as TOML; None where TOML has no word for a value in it."""
    try:
        return tomlkit.dumps(document)
    except (ValueError, TypeError):
        return None


def require_sentence(error: UsageError) -> None:
    assert error.message
    assert "Traceback" not in str(error)


@given(document=changes(tomllib.loads(PROJECT)))
@settings(max_examples=60, deadline=None)
def test_a_project_file(document: Any) -> None:
    if (text := written(document)) is None:
        return
    try:
        project_parse(text, file=Path("/srv/shop/strangler.toml"))
    except UsageError as error:
        require_sentence(error)


@given(document=changes(tomllib.loads(ROUTES)))
@settings(max_examples=60, deadline=None)
def test_a_routes_file(document: Any) -> None:
    if (text := written(document)) is None:
        return
    try:
        parse_routes(text, source="routes.toml")
    except UsageError as error:
        require_sentence(error)


@given(text=st.text(alphabet="ab.=[]{}\"'\\\n#, 1\r\t\x00é", max_size=60))
@example(text="a = " + "[" * 5000)
@example(text="a = 1" + "0" * 5000)
@settings(deadline=None)
def test_any_text(text: str) -> None:
    for parse in (
        lambda: project_parse(text, file=Path("/srv/shop/strangler.toml")),
        lambda: parse_routes(text, source="routes.toml"),
    ):
        with suppress(UsageError):
            parse()


@given(content=changes(CONTRACT).map(lambda document: json.dumps(document).encode()) | st.binary(max_size=30))
@example(content=b"[" * 50_000)
@example(content=b'{"tables": 1' + b"0" * 5000 + b"}")
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_contract(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "contract.json"
    file.write_bytes(content)
    try:
        EXAMPLE.load_contract(file)
    except UsageError as error:
        require_sentence(error)
