"""What one request may hold and ask for is the same on both stacks, and what is beyond it costs nothing."""

import json
import time

import httpx
import pytest

from tests.contract.comparing import V1, V2, Ask, Comparison

QUERIES = {
    "1,000 parameters": "&".join(["a=1"] * 1000),
    "1,001 parameters": "&".join(["a=1"] * 1001),
    "32 terms": "search=" + ",".join(map(str, range(32))),
    "33 terms": "search=" + ",".join(map(str, range(33))),
    "one term 3,500 times": "search=" + ",".join("a" * 3500),
    "two orders 400 times": "ordering=" + ",".join(["title", "-title"] * 400),
    "4,095 bytes": "a=" + "b" * 4080,
    "8,000 bytes": "a=" + "b" * 7980,
}
BODIES = {
    "50 tags": {"title": "a", "content": "b", "tags": [f"t{number}" for number in range(50)]},
    "51 tags": {"title": "a", "content": "b", "tags": [f"t{number}" for number in range(51)]},
    "content of 50,000": {"title": "a", "content": "b" * 50_000},
    "content of 50,001": {"title": "a", "content": "b" * 50_001},
}
CHARSETS = ("bz2", "zlib", "punycode", "idna", "utf-7", "rot13", "unicode_escape", "utf-16", "latin-1", "nobody")


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_queries(comparison: Comparison, query: str) -> None:
    begun = time.monotonic()
    comparison.ask(Ask("GET", f"/feed/?{query}"), served_by="fastapi")
    assert time.monotonic() - begun < 5


def test_an_address_that_is_too_long_is_said_in_json(parallel: httpx.Client) -> None:
    for prefix in (V1, V2):
        answer = parallel.get(f"{prefix}/feed/?a={'b' * 8192}")
        assert (answer.status_code, answer.json()) == (414, {"detail": "Request address is too long: send less."})


@pytest.mark.parametrize(("number", "status"), [(70, 200), (200, 400)])
def test_as_many_headers(parallel: httpx.Client, number: int, status: int) -> None:
    headers = {f"x{index}": "1" for index in range(number)}
    answers = [parallel.get(f"{prefix}/feed/", headers=headers) for prefix in (V1, V2)]
    assert [answer.status_code for answer in answers] == [status] * 2
    assert all(answer.headers["Content-Type"] == "application/json" for answer in answers)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_lists_and_texts(comparison: Comparison, access_tokens: dict[str, str], body: dict[str, object]) -> None:
    headers = {"Authorization": f"Bearer {access_tokens['alice']}", "Content-Type": "application/json"}
    asked = Ask("POST", "/posts/", headers, json.dumps(body).encode())
    comparison.ask(asked, asked, served_by="fastapi")


def test_a_name_that_folds_in_quadratic_time_is_refused_before(comparison: Comparison) -> None:
    name = "a" + "\u0301\u0316" * 100_000
    body = json.dumps({"username": name, "email": "a@example.com", "password": "correct horse battery"}).encode()
    begun = time.monotonic()
    asked = Ask("POST", "/users/", {"Content-Type": "application/json"}, body)
    first, _ = comparison.ask(asked, served_by="fastapi")
    assert (first.status_code, list(first.json())) == (400, ["username"])
    assert time.monotonic() - begun < 5


def test_a_form_of_too_many_fields(comparison: Comparison) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    comparison.ask(Ask("POST", "/auth/token/verify/", headers, b"&".join([b"a=1"] * 1001)), served_by="fastapi")


@pytest.mark.parametrize("charset", CHARSETS)
def test_charsets(comparison: Comparison, charset: str) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        comparison.ask(Ask("POST", "/auth/token/verify/", {"Content-Type": f"{kind}; charset={charset}"}, b"{}"))
