"""What v1 tells of its end: Deprecation, Sunset and Link while it lasts, 410 with the way to v2 afterwards."""

import datetime as dt
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from strangler.local.ports import port_free_pick
from strangler.routes.route import Stage
from tests.e2e.conftest import MakeGateway
from tests.gateways import ask_raw, logged, marks

DEPRECATED = dt.date(2026, 11, 1)
SUNSET = dt.date(2027, 1, 31)
ENDING = {"deprecated": DEPRECATED, "sunset": SUNSET}
HEADERS = {"Deprecation": "@1793491200", "Sunset": "Sun, 31 Jan 2027 00:00:00 GMT"}
GONE = {"feed.list": {"stage": Stage.RETIRED}, "tags.retrieve": {"stage": Stage.RETIRED, **ENDING}}


def link(path: str) -> str:
    return f'<{path}>; rel="successor-version"'


def reported(response: httpx.Response) -> dict[str, str]:
    return {name: response.headers[name] for name in ("Deprecation", "Sunset", "Link") if name in response.headers}


def test_the_dates_mean_the_begin_of_those_days_in_utc() -> None:
    assert dt.datetime.fromtimestamp(int(HEADERS["Deprecation"][1:]), dt.UTC) == dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    assert parsedate_to_datetime(HEADERS["Sunset"]) == dt.datetime(2027, 1, 31, tzinfo=dt.UTC)


@pytest.mark.parametrize("stage", ["legacy", "parallel", "canary", "migrated"])
def test_a_route_that_ends_tells_it_on_v1_alone(stage: str, make_gateway: MakeGateway) -> None:
    with httpx.Client(base_url=make_gateway({"*": stage}, routes={"feed.list": ENDING}).url) as client:
        for method in ("GET", "HEAD"):
            response = client.request(method, "/api/feed/?page_size=1&next=/x")
            assert (response.status_code, reported(response)) == (200, HEADERS | {"Link": link("/api/v2/feed/")})
        assert reported(client.get("/api/feed")) == HEADERS | {"Link": link("/api/v2/feed")}
        for path in ("/api/v2/feed/", "/api/tags/", "/api/nowhere/", "/api/health/"):
            assert reported(client.get(path)) == {}


def test_a_route_without_a_last_day_tells_none(make_gateway: MakeGateway) -> None:
    url = make_gateway(routes={"feed.list": {"deprecated": DEPRECATED}}).url
    found = reported(httpx.get(f"{url}/api/feed/"))
    assert found == {"Deprecation": HEADERS["Deprecation"], "Link": link("/api/v2/feed/")}


def test_an_error_tells_it_too(make_gateway: MakeGateway) -> None:
    url = make_gateway(routes={"feed.list": ENDING}, django=f"http://127.0.0.1:{port_free_pick()}").url
    response = httpx.get(f"{url}/api/feed/")
    assert (response.status_code, reported(response)) == (502, HEADERS | {"Link": link("/api/v2/feed/")})


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "DELETE"])
def test_a_retired_path_is_gone_for_every_method_and_v2_goes_on(method: str, make_gateway: MakeGateway) -> None:
    made = make_gateway(routes=GONE)
    response = httpx.request(method, f"{made.url}/api/feed/?page=2")
    assert (response.status_code, marks(response)[0], reported(response)) == (
        410,
        "nginx",
        {"Link": link("/api/v2/feed/")},
    )
    assert response.headers["Content-Type"] == "application/json"
    if method != "HEAD":
        assert response.json() == {"detail": "This endpoint is gone: use /api/v2/feed/ instead."}
    line = logged(made.log, response.headers["X-Request-ID"])
    assert (line["status"], line["stack"], line["upstream_status"]) == (410, "nginx", "")
    assert httpx.get(f"{made.url}/api/v2/feed/").status_code == 200


def test_a_retired_route_leaves_the_others_of_its_path_alone(make_gateway: MakeGateway) -> None:
    with httpx.Client(base_url=make_gateway(routes=GONE).url) as client:
        gone = client.get("/api/tags/7/")
        assert (gone.status_code, reported(gone)) == (410, HEADERS | {"Link": link("/api/v2/tags/7/")})
        for method in ("PUT", "DELETE", "OPTIONS"):
            response = client.request(method, "/api/tags/7/")
            assert (response.status_code, marks(response)[0], reported(response)) == (401, "django", {})


def test_a_client_that_goes_on_posting_keeps_its_connection(make_gateway: MakeGateway) -> None:
    url = make_gateway(routes={"tags.create": {"stage": Stage.RETIRED}}).url
    with httpx.Client(base_url=url) as client:
        for _ in range(3):
            assert client.post("/api/tags/", json={"name": "x" * 10_000}).status_code == 410
        assert client.get("/api/tags/").status_code == 200


@pytest.mark.parametrize(
    ("path", "successor"),
    [
        (b"/api/tags/7?a=<b>", "/api/v2/tags/7"),
        (b"/api/tags/a%20b%22%3C/", "/api/v2/tags/a%20b%22%3C/"),
        (b"/api/tags/$&'()*+,;=:@!~/", "/api/v2/tags/$&'()*+,;=:@!~/"),
        (b"/api//tags/7/", "/api/v2//tags/7/"),
        (b"http://{host}/api/tags/7/", "/api/v2/tags/7/"),
        (b'/api/tags/a"b/', ""),
        (b"/api/tags/a<b>/", ""),
        (b"/api/tags/a\\b/", ""),
        (b"/api/tags/\xff\xc3/", ""),
        (b"/api/v2/../tags/7/", ""),
        (b"/api/../api/tags/7/", ""),
        (b"/api/x/%2e%2E/tags/7/", ""),
        (b"/%61pi/tags/7/", ""),
    ],
)
def test_the_way_to_v2_is_the_path_as_it_was_sent_or_none(
    path: bytes, successor: str, make_gateway: MakeGateway
) -> None:
    url = make_gateway(routes=GONE).url
    answer = ask_raw(url, b"GET %s HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n" % path)
    response = parsed(answer)
    assert response.status_code == 410
    assert reported(response) == HEADERS | ({"Link": link(successor)} if successor else {})
    words = successor or "the same path below /api/v2"
    assert response.json() == {"detail": f"This endpoint is gone: use {words} instead."}


def parsed(answer: bytes) -> Any:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return httpx.Response(int(status.split()[1]), headers=[line.split(": ", 1) for line in lines], content=body)
