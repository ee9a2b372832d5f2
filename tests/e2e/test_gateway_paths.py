"""Which route nginx takes a path for, and that the stack behind it gets the same path."""

import httpx
import pytest

from strangler.routes.route import Api
from tests.e2e.conftest import MakeGateway
from tests.example import PREFIXES, load_routes
from tests.gateways import DEPLOYED, ask_raw, logged
from tests.shared_stack import StackAddresses


def ask(front: httpx.Client, path: bytes) -> tuple[int, str, str, bytes]:
    """Status, stack, route and body of a GET of exactly this path."""
    request = b"GET %s HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n" % path
    head, _, body = ask_raw(str(front.base_url), request).partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(status.split()[1]), headers["X-Served-By"], headers["X-Route"], body


@pytest.mark.parametrize(
    ("path", "served_by", "route"),
    [
        (b"/api//feed/", "django", "feed.list"),
        (b"/api/v2//feed//", "fastapi", "feed.list"),
        (b"/api/./feed/", "django", "feed.list"),
        (b"/api/v2/../feed/", "django", "feed.list"),
        (b"/api/tags/../v2/feed/", "fastapi", "feed.list"),
        (b"/api/v2/%2e%2e/feed/", "django", "feed.list"),
        (b"/%61pi/%66eed/", "django", "feed.list"),
        (b"/api%2Fv2%2Ffeed/", "fastapi", "feed.list"),
        (b"/api/v2/feed%2F", "fastapi", "feed.list"),
        (b"/nowhere/../api/feed/", "django", "feed.list"),
    ],
)
def test_a_path_written_otherwise_is_the_same_path(
    path: bytes, served_by: str, route: str, front: httpx.Client
) -> None:
    assert ask(front, path)[:3] == (200, served_by, route)


@pytest.mark.parametrize(
    "segment",
    [
        *(
            b"%3F",
            b"%3Fview=minimal",
            b"%23",
            b"%25",
            b"%2525",
            b"%0A",
            b"%0D%0A",
            b"%20",
            b"%22",
            b"%5C",
            b"%FF",
            b"\xff",
        ),
        *(
            b"%C3%A9",
            b"\xc3\xa9",
            b"+",
            b";a=1",
            b"&",
            b"'",
            b"$host",
            b"{id}",
            b"%7Bid%7D",
            b"@",
            b"-1",
            b"1e1",
            b"a" * 3000,
        ),
    ],
)
def test_an_odd_segment_gets_the_same_answer_from_both_stacks(segment: bytes, front: httpx.Client) -> None:
    v1, v2 = (ask(front, b"%s/tags/%s/" % (prefix, segment)) for prefix in (b"/api", b"/api/v2"))
    assert (v1[1:3], v2[1:3]) == (("django", "tags.retrieve"), ("fastapi", "tags.retrieve"))
    assert (v1[0], v1[3]) == (v2[0], v2[3])
    assert v1[0] == 404


@pytest.mark.parametrize("segment", [b"%0A", b"%3F", b"%2525", b"\xc3\xa9"])
def test_an_odd_segment_of_a_legacy_route_gets_the_same_answer_below_both_prefixes(
    segment: bytes, make_gateway: MakeGateway
) -> None:
    made = make_gateway({"*": "legacy"})
    with httpx.Client(base_url=made.url) as client:
        v1, v2 = (ask(client, b"%s/tags/%s/" % (prefix, segment)) for prefix in (b"/api", b"/api/v2"))
    assert v1 == v2
    assert v1[:3] == (404, "django", "tags.retrieve")
    assert v1[3].startswith(b'{"detail":')


@pytest.mark.parametrize(
    "path", [b"/api/tags/1.5/", b"/api/v2/feed/deeper/", b"/api/v2/tags/1/2/3/", b"/apifeed/", b"/API/feed/"]
)
def test_what_no_route_names_is_the_legacy_stacks(path: bytes, front: httpx.Client) -> None:
    assert ask(front, path)[:3] == (404, "django", "-")


@pytest.mark.parametrize(
    "request_line",
    [b"GET /%00 HTTP/1.1", b"GET /.. HTTP/1.1", b"GET /%zz HTTP/1.1", b"GET / HTTP/9.9", b"get / HTTP/1.1", b"GET"],
)
def test_what_is_no_request_gets_one_sentence_of_json(request_line: bytes, front: httpx.Client) -> None:
    answer = ask_raw(str(front.base_url), request_line + b"\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] in {b"400", b"505"}
    assert b"X-Request-ID: " in head
    if head.split()[1] == b"400":
        assert body == b'{"detail":"Bad request."}'


def test_too_long_an_address_or_header_gets_one_sentence_of_json(front: httpx.Client) -> None:
    long = "a" * 20_000
    address = front.get(f"/{long}")
    assert (address.status_code, address.text) == (414, '{"detail":"Request address is too long: send less."}')
    header = front.get("/api/feed/", headers={"X-Long": long})
    assert (header.status_code, header.text) == (400, '{"detail":"Bad request."}')


def test_a_query_is_passed_on_as_it_is(front: httpx.Client) -> None:
    query = "?page_size=1&search=%20%2F%3F%25%0A+%C3%A9"
    for prefix in ("/api", "/api/v2"):
        location = front.get(f"{prefix}/feed{query}").headers["Location"]
        assert location == f"{prefix}/feed/{query}"


def test_nginx_redirects_no_path_by_itself(front: httpx.Client, stack: StackAddresses) -> None:
    table = load_routes(DEPLOYED)
    below = [PREFIXES.of(api) + resource.path.replace("{id}", "1") for resource in table.resources for api in Api]
    folders = [
        *below,
        "/admin/",
        "/static/",
        "/api/health/",
        "/api/v2/health/",
        "/api/v2/",
        "/api/",
        "/api/v2/users/x/",
    ]
    for path in folders:
        response = front.get(path.removesuffix("/"))
        line = logged(stack.access_log, response.headers["X-Request-ID"])
        assert line["upstream_status"] == str(response.status_code), path
        if response.is_redirect:
            assert response.headers["Location"] == path


def test_a_missing_slash_loses_no_post(front: httpx.Client) -> None:
    for prefix in ("/api", "/api/v2"):
        response = front.post(f"{prefix}/auth/token", json={"username": "x"})
        assert (response.status_code, response.headers["Location"]) == (301, f"{prefix}/auth/token/")
