"""The rendered configuration, read as an operator would; tests/integration has nginx itself read it."""

import re
from itertools import product
from pathlib import Path

import pytest

from strangler.gateway.rendering import INCLUDED_FILES, MAIN_FILE, render_gateway, write_gateway
from strangler.gateway.settings import GatewaySettings, container_gateway
from strangler.local.settings import ROOT
from strangler.routes.route import Api, Fixed, Route, Stack, Stage, Throttle
from strangler.routes.table import RouteTable, load_routes

SETTINGS = GatewaySettings(listen=("127.0.0.1:8080",), django="127.0.0.1:8001", fastapi="127.0.0.1:8002")


def make_route(
    path: str,
    *methods: str,
    name: str = "",
    stage: Stage = Stage.LEGACY,
    throttle: str = "",
    streaming: bool = False,
) -> Route:
    methods = methods or ("GET",)
    name = name or f"{re.sub('[^a-z]+', '_', path)}.{'_'.join(methods).lower()}"
    return Route(name=name, methods=methods, path=path, stage=stage, throttle=throttle or None, streaming=streaming)


def make_table(*routes: Route) -> RouteTable:
    return RouteTable(routes=routes, throttles=(Throttle(name="slow", rate="20r/m", burst=3),))


def routes_conf(*routes: Route) -> str:
    return render_gateway(make_table(*routes), SETTINGS)["routes.conf"]


def answers(text: str) -> dict[str, str]:
    """The map of "API route" → stack."""
    block = text.split('map "$api $route" $stack {')[1].split("}\n")[0]
    return dict(re.findall(r'"(.+)"\s+(\w+);', block))


def block_of(text: str, location: str) -> str:
    """What stands between the braces of a location without locations in it."""
    found = re.search(rf"location {re.escape(location)} \{{([^{{}}]*)\}}", text)
    assert found, f"no location {location}"
    return found[1]


def test_the_same_routes_give_the_same_text() -> None:
    table = load_routes(ROOT / "nginx" / "routes.toml")
    assert render_gateway(table, SETTINGS) == render_gateway(table, SETTINGS)


@pytest.mark.parametrize(
    ("stage", "v1", "v2"),
    [("legacy", "django", "django"), ("parallel", "django", "fastapi"), ("migrated", "fastapi", "fastapi")],
)
def test_a_stage_says_who_answers(stage: str, v1: str, v2: str) -> None:
    found = answers(routes_conf(make_route("/a/", name="a.list", stage=Stage(stage))))
    assert found == {"v1 a.list": v1, "v1 /a/": v1, "v2 a.list": v2, "v2 /a/": v2}


def test_methods_that_no_route_names_stay_with_django_until_the_whole_path_has_moved() -> None:
    moved = make_route("/a/", "GET", name="a.list", stage=Stage.MIGRATED)
    left = make_route("/a/", "POST", name="a.create", stage=Stage.PARALLEL)
    found = answers(routes_conf(moved, left))
    assert (found["v1 /a/"], found["v2 /a/"]) == ("django", "fastapi")


def test_the_method_decides_among_the_routes_of_a_path() -> None:
    text = routes_conf(make_route("/a/", "GET", name="a.list"), make_route("/a/", "PUT", "PATCH", name="a.update"))
    block = text.split("map $request_method $route_at_a {")[1].split("}")[0]
    assert dict(re.findall(r"(\S+)\s+(\S+);", block)) == {
        "default": '"/a/"',
        "GET": "a.list",
        "HEAD": "a.list",
        "PUT": "a.update",
        "PATCH": "a.update",
    }


def test_a_path_has_a_location_with_and_without_its_slash_in_both_apis() -> None:
    text = routes_conf(make_route("/a/"), make_route("/b/{id}/"))
    for prefix, slash in product(("/api", "/api/v2"), ("/", "")):
        assert "set $route $route_at_a;" in block_of(text, f"= {prefix}/a{slash}")
    for prefix in ("/api", "/api/v2"):
        assert "set $route $route_at_b_id;" in block_of(text, f'~ "^{prefix}/b/[^/.]+/?$"')


def test_a_fixed_folder_has_a_twin_without_its_slash_and_a_file_has_none() -> None:
    folder = Fixed(name="django.admin", path="/admin/", stack=Stack.DJANGO)
    file = Fixed(name="fastapi.docs", path="/api/v2/docs", stack=Stack.FASTAPI)
    text = render_gateway(RouteTable(routes=(), fixed=(folder, file)), SETTINGS)["routes.conf"]
    assert answers(text) == {"v1 django.admin": "django", "v2 fastapi.docs": "fastapi"}
    assert "set $route django.admin;" in block_of(text, "/admin/")
    assert "set $route django.admin;" in block_of(text, "= /admin")
    assert "set $api v2;" in block_of(text, "= /api/v2/docs")
    assert "location /api/v2/docs" not in text


