"""What nginx adds to every answer and every log line, and what it lets through of what a client says of itself."""

import json
import re
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import MakeGateway
from tests.gateways import LIES, ask_raw, logged, marks
from tests.shared_stack import StackAddresses
from tests.stack_doubles import answering_upstream, broken_upstream

# Unlike the deployed file, which moves on: writes with Django, reads with both.
WRITES = ("posts.create", "posts.update", "posts.delete", "posts.publish", "tags.create", "users.create")
STAGES = dict.fromkeys(WRITES, "legacy")
KINDS: list[tuple[str, str, int, str, str]] = [
    ("GET", "/api/feed/", 200, "django", "feed.list"),
    ("GET", "/api/v2/feed/", 200, "fastapi", "feed.list"),
    ("HEAD", "/api/v2/feed/", 200, "fastapi", "feed.list"),
    ("OPTIONS", "/api/feed/", 200, "django", "/feed/"),
    ("OPTIONS", "/api/v2/feed/", 200, "fastapi", "/feed/"),
    ("OPTIONS", "/api/v2/tags/", 401, "django", "/tags/"),
    ("GET", "/api/feed", 301, "django", "feed.list"),
    ("GET", "/api/v2/feed", 301, "fastapi", "feed.list"),
    ("POST", "/api/v2/posts", 301, "django", "posts.create"),
    ("GET", "/api/v2/posts/", 401, "fastapi", "posts.list"),
    ("POST", "/api/v2/posts/", 401, "django", "posts.create"),
    ("PUT", "/api/v2/posts/7/", 401, "django", "posts.update"),
    ("DELETE", "/api/posts/7", 301, "django", "posts.delete"),
    ("POST", "/api/v2/posts/7/publish/", 401, "django", "posts.publish"),
    ("GET", "/api/tags/0/", 404, "django", "tags.retrieve"),
    ("GET", "/api/v2/tags/0/", 404, "fastapi", "tags.retrieve"),
    ("PUT", "/api/feed/", 405, "django", "/feed/"),
    ("PUT", "/api/v2/feed/", 405, "fastapi", "/feed/"),
    ("TRACE", "/api/v2/feed/", 405, "django", "-"),
    ("GET", "/api/nowhere/", 404, "django", "-"),
    ("GET", "/api/v2/nowhere/", 404, "django", "-"),
    ("GET", "/api/v2/posts/7/nowhere/", 404, "django", "-"),
    ("GET", "/api/v2/feed.json", 404, "django", "-"),
    ("GET", "/api/v2/posts/7.json", 404, "django", "-"),
    ("GET", "/api/v2", 404, "django", "-"),
    ("GET", "/", 200, "django", "-"),
    ("GET", "/admin/", 302, "django", "django.admin"),
    ("GET", "/admin", 301, "django", "django.admin"),
    ("GET", "/static/admin/css/base.css", 200, "django", "django.static"),
    ("GET", "/api/health/", 200, "django", "django.health"),
    ("GET", "/api/docs/", 200, "django", "django.docs"),
    ("GET", "/api/v2/health/ready", 200, "fastapi", "fastapi.health"),
    ("GET", "/api/v2/openapi.json", 200, "fastapi", "fastapi.schema"),
]
FIELDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(
        ("time", "request_id", "client", "method", "uri", "api", "route", "stack", "caller", "fallback"), str
    ),
    **dict.fromkeys(("upstream_status", "upstream_time", "user_agent"), str),
    **dict.fromkeys(("status", "bytes", "connection"), int),
    "time_taken": (int, float),
}
MADE = re.compile(r"[0-9a-f]{32}")


def next_link(response: httpx.Response) -> str:
    link: str = response.raise_for_status().json()["next"]
    return link


def test_every_kind_of_answer_says_who_gave_it(make_gateway: MakeGateway) -> None:
    with httpx.Client(base_url=make_gateway(STAGES).url) as client:
        for method, path, status, stack, route in KINDS:
            response = client.request(method, path)
            found = (response.status_code, *marks(response))
            assert found == (status, stack, route), f"{method} {path} {response.text[:200]}"
            assert status != 405 or "OPTIONS" in response.headers["Allow"], f"{method} {path}"
            for name in ("X-Served-By", "X-Route", "X-Request-ID"):
                assert len(response.headers.get_list(name)) == 1, f"{method} {path} {name}"


def test_a_head_is_a_get_without_its_body(front: httpx.Client) -> None:
    for path in ("/api/feed/?search=nothing-has-this", "/api/v2/feed/?search=nothing-has-this"):
        got, head = front.get(path), front.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == got.headers["Content-Length"]


