"""Tables on a terminal of 80 columns: nothing is cut, and times, names and stages stay whole."""

import dataclasses
import datetime as dt
import importlib
import io
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from strangler.cli.traffic import Traffic
from strangler.compare.shadow.results import RouteResult
from strangler.metrics.access_log import AccessLog
from strangler.metrics.minutes import MinuteTable
from strangler.rollout.history import HistoryEntry, Point
from strangler.routes.route import Stage
from tests.example import ROOT, load_routes
from tests.unit.strangler.metrics.test_access_log import line

ROUTES = load_routes(ROOT / "nginx" / "routes.toml").routes
TIME = "2026-11-28T20:35:58Z"
POINT = Point(version="v", routes="r")
ENTRY = HistoryEntry(
    number=12,
    time=TIME,
    who="somebody@a-machine.example",
    command="switch",
    reason="it was compared for a week, and nobody has complained",
    before=POINT,
    after=POINT,
    forced=("it touches sign-in",),
    changes=[{"route": "posts.list", "before": None, "after": None, "fields": ["sunset: no → 2099-01-31"]}],
)


NAMES = ("output", "routes", "history", "shadow", "traffic")
MODULES = {name: importlib.import_module(f"strangler.cli.{name}") for name in NAMES}
Shown = Callable[..., list[str]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What is shown on a terminal of 80 columns."""

    def lines(show: Callable[..., None], *arguments: Any) -> list[str]:
        written = io.StringIO()
        console = Console(file=written, width=80, force_terminal=True, soft_wrap=True, color_system=None)
        for module in MODULES.values():
            monkeypatch.setattr(module, "out", console)
        show(*arguments)
        assert "…" not in written.getvalue()
        found = [line.rstrip() for line in written.getvalue().splitlines()]
        assert max(map(len, found)) <= 80
        return found

    return lines


def test_routes(shown: Shown) -> None:
    busy = {"stage": Stage.CANARY, "percent": 12.5, "shadow": 5, "fallback": True}
    routes = [dataclasses.replace(each, **busy if each.name == "posts.list" else {}) for each in ROUTES]
    lines = shown(MODULES["routes"]._show, routes, {route.name: ENTRY for route in routes})
    (line,) = (line for line in lines if line.startswith("posts.list "))
    assert re.split(r"  +", line) == ["posts.list", "GET /posts/", "canary 12.5%", "split", "fastapi"]
    assert lines[lines.index(line) + 1].strip() == "shadow 5%, fallback"


def test_shadow(shown: Shown) -> None:
    result = RouteResult(name="posts.list", asked=123456, equal=123450, different=4, unavailable=2, last=TIME)
    (post,) = (route for route in ROUTES if route.name == "posts.list")
    (line,) = (line for line in shown(MODULES["shadow"]._show, [(post, result)]) if "posts.list" in line)
    assert line.split() == ["posts.list", "0%", "123456", "123450", "4", "unavailable", "2", "2026-11-28", "20:35:58"]


def test_history(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace(entries=lambda: (ENTRY,)), None
    monkeypatch.setattr(MODULES["history"], "rollout_read", lambda: found)
    lines = shown(MODULES["history"].history)
    assert [line[23:] if line.startswith(" ") else line for line in lines[1:]] == [
        "*12  2026-11-28 20:35  posts.list sunset: no → 2099-01-31",
        "applied, forced in 0.00 s by somebody@a-machine.example:",
        "it was compared for a week, and nobody has complained",
    ]


def test_traffic(shown: Shown) -> None:
    table = MinuteTable()
    requests = [line(upstream_time="12.345", caller=f"user:{number}", status=503) for number in range(3)]
    table.add(AccessLog().requests(each.encode() for each in [*requests, line(stack="fastapi", api="v2")]))
    noon = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC).timestamp()
    traffic = Traffic(table=table, minutes=60, since=noon, seconds=1)
    canary = [
        dataclasses.replace(each, stage=Stage.CANARY, percent=12.5) for each in ROUTES if each.name == "posts.list"
    ]
    lines = shown(traffic.show, canary)
    (django,) = (each for each in lines if each.startswith("django"))
    assert django.split() == ["django", "v1", "3", "3.0/s", "100.00%", *(["12415", "ms"] * 3), "3"]
    assert lines[-3:] == [
        "canary  posts.list 12.5%",
        "        fastapi: no request",
        "        django: 3 requests, errors 100.00%, p95 12415 ms",
    ]
