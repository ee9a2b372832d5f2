"""Real nginx reads what is rendered, and finds nothing to complain about."""

import dataclasses
import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

import httpx
import pytest

from strangler.local.ports import port_free_pick
from strangler.routes.route import Fixed, RequestLimit, Route, Stack, Stage
from strangler.routes.table import RouteTable
from tests.example import PREFIXES
from tests.gateways import Gateway, gateway, routes_at
from tests.upstreams import upstream

QUIET = ("syntax is ok", "test is successful")


def make_route(path: str, name: str, *methods: str, throttle: str | None = None) -> Route:
    return Route(name=name, methods=methods or ("GET",), path=path, stage=Stage.PARALLEL, throttle=throttle)


def make_table(*paths: str) -> RouteTable:
    return RouteTable(
        prefixes=PREFIXES, routes=tuple(make_route(path, f"a.r{number}") for number, path in enumerate(paths))
    )


@contextmanager
def rendered(table: RouteTable, **changes: object) -> Iterator[Gateway]:
    with gateway(table, django="http://127.0.0.1:2", fastapi="http://127.0.0.1:3", started=False, **changes) as made:
        yield made


def assert_quiet(table: RouteTable, **changes: object) -> None:
    """No error, and no warning either."""
    with rendered(table, **changes) as made:
        said = made.check().splitlines()
    assert [line for line in said if not line.endswith(QUIET)] == []


@pytest.mark.parametrize("stage", [*Stage, None])
def test_the_deployed_routes_at_every_stage(stage: Stage | None) -> None:
    assert_quiet(routes_at({"*": stage} if stage else {}, throttle=RequestLimit(name="token", rate="10r/s", burst=40)))


@pytest.mark.parametrize(
    "paths",
    [
        (),
        ("/",),
        ("/{id}/",),
        ("/", "/{id}/", "/{id}/{part}/"),
        ("/a-b/", "/a_b/", "/a.b/", "/a~b/", "/A-C/"),
        ("/a/", "/a/{id}/", "/a/{id}/b/", "/a/b/{id}/", "/a/b/"),
        ("/a/{id}/", "/a/b/{id}/"),
        ("/include/", "/default/", "/volatile/", "/hostnames/"),
        (f"/{'a' * 198}/", f"/{'b' * 193}/{{id}}/"),
        (f"/{'{organisation_id}/' * 10}",),
    ],
)
def test_paths_of_every_shape(paths: tuple[str, ...]) -> None:
    assert_quiet(make_table(*paths))


def test_names_of_every_length() -> None:
    assert_quiet(
        RouteTable(prefixes=PREFIXES, routes=tuple(make_route(f"/a{n}/", f"a.{'b' * n}") for n in range(1, 199)))
    )


def test_six_hundred_routes() -> None:
    """More than Python keeps compiled patterns for (512): rendering once took 39 s for a thousand."""
    assert_quiet(make_table(*(f"/collection-{number}/{{id}}/" for number in range(600))))


def test_fixed_paths() -> None:
    paths = ("/admin/", "/static/", "/api/", "/api/v2/docs", "/favicon.ico", "/api/feed/deep/")
    fixed = tuple(Fixed(name=f"a.f{number}", path=path, stack=Stack.DJANGO) for number, path in enumerate(paths))
    assert_quiet(RouteTable(prefixes=PREFIXES, routes=make_table("/feed/", "/feed/{id}/").routes, fixed=fixed))


@pytest.mark.parametrize("percent", [0.01, 0.1, 12.5, 33.33, 99.99])
def test_shares(percent: float) -> None:
    routes = make_table("/a/", "/b/", "/c/").routes
    canary = dataclasses.replace(routes[0], stage=Stage.CANARY, percent=percent)
    shadow = dataclasses.replace(routes[1], shadow=percent)
    assert_quiet(RouteTable(prefixes=PREFIXES, routes=(canary, shadow, dataclasses.replace(routes[2], shadow=100))))


def test_everything_that_a_route_can_say_at_once() -> None:
    day = dt.date(2026, 12, 31)
    throttle = RequestLimit(name="slow", rate="1r/s", burst=1)
    table = routes_at({"*": "retired"}, throttle=throttle)
    routes = tuple(
        dataclasses.replace(
            route, shadow=5 if route.safe else 0, fallback=route.safe, throttle="slow", deprecated=day, sunset=day
        )
        for route in table.routes
    )
    assert_quiet(dataclasses.replace(table, routes=routes))


@pytest.mark.parametrize(("rate", "burst"), list(product(["1r/m", "1r/s", "999999r/s"], [0, 100_000])))
def test_throttles(rate: str, burst: int) -> None:
    route = make_route("/a/", "a.a", throttle="slow")
    assert_quiet(
        RouteTable(prefixes=PREFIXES, routes=(route,), throttles=(RequestLimit(name="slow", rate=rate, burst=burst),))
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"trusted_proxies": ("10.0.0.0/8", "::1/128", "192.168.1.7")},
        {"stack_header_networks": ("10.0.0.0/8", "::1/128", "192.168.1.7")},
        {"body_size": "1"},
        {"body_size": "512k"},
        {"listen": (f"127.0.0.1:{port_free_pick()}", f"[::1]:{port_free_pick()}")},
    ],
)
def test_settings(changes: dict[str, object]) -> None:
    assert_quiet(make_table("/a/"), **changes)


def test_a_broken_configuration_is_noticed() -> None:
    """That the check above can fail at all."""
    with rendered(make_table("/a/")) as made:
        with (made.current / "routes.conf").open("a") as file:
            file.write("}")
        with pytest.raises(AssertionError, match='unexpected "}"'):
            made.check()


@pytest.mark.parametrize("name_length", [20, 60, 120, 190])
def test_a_thousand_routes_with_names_of_every_length(name_length: int) -> None:
    routes = make_table(*(f"/{number:0>{name_length}}/" for number in range(1000))).routes
    names = (f"{number:0>{name_length - 5}}.route" for number in range(1000))
    assert_quiet(
        RouteTable(
            prefixes=PREFIXES,
            routes=tuple(
                dataclasses.replace(route, name=name, fallback=True) for route, name in zip(routes, names, strict=True)
            ),
        )
    )


@pytest.mark.parametrize("length", [10, 190])
def test_a_thousand_patterns_below_one_prefix(length: int) -> None:
    assert_quiet(make_table(*(f"/{{id}}/{number:0>{length}}/" for number in range(1000))))


def test_a_page_of_links_leaves_djangos_own_front_page_alone() -> None:
    with (
        upstream("django") as django,
        gateway(routes_at({}), django=django, fastapi="http://127.0.0.1:3", welcome=True) as made,
    ):
        assert httpx.get(f"{made.url}/").json() == {"stack": "django"}
