"""The rendered configuration, read as an operator would; tests/integration has nginx itself read it."""

import re
import shutil
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from strangler.gateway import rendering
from strangler.gateway.rendering import FILES, own_version, render_gateway
from strangler.gateway.settings import GatewaySettings, container_gateway
from strangler.routes.route import Api, Fixed, RequestLimit, Route, Stack, Stage
from strangler.routes.table import RouteTable
from tests.example import CONTAINERS, PREFIXES, ROOT, load_routes

SETTINGS = GatewaySettings(listen=("127.0.0.1:8080",), django="127.0.0.1:8001", fastapi="127.0.0.1:8002")


def make_route(
    path: str,
    *methods: str,
    name: str = "",
    stage: Stage = Stage.LEGACY,
    throttle: str = "",
    **more: Any,
) -> Route:
    methods = methods or ("GET",)
    name = name or f"{re.sub('[^a-z]+', '_', path)}.{'_'.join(methods).lower()}"
    return Route(name=name, methods=methods, path=path, stage=stage, throttle=throttle or None, **more)


def make_table(*routes: Route) -> RouteTable:
    return RouteTable(prefixes=PREFIXES, routes=routes, throttles=(RequestLimit(name="slow", rate="20r/m", burst=3),))


def test_a_process_keeps_the_templates_that_it_began_with(tmp_path: Path) -> None:
    """Those of a newer version, below a stack that runs, want what its code doesn't know."""
    folder = Path(shutil.copytree(rendering._TEMPLATE_FOLDER, tmp_path / "templates"))
    spec = spec_from_file_location("rendering", shutil.copy(rendering.__file__, tmp_path))
    assert spec is not None
    assert spec.loader is not None
    began = module_from_spec(spec)
    spec.loader.exec_module(began)
    for file in folder.iterdir():
        file.write_text("{{ of_the_next_version }}")
    table = make_table(make_route("/posts/"))
    assert began.render_gateway(table, SETTINGS).files == render_gateway(table, SETTINGS).files


def test_a_deploy_sends_requests_elsewhere_and_the_version_is_still_known() -> None:
    table = make_table(make_route("/posts/"))
    own = render_gateway(table, SETTINGS)
    at_spare = render_gateway(table, replace(SETTINGS, elsewhere=(("fastapi", "127.0.0.1:8099"),)))
    at_other = render_gateway(table, replace(SETTINGS, elsewhere=(("fastapi", "127.0.0.1:8098"),)))
    assert "server 127.0.0.1:8099" in at_spare.files["http.conf"]
    assert "127.0.0.1:8002" not in at_spare.files["http.conf"]
    assert f'return 200 "{at_spare.version}\\n"' in at_spare.files["routes.conf"]
    assert len({own.version, at_spare.version, at_other.version}) == 3
    assert {own_version(each.version) for each in (own, at_spare, at_other)} == {own.version}


def routes_conf(*routes: Route) -> str:
    return render_gateway(make_table(*routes), SETTINGS).files["routes.conf"]


def answers(text: str) -> dict[str, str]:
    """The map of "API route" → stack."""
    return entries(text, 'map "$api $route" $answer')


def entries(text: str, block: str) -> dict[str, str]:
    """What stands in quotes in a block, with its value."""
    return dict(re.findall(r'"(.+)"\s+(\S+);', text.split(f"{block} {{\n")[1].split("\n}")[0]))


def paths(text: str, block: str) -> dict[str, str]:
    """What stands in quotes in a block, with the path in quotes behind it."""
    return {asked: path.strip('"') for asked, path in entries(text, block).items()}


def block_of(text: str, location: str) -> str:
    """What stands between the braces of a location without locations in it."""
    found = re.search(rf"location {re.escape(location)} \{{\n(.*?)\n +\}}\n", text, re.DOTALL)
    assert found, f"no location {location}"
    return found[1]