@pytest.mark.parametrize(("path", "stack_name"), [("/api/tags/", "django"), ("/api/v2/tags/", "fastapi")])
def test_a_request_id_is_in_the_answer_and_in_both_logs(
    path: str, stack_name: str, front: httpx.Client, stack: StackAddresses
) -> None:
    passed_on = f"Test-1.{uuid.uuid4().hex}_z"
    for sent in ({}, {"X-Request-ID": passed_on}):
        response = front.get(path, headers=sent)
        request_id = response.headers["X-Request-ID"]
        assert request_id == passed_on if sent else MADE.fullmatch(request_id)
        assert logged(stack.access_log, request_id)["stack"] == stack_name
        assert logged(Path(stack.folder, "logs", f"{stack_name}.log"), request_id)["status"] == 200


@pytest.mark.parametrize(
    "sent",
    [b"", b"-a", b".a", b"a b", b"a" * 129, b'a"b', b"a;b", b"\xc3\xa9", b"a,b", b"a\r\nX-Request-ID: b"],
)
def test_a_request_id_that_could_be_none_is_replaced(sent: bytes, front: httpx.Client) -> None:
    request = (
        b"GET /api/v2/health/live HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nX-Request-ID: %s\r\n\r\n" % sent
    )
    answer = ask_raw(str(front.base_url), request).decode()
    (found,) = re.findall(r"X-Request-ID: (.*)\r\n", answer)
    assert MADE.fullmatch(found)


def test_the_longest_request_id_is_passed_on(front: httpx.Client) -> None:
    longest = "a" * 128
    assert front.get("/api/v2/health/live", headers={"X-Request-ID": longest}).headers["X-Request-ID"] == longest


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/v2/feed/?page_size=1", {"api": "v2", "route": "feed.list", "stack": "fastapi", "status": 200}),
        ("GET", "/api/feed", {"api": "v1", "route": "feed.list", "stack": "django", "status": 301}),
        ("GET", "/nowhere", {"api": "v1", "route": "-", "stack": "django", "status": 404}),
        ("TRACE", "/api/", {"api": "v1", "route": "-", "stack": "django", "status": 405}),
    ],
)
def test_the_access_log_is_one_line_of_json_for_each_request(
    method: str, path: str, expected: dict[str, Any], front: httpx.Client, stack: StackAddresses
) -> None:
    agent = 'a "quoted" \\ agent'
    response = front.request(method, path, headers={"User-Agent": agent})
    line = logged(stack.access_log, response.headers["X-Request-ID"])
    assert {name for name, kind in FIELDS.items() if not isinstance(line.get(name), kind)} == set()
    assert set(line) == set(FIELDS)
    assert expected.items() <= line.items()
    assert (line["method"], line["uri"], line["client"]) == (method, path, "127.0.0.1")
    assert line["user_agent"] == agent
    if method == "TRACE":  # nginx's own answer
        assert (line["upstream_status"], line["upstream_time"]) == ("", "")
    else:
        assert int(line["upstream_status"]) == expected["status"]
        # Each is rounded to milliseconds by itself.
        assert 0 <= float(line["upstream_time"]) <= line["time_taken"] + 0.0015


def test_no_request_breaks_the_access_log(front: httpx.Client, stack: StackAddresses) -> None:
    request_id = uuid.uuid4().hex
    request = (
        b'GET /api/v2/health/live?"}\\\xff\xc3 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n'
        b'User-Agent: "},{"\xfe\x01\r\nX-Request-ID: %s\r\n\r\n' % request_id.encode()
    )
    ask_raw(str(front.base_url), request)
    ask_raw(str(front.base_url), b"no HTTP\r\n\r\n")
    assert logged(stack.access_log, request_id)["uri"].startswith('/api/v2/health/live?"}\\')
    lines = stack.access_log.read_text(errors="replace").splitlines()
    assert {type(json.loads(line)) for line in lines if line.startswith("{")} == {dict}


@pytest.mark.parametrize("path", ["/api/feed/?page_size=1", "/api/v2/feed/?page_size=1"])
def test_what_a_client_says_of_itself_is_ignored(path: str, front: httpx.Client, stack: StackAddresses) -> None:
    plain = front.get(path)
    other = "/api" if "/v2/" in path else "/api/v2"
    lies = LIES | {"X-Forwarded-Prefix": other, "X_Forwarded_Prefix": other, "X-Route": "evil", "X-Served-By": "evil"}
    lied = front.get(path, headers=lies)
    assert next_link(lied) == next_link(plain)
    assert marks(lied) == marks(plain)
    assert logged(stack.access_log, lied.headers["X-Request-ID"])["client"] == "127.0.0.1"


