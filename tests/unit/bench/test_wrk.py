import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from strangler.errors import FailedError, UsageError
from tests.bench.wrk import Load, Request, requests_write, wrk_find

NO_ERRORS = {"status": 0, "connect": 0, "read": 0, "write": 0, "timeout": 0}


def reported(**changes: Any) -> str:
    result = {"requests": 50, "duration": 2_000_000, "p50": 1500, "p99": 9000, "unsent": 0, "errors": NO_ERRORS}
    return json.dumps(result | changes)


def test_request_is_a_line_of_three_parts() -> None:
    request = Request(path="/posts/", token="abc", body='{"a": 1}')
    assert request.line("/api/v2") == '/api/v2/posts/\tabc\t{"a": 1}'
    assert Request(path="/feed/").line("/api") == "/api/feed/\t\t"


@pytest.mark.parametrize("body", ["a\tb", "a\nb"])
def test_a_part_that_would_break_the_line_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match="neither tabs nor line ends"):
        Request(path="/posts/", body=body).line("/api")


def test_no_more_requests_are_written_than_wanted_and_the_rest_stays_for_the_next_load(tmp_path: Path) -> None:
    file = tmp_path / "requests.tsv"
    supply = (Request(path=f"/{number}/") for number in count())
    requests_write(file, supply, prefix="/api", limit=2)
    assert file.read_text() == "/api/0/\t\t\n/api/1/\t\t\n"
    requests_write(file, supply, prefix="/api", limit=1)
    assert file.read_text() == "/api/2/\t\t\n"


def test_result_is_read_in_seconds_and_milliseconds() -> None:
    load = Load.parse(reported(), cpu_seconds=0.1)
    assert (load.requests, load.seconds, load.rate) == (50, 2.0, 25.0)
    assert (load.p50_ms, load.p99_ms) == (1.5, 9.0)
    assert load.cpu_ms == 2
    load.require_clean("detail on django")
    load.require_answered("detail on django")


@pytest.mark.parametrize("kind", sorted(NO_ERRORS))
def test_any_error_fails_the_run_in_one_sentence(kind: str) -> None:
    load = Load.parse(reported(errors=NO_ERRORS | {kind: 3}), cpu_seconds=0.1)
    with pytest.raises(FailedError, match=rf"^detail on django met errors \(3 {kind}; 50 requests\): .*\.$"):
        load.require_clean("detail on django")


def test_requests_that_ran_out_fail_the_run() -> None:
    with pytest.raises(FailedError, match="used up its prepared requests"):
        Load.parse(reported(unsent=1), cpu_seconds=0.1).require_clean("publish on fastapi")


def test_a_load_without_an_answer_tells_nothing() -> None:
    load = Load.parse(reported(requests=0), cpu_seconds=0.1)
    load.require_clean("token on django")
    with pytest.raises(FailedError, match="not answered once"):
        load.require_answered("token on django")


def test_a_missing_wrk_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match=r"^wrk isn't installed: apt install wrk\.$"):
        wrk_find()
