"""Traffic of the board: what of a log is shown, and the sentence where there is none."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from strangler.board.page import plot_of
from strangler.board.traffic import TrafficReader
from strangler.routes.route import Stack

MINUTE = 1_800_000_000 // 60
NOW = MINUTE * 60 + 30.0


def line(ago: int, *, route: str = "wares.list", api: str = "v1", stack: str = "django", **fields: Any) -> str:
    request = {
        "time": dt.datetime.fromtimestamp((MINUTE - ago) * 60, tz=dt.UTC).isoformat(),
        "method": "GET",
        "uri": "/api/wares/",
        "api": api,
        "route": route,
        "status": 200,
        "client": "10.0.0.1",
        "stack": stack,
        "upstream_time": "0.010",
    }
    return json.dumps(request | fields) + "\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "nginx.log"


def test_rates_errors_and_times_are_by_stack_and_minute(log: Path) -> None:
    reader = TrafficReader(log, minutes=5)
    log.write_text(
        line(9) + line(2) * 6 + line(2, stack="fastapi", status=500, upstream_time="0.100", client="10.0.0.2")
    )
    assert reader.read(now=NOW).requests == 7
    with log.open("a") as more:
        more.write(line(0, api="v2", stack="fastapi"))
    found = reader.read(now=NOW)
    assert (found.requests, found.fastapi_share, found.problem) == (8, 0.25, "")
    # What never moves is no part of the way.
    assert found.of(["orders.list"]).fastapi_share is None
    assert found.of(["wares.list"]).fastapi_share == 0.25
    wares = found.routes["wares.list"]
    assert (wares.v1_requests, wares.v1_callers) == (7, 2)
    assert wares.v1_on_fastapi == pytest.approx(1 / 7)
    django, fastapi = wares.stacks[Stack.DJANGO], wares.stacks[Stack.FASTAPI]
    assert django.rates == pytest.approx((0, 0, 0, 0.1, 0, 0))
    assert fastapi.rates == pytest.approx((0, 0, 0, 1 / 60, 0, 1 / 30))
    assert fastapi.errors == (None, None, None, 1.0, None, 0.0)
    assert fastapi.times[3] == pytest.approx(0.1, rel=0.02)


def test_a_missing_log_is_a_sentence_and_is_followed_once_it_is_there(log: Path) -> None:
    reader = TrafficReader(log, minutes=5)
    found = reader.read(now=NOW)
    assert found.problem == f"There is no access log at {log}: start the stack with strangler up, or pass --log."
    assert (found.requests, found.fastapi_share) == (0, None)
    log.write_text(line(1))
    assert (reader.read(now=NOW).requests, reader.read(now=NOW).problem) == (1, "")
    log.unlink()
    found = reader.read(now=NOW)
    assert (found.requests, found.problem) == (1, f"{log} is gone: what is shown is of before.")


def test_a_broken_log_is_a_sentence(log: Path, tmp_path: Path) -> None:
    log.write_text("\x00\x00 not of nginx\n{broken\n" * 3 + line(1))
    found = TrafficReader(log, minutes=5).read(now=NOW)
    assert found.requests == 1
    assert found.problem.startswith(f"6 of 7 lines of {log} are not of the gateway's access log: ")
    log.write_text(line(1) * 3 + "{broken\n")
    assert (
        TrafficReader(log, minutes=5).read(now=NOW).problem
        == f"Left out 1 line of {log} that are no requests of nginx."
    )
    assert "isn't readable (Is a directory)" in TrafficReader(tmp_path, minutes=5).read(now=NOW).problem
    assert "--log" in TrafficReader(None, minutes=5).read(now=NOW).problem


def test_a_plot_has_a_gap_where_nothing_was_asked_and_a_dot_for_a_lone_value() -> None:
    found = plot_of([("django", [1, 2, None, 1]), ("fastapi", [None] * 4)], text="rate", least=0.1)
    assert found.lines == (("django", ("2.0,14.0 40.7,2.0", "118.0,14.0 118.0,14.0")), ("fastapi", ()))
    assert plot_of([("django", [0.0])], text="", least=0.1).lines == (("django", ("2.0,26.0 2.0,26.0",)),)
