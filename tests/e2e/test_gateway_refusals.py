"""What nginx answers by itself: 413, 429 and 502, in DRF's shape, saying when to come back."""

import time

import httpx
import pytest

from strangler.local.ports import port_free_pick
from strangler.routes.route import RequestLimit
from tests.e2e.conftest import MakeGateway
from tests.gateways import LIES, ask_raw, logged, marks
from tests.stack_doubles import broken_upstream, headers_of

LIMIT = 2 * 1024 * 1024
TOKEN = "/api/auth/token/verify/"
RETRY_SECONDS = 10


def answer(response: httpx.Response) -> tuple[int, str, str, str | None]:
    """Status, body, media type and when to come back."""
    headers = response.headers
    return response.status_code, response.text, headers["Content-Type"], headers.get("Retry-After")


def throttled(seconds: int) -> tuple[int, str, str, str]:
    """DRF's answer to a throttled request (rest_framework.exceptions.Throttled)."""
    words = f"{seconds} second{'s' if seconds > 1 else ''}"
    body = f'{{"detail":"Request was throttled. Expected available in {words}."}}'
    return 429, body, "application/json", str(seconds)


def test_a_throttled_route_lets_the_burst_through_and_says_when_to_come_back(make_gateway: MakeGateway) -> None:
    made = make_gateway(throttle=RequestLimit(name="token", rate="20r/m", burst=3))
    with httpx.Client(base_url=made.url) as client:
        assert [client.post(TOKEN, json={"token": "x"}).status_code for _ in range(4)] == [401] * 4
        refused = client.post(TOKEN, json={"token": "x"})
        assert answer(refused) == throttled(3)
        assert marks(refused) == ("django", "auth.verify")
        assert logged(made.log, refused.headers["X-Request-ID"])["status"] == 429
        v2 = client.post(TOKEN.replace("/api/", "/api/v2/"), json={"token": "x"})
        assert (answer(v2), marks(v2)) == (throttled(3), ("fastapi", "auth.verify"))
        assert answer(client.post(TOKEN.removesuffix("/"), json={})) == throttled(3)
        assert answer(client.post("/api//auth/token/%76erify/", json={})) == throttled(3)
        assert client.get("/api/v2/feed/").status_code == 200


@pytest.mark.parametrize(("rate", "seconds"), [("1r/m", 60), ("1r/s", 1)])
def test_without_a_burst_the_second_request_is_refused(rate: str, seconds: int, make_gateway: MakeGateway) -> None:
    url = make_gateway(throttle=RequestLimit(name="token", rate=rate, burst=0)).url
    assert httpx.post(url + TOKEN, json={"token": "x"}).status_code == 401
    assert answer(httpx.post(url + TOKEN, json={"token": "x"})) == throttled(seconds)


def test_one_method_of_a_path_is_limited_alone(make_gateway: MakeGateway) -> None:
    throttle = RequestLimit(name="token", rate="1r/m", burst=0)
    url = make_gateway(throttle=throttle, routes={"tags.create": {"throttle": "token"}}).url
    asked = [httpx.request(method, f"{url}/api/tags/", json={}) for method in ("POST", "GET", "POST", "OPTIONS", "GET")]
    assert [response.status_code for response in asked] == [401, 200, 429, 401, 200]
    assert httpx.post(f"{url}/api/v2/tags/", json={}).status_code == 429


def test_who_comes_back_when_reported_is_let_through(make_gateway: MakeGateway) -> None:
    with httpx.Client(base_url=make_gateway(throttle=RequestLimit(name="token", rate="1r/s", burst=0)).url) as client:
        while (refused := client.post(TOKEN, json={})).status_code != 429:
            pass
        reported = time.monotonic() + int(refused.headers["Retry-After"])
        while client.post(TOKEN, json={}).status_code == 429:
            assert time.monotonic() < reported + 0.5
            time.sleep(0.05)


def test_the_throttle_counts_the_clients_of_a_trusted_proxy_apart(make_gateway: MakeGateway) -> None:
    throttle = RequestLimit(name="token", rate="1r/m", burst=0)
    url = make_gateway(throttle=throttle, trusted_proxies=("127.0.0.0/8",)).url
    sent = [{"X-Forwarded-For": address} for address in ("203.0.113.1", "203.0.113.2", "203.0.113.1")]
    assert [httpx.post(url + TOKEN, json={}, headers=headers).status_code for headers in sent] == [400, 400, 429]