def test_the_same_routes_give_the_same_version_and_others_another() -> None:
    table = load_routes(ROOT / "nginx" / "routes.toml")
    rendered = render_gateway(table, SETTINGS)
    assert rendered == render_gateway(table, SETTINGS)
    assert set(rendered.files) == set(FILES)
    assert f'return 200 "{rendered.version}\\n";' in rendered.files["routes.conf"]
    others = [render_gateway(make_table(), SETTINGS), render_gateway(table, container_gateway(**CONTAINERS))]
    assert len({rendered.version, *(other.version for other in others)}) == 3


@pytest.mark.parametrize(
    ("stage", "v1", "v2"),
    [
        ("legacy", "django", "django"),
        ("parallel", "django", "fastapi"),
        ("migrated", "fastapi", "fastapi"),
        ("retired", "gone", "fastapi"),
    ],
)
def test_a_stage_says_who_answers(stage: str, v1: str, v2: str) -> None:
    found = answers(routes_conf(make_route("/a/", name="a.list", stage=Stage(stage))))
    assert found == {"v1 a.list": v1, "v1 /a/": v1, "v2 a.list": v2, "v2 /a/": v2}


def test_a_canary_splits_the_callers_of_v1() -> None:
    text = routes_conf(
        make_route("/a/", name="a.list", stage=Stage.CANARY, percent=2.5),
        make_route("/b/", name="b.list", stage=Stage.CANARY, percent=10),
        make_route("/c/", name="c.list", stage=Stage.CANARY, percent=10.0),
    )
    assert answers(text) == {
        "v1 a.list": "$canary_2_5",
        "v1 b.list": "$canary_10",
        "v1 c.list": "$canary_10",
        **{f"v1 /{name}/": "django" for name in "abc"},
        **{f"v2 {name}.list": "fastapi" for name in "abc"},
        **{f"v2 /{name}/": "fastapi" for name in "abc"},
    }
    shares = re.findall(r'split_clients "\$route \$caller" (\S+) \{\s+(\S+) fastapi;\s+\*\s+django;\s+\}', text)
    assert shares == [("$canary_2_5", "2.50%"), ("$canary_10", "10.00%")]


def test_without_a_canary_nothing_splits() -> None:
    assert "split_clients" not in routes_conf(make_route("/a/"))


def test_only_an_api_with_a_retired_route_has_an_end() -> None:
    text = routes_conf(make_route("/a/", stage=Stage.RETIRED), make_route("/b/"))
    for location in ("/api/", "= /api"):
        assert "if ($answer = gone) {\n            return 410" in block_of(text, location)
    assert text.count("return 410") == 2
    assert "return 410" not in routes_conf(make_route("/b/"))


def test_methods_that_no_route_names_stay_with_django_until_the_whole_path_has_moved() -> None:
    moved = make_route("/a/", "GET", name="a.list", stage=Stage.MIGRATED)
    left = make_route("/a/", "POST", name="a.create", stage=Stage.PARALLEL)
    found = answers(routes_conf(moved, left))
    assert (found["v1 /a/"], found["v2 /a/"]) == ("django", "fastapi")


def test_the_method_decides_among_the_routes_of_a_path() -> None:
    text = routes_conf(make_route("/a/", "GET", name="a.list"), make_route("/a/", "PUT", "PATCH", name="a.update"))
    block = 'map "$request_method $path" $route'
    assert entries(text, block) == {
        "GET /a/": "a.list",
        "HEAD /a/": "a.list",
        "PUT /a/": "a.update",
        "PATCH /a/": "a.update",
    }
    assert "    default $path;\n" in text.split(block)[1]


def test_a_path_is_found_with_and_without_its_slash_in_both_apis() -> None:
    text = routes_conf(make_route("/a/"), make_route("/b/{id}/"), make_route("/c/{id}/d/"))
    assert paths(text, "map $uncapitalised $routed_path") == {"/a/": "/a/", "/a": "/a/"}
    assert paths(text, "map $key_1 $routed_path_1") == {"/b/{}/": "/b/{id}/", "/c/{}/d/": "/c/{id}/d/"}
    for api in Api:
        assert f"set $api {api};\n        set $path $routed_path;" in block_of(text, f"{PREFIXES.of(api)}/")


