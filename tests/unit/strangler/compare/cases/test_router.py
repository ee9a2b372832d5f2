"""A request belongs to the route that nginx would find."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.compare.cases.router import Router, is_rewritten
from tests.example import ROOT, load_routes, parse_routes

TABLE = load_routes(ROOT / "nginx" / "routes.toml")
ROUTER = Router(TABLE)


@pytest.mark.parametrize(
    ("method", "target", "name"),
    [
        ("GET", "/posts/", "posts.list"),
        ("HEAD", "/posts/", "posts.list"),
        ("GET", "/posts", "posts.list"),
        ("POST", "/posts/?a=/users/", "posts.create"),
        ("GET", "/posts/recent/", "posts.recent"),
        ("GET", "/posts/7/", "posts.retrieve"),
        ("GET", "/posts/7", "posts.retrieve"),
        ("PUT", "/posts/x%20y/", "posts.update"),
        ("PATCH", "/posts/%D9%A1/", "posts.update"),
        ("POST", "/posts/7/publish/", "posts.publish"),
        ("DELETE", "/users/me/", ""),
        ("GET", "/users/me/posts/", "users.posts"),
        ("PATCH", "/users/me/", "users.me_update"),
        ("OPTIONS", "/posts/", ""),
        ("get", "/posts/", ""),
        ("GET", "/posts/1.2/", ""),
        ("GET", "/posts//", ""),
        ("GET", "/posts/1%2F/", ""),
        ("GET", "/posts/recent%2F", ""),
        ("GET", "/posts/%72ecent/", "posts.recent"),
        ("GET", "/posts/../tags/", ""),
        ("GET", "/posts/7/more/", ""),
        ("GET", "/postsx/", ""),
        ("GET", "/", ""),
        ("GET", "", ""),
    ],
)
def test_the_route_of_a_request(method: str, target: str, name: str) -> None:
    assert ROUTER.name_of(method, target) == name


def test_of_two_patterns_the_one_with_the_longer_beginning_is_found() -> None:
    text = "".join(
        f'[[route]]\nname = "a.{name}"\nmethods = ["GET"]\npath = "{path}"\nstage = "parallel"\n'
        for name, path in (("short", "/a/{x}/{y}/"), ("long", "/a/b/{y}/"))
    )
    router = Router(parse_routes(text, source="routes.toml"))
    assert router.name_of("GET", "/a/b/7/") == "a.long"
    assert router.name_of("GET", "/a/c/7/") == "a.short"


@pytest.mark.parametrize("target", ["/health/", "/health", "/schema/?format=json", "/openapi.json", "/docs"])
def test_what_one_stack_alone_answers(target: str) -> None:
    assert ROUTER.is_fixed(target)


@pytest.mark.parametrize("target", ["/posts/", "/docsx", "/openapi.json/", "/nope/", "/admin/"])
def test_what_both_stacks_may_be_asked(target: str) -> None:
    assert not ROUTER.is_fixed(target)


@pytest.mark.parametrize("target", ["//posts/", "/a/./b", "/a/../b", "/a%2fb", "/a%2e/", "/a\\b", "/a%5Cb"])
def test_nginx_reads_some_paths_as_others(target: str) -> None:
    assert is_rewritten(target)
    assert not is_rewritten(f"/posts/?next={target}")


@given(st.sampled_from(TABLE.routes), st.from_regex(r"[A-Za-z0-9_~-]{1,12}", fullmatch=True), st.booleans())
def test_every_route_is_found_by_its_own_path(route: object, segment: str, slash: bool) -> None:
    assert route in TABLE.routes
    for each in TABLE.routes:
        path = re.sub(r"\{[a-z_]+\}", segment, each.path)
        found = ROUTER.route_of(each.methods[0], path if slash else path[:-1])
        # A segment may spell another path, such as `recent`.
        assert found == each or (found and found.path == path)
