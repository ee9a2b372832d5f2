"""`strangler status`: what of a stack it can see and who says more, on one screen."""

import datetime as dt
import importlib
import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from strangler.cli.status import ContainerServices, LocalServices, ServiceStatus
from strangler.cli.traffic import Traffic
from strangler.gateway.interface import Ejection
from strangler.metrics.access_log import AccessLog
from strangler.metrics.minutes import MinuteTable
from strangler.ramp.state import Phase, RampPlan, RampState, RouteState
from strangler.routes.route import Stage
from tests.example import ROOT, example_settings, load_routes
from tests.unit.strangler.metrics.test_access_log import line

output, status, top, traffic_module = (
    importlib.import_module(f"strangler.cli.{name}") for name in ("output", "status", "top", "traffic")
)
TABLE = load_routes(ROOT / "nginx" / "routes.toml")


@pytest.mark.parametrize(("version", "state"), [("3-abc", "ready"), (None, "no answer")])
def test_containers_are_as_ready_as_their_front_door(
    version: str | None, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "http://127.0.0.1:8080"
    at = SimpleNamespace(elsewhere=(("fastapi", "10.0.0.7:8002"),))
    rollout: Any = SimpleNamespace(gateway=SimpleNamespace(url=url, running_version=lambda: version, settings=at))
    settings = example_settings(gateway="container", compose="podman compose")
    containers = settings.project.containers.model_copy(update={"nginx": "strangler-nginx"})
    project = settings.project.model_copy(update={"containers": containers})
    services = ContainerServices(settings.model_copy(update={"project": project}), rollout)
    assert services.are_ready is (state == "ready")
    nginx = {"service": "nginx", "address": url, "state": state}
    assert services.as_json() == {"services": [nginx], "elsewhere": {"fastapi": "10.0.0.7:8002"}}
    services.show()
    said = capsys.readouterr()
    assert said.out == f"nginx {url} {state}\n"
    assert "a deploy of fastapi has its requests sent to 10.0.0.7:8002" in said.err
    assert "podman compose ps shows the other containers, and podman compose logs strangler-nginx the" in said.err


# The services of a stack that went through a lot, four routes at canary, a ramp with every gate: all that can be said.
COLUMNS, LINES = 80, 40
SERVICES = ("postgres", "django", "fastapi", "worker", "shadow", "nginx")
GATES = ("traffic", "errors", "p95", "p99", "callers", "differences", "health")
# The first is why the ramp waits, and said as that.
SHOWN = GATES[:4]
SENTENCE = "5xx 0.00% (0 of 478) against 0.00% (0 of 1,496): it may be 0.63%, and 50% wants 0.20%"
ROUTE = "organisation-members.partial_update"


def busy_ramp() -> RampState:
    before = {ROUTE: RouteState(stage="parallel")}
    plan = RampPlan(
        routes=[ROUTE],
        steps=[5.0, 50.0, 100.0],
        hold=600,
        between=None,
        approvals=[],
        limits={},
        before=before,
        differences={},
        who="ann@host",
        command="ramp",
        kept=True,
    )
    verdicts = dict.fromkeys(GATES, "inconclusive") | {"callers": "pass"}
    results = [
        {"route": ROUTE, "gate": gate, "verdict": verdict, "sentence": f"{gate} {SENTENCE}"}
        for gate, verdict in verdicts.items()
    ]
    why = f"at 5%: inconclusive, {ROUTE}: {GATES[0]} {SENTENCE}"
    return RampState(plan=plan, phase=Phase.WATCHING, began=0, since=0, why=why, results=results)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Everything that a status can have to say."""
    state = busy_ramp()
    end = "fastapi was ended by SIGKILL at 2026-11-29T03:50:00Z"
    rows = [
        ServiceStatus(
            service=name,
            pid=4_194_304,
            address="127.0.0.1:54320",
            state="orphaned",
            uptime_seconds=8_640_000,
            workers=16,
            restarts=12,
            last_end=end if name in {"fastapi", "django"} else "",
        )
        for name in SERVICES
    ]
    services = LocalServices(example_settings())
    services._rows = rows
    canaries = [replace(route, stage=Stage.CANARY, percent=12.5) for route in TABLE.routes[:6]]
    log = AccessLog()
    table = MinuteTable()
    requests = [line(upstream_time="12.345", stack=s, api=a) for s in ("django", "fastapi") for a in ("v1", "v2")]
    table.add(log.requests(each.encode() for each in requests))
    noon = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC).timestamp()
    traffic = Traffic(table=table, minutes=60, since=noon, seconds=1)
    ejection = Ejection(ejected=True, since="2026-11-29T06:42:57.502Z", ejections=12)
    routes = (*canaries, *TABLE.routes[6:])
    rollout = SimpleNamespace(gateway=SimpleNamespace(url=""), running=lambda: (b"", SimpleNamespace(routes=routes)))
    ramps = SimpleNamespace(read=lambda: state, runs=False)
    for name, found in (
        ("settings_load", lambda: example_settings(state_dir=tmp_path)),
        ("rollout_read", lambda: (rollout, None)),
        ("_services", lambda *_: services),
        ("traffic_measure", lambda *_, **__: traffic),
        ("ejection_read", lambda _url: ejection),
        ("ramps_open", lambda _settings: ramps),
    ):
        monkeypatch.setattr(status, name, found)


def written(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> list[str]:
    """The lines of `strangler status`, as they are written."""
    stream = io.StringIO()
    width = COLUMNS if is_terminal else None
    console = Console(file=stream, width=width, force_terminal=is_terminal, soft_wrap=True, color_system=None)
    for module in (output, status, traffic_module):
        monkeypatch.setattr(module, "out", console)
    status.status_show(minutes=5)
    return [each.rstrip() for each in stream.getvalue().splitlines()]


@pytest.mark.usefixtures("busy")
def test_all_that_it_can_say_fits_one_screen_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """No terminal has to break a line, nothing is cut, and what is folded goes on beneath where it began."""
    lines = written(monkeypatch, is_terminal=True)
    assert [each for each in lines if len(each) > COLUMNS] == []
    assert len(lines) <= LINES, "\n".join(lines)
    text = "\n".join(lines)
    assert "…" not in text
    whole = " ".join(text.split())
    assert [gate for gate in GATES if f"{gate} {SENTENCE}" in whole] == list(SHOWN)
    assert "1 of 7 gates pass; strangler status --json has each" in whole
    assert "canary 3 other routes: strangler status --json" in whole
    [fastapi] = [each for each in lines if each.startswith("fastapi   4194304")]
    assert fastapi.split() == ["fastapi", "4194304", "16", "127.0.0.1:54320", "orphaned", "8640000", "s", "12"]


@pytest.mark.usefixtures("busy")
def test_off_a_terminal_each_fact_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it can be searched: nothing is folded, cut or coloured."""
    lines = written(monkeypatch, is_terminal=False)
    assert len(lines) <= LINES
    assert [gate for gate in GATES if any(f"{gate} {SENTENCE}" in each for each in lines)] == list(SHOWN)
    assert [each.split()[0] for each in lines[: len(SERVICES)]] == list(SERVICES)
    assert "\x1b" not in "".join(lines)


@pytest.mark.usefixtures("busy")
def test_top_shows_the_same_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=COLUMNS, force_terminal=True, soft_wrap=True, color_system=None)
    for module in (output, status, traffic_module, top):
        monkeypatch.setattr(module, "out", console)
    screen = top._screen(5).plain.splitlines()
    assert max(map(len, screen)) <= COLUMNS
    assert len(screen) <= LINES + 2
    assert f"traffic {SENTENCE}" in " ".join(" ".join(screen).split())