def test_a_client_gets_no_throttle_of_its_own_by_lying(make_gateway: MakeGateway) -> None:
    url = make_gateway(throttle=RequestLimit(name="token", rate="1r/m", burst=0)).url
    sent = [{"X-Forwarded-For": f"203.0.113.{number}"} for number in range(3)]
    assert [httpx.post(url + TOKEN, json={}, headers=headers).status_code for headers in sent] == [400, 429, 429]


@pytest.mark.parametrize("prefix", ["/api", "/api/v2"])
def test_a_body_beyond_the_limit_is_refused(prefix: str, front: httpx.Client) -> None:
    body = b'{"token":"%s"}' % (b"x" * (LIMIT - len(b'{"token":""}')))
    headers = {"Content-Type": "application/json"}
    fits = front.post(f"{prefix}/auth/token/verify/", content=body, headers=headers)
    assert fits.status_code == 401
    large = front.post(f"{prefix}/auth/token/verify/", content=body + b" ", headers=headers)
    refusal = (413, '{"detail":"Request body is larger than 2m: send less."}', "application/json", None)
    assert answer(large) == refusal
    assert large.headers["X-Served-By"]
    assert large.headers["X-Route"]
    assert large.headers["X-Request-ID"]
    # Without a length nginx learns the size while it reads, and knows the route by then.
    chunked = front.post(f"{prefix}/auth/token/verify/", content=iter([body, b" "]), headers=headers)
    assert answer(chunked) == refusal
    assert marks(chunked)[1] == "auth.verify"


def test_a_stack_that_is_down_is_502_and_the_other_goes_on(make_gateway: MakeGateway) -> None:
    made = make_gateway(django=f"http://127.0.0.1:{port_free_pick()}")
    for path, route in (("/api/feed/", "feed.list"), ("/api/feed", "feed.list"), ("/admin/", "django.admin")):
        response = httpx.get(made.url + path)
        body = '{"detail":"The service does not answer: try again in a few seconds."}'
        assert answer(response) == (502, body, "application/json", "5")
        assert marks(response) == ("django", route)
        line = logged(made.log, response.headers["X-Request-ID"])
        assert (line["status"], line["upstream_status"], line["stack"]) == (502, "502", "django")
    assert httpx.get(f"{made.url}/api/v2/feed/").status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_whose_connection_broke_is_not_sent_again(method: str, make_gateway: MakeGateway) -> None:
    """Neither on a new connection nor on one that was kept alive, where nginx by default tries again."""
    received: list[bytes] = []
    with (
        broken_upstream(received, answers=1) as url,
        httpx.Client(base_url=make_gateway({"*": "legacy"}, django=url).url) as client,
    ):
        statuses = [client.request(method, "/api/v2/posts/").status_code for _ in range(3)]
    assert statuses == [200, 502, 502]
    assert len(received) == 3


def test_what_a_stack_is_reported(make_gateway: MakeGateway) -> None:
    received: list[bytes] = []
    with broken_upstream(received) as url:
        made = make_gateway({"*": "legacy"}, django=url)
        response = httpx.post(f"{made.url}/api/v2/posts/?a=%2F", content=b"{}", headers=LIES)
        httpx.get(f"{made.url}/admin/%2e/a%20b?c=d")
    head, _, body = received[0].partition(b"\r\n\r\n")
    headers = headers_of(received[0])
    assert (head.split(b"\r\n")[0], body) == (b"POST /api/posts/?a=%2F HTTP/1.1", b"{}")
    assert "forwarded" not in headers
    assert headers["host"] == made.url.removeprefix("http://")
    assert {name: value for name, value in headers.items() if name.startswith("x-")} == {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-prefix": "/api/v2",
        "x-request-id": response.headers["X-Request-ID"],
        "x-route": "posts.create",
    }
    assert received[1].startswith(b"GET /admin/")


@pytest.mark.parametrize("sent", [b"\xff", b"caf\xc3\xa9", b"caf\xc3\xa9 \xc3", b"\xed\xa0\x80", b'"\\'])
def test_a_log_line_is_json_whatever_is_sent(sent: bytes, make_gateway: MakeGateway) -> None:
    made = make_gateway()
    answer = httpx.get(f"{made.url}/api/v2/feed/", headers={"User-Agent": sent, "X-Request-ID": "odd"})
    assert answer.status_code == 200
    assert sent.startswith(logged(made.log, "odd")["user_agent"].encode())
    address = b"/api/v2/feed/?a=" + sent.replace(b" ", b"+")
    ask_raw(made.url, b"GET %b HTTP/1.1\r\nHost: {host}\r\nX-Request-ID: raw\r\nConnection: close\r\n\r\n" % address)
    assert address.startswith(logged(made.log, "raw")["uri"].encode())