def test_without_routes_no_path_is_one() -> None:
    assert "    default -;\n}" in routes_conf().split("map $uncapitalised $routed_path {\n")[1]


def test_a_path_with_capitals_counts_letter_by_letter() -> None:
    text = routes_conf(
        make_route("/a/", name="a.a"), make_route("/aB/", name="a.b"), make_route("/a/{id}/", name="a.c")
    )
    assert paths(text, "map $uncapitalised $routed_path") == {"/a/": "/a/", "/a": "/a/"}
    assert paths(text, "map $key_1 $found_path_1") == {"/aB/": "/aB/"}
    assert 'map "$found_path_1 $uri" $routed_path_1 {\n    default $routed_path_2;\n' in text
    assert paths(text, "map $key_2 $routed_path_2") == {"/a/{}/": "/a/{id}/"}


def test_a_fixed_folder_has_a_twin_without_its_slash_and_a_file_has_none() -> None:
    folder = Fixed(name="django.admin", path="/admin/", stack=Stack.DJANGO)
    file = Fixed(name="fastapi.docs", path="/api/v2/docs", stack=Stack.FASTAPI)
    text = render_gateway(RouteTable(prefixes=PREFIXES, routes=(), fixed=(folder, file)), SETTINGS).files["routes.conf"]
    assert answers(text) == {"v1 django.admin": "django", "v2 fastapi.docs": "fastapi"}
    assert "set $path django.admin;" in block_of(text, "/admin/")
    assert "set $path django.admin;" in block_of(text, "= /admin")
    assert "set $api v2;" in block_of(text, "= /api/v2/docs")
    assert "location /api/v2/docs" not in text


def test_reads_of_health_checks_alone_are_put_aside() -> None:
    """The admin's form may be the check: who signs in there has a password hashed, which is no probe."""
    settings = replace(SETTINGS, probes=("/admin/login/", "/api/feed/?limit=1"))
    text = render_gateway(make_table(), settings).files["http.conf"]
    assert entries(text, 'map "$request_method $uri" $aside_path') == dict.fromkeys(
        ("GET /admin/login/", "HEAD /admin/login/"), "_aside"
    )
    assert entries(text, 'map "$request_method $uri?$args" $aside') == dict.fromkeys(
        ("GET /api/feed/?limit=1", "HEAD /api/feed/?limit=1"), "_aside"
    )
    alone = render_gateway(make_table(), replace(settings, probes=("/up",))).files["http.conf"]
    assert set(entries(alone, 'map "$request_method $uri" $aside')) == {"GET /up", "HEAD /up"}
    assert "$aside_path" not in alone


def test_a_long_address_of_a_health_check_fits_into_a_map() -> None:
    def bucket(probe: str) -> int:
        text = render_gateway(make_table(), replace(SETTINGS, probes=(probe,))).files["http.conf"]
        return int(re.findall(r"map_hash_bucket_size (\d+);", text)[0])

    assert bucket("/up") < 2 * 400 < bucket(f"/up?{'a' * 400}")


def test_only_throttled_routes_are_throttled_and_say_when_to_come_back() -> None:
    routes = (
        make_route("/a/", name="a.list", throttle="slow"),
        make_route("/b/", name="b.list"),
        make_route("/b/", "POST", name="b.create", throttle="slow"),
    )
    fixed = Fixed(name="django.login", path="/admin/login/", stack=Stack.DJANGO, throttle="slow")
    files = render_gateway(replace(make_table(*routes), fixed=(fixed,)), SETTINGS).files
    assert files["routes.conf"].count("limit_req zone=slow burst=3 nodelay;") == 1
    assert "limit_req_zone $limited_slow zone=slow:10m rate=20r/m;" in files["http.conf"]
    # A path's other methods are limited where all its routes are.
    names = {"a.list", "/a/", "b.create", "django.login"}
    assert entries(files["http.conf"], "map $route $limited_slow") == dict.fromkeys(names, "$binary_remote_addr")
    assert entries(files["http.conf"], "map $route $retry_after") == dict.fromkeys(names, "3")


