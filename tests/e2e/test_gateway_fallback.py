"""A read that FastAPI can't answer is answered by Django, and says so; nothing else changes hands."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from strangler.local.ports import port_free_pick
from strangler.routes.route import RequestLimit
from tests.e2e.conftest import MakeGateway
from tests.gateways import logged, marks
from tests.stack_doubles import answering_upstream, broken_upstream, headers_of, silent_upstream

FALLBACK = {"feed.list": {"fallback": True}, "posts.list": {"fallback": True}}
MIGRATED = {"*": "migrated"}
UNREACHABLE = '{"detail":"The service does not answer: try again in a few seconds."}'
BUSY = '{"detail":"The service is busy: try again in a second."}'
LATE_SECONDS = 5
LIMIT = 2 * 1024 * 1024


def nobody() -> str:
    return f"http://127.0.0.1:{port_free_pick()}"


def an_answer(status: int) -> bytes:
    body = b"FastAPI's own words"
    return b"HTTP/1.1 %d Own\r\nRetry-After: 7\r\nX-Fallback: lie\r\nContent-Length: %d\r\n\r\n%s" % (
        status,
        len(body),
        body,
    )


def fell_back(response: httpx.Response) -> bool:
    """Whether Django answered in FastAPI's place, and both headers say so."""
    assert response.headers.get("X-Fallback") in {None, "fastapi"}
    assert ("X-Fallback" not in response.headers) or marks(response)[0] == "django"
    return "X-Fallback" in response.headers


@pytest.mark.parametrize("prefix", ["/api", "/api/v2"])
def test_django_answers_when_fastapi_refuses_the_connection(prefix: str, make_gateway: MakeGateway) -> None:
    made = make_gateway(MIGRATED, routes=FALLBACK, fastapi=nobody())
    response = httpx.get(f"{made.url}{prefix}/feed/?page_size=1&search=%20")
    assert (response.status_code, marks(response), fell_back(response)) == (200, ("django", "feed.list"), True)
    page = httpx.get(f"{made.url}{prefix}/feed/?page_size=1").json()["next"]
    assert page == f"{made.url}{prefix}/feed/?page=2&page_size=1"
    assert httpx.get(f"{made.url}{prefix}/feed").headers["Location"] == f"{prefix}/feed/"
    line = logged(made.log, response.headers["X-Request-ID"])
    assert (line["stack"], line["fallback"], line["status"]) == ("django", "fastapi", 200)
    assert line["upstream_status"] == "502 : 200"


def test_a_head_falls_back_as_a_get_does(make_gateway: MakeGateway) -> None:
    url = make_gateway(MIGRATED, routes=FALLBACK, fastapi=nobody()).url
    got, head = (httpx.request(method, f"{url}/api/feed/?page_size=1") for method in ("GET", "HEAD"))
    assert (head.status_code, head.content, fell_back(head)) == (200, b"", True)
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


def test_while_fastapi_answers_nothing_falls_back(make_gateway: MakeGateway) -> None:
    made = make_gateway(MIGRATED, routes=FALLBACK)
    for path in ("/api/feed/", "/api/v2/feed/", "/api/feed", "/api/v2/posts/"):
        response = httpx.get(made.url + path)
        assert (marks(response)[0], fell_back(response)) == ("fastapi", False)
        assert response.status_code == {"/api/feed": 301, "/api/v2/posts/": 401}.get(path, 200)
        assert logged(made.log, response.headers["X-Request-ID"])["fallback"] == ""


def test_django_answers_when_fastapi_is_silent_for_too_long(make_gateway: MakeGateway) -> None:
    with silent_upstream() as upstream:
        url = make_gateway(MIGRATED, routes=FALLBACK, fastapi=upstream).url
        begin = time.monotonic()
        response = httpx.get(f"{url}/api/v2/feed/", timeout=30)
        assert (response.status_code, fell_back(response)) == (200, True)
        assert LATE_SECONDS - 0.5 < time.monotonic() - begin < LATE_SECONDS + 5


