"""Cases from the access log: the safe requests of both APIs, and everything else counted by reason."""

import gzip
import io
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.compare.case import Case
from strangler.compare.cases import access_log
from strangler.compare.cases.access_log import cases_from_log
from strangler.errors import FailedError
from tests.example import ROOT, load_routes

TABLE = load_routes(ROOT / "nginx" / "routes.toml")
COMPLAINT = "2026/11/22 12:00:00 [error] 12#12: *3 connect() failed (111: Connection refused)\n"
REQUEST = {"time": "2026-11-22T12:00:00+00:00", "method": "GET", "uri": "/api/posts/", "api": "v1", "status": 200}


def line(uri: str = "/api/posts/?page=2", **changes: Any) -> str:
    return json.dumps(REQUEST | {"uri": uri} | changes, separators=(",", ":"), ensure_ascii=False) + "\n"


def read(text: str | bytes, *callers: str) -> tuple[list[Case], Counter[str]]:
    skipped: Counter[str] = Counter()
    content = text if isinstance(text, bytes) else text.encode("latin-1")
    return list(cases_from_log(io.BytesIO(content), TABLE, skipped=skipped, callers=callers)), skipped


def test_a_request_of_either_api_is_a_case_below_any_base() -> None:
    cases, skipped = read(COMPLAINT + line() + line("/api/v2/posts/?page=2", method="HEAD"))
    assert cases == [
        Case(method="GET", target="/posts/?page=2", route="posts.list", source="access log, line 2"),
        Case(method="HEAD", target="/posts/?page=2", route="posts.list", source="access log, line 3"),
    ]
    assert not skipped


def test_a_method_that_no_route_has_is_asked_too() -> None:
    cases, _ = read(line(method="OPTIONS"))
    assert [(case.target, case.route) for case in cases] == [("/posts/?page=2", "")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (line(method="POST"), access_log.UNSAFE),
        (line(method="-"), access_log.UNSAFE),
        (line("/admin/"), access_log.ELSEWHERE),
        (line("/api"), access_log.ELSEWHERE),
        (line("/api/posts/../users/"), access_log.REWRITTEN),
        (line("/api/v2/openapi.json"), access_log.FIXED),
        (line("/api/health/"), access_log.FIXED),
        (line("/api/wp-login.php"), access_log.UNKNOWN),
        (line("/api/v2/nope/", method="OPTIONS"), access_log.UNKNOWN),
        (line("/api/v2/events/?since=1"), access_log.STREAMING),
        ("anything\n", access_log.UNREADABLE),
        ('{"method":"GET"\n', access_log.UNREADABLE),
        ('{"method":"GET"}\n', access_log.UNREADABLE),
        (line(method=5), access_log.UNREADABLE),
        (line(caller=[1]), access_log.UNREADABLE),
        ('{"uri":' + "[" * 100_000 + "\n", access_log.UNREADABLE),
        ("{" + "x" * 600_000 + "\n", access_log.UNREADABLE),
        ("\0" * 100 + "\n", access_log.UNREADABLE),
    ],
)
def test_what_is_no_case_is_counted_by_its_reason(text: str, reason: str) -> None:
    cases, skipped = read(line() + text + line())
    assert len(cases) == 2
    assert skipped == {reason: 1}


def test_a_user_is_always_the_same_login_and_nobody_stays_nobody() -> None:
    users = [f"user:{number}" for number in range(50)]
    text = "".join(line(caller=caller) for caller in (*users, *users, "address:10.0.0.1", ""))
    cases, _ = read(text, "alice", "bob")
    assert [case.caller for case in cases[:50]] == [case.caller for case in cases[50:100]]
    assert {case.caller for case in cases[:50]} == {"alice", "bob"}
    assert [case.caller for case in cases[100:]] == ["", ""]


def test_without_a_login_everything_is_asked_as_nobody() -> None:
    cases, _ = read(line(caller="user:17"))
    assert cases[0].caller == ""


def test_a_token_in_the_query_stays_behind() -> None:
    cases, _ = read(line("/api/posts/?access_token=s3cret&page=2"))
    assert cases[0].target == "/posts/?page=2"


def test_bytes_are_asked_as_they_were_sent() -> None:
    cases, _ = read(line("/api/posts/?search=\xe9\xff"))
    assert cases[0].target == "/posts/?search=\xe9\xff"


def test_a_log_is_read_no_further_than_it_is_asked_for() -> None:
    file = io.BytesIO(line().encode() * 10_000)
    next(cases_from_log(file, TABLE, skipped=Counter()))
    assert file.tell() <= 2 * io.DEFAULT_BUFFER_SIZE


def test_a_log_as_a_collector_stores_it() -> None:
    wrapped = json.dumps({"log": line("/api/posts/?search=\u00fc"), "stream": "stdout"}, ensure_ascii=False) + "\n"
    cases, skipped = read(gzip.compress(wrapped.encode()))
    assert [case.target for case in cases] == ["/posts/?search=\xc3\xbc"]
    assert not skipped


def test_a_log_of_another_kind_is_refused() -> None:
    with pytest.raises(FailedError, match=r"^2 of 2 lines of access log are not of the gateway's access log: "):
        read("GET /api/posts/ 200\n" * 2)


@given(st.binary(max_size=300))
def test_any_bytes_leave_the_lines_around_them_readable(noise: bytes) -> None:
    # Most have to be readable.
    lines = line().encode() * (1 + len(noise.splitlines()))
    cases, _ = read(lines + noise + b"\n" + lines)
    assert {case.target for case in cases} >= {"/posts/?page=2"}
    assert len(cases) >= 2
