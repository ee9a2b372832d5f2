"""Real nginx finds the path that a request means, as the tool's own router does."""

import httpx
import pytest

from strangler.compare.cases.router import Router
from strangler.routes.route import Api, Fixed, Route, Stack, Stage
from strangler.routes.table import RouteTable
from tests.example import PREFIXES
from tests.gateways import Gateway, gateway

PATHS = (
    *("/posts/", "/posts/recent/", "/posts/{id}/", "/posts/{id}/publish/", "/posts/recent/{tag}/"),
    *("/orders/{id}/lines/{line}/", "/orders/{id}/{part}/", "/orders/{id}/lines/", "/orders/{id}/lines/{line}/notes/"),
    *(
        "/{tenant}/settings/",
        "/{tenant}/posts/",
        "/userProfiles/",
        "/userProfiles/{id}/",
        "/userProfiles/{id}/avatarURL/",
    ),
    *("/docs/v1.0/{page}/", "/docs/index/"),
)
ASKED = (
    *("/posts/", "/posts", "/POSTS/", "/Posts", "/posts/7/", "/posts/7", "/POSTS/7/", "/posts/A-b/", "/posts/7.5/"),
    *("/posts/recent", "/posts/RECENT/", "/posts/recent/x/", "/posts/7/publish", "/posts/7/Publish/", "/posts/7/8/"),
    *("/orders/7/lines", "/orders/7/LINES/", "/orders/7/lines/8/", "/orders/7/lines/8/notes", "/orders/7/lines/8/9/"),
    *("/acme/settings/", "/ACME/settings", "/acme/Settings/", "/acme/posts/", "/v2/posts/", "/v2x/settings/"),
    *("/userProfiles/", "/userprofiles/", "/USERPROFILES", "/userProfiles/7", "/userprofiles/7/", "/userProfiles/Abc/"),
    *("/userProfiles/7/avatarURL/", "/userProfiles/7/avatarUrl/", "/docs/v1.0/a/", "/docs/V1.0/a/", "/docs/v1x0/a/"),
    *("/docs/index", "/docs/Index/", "/posts/7/publish%0A", "/posts%20/", "/posts/%20/", "/posts/%C3%89/", "/nowhere/"),
)


def make_table(*paths: str, fixed: tuple[Fixed, ...] = (), **fields: bool) -> RouteTable:
    routes = tuple(
        Route(name=f"a.r{number}", methods=("GET",), path=path, stage=Stage.PARALLEL, **fields)
        for number, path in enumerate(paths)
    )
    return RouteTable(prefixes=PREFIXES, routes=routes, fixed=fixed)


def taken_for(made: Gateway, path: str) -> str:
    """The route in an answer of a gateway whose stacks are down."""
    return httpx.get(made.url + path).headers["X-Route"]


@pytest.mark.long
@pytest.mark.parametrize("paths", [PATHS, PATHS[::-1]])
def test_nginx_takes_every_path_for_the_route_that_the_tool_does(paths: tuple[str, ...]) -> None:
    table = make_table(*paths)
    router = Router(table)
    with gateway(table, django="http://127.0.0.1:2", fastapi="http://127.0.0.1:3") as made:
        for api in Api:
            # What stands below /api/v2 is v2's.
            asked = [path for path in ASKED if api is Api.V2 or not path.startswith("/v2/")]
            found = {path: taken_for(made, PREFIXES.of(api) + path) for path in asked}
            assert found == {path: router.name_of("GET", path) or "-" for path in asked}


def test_the_root_has_a_route_with_and_without_its_slash() -> None:
    with gateway(make_table("/", "/{id}/"), django="http://127.0.0.1:2", fastapi="http://127.0.0.1:3") as made:
        for path in ("/api", "/api/", "/api/v2", "/api/v2/"):
            assert taken_for(made, path) == "a.r0"
        for path in ("/api/7", "/api/v2/7/"):
            assert taken_for(made, path) == "a.r1"


def test_the_longest_beginning_decides_between_routes_and_fixed_folders() -> None:
    fixed = tuple(
        Fixed(name=f"a.{name}", path=path, stack=Stack.DJANGO)
        for name, path in (("docs", "/api/docs/"), ("deep", "/api/posts/deep/"), ("file", "/api/posts/file"))
    )
    expected = {
        "/api/docs": "a.docs",
        "/api/docs/x/": "a.docs",
        "/api/docs/own": "a.r0",
        "/api/docs/below/7/": "a.r1",
        "/api/docs/below": "-",
        "/api/posts/deep/7": "a.deep",
        "/api/posts/deep": "a.deep",
        "/api/posts/file": "a.file",
        "/api/posts/7": "a.r2",
        "/api/v2/docs/x/": "-",
    }
    table = make_table("/docs/own/", "/docs/below/{id}/", "/posts/{id}/", fixed=fixed)
    with gateway(table, django="http://127.0.0.1:2", fastapi="http://127.0.0.1:3") as made:
        found = {path: taken_for(made, path) for path in expected}
    assert found == expected


def test_all_routes_below_a_folder_that_is_all_of_v1() -> None:
    table = make_table("/posts/", "/posts/{id}/", fixed=(Fixed(name="a.all", path="/api/", stack=Stack.DJANGO),))
    with gateway(table, django="http://127.0.0.1:2", fastapi="http://127.0.0.1:3") as made:
        asked = ("/api/posts", "/api/posts/7", "/api/x/", "/api", "/api/v2/posts/", "/api/v2/x/", "/api/v2")
        assert [taken_for(made, path) for path in asked] == ["a.r0", "a.r1", "a.all", "a.all", "a.r0", "-", "-"]