@pytest.mark.parametrize("prefix", ["/api", "/api/v2"])
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_links_carry_the_clients_host_with_its_port(name: str, prefix: str, front: httpx.Client) -> None:
    host = f"{name}:{front.base_url.port}"
    page = next_link(front.get(f"{prefix}/feed/?page_size=1", headers={"Host": host}))
    assert page == f"http://{host}{prefix}/feed/?page=2&page_size=1"
    assert front.get(f"{prefix}/feed?page_size=1").headers["Location"] == f"{prefix}/feed/?page_size=1"
    assert next_link(front.get(page.removeprefix(f"http://{host}"))) == page.replace("page=2", "page=3").replace(
        host, front.base_url.netloc.decode()
    )


@pytest.mark.parametrize(
    ("sent", "scheme"), [("https", "https"), ("http", "http"), ("ftp", "http"), ("https, http", "http"), ("", "http")]
)
def test_the_scheme_is_a_trusted_proxys(sent: str, scheme: str, make_gateway: MakeGateway) -> None:
    with httpx.Client(base_url=make_gateway(trusted_proxies=("127.0.0.1/32",)).url) as client:
        for prefix in ("/api", "/api/v2"):
            page = next_link(client.get(f"{prefix}/feed/?page_size=1", headers={"X-Forwarded-Proto": sent}))
            assert page.startswith(f"{scheme}://127.0.0.1:{client.base_url.port}{prefix}/feed/?")


def test_the_client_is_the_last_that_no_trusted_proxy_is(make_gateway: MakeGateway) -> None:
    trusting = make_gateway(trusted_proxies=("127.0.0.1/32", "10.0.0.0/8"))
    wary = make_gateway(trusted_proxies=("10.0.0.0/8",))
    sent = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.1.1.1", "X-Forwarded-Proto": "https"}
    for made, client in ((trusting, "203.0.113.9"), (wary, "127.0.0.1")):
        response = httpx.get(f"{made.url}/api/feed/?page_size=1", headers=sent)
        assert logged(made.log, response.headers["X-Request-ID"])["client"] == client
        assert next_link(response).startswith("https:") is (made is trusting)


def test_a_line_of_nginx_error_log_leads_to_its_request(make_gateway: MakeGateway) -> None:
    """By the number of the connection, which both logs have: an error's line has no room for the id."""
    with broken_upstream([]) as django:
        made = make_gateway({"*": "legacy"}, django=django)
        assert httpx.get(f"{made.url}/api/feed/", headers={"X-Request-ID": "lost"}).status_code == 502
    connection = logged(made.log, "lost")["connection"]
    assert re.search(rf"\[error\] \S+ \*{connection} upstream prematurely closed connection", made.log.read_text())


def test_a_trace_is_a_trusted_proxys_or_begins_here(make_gateway: MakeGateway) -> None:
    """Its number is nginx' own of the request, and the path of a stack gets the name of its route."""
    sent = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "vendor=1", "X-Request-ID": "mine"}
    received: list[bytes] = []
    with answering_upstream(received, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") as django:
        settings = {"tracing": True, "django": django}
        for trusted, given in (("127.0.0.1/32", sent["traceparent"]), ("10.0.0.0/8", None)):
            made = make_gateway(trusted_proxies=(trusted,), **settings)
            httpx.get(f"{made.url}/api/feed/", headers=sent)
            headers = dict(re.findall(r"^([\w-]+): (.*)\r$", received[-1].decode(), re.MULTILINE))
            assert (headers["traceparent"] == given, headers.get("tracestate")) == (bool(given), given and "vendor=1")
            assert headers["X-Route"] == "feed.list"
            number, trace, parent, flags = headers["traceparent"].split("-")
            assert (number, flags, len(trace), given or parent) == ("00", "01", 32, given or trace[:16])
            assert logged(made.log, "mine")["trace_id"] == trace
        for bad in ("00-1-2-01", f"00-{'0' * 32}-{'b' * 16}-01", f"ff-{'a' * 32}-{'b' * 16}-01", 'x"y'):
            httpx.get(f"{made.url}/api/feed/", headers={"traceparent": bad})
            assert bad.encode() not in received[-1]
        without = make_gateway(django=django)
        httpx.get(f"{without.url}/api/feed/", headers=sent)
        assert b"\ntraceparent: 00-a" in received[-1]
        assert "trace_id" not in logged(without.log, "mine")
