"""nginx's access log: every request of the wanted routes, whatever else stands in the file."""

import bz2
import datetime as dt
import gzip
import io
import json
import lzma
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strangler.errors import FailedError
from strangler.metrics.access_log import AccessLog, LoggedRequest, log_lines

COMPLAINT = "2026/11/22 12:00:00 [error] 12#12: *3 connect() failed (111: Connection refused)\n"
REQUEST = {
    "time": "2026-11-22T12:00:00+00:00",
    "client": "10.0.0.1",
    "method": "GET",
    "uri": "/api/posts/",
    "api": "v1",
    "route": "posts.list",
    "stack": "django",
    "caller": "user:17",
    "status": 200,
    "user_agent": "app/2",
}


def line(**changes: Any) -> str:
    return json.dumps(REQUEST | changes, separators=(",", ":"), ensure_ascii=False) + "\n"


def read(text: str | bytes, *routes: str) -> tuple[list[LoggedRequest], AccessLog]:
    log = AccessLog()
    content = text if isinstance(text, bytes) else text.encode()
    return list(log.requests(log_lines(io.BytesIO(content)), set(routes or ("posts.list",)))), log


def test_a_request() -> None:
    requests, log = read(line())
    assert requests == [
        LoggedRequest(
            time=dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC),
            api="v1",
            route="posts.list",
            status=200,
            caller="user:17",
            user_agent="app/2",
            stack="django",
        )
    ]
    assert log.begins == requests[0].time


@pytest.mark.parametrize(
    ("upstream", "seconds"),
    [("0.012", 0.012), ("-", None), ("", None), ("0.002, 0.010 : 0.030", 0.042), ("-, 0.5", 0.5)],
)
def test_how_long_the_stacks_took(upstream: str, seconds: float | None) -> None:
    requests, _ = read(line(upstream_time=upstream))
    assert requests[0].seconds == pytest.approx(seconds)


def test_other_routes_and_complaints_are_skipped() -> None:
    text = (
        line(route="feed.list")
        + COMPLAINT
        + line()
        + "nginx: [emerg] no\n\n"
        + line(user_agent='"posts.list"', route="x")
    )
    requests, log = read(text)
    assert len(requests) == 1
    assert log.unreadable == 0


def test_the_log_begins_with_its_first_request_whatever_its_route() -> None:
    _, log = read(COMPLAINT + line(route="feed.list", time="2026-11-01T00:00:00+01:00") + line())
    assert log.begins == dt.datetime(2026, 10, 31, 23, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "broken",
    [
        "anything\n",
        "{\n",
        '{"route":"posts.list"\n',
        '{"route":"posts.list"}\n',
        '{"route":"feed.list","sta\n',
        '{"level":"info","message":"from elsewhere"}\n',
        line(time="yesterday"),
        line(time=5),
        line(status="-"),
        '{"route":"posts.list","a":' + "[" * 100_000 + "\n",
        "\0" * 100 + "\n",
        "{" + "x" * 600_000 + "\n",
        "x" * 200_000 + "\n",
    ],
)
def test_a_line_that_is_no_request_is_counted_and_skipped(broken: str) -> None:
    requests, log = read(line() + broken + line())
    assert len(requests) == 2
    assert log.unreadable == 1


def test_a_line_that_nginx_is_still_writing_is_left_for_the_next_time() -> None:
    requests, log = read(line() + line()[:-10])
    assert (len(requests), log.unreadable) == (1, 0)


def test_bytes_that_are_no_utf8_are_kept_as_marks() -> None:
    requests, _ = read(line(user_agent="caf€").replace("€", "\udce9").encode(errors="surrogateescape"))
    assert requests[0].user_agent == "caf�"


def test_a_log_of_before_callers_were_logged_names_the_address() -> None:
    requests, _ = read(line(caller=""))
    assert requests[0].caller == "address:10.0.0.1"


def _journald(text: str) -> str:
    return json.dumps({"_COMM": "nginx", "MESSAGE": list(text.rstrip().encode())}) + "\n"


COLLECTORS: dict[str, Callable[[str], str]] = {
    "compose": lambda text: f"nginx-1  | {text}",
    "syslog": lambda text: f"<190>Nov 22 12:00:00 host nginx: {text}",
    "syslog, RFC 5424": lambda text: f"<165>1 2026-11-22T12:00:00Z host nginx 12 - - {text}",
    "journalctl": lambda text: f"Nov 22 12:00:00 host nginx[12]: {text}",
    "journalctl -o json": _journald,
    "docker": lambda text: json.dumps({"log": text, "stream": "stdout", "time": "2026-11-22T12:00:00Z"}) + "\n",
    "kubernetes": lambda text: f"2026-11-22T12:00:00.1Z stdout F {text}",
    "kubectl --prefix": lambda text: f"[pod/nginx-1/nginx] {text}",
    "fluent bit": lambda text: json.dumps({"date": 1.5, "log": text.rstrip(), "kubernetes": {"host": "a"}}) + "\n",
    "elastic": lambda text: json.dumps({"message": text.rstrip(), "method": "pull"}) + "\n",
    "elastic over docker": lambda text: json.dumps({"message": json.dumps({"log": text})}) + "\n",
}


@pytest.mark.parametrize("collected", COLLECTORS.values(), ids=COLLECTORS)
def test_what_a_log_collector_puts_around_lines_does_no_harm(collected: Callable[[str], str]) -> None:
    plain, _ = read(line(user_agent="caf\u00e9"))
    requests, log = read(collected(line(user_agent="caf\u00e9")) + collected(COMPLAINT) + collected(line(route="x")))
    assert (requests, log.readable, log.unreadable) == (plain, 2, 0)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_log(compress: Callable[[bytes], bytes]) -> None:
    requests, log = read(compress((line() * 1000).encode()))
    assert (len(requests), log.unreadable) == (1000, 0)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_half_a_compressed_log_is_refused(compress: Callable[[bytes], bytes]) -> None:
    whole = compress("".join(line(uri=f"/{number * 7919}/") for number in range(5000)).encode())
    with pytest.raises(FailedError, match=r"can't be read to its end"):
        read(whole[: len(whole) // 2])


def test_a_log_of_another_kind_is_refused_and_one_without_requests_is_not() -> None:
    _, log = read('10.0.0.1 - - [22/Nov/2026:12:00:00 +0000] "GET /api/posts/ HTTP/1.1" 200 5\n' * 571)
    with pytest.raises(FailedError, match=r"^571 of 571 lines of x\.log are not of the gateway's access log: pass"):
        log.require_readable("x.log")
    for text in ("", COMPLAINT, line(), line() + "anything\n"):
        read(text)[1].require_readable("x.log")


def test_a_request_that_a_client_forges_in_an_error_line_is_none() -> None:
    forged = COMPLAINT.rstrip() + ", request: " + line()
    assert read(forged + f"nginx-1  | {forged}" + line(user_agent=line()))[0] == read(line(user_agent=line()))[0]


@given(st.binary(max_size=300))
def test_any_bytes_leave_the_lines_around_them_readable(noise: bytes) -> None:
    requests, _ = read(line().encode() + noise.replace(b"posts.list", b"") + b"\n" + line().encode())
    assert len(requests) == 2