@pytest.mark.parametrize("status", [502, 503, 504])
def test_django_answers_when_fastapi_says_that_it_cannot(status: int, make_gateway: MakeGateway) -> None:
    received: list[bytes] = []
    with answering_upstream(received, an_answer(status)) as upstream:
        url = make_gateway(MIGRATED, routes=FALLBACK, fastapi=upstream).url
        for path in ("/api/feed/", "/api/v2/feed/"):
            response = httpx.get(url + path)
            assert (response.status_code, fell_back(response)) == (200, True)
            assert "results" in response.json()
    assert [request.split()[1] for request in received] == [b"/api/v2/feed/"] * 2


def test_django_answers_when_fastapi_hangs_up(make_gateway: MakeGateway) -> None:
    with broken_upstream([]) as upstream:
        response = httpx.get(f"{make_gateway(MIGRATED, routes=FALLBACK, fastapi=upstream).url}/api/feed/")
    assert (response.status_code, fell_back(response)) == (200, True)


@pytest.mark.parametrize("status", [200, 400, 401, 404, 405, 410, 413, 414, 418, 429, 500])
def test_every_other_answer_of_fastapi_stays_as_it_is(status: int, make_gateway: MakeGateway) -> None:
    with answering_upstream([], an_answer(status)) as upstream:
        url = make_gateway(MIGRATED, routes=FALLBACK, fastapi=upstream).url
        for method, path in (("GET", "/api/feed/"), ("GET", "/api/v2/tags/"), ("POST", "/api/posts/")):
            response = httpx.request(method, url + path)
            assert (response.status_code, response.text) == (status, "FastAPI's own words")
            assert (response.headers["Retry-After"], marks(response)[0], fell_back(response)) == ("7", "fastapi", False)


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "DELETE"])
def test_a_write_never_changes_hands(method: str, status: int, make_gateway: MakeGateway) -> None:
    both: dict[str, Any] = {
        "tags.list": {"fallback": True, "methods": ("GET", "POST", "PUT", "DELETE")},
        "tags.create": {"path": "/elsewhere/"},
    }
    with answering_upstream([], an_answer(status)) as upstream:
        url = make_gateway(MIGRATED, routes=both, fastapi=upstream).url
        response = httpx.request(method, f"{url}/api/tags/")
        assert (response.status_code, response.text) == (status, "FastAPI's own words")
        assert (marks(response)[0], fell_back(response)) == ("fastapi", False)
        assert fell_back(httpx.get(f"{url}/api/tags/"))


def test_a_write_that_fastapi_refuses_to_take_is_the_gateways_502(make_gateway: MakeGateway) -> None:
    url = make_gateway(MIGRATED, routes=FALLBACK, fastapi=nobody()).url
    response = httpx.post(f"{url}/api/posts/", json={"title": "x"})
    assert (response.status_code, response.text, fell_back(response)) == (502, UNREACHABLE, False)


def test_a_route_without_fallback_has_none(make_gateway: MakeGateway) -> None:
    url = make_gateway(MIGRATED, routes=FALLBACK, fastapi=nobody()).url
    response = httpx.get(f"{url}/api/tags/")
    assert (response.status_code, response.text, fell_back(response)) == (502, UNREACHABLE, False)


def test_when_both_are_down_the_gateway_says_so(make_gateway: MakeGateway) -> None:
    made = make_gateway(MIGRATED, routes=FALLBACK, fastapi=nobody(), django=nobody())
    response = httpx.get(f"{made.url}/api/feed/")
    assert (response.status_code, response.text, fell_back(response)) == (502, UNREACHABLE, True)
    assert response.headers["Retry-After"] == "5"
    assert response.headers["Content-Type"] == "application/json"
    assert logged(made.log, response.headers["X-Request-ID"])["upstream_status"] == "502 : 502"