def test_every_path_has_a_variable_of_its_own() -> None:
    paths = ["/a-b/", "/a_b/", "/a.b/", "/a/b/", "/a/{b}/", "/a_b_2/", "/A_B/", "/"]
    text = routes_conf(*(make_route(path, name=f"x.r{number}") for number, path in enumerate(paths)))
    variables = re.findall(r"map \$request_method (\$\w+) \{\n +default \"(.+)\";", text)
    assert [path for _, path in variables] == paths
    assert len({variable for variable, _ in variables}) == len(paths)


def test_the_patterns_of_a_shorter_prefix_reach_below_a_longer_one() -> None:
    """nginx looks at the longest prefix only: below /posts/recent/ it would never see /posts/{id}/."""
    text = routes_conf(
        make_route("/posts/{id}/"), make_route("/posts/{id}/{part}/"), make_route("/posts/recent/{tag}/")
    )
    below = text.split("location /api/posts/recent/ {")[1].split("\n    }\n")[0]
    assert re.findall(r'location ~ "\^/api(.+)\$"', below) == [
        "/posts/recent/[^/.]+/?",
        "/posts/[^/.]+/?",
        "/posts/[^/.]+/[^/.]+/?",
    ]
    assert "set $route $route_at_posts_id;" in block_of(text, "= /api/posts/recent")


def test_a_path_of_its_own_wins_over_the_pattern_of_a_shorter_prefix() -> None:
    text = routes_conf(make_route("/a/{id}/"), make_route("/a/b/"), make_route("/a/b/{id}/"))
    assert "set $route $route_at_a_b;" in block_of(text, "= /api/a/b")
    assert text.count("location = /api/a/b {") == 1


def test_only_throttled_paths_are_throttled_and_say_when_to_come_back() -> None:
    rendered = render_gateway(
        make_table(make_route("/a/", name="a.list", throttle="slow"), make_route("/b/")), SETTINGS
    )
    assert "limit_req zone=slow burst=3 nodelay;" in block_of(rendered["routes.conf"], "= /api/v2/a")
    assert "limit_req" not in block_of(rendered["routes.conf"], "= /api/v2/b")
    assert "zone=slow:10m rate=20r/m;" in rendered["http.conf"]
    block = rendered["http.conf"].split("map $route $retry_after {")[1].split("}\n")[0]
    assert dict(re.findall(r"(\S+)\s+(\d+);", block)) == {"default": "1", '"a.list"': "3", '"/a/"': "3"}


def test_only_the_answers_of_streaming_paths_go_on_at_once_and_without_an_end() -> None:
    rendered = render_gateway(make_table(make_route("/a/", streaming=True), make_route("/b/")), SETTINGS)
    for location in ("= /api/a/", "= /api/v2/a/", "= /api/v2/a"):
        assert "proxy_buffering off;\n        proxy_read_timeout 1h;" in block_of(rendered["routes.conf"], location)
    assert "proxy_" not in block_of(rendered["routes.conf"], "= /api/v2/b/").replace("proxy.conf", "")
    # A directive may stand only once at a level: what a location changes is set above it.
    assert "proxy_read_timeout 60s;" in rendered["http.conf"]
    assert "proxy_read_timeout" not in rendered["proxy.conf"]


def test_nobody_is_trusted_unless_named() -> None:
    table = make_table()
    assert "set_real_ip_from" not in render_gateway(table, SETTINGS)["http.conf"]
    trusting = GatewaySettings(listen=("80",), django="d:1", fastapi="f:1", trusted_proxies=("10.0.0.0/8", "::1"))
    text = render_gateway(table, trusting)["http.conf"]
    assert re.findall(r"set_real_ip_from (\S+);", text) == ["10.0.0.0/8", "::1"]
    assert "10.0.0.0/8 1;" in text.split("geo $realip_remote_addr $from_trusted_proxy {")[1].split("}")[0]


def test_only_a_native_run_has_a_main_file_and_the_folders_for_it(tmp_path: Path) -> None:
    table = make_table(make_route("/a/"))
    write_gateway(tmp_path / "native", table, SETTINGS)
    write_gateway(tmp_path / "container", table, container_gateway())
    assert {path.name for path in (tmp_path / "native").iterdir()} == {MAIN_FILE, *INCLUDED_FILES, "temp"}
    assert {path.name for path in (tmp_path / "container").iterdir()} == set(INCLUDED_FILES)


def test_a_second_write_replaces_what_was_there(tmp_path: Path) -> None:
    write_gateway(tmp_path, make_table(make_route("/a/")), SETTINGS)
    write_gateway(tmp_path, make_table(make_route("/b/")), SETTINGS)
    assert "/api/a/" not in (tmp_path / "routes.conf").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([MAIN_FILE, *INCLUDED_FILES, "temp"])


def test_every_api_has_its_own_prefix() -> None:
    assert [api.prefix for api in Api] == ["/api", "/api/v2"]
