"""What routes on their way say: fallback, the end of v1, shadow; rendered for those that say it, and no others."""

import datetime as dt
from typing import Any

import pytest

from strangler.gateway.maps import deprecation, sunset
from strangler.gateway.rendering import render_gateway
from strangler.gateway.settings import GatewaySettings, container_gateway
from strangler.routes.route import Route, Stage
from strangler.routes.table import RouteTable
from tests.example import CONTAINERS, PREFIXES

SETTINGS = GatewaySettings(listen=("127.0.0.1:8080",), django="127.0.0.1:8001", fastapi="127.0.0.1:8002")


def make_route(name: str, *methods: str, **fields: Any) -> Route:
    path = f"/{name.partition('.')[0]}/"
    return Route(name=name, methods=methods or ("GET",), path=path, **({"stage": Stage.PARALLEL} | fields))


def rendered(*routes: Route, settings: GatewaySettings = SETTINGS) -> str:
    return render_gateway(RouteTable(prefixes=PREFIXES, routes=routes), settings).files["moves.conf"]


def keys_of(text: str, start: str) -> list[str]:
    """What stands in quotes at the begin of the lines of a block."""
    lines = text.split(f"{start} {{\n")[1].split("\n}")[0].splitlines()
    return [line.split('"')[1] for line in lines if line.startswith('    "')]


@pytest.mark.parametrize(
    ("day", "seconds", "text"),
    [
        (dt.date(1970, 1, 2), "@86400", "Fri, 02 Jan 1970 00:00:00 GMT"),
        (dt.date(2024, 2, 29), "@1709164800", "Thu, 29 Feb 2024 00:00:00 GMT"),
        (dt.date(2038, 1, 20), "@2147558400", "Wed, 20 Jan 2038 00:00:00 GMT"),
    ],
)
def test_days_begin_at_midnight_utc(day: dt.date, seconds: str, text: str) -> None:
    assert (deprecation(day), sunset(day)) == (seconds, text)


def test_routes_that_say_nothing_render_nothing() -> None:
    text = rendered(make_route("a.list"), make_route("b.list", stage=Stage.MIGRATED))
    assert [line for line in text.splitlines() if line and not line.startswith("#")] == []


def test_only_reads_fall_back_and_at_canary_those_of_v1_while_fastapi_is_ejected() -> None:
    canary = {"stage": Stage.CANARY, "percent": 10.0}
    text = rendered(
        make_route("a.list", "GET", "POST", fallback=True),
        make_route("b.list"),
        make_route("c.list", **canary),
        make_route("c.create", "POST", **canary),
        make_route("c.events", streaming=True, **canary),
    )
    assert keys_of(text, 'map "$api $route $request_method $stack$http_transfer_encoding" $read_goes') == [
        "v1 a.list GET fastapi",
        "v1 a.list HEAD fastapi",
        "v2 a.list GET fastapi",
        "v2 a.list HEAD fastapi",
        "v1 c.list GET fastapi",
        "v1 c.list HEAD fastapi",
    ]
    assert '"v1 a.list GET fastapi"  $fallback_goes;' in text
    assert '"v1 c.list GET fastapi"  $canary_goes;' in text


def test_v1_alone_tells_of_its_end() -> None:
    day = dt.date(2027, 1, 31)
    text = rendered(
        make_route("a.list", deprecated=day),
        make_route("b.list", deprecated=day, sunset=day),
        make_route("c.list", stage=Stage.RETIRED),
        make_route("d.list"),
        make_route("e.list", stage=Stage.RETIRED),
        make_route("e.create", "POST"),
    )
    assert keys_of(text, 'map "$api $route" $deprecation') == ["v1 a.list", "v1 b.list"]
    assert keys_of(text, 'map "$api $route" $sunset') == ["v1 b.list"]
    # A path where nothing is left is gone for its other methods too.
    assert keys_of(text, 'map "$api $route" $link') == ["v1 a.list", "v1 b.list", "v1 c.list", "v1 /c/", "v1 e.list"]


def test_routes_with_the_same_share_draw_from_the_same_variable() -> None:
    text = rendered(make_route("a.list", shadow=5), make_route("b.list", shadow=5.0), make_route("c.list", shadow=0.25))
    assert text.count("split_clients") == 2
    assert "split_clients $request_id $shadow_5 {\n    5.00% 1;" in text
    assert "split_clients $request_id $shadow_0_25 {\n    0.25% 1;" in text
    assert keys_of(text, 'map "$route $request_method" $shadowed') == [
        f"{name}.list {method}" for name in "abc" for method in ("GET", "HEAD")
    ]


@pytest.mark.parametrize(
    ("settings", "socket"), [(SETTINGS, "shadow.sock"), (container_gateway(**CONTAINERS), "/run/shadow/shadow.sock")]
)
def test_the_shadow_is_reported_by_a_socket(settings: GatewaySettings, socket: str) -> None:
    text = rendered(make_route("a.list", shadow=5), settings=settings)
    assert f"access_log syslog:server=unix:{socket},nohostname,tag=shadow shadow if=$shadowed;" in text