@pytest.mark.parametrize("status", [404, 429, 502, 503])
def test_what_django_says_in_fastapis_place_stays_as_it_is(status: int, make_gateway: MakeGateway) -> None:
    received: list[bytes] = []
    with answering_upstream(received, an_answer(status)) as upstream:
        url = make_gateway(MIGRATED, routes=FALLBACK, fastapi=nobody(), django=upstream).url
        response = httpx.get(f"{url}/api/feed/")
    assert (response.status_code, response.text, fell_back(response)) == (status, "FastAPI's own words", True)
    assert len(received) == 1


def test_django_is_not_asked_twice_for_what_is_its_own(make_gateway: MakeGateway) -> None:
    received: list[bytes] = []
    with broken_upstream(received) as upstream:
        url = make_gateway({"*": "parallel"}, routes=FALLBACK, django=upstream).url
        response = httpx.get(f"{url}/api/feed/")
    assert (response.status_code, fell_back(response), len(received)) == (502, False, 1)


def test_no_more_fall_back_at_once_than_django_can_take(make_gateway: MakeGateway) -> None:
    """The others are told to come back, and Django's own requests are not held up by them."""
    with silent_upstream() as django:
        made = make_gateway(MIGRATED, routes=FALLBACK, fastapi=nobody(), django=django, fallback_connections=3)

        def ask(_number: int) -> httpx.Response | None:
            try:
                return httpx.get(f"{made.url}/api/feed/", timeout=3)
            except httpx.ReadTimeout:
                return None

        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(ask, range(12)))
    refused = [answer for answer in answers if answer is not None]
    assert answers.count(None) == 3
    assert {(answer.status_code, answer.text, fell_back(answer)) for answer in refused} == {(503, BUSY, True)}
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}


@pytest.mark.parametrize("up", [True, False])
def test_a_read_that_may_fall_back_is_limited_like_others(up: bool, make_gateway: MakeGateway) -> None:
    throttle = RequestLimit(name="token", rate="1r/m", burst=2)
    routes = {"feed.list": {"fallback": True, "throttle": "token"}}
    url = make_gateway(MIGRATED, throttle=throttle, routes=routes, **({} if up else {"fastapi": nobody()})).url
    answers = [httpx.get(f"{url}/api/feed/?page_size=1") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [fell_back(answer) for answer in answers[:3]] == [not up] * 3
    assert answers[3].json() == {"detail": "Request was throttled. Expected available in 60 seconds."}
    assert (answers[3].headers["Retry-After"], marks(answers[3])) == ("60", ("fastapi", "feed.list"))


@pytest.mark.parametrize("size", [2, 100_000])
def test_a_read_with_a_body_falls_back_with_it(size: int, make_gateway: MakeGateway) -> None:
    received: list[bytes] = []
    body = b"x" * size
    with answering_upstream(received, an_answer(200)) as django:
        url = make_gateway(MIGRATED, routes=FALLBACK, fastapi=nobody(), django=django).url
        response = httpx.request("GET", f"{url}/api/v2/feed/", content=body)
    assert (response.status_code, fell_back(response)) == (200, True)
    assert headers_of(received[0])["content-length"] == str(size)
    assert received[0].startswith(b"GET /api/feed/ HTTP/1.1\r\n")
    assert received[0].partition(b"\r\n\r\n")[2] == body


def test_a_body_beyond_the_limit_is_refused_with_or_without_a_length(make_gateway: MakeGateway) -> None:
    url = make_gateway(MIGRATED, routes=FALLBACK, fastapi=nobody()).url
    for content in (b"x" * (LIMIT + 1), iter([b"x" * LIMIT, b"x"])):
        response = httpx.request("GET", f"{url}/api/feed/", content=content)
        assert response.status_code == 413
        assert response.json() == {"detail": "Request body is larger than 2m: send less."}
    # A body without a length keeps its request from falling back.
    assert httpx.request("GET", f"{url}/api/feed/", content=iter([b"x"])).status_code == 502