def test_only_the_answers_of_streaming_paths_go_on_at_once_and_without_an_end() -> None:
    rendered = render_gateway(make_table(make_route("/a/", streaming=True), make_route("/b/")), SETTINGS).files
    text = rendered["routes.conf"]
    assert entries(text, "map $path $streams") == {"/a/": "1"}
    assert "proxy_buffering off;\n        proxy_read_timeout 1h;" in block_of(text, "@streaming")
    assert text.count("proxy_buffering") == 1
    for api in Api:
        assert "if ($streams) {" in block_of(text, f"{PREFIXES.of(api)}/")
    assert "streams" not in routes_conf(make_route("/b/"))
    # A directive may stand only once at a level: what a location changes is set above it.
    assert "proxy_read_timeout 60s;" in rendered["http.conf"]
    assert "proxy_read_timeout" not in rendered["proxy.conf"]


def test_nobody_is_trusted_unless_named() -> None:
    table = make_table()
    assert "set_real_ip_from" not in render_gateway(table, SETTINGS).files["http.conf"]
    trusting = GatewaySettings(listen=("80",), django="d:1", fastapi="f:1", trusted_proxies=("10.0.0.0/8", "::1"))
    text = render_gateway(table, trusting).files["http.conf"]
    assert re.findall(r"set_real_ip_from (\S+);", text) == ["10.0.0.0/8", "::1"]
    assert "10.0.0.0/8 1;" in text.split("geo $realip_remote_addr $from_trusted_proxy {")[1].split("}")[0]


def test_only_the_containers_nginx_loads_modules_and_looks_names_up() -> None:
    native, container = (
        render_gateway(make_table(), settings).files["nginx.conf"]
        for settings in (SETTINGS, container_gateway(**CONTAINERS))
    )
    assert "load_module /usr/lib/nginx/modules/ngx_http_js_module.so;" in container
    assert "include /etc/nginx/resolver.conf;" in container
    assert "pid /tmp/nginx.pid;" in container
    assert "load_module" not in native
    assert "resolver" not in native
    assert "pid nginx.pid;" in native


def test_without_django_fastapi_answers_all_but_what_is_gone() -> None:
    table = replace(
        make_table(
            make_route("/old/", "GET", "POST", name="old"),
            make_route("/half/", name="half", stage=Stage.CANARY, percent=5, shadow=50, fallback=True),
            make_route("/gone/", name="gone", stage=Stage.RETIRED),
        ),
        fixed=(
            Fixed(name="admin", path="/admin/", stack=Stack.DJANGO),
            Fixed(name="docs", path="/api/v2/docs", stack=Stack.FASTAPI),
        ),
    )
    files = render_gateway(table, replace(SETTINGS, without_django=True)).files
    found = answers(files["routes.conf"])
    assert {found.pop(f"v1 {name}") for name in ("gone", "/gone/")} == {"gone"}
    assert set(found.values()) == {"fastapi"}
    assert 'map "$api $route" $answer {\n    default fastapi;' in files["routes.conf"]
    assert SETTINGS.django not in "".join(files.values())
    assert "location /admin/" not in files["routes.conf"]
    assert "location = /api/v2/docs" in files["routes.conf"]
    for file in ("routes.conf", "moves.conf"):
        assert not re.search(r"\bsplit_clients|^ +\S.* django;", files[file], re.MULTILINE), f"Django's in {file}"
    assert SETTINGS.django in render_gateway(table, SETTINGS).files["http.conf"]
