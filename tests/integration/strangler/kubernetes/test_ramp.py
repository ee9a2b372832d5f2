"""A ramp in a cluster reads the logs of nginx's pods, and is every operator's: its state is in the namespace."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tomlkit

from strangler.deployment.cluster_pods import cluster_pods
from strangler.deployment.cluster_ramps import ClusterRamps
from strangler.errors import FailedError
from strangler.kubernetes import lease
from strangler.kubernetes.api import cluster_connect
from strangler.metrics.callers import LIMIT, CallerSample
from strangler.metrics.follower import LogPosition
from strangler.ramp.measurement import Measurement
from strangler.ramp.state import Phase, RampPlan, RampRequest, RampState, RouteState
from strangler.routes.route import Stack, Stage
from tests.cluster_moves import NAMESPACE, ClusterMoves, cluster_moves, command, operator_environment, settings_at
from tests.example import ROOT
from tests.fake_cluster import Refused
from tests.pod_traffic import PodTraffic

ROUTE = "feed.list"
TAKEN_BACK = 1
REFUSED = 3
SECONDS = 60
# What the requirement allows between the first failed answer and the order to take the route back.
THRESHOLD_SECONDS = 5


@pytest.fixture
def traffic() -> PodTraffic:
    return PodTraffic(ROUTE)


@pytest.fixture
def moving(tmp_path: Path, traffic: PodTraffic) -> Iterator[ClusterMoves]:
    with cluster_moves(tmp_path) as made:
        made.cluster.printed = traffic.printed
        yield made


@pytest.fixture
def ramps(moving: ClusterMoves) -> ClusterRamps:
    assert moving.cluster.namespace == NAMESPACE
    return ClusterRamps(cluster_connect(NAMESPACE), "blog")


def begun(moving: ClusterMoves, *arguments: str) -> "subprocess.Popen[str]":
    """A ramp of another process."""
    return subprocess.Popen(  # noqa: S603 - the tool itself
        [sys.executable, "-m", "strangler.cli", "ramp", *arguments],
        cwd=ROOT,
        env=operator_environment(moving),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(what: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + SECONDS
    while not what():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(process.communicate()[0])
        time.sleep(0.05)


@pytest.mark.long
def test_a_canary_that_fails_is_taken_back_within_seconds(
    moving: ClusterMoves, ramps: ClusterRamps, traffic: PodTraffic
) -> None:
    before = moving.seen()
    orders: list[float] = []
    moving.cluster.after_write = lambda method, path: (
        orders.append(time.time()) if (method, path[-17:]) == ("PATCH", "deployments/nginx") else None
    )
    with begun(moving, ROUTE, "--steps", "50,100", "--hold", "60s") as process:
        until(lambda: (state := ramps.read()) is not None and state.phase is Phase.WATCHING, process)
        shown = command(moving, "status")[1]
        assert "nginx  2 of 2 pods ready" in shown
        assert f"ramp of {ROUTE}: watching at 50%\n" in shown
        traffic.failing_since = time.time()
        said = process.communicate(timeout=SECONDS)[0]
    assert process.returncode == TAKEN_BACK, said
    assert re.search(r"returned: feed.list 5xx .* more than 0.1 points above", said), said
    assert len(orders) == 2
    assert orders[1] - traffic.failing_since < THRESHOLD_SECONDS
    assert moving.seen() == before
    assert [event["event"] for event in ramps.events()] == ["begin", "step", "wait", "returned"]
    # What the nodes have still; only those whom Django answers are left.
    assert re.search(rf"{ROUTE}: \d+ requests of v1 by \d+ clients", command(moving, "clients", ROUTE)[1])


@pytest.mark.long
def test_another_operator_pauses_a_ramp_and_goes_on_with_one_whose_process_was_killed(
    moving: ClusterMoves, ramps: ClusterRamps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE_SECONDS", 3)
    before = moving.seen()
    with begun(moving, ROUTE, "--steps", "50", "--hold", "1h") as process:
        until(lambda: (state := ramps.read()) is not None and state.phase is Phase.WATCHING, process)
        assert command(moving, "ramp", "pause")[1].endswith("pause: done\n")
        state = ramps.read()
        assert state is not None
        assert state.paused
        process.kill()
        process.communicate()
    assert not ramps.runs
    code, said = command(moving, "ramp", "abort", "--reason", "wrong route")
    assert (code, "returned: aborted by" in said) == (0, True), said
    assert moving.seen() == before


@pytest.mark.long
def test_somebody_else_approves_a_step_and_goes_on_with_a_ramp_whose_machine_is_gone(
    moving: ClusterMoves, ramps: ClusterRamps, traffic: PodTraffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE_SECONDS", 3)
    traffic.rate = 200
    document = tomlkit.parse(moving.project.file.read_text())
    # Wide limits are known to be kept by few requests.
    document["ramp"] = {"approvals": [100], "errors": 5.0, "p95": 4.0, "p99": 4.0, "slack": 0.5}
    moving.project.file.write_text(tomlkit.dumps(document))
    waits = "waits for somebody else to approve 100%"
    with begun(moving, ROUTE, "--steps", "50,100", "--hold", "1s") as process:
        until(lambda: (state := ramps.read()) is not None and waits in state.why, process)
        code, said = command(moving, "ramp", "approve")
        assert (code, "began this ramp: let somebody else run strangler ramp approve" in said) == (REFUSED, True), said
        process.kill()
        process.communicate()
    with begun(moving, "resume") as process:
        # Who asks now is answered by the process that watches, and needs no wait for the lock.
        until(lambda: ramps.runs, process)
        assert command(moving, "ramp", "approve", user="bob") == (0, "approve: done\n")
        said = process.communicate(timeout=SECONDS)[0]
    assert (process.returncode, "finished: all steps passed" in said) == (0, True), said
    assert (state := ramps.read()) is not None
    assert {step: who.partition("@")[0] for step, who in state.approved.items()} == {"100": "bob"}
    (moved,) = [each for each in moving.rollout.running()[1].routes if each.name == ROUTE]
    assert moved.stage is Stage.MIGRATED


def test_requests_are_counted_once_and_those_of_an_old_pod_not_at_all(moving: ClusterMoves) -> None:
    now = float(int(time.time()))
    lines: dict[str, list[tuple[float, str]]] = {}
    moving.cluster.printed = lambda pod, _files, since: [each for each in lines.get(pod, ()) if each[0] >= since]
    log = cluster_pods(settings_at(moving.project.file)).log(LogPosition(moment=now - 5))
    first, second = moving.cluster.names("pods", "nginx-")
    lines[first] = [(now - 60, "long ago"), (now - 2, "a"), (now - 1.5, "b")]
    lines[second] = [(now - 2, "c")]
    assert list(log.lines()) == [b"a", b"b", b"c"]
    lines[first].append((now - 1, "d"))
    moving.cluster.objects["pods", second]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    lines[second].append((now - 1, "of an old pod"))
    assert list(log.lines()) == [b"d"]
    # Another process goes on there.
    assert list(cluster_pods(settings_at(moving.project.file)).log(log.position).lines()) == []


def test_a_pod_that_cannot_be_read_is_read_later_and_all_of_them_are_an_error(moving: ClusterMoves) -> None:
    now = float(int(time.time()))
    moving.cluster.printed = lambda pod, _files, since: [(now - 1, pod)] if now - 1 >= since else []
    log = cluster_pods(settings_at(moving.project.file)).log(LogPosition(moment=now - 5))
    first, second = moving.cluster.names("pods", "nginx-")

    def away(_method: str, path: str) -> None:
        if path.endswith(tuple(f"{pod}/log" for pod in unread)):
            raise Refused(500, "InternalError", "error dialing backend")

    moving.cluster.before = away
    unread = {first, second}
    with pytest.raises(FailedError, match="error dialing backend"):
        list(log.lines())
    unread = {first}
    assert list(log.lines()) == [second.encode()]
    unread = set()
    assert list(log.lines()) == [first.encode()]


def test_as_many_routes_as_a_ramp_may_have_fit_into_a_config_map(ramps: ClusterRamps) -> None:
    names = [f"resource-{number}.list" for number in range(ClusterRamps.most_routes)]
    state = RampState(plan=plan_of(names), phase=Phase.WATCHING, began=0, since=0)
    for name in names:
        measured = Measurement(since=0, part=1)
        measured.callers = CallerSample(known=[(hash((name, n)) % (1 << 64), Stack.FASTAPI) for n in range(LIMIT)])
        state.measured[name] = measured.as_json()
    with ramps.locked():
        ramps.write(state)
    read = ramps.read()
    assert read is not None
    assert read.measured == state.measured


def plan_of(names: list[str]) -> RampPlan:
    return RampPlan(
        routes=names,
        steps=(50.0,),
        hold=1,
        between=None,
        approvals=(),
        limits={},
        before=dict.fromkeys(names, RouteState(stage="parallel")),
        differences={},
        who="ann@host",
        command="ramp",
    )


def test_requests_to_a_ramp_are_kept_in_order_and_done_once(ramps: ClusterRamps) -> None:
    wants = [RampRequest(want=want, who="bob@host") for want in ("pause", "resume")]
    names = [ramps.ask(each, moment=number) for number, each in enumerate(wants, 1)]
    assert [each for _, each in ramps.asked()] == wants
    for name in names:
        assert ramps.is_asked(name)
        ramps.done(name)
        assert not ramps.is_asked(name)
