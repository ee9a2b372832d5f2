"""The maps find what trying each path in turn would find."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.errors import UsageError
from strangler.gateway.paths import PathShape, shapes_of, static_paths
from strangler.routes.route import Route, Stage
from strangler.routes.table import RouteTable
from tests.example import PREFIXES

SEGMENTS = ("{id}", "a", "b", "ab", "a.b", "a-b", "A~", "bC")
PATHS = st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=4).map(lambda parts: f"/{'/'.join(parts)}/")
ASKED = st.tuples(
    PATHS, st.sampled_from(("77", "A", "é\n")), st.booleans(), st.sampled_from((str, str.upper, str.lower))
)


def make_table(paths: Sequence[str]) -> RouteTable:
    routes = (
        Route(name=f"a.r{number}", methods=("GET",), path=path, stage=Stage.LEGACY) for number, path in enumerate(paths)
    )
    return RouteTable(prefixes=PREFIXES, routes=tuple(routes))


def in_python(pattern: str) -> str:
    """The same expression in Python's words."""
    pattern = re.sub(r"\\k<(\w+)>", r"(?P=\1)", pattern)
    return pattern.replace("(?<", "(?P<").replace(r"\z", r"\Z")


def looked_up(entries: dict[str, str], key: str) -> str:
    """What nginx's map finds, which knows no case."""
    return {each.lower(): path for each, path in entries.items()}.get(key.lower(), "")


def found_in(shape: PathShape, asked: str) -> str:
    """The shape's path for a request's path."""
    parts = re.match(in_python(shape.pattern), asked)
    if parts is None:
        return ""
    key = re.sub(r"\$(part_\d+)", lambda part: parts[part[1]], shape.key)
    path = looked_up(shape.paths, key)
    if not shape.capitals:
        return path
    same = re.match(in_python(shape.exact), f"{path} {asked}")
    return same["same_path"] if same else ""


def found(table: RouteTable, below: str) -> str:
    """The path that nginx takes a request for."""
    static = "" if re.search("[A-Z]", below) else looked_up(dict(static_paths(table)), below)
    results = (found_in(shape, f"/api/v2{below}") for shape in shapes_of(table))
    return static or next(filter(None, results), "")


def first_like(table: RouteTable, below: str) -> str:
    """What trying each path in turn finds: those without a `{name}`, then those with the longest fixed beginning."""
    plain = [each.path for each in table.resources if not each.pattern and below in (each.path, each.path[:-1])]
    patterned = sorted((each for each in table.resources if each.pattern), key=lambda each: -len(each.static_prefix))
    return next(iter([*plain, *(each.path for each in patterned if re.fullmatch(str(each.pattern), below))]), "")


@given(paths=st.lists(PATHS, min_size=1, max_size=60, unique_by=str.lower), asked=ASKED)
def test_the_first_that_matches_is_found_whatever_stands_beside_it(
    paths: list[str], asked: tuple[str, str, bool, type[str]]
) -> None:
    path, value, slash, case = asked
    below = case(path).replace("{id}", value).replace("{ID}", value)
    table = make_table(paths)
    below = below if slash else below.removesuffix("/")
    assert found(table, below) == first_like(table, below)


def test_a_thousand_paths_are_a_few_expressions_to_try() -> None:
    kinds = ("", "{id}/", "{id}/items/", "{id}/items/{part}/")
    shapes = shapes_of(make_table([f"/collection-{number}/{kind}" for number in range(250) for kind in kinds]))
    assert [shape.mask for shape in shapes] == [(1,), (1, 3)]
    assert [shape.capitals for shape in shapes] == [False, False]


def test_the_routes_file_decides_between_paths_that_a_request_fits_alike() -> None:
    for paths in (["/a/{id}/{part}/", "/a/{id}/b/"], ["/a/{id}/b/", "/a/{id}/{part}/"]):
        table = make_table([*paths, "/c/{id}/d/"])
        assert found(table, "/a/7/b") == paths[0]
        assert found(table, "/c/7/d") == "/c/{id}/d/"


@pytest.mark.parametrize("below", ["/a.json", "/a/7.json", "/a.json/", "/a/7.json/", "/a/b.json"])
def test_a_format_suffix_is_no_part_of_a_path(below: str) -> None:
    """Such paths are Django's at every stage (`format_suffix_patterns`)."""
    table = make_table(["/a/", "/a/{id}/", "/a/b/"])
    assert found(table, below) == ""
    assert found(table, below.replace(".json", "")) != ""


def test_a_shape_reads_as_its_paths_do() -> None:
    (shape,) = shapes_of(make_table(["/a/{id}/", "/a/{id}/b/", "/c/{key}/b/"]))
    assert shape.paths == {"/a/{}/": "/a/{id}/", "/a/{}/b/": "/a/{id}/b/", "/c/{}/b/": "/c/{key}/b/"}
    assert shape.key == "$part_0/{}$part_1/"


def test_more_shapes_than_nginx_can_try_are_refused() -> None:
    paths = [
        "/" + "".join("{id}/" if number >> bit & 1 else f"s{number}/" for bit in range(7)) for number in range(1, 92)
    ]
    with pytest.raises(UsageError, match="91 expressions"):
        shapes_of(make_table(paths))
    assert len(shapes_of(make_table(paths[1:]))) == 90
