"""The tree of patterns finds what trying each pattern in turn would find."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.gateway.locations import Location, locations_of
from strangler.gateway.patterns import Branch, branches_of
from strangler.routes.route import Route, Stage
from strangler.routes.table import RouteTable

SEGMENTS = ("{id}", "a", "b", "ab", "a.b", "a-b", "A~")
PATHS = st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=4).map(lambda parts: f"/{'/'.join(parts)}/")


def make_locations(paths: Sequence[str]) -> tuple[Location, ...]:
    routes = (
        Route(name=f"a.r{number}", methods=("GET",), path=path, stage=Stage.LEGACY) for number, path in enumerate(paths)
    )
    return tuple(location for location in locations_of(RouteTable(routes=tuple(routes))) if location.pattern)


def found(nodes: Sequence[Branch | Location], path: str) -> tuple[str | None, int]:
    """The path of the location that nginx chooses, and how many expressions it tries on the way."""
    tried = 0
    for node in nodes:
        tried += 1
        if re.fullmatch(str(node.pattern), path):
            if isinstance(node, Location):
                return node.path, tried
            below, more = found(node.children, path)
            # nginx looks no further once a branch has matched.
            assert below is not None
            return below, tried + more
    return None, tried


@given(paths=st.lists(PATHS, min_size=1, max_size=60, unique=True), asked=PATHS, slash=st.booleans())
def test_the_first_that_matches_is_found_whatever_stands_beside_it(paths: list[str], asked: str, slash: bool) -> None:
    locations = make_locations(paths)
    path = asked.replace("{id}", "77") if slash else asked.replace("{id}", "77").rstrip("/")
    first = next((each.path for each in locations if re.fullmatch(str(each.pattern), path)), None)
    assert found(branches_of(locations), path)[0] == first


def test_a_few_patterns_stay_as_they_are() -> None:
    locations = make_locations([f"/{{id}}/a{number}/" for number in range(5)])
    assert branches_of(locations) == locations


def test_a_thousand_patterns_are_a_few_to_try() -> None:
    locations = make_locations([f"/{{id}}/collection-{number}/" for number in range(1000)])
    tree = branches_of(locations)
    tried = [found(tree, f"/7/collection-{number}")[1] for number in range(1000)]
    assert max(tried) < 30


@pytest.mark.parametrize("length", [10, 190])
def test_no_pattern_is_longer_than_nginx_takes(length: int) -> None:
    tree = list(branches_of(make_locations([f"/{{id}}/{number:0>{length}}/" for number in range(300)])))
    while tree:
        node = tree.pop()
        assert len(f"^/api/v2{node.pattern}$") < 4096
        tree += node.children if isinstance(node, Branch) else ()


def test_what_patterns_have_in_common_stands_once() -> None:
    paths = ["/o/{id}/a/", "/o/{id}/a/{id}/", "/o/{id}/b.c/", "/o/{id}/", "/o/{id}/a/{id}/d/", "/o/{id}/e/"]
    (branch, rest) = branches_of(make_locations(paths))
    assert branch.pattern == r"/o/[^/.]+(?:/a(?:/[^/.]+(?:/d)?)?|/b\.c)?/?"
    assert isinstance(branch, Branch)
    assert [child.pattern for child in branch.children if isinstance(child, Location)] == [
        location.pattern for location in make_locations(paths)[:5]
    ]
    assert isinstance(rest, Branch)
