"""Routes are moved in a cluster by the official client: what fails or is killed half-way leaves what ran before."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.gateway.rendering import Rendered
from strangler.kubernetes import gateway as gateway_module
from strangler.kubernetes import lease, rollout_state
from strangler.rollout import apply, rollout, state_dir
from strangler.rollout.apply import rollout_recover
from strangler.rollout.history import ApplyOutcome
from tests.api_server import killing
from tests.cluster_moves import (
    NAMESPACE,
    ClusterMoves,
    applied,
    cluster_moves,
    command,
    operator_environment,
    rollout_at,
)
from tests.clusters import manifests, of_kind, rendered
from tests.example import ROOT
from tests.fake_cluster import BROKEN, Refused

CANARY = {"stage": "canary", "percent": 10}
SECONDS = 120
KILLED = -9
NOT_CHECKED = 4
MANY = 1_000
# What a move writes: the lock, a version, a routes file, the journal, the Deployment, the history, the end of the
# journal, and the lock's end.
WRITES = range(1, 9)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(lease, "_POLL_SECONDS", 0.02)


@pytest.fixture
def moving(tmp_path: Path) -> Iterator[ClusterMoves]:
    with cluster_moves(tmp_path) as made:
        yield made


def broken_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool writes what nginx refuses."""
    render = rollout.render_gateway

    def broken(*arguments: object) -> Rendered:
        made = render(*arguments)  # type: ignore[arg-type] # passed on
        return replace(made, version="b0b0b0", files=made.files | {"http.conf": f"{BROKEN};\n"})

    monkeypatch.setattr(rollout, "render_gateway", broken)


def test_what_was_applied_by_hand_is_the_first_entry(moving: ClusterMoves) -> None:
    (entry,) = moving.rollout.entries()
    assert (entry.number, entry.command) == (0, "start")
    assert moving.cluster.answers() == {entry.after.version}
    rollout_recover(moving.rollout)
    assert len(moving.rollout.entries()) == 1


def test_a_move_ends_when_every_pod_serves_it_and_is_what_would_be_rendered(moving: ClusterMoves) -> None:
    content = moving.edited(posts__list=CANARY)
    entry = moving.apply(content, reason="try it")
    template, answers = moving.cluster.read("deployments", "nginx")["spec"]["template"], moving.cluster.answers()
    assert answers == {entry.after.version}
    assert moving.rollout.routes_file.read_bytes() == content
    files = rendered(moving.project, table=moving.rollout.parse(content)).base
    (deployment,) = of_kind(manifests({"nginx.yaml": files["nginx.yaml"]}), "Deployment")
    assert template == deployment["spec"]["template"]
    assert moving.rollout.entries()[-1].reason == "try it"
    assert moving.rollout.folder.interrupted() is None
    assert moving.cluster.names("configmaps", "strangler-journal") == []


def test_a_rollback_brings_back_the_bytes(moving: ClusterMoves) -> None:
    first = moving.seen()
    moving.apply(moving.edited(posts__list=CANARY))
    assert moving.seen() != first
    entry = moving.rollout.entry(None)
    moving.apply(moving.rollout.folder.state(entry.after.routes), returns_to=entry.number)
    assert moving.seen() == first


def test_a_pod_that_does_not_start_fails_the_move_in_its_own_words(
    moving: ClusterMoves, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = moving.seen()
    content = moving.edited(posts__list=CANARY)
    with monkeypatch.context() as patched:
        broken_rendering(patched)
        with pytest.raises(FailedError) as caught:
            moving.apply(content)
    assert "CrashLoopBackOff, unknown directive" in str(caught.value)
    assert "what ran before runs again, and routes.toml is as it was" in str(caught.value)
    assert moving.seen() == before
    assert moving.rollout.entries()[-1].outcome is ApplyOutcome.FAILED
    assert moving.apply(content).number == 2


def test_pods_that_become_ready_never_are_given_up(moving: ClusterMoves, monkeypatch: pytest.MonkeyPatch) -> None:
    before = moving.seen()
    monkeypatch.setattr(moving.rollout.gateway, "_seconds", 2)
    moving.cluster.starting = False
    with pytest.raises(FailedError, match=r"within 2 s: 2 old pods are left \(nginx-.*containers with unready status"):
        moving.apply(moving.edited(posts__list=CANARY))
    assert moving.seen() == before


def test_ctrl_c_puts_back_what_ran_before(moving: ClusterMoves, monkeypatch: pytest.MonkeyPatch) -> None:
    before = moving.seen()
    gateway = moving.rollout.gateway
    wait = gateway.wait_until_running

    def interrupted(version: str) -> None:
        if version != moving.rollout.entries()[-1].after.version:
            raise KeyboardInterrupt
        wait(version)

    monkeypatch.setattr(gateway, "wait_until_running", interrupted)
    with pytest.raises(KeyboardInterrupt):
        moving.apply(moving.edited(posts__list=CANARY))
    assert moving.seen() == before


def test_a_cluster_that_cannot_be_reached_half_way_is_repaired_by_the_next_command(moving: ClusterMoves) -> None:
    before = moving.seen()
    content = moving.edited(posts__list=CANARY)

    def gone(method: str, path: str) -> None:
        if method == "PATCH" or gone_since:
            gone_since.append(path)
            raise Refused(500, "InternalError", "etcdserver: request timed out")

    gone_since: list[str] = []
    moving.cluster.before = gone
    with pytest.raises(FailedError, match=r"etcdserver: request timed out.*isn't back yet.*then run strangler apply"):
        moving.apply(content)
    moving.cluster.before = lambda _method, _path: None
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lease, "LEASE_SECONDS", 1)
        rollout_recover(rollout_at(moving.project.file))
    assert moving.seen() == before
    assert moving.rollout.entries()[-1].outcome is ApplyOutcome.INTERRUPTED


@pytest.mark.long
@pytest.mark.parametrize("write", WRITES)
def test_a_kill_after_any_write_is_repaired_by_the_next_command(
    moving: ClusterMoves, write: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = moving.seen()
    process = moved_elsewhere(moving, "legacy")
    moving.cluster.after_write = killing(lambda: process.pid, write)
    said = process.communicate(timeout=SECONDS)
    moving.cluster.after_write = lambda _method, _path: None
    assert process.returncode == KILLED, said
    monkeypatch.setattr(lease, "LEASE_SECONDS", 1)
    was_due = moving.rollout.folder.interrupted() is not None
    interrupted = rollout_recover(moving.rollout)
    assert moving.cluster.names("configmaps", "strangler-journal") == []
    last = moving.rollout.entries()[-1]
    if last.outcome is ApplyOutcome.APPLIED and last.number == 1:
        assert not was_due
        assert moving.cluster.seen()[1] == {last.after.version}
        assert b"legacy" in moving.rollout.routes_file.read_bytes()
    else:
        assert moving.seen() == before
        assert was_due == (interrupted is not None)
    following = moving.apply(moving.edited(tags__list=CANARY))
    assert following.number == last.number + 1


def test_a_move_writes_no_more_than_is_killed_above(moving: ClusterMoves) -> None:
    asked = len(moving.cluster.requests)
    moving.apply(moving.edited(posts__list={"stage": "legacy"}), force=True, reason="a test")
    # The lock is renewed as often as the move lasts, and otherwise written twice.
    found = [path for method, path in moving.cluster.requests[asked:] if method != "GET" and "leases" not in path]
    assert len(found) + 2 == WRITES[-1], found


def moved_elsewhere(moving: ClusterMoves, stage: str) -> "subprocess.Popen[str]":
    """Another process, of an operator in the same checkout, that moves posts.list to `stage`."""
    argv = [sys.executable, "-m", "tests.cluster_moves", str(moving.project.file), stage]
    return subprocess.Popen(  # noqa: S603 - the tests' own
        argv,
        cwd=ROOT,
        env=operator_environment(moving),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_operators_are_one_after_the_other(moving: ClusterMoves, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have planned from the same state: the second waits, and finds that it moved."""
    monkeypatch.setattr(state_dir, "LOCK_SECONDS", SECONDS)
    others = rollout_at(moving.project.file)
    content = moving.edited(posts__list=CANARY)
    late = moving.edited(tags__list=CANARY)
    outcomes: list[str] = []

    def move(which: object, wanted: bytes) -> None:
        try:
            applied(which, wanted)  # type: ignore[arg-type] # a rollout
            outcomes.append("applied")
        except UnsafeError as error:
            outcomes.append("stale" if "is stale" in str(error) else str(error))

    threads = [threading.Thread(target=move, args=each) for each in ((moving.rollout, content), (others, late))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    numbers = [entry.number for entry in moving.rollout.entries()]
    assert outcomes.count("applied") == len(numbers) - 1
    assert set(outcomes) <= {"applied", "stale"}
    assert moving.cluster.seen()[1] == {moving.rollout.entries()[-1].after.version}


def test_who_waits_too_long_is_told_for_whom(moving: ClusterMoves, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_dir, "LOCK_SECONDS", 0.2)
    with (
        moving.rollout.folder.locked(),
        pytest.raises(UnsafeError, match=r"@.* \(since .* UTC\) is applying: wait until it is done"),
    ):
        rollout_recover(rollout_at(moving.project.file))


def test_a_lock_is_renewed_while_it_is_held(moving: ClusterMoves, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_RENEW_SECONDS", 0.05)
    monkeypatch.setattr(lease, "LEASE_SECONDS", 3)
    monkeypatch.setattr(state_dir, "LOCK_SECONDS", 3.5)
    with moving.rollout.folder.locked():
        assert rollout_at(moving.project.file).folder.is_locked()
        with pytest.raises(UnsafeError, match="is applying"):
            rollout_recover(rollout_at(moving.project.file))


def test_who_has_lost_the_lock_writes_nothing_more(moving: ClusterMoves, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_GIVE_UP_SECONDS", -1)
    before = moving.seen()
    with pytest.raises(FailedError, match="the lock of the rollout was lost"):
        moving.apply(moving.edited(posts__list=CANARY))
    assert moving.seen() == before


def test_a_deployment_that_somebody_else_changes_meanwhile_is_not_overwritten(moving: ClusterMoves) -> None:
    def first(method: str, _path: str) -> None:
        if method == "PATCH":
            found = moving.cluster.objects["deployments", "nginx"]
            found["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"] = "nginx-elsewhere"
            found["metadata"]["resourceVersion"] = "999999"
            moving.cluster.before = lambda _method, _path: None

    moving.cluster.before = first
    with (
        moving.rollout.folder.locked(),
        pytest.raises(FailedError, match="somebody else changes Deployment nginx of namespace blog"),
    ):
        moving.rollout.gateway.activate("c0ffee")
    volumes = moving.cluster.read("deployments", "nginx")["spec"]["template"]["spec"]["volumes"]
    assert volumes[0]["configMap"]["name"] == "nginx-elsewhere"


def test_a_status_that_changes_meanwhile_is_no_conflict(moving: ClusterMoves) -> None:
    content = moving.edited(posts__list=CANARY)

    def first(method: str, _path: str) -> None:
        if method == "PATCH":
            moving.cluster.objects["deployments", "nginx"]["metadata"]["resourceVersion"] = "999999"
            moving.cluster.before = lambda _method, _path: None

    moving.cluster.before = first
    assert moving.apply(content).outcome is ApplyOutcome.APPLIED


def test_rights_to_write_are_granted_by_a_job_before_the_route_moves(moving: ClusterMoves) -> None:
    moving.apply(moving.edited(tags__create={"stage": "parallel"}), force=True, reason="a test")
    (job,) = moving.cluster.names("jobs", "grant-")
    spec = moving.cluster.read("jobs", job)["spec"]["template"]["spec"]
    # The files that it reads are unpacked first.
    assert spec["containers"][0]["command"][-1].endswith(" --write tags.create\n")
    assert "initContainers" not in spec
    order = [path.rpartition("/")[2] for method, path in moving.cluster.requests if method in {"POST", "PATCH"}]
    assert order.index("jobs") < order.index("nginx")


def test_a_database_that_refuses_ends_the_move_in_its_words(moving: ClusterMoves) -> None:
    before = moving.seen()
    moving.cluster.failing_job = "strangler: Role blog can't be given its grants (no table): migrate."
    with pytest.raises(
        FailedError, match=r"may not write yet \(Role blog can't be given its grants \(no table\): migrate\)"
    ):
        moving.apply(moving.edited(tags__create={"stage": "parallel"}), force=True, reason="a test")
    assert moving.seen() == before


def test_who_has_no_right_is_told_which(moving: ClusterMoves) -> None:
    assert moving.cluster.rules is not None
    moving.cluster.rules = [rule for rule in moving.cluster.rules if rule["resources"] != ["deployments"]]
    with pytest.raises(FailedError, match=r'cannot get resource "deployments".*: have an administrator apply and bind'):
        moving.apply(moving.edited(posts__list=CANARY))


def test_pods_that_the_api_server_cannot_reach_are_an_error_before_anything_moves(moving: ClusterMoves) -> None:
    before = moving.cluster.names("configmaps")
    moving.cluster.unreachable = set(moving.cluster.names("pods"))
    with pytest.raises(
        FailedError, match=r"can't be asked .*i/o timeout.*: let the API server through to nginx's pods"
    ):
        moving.apply(moving.edited(posts__list=CANARY))
    assert moving.cluster.names("configmaps") == before


def test_a_deployment_that_was_not_applied_yet_is_named(moving: ClusterMoves) -> None:
    del moving.cluster.objects["deployments", "nginx"]
    with pytest.raises(
        UsageError, match="there is no Deployment nginx of namespace blog: apply the rendered manifests"
    ):
        rollout_recover(moving.rollout)


def test_a_namespace_that_is_not_there_is_named(moving: ClusterMoves) -> None:
    moving.cluster.namespace = "other"
    moving.cluster.objects.clear()
    with pytest.raises(FailedError, match=f'no such namespace .*"{NAMESPACE}" not found'):
        rollout_recover(moving.rollout)


def test_a_history_goes_on_in_another_piece(moving: ClusterMoves, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout_state, "_PIECE_BYTES", 2_000)
    for percent in (1, 2, 3, 4):
        moving.apply(moving.edited(posts__list={"stage": "canary", "percent": percent}))
    assert len(moving.cluster.names("configmaps", "strangler-history-")) > 1
    assert [entry.number for entry in moving.rollout.entries()] == [0, 1, 2, 3, 4]


def test_old_versions_go_and_what_runs_stays(moving: ClusterMoves, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "_KEPT_VERSIONS", 2)
    for percent in (1, 2, 3):
        moving.apply(moving.edited(posts__list={"stage": "canary", "percent": percent}))
    kept = sorted(f"nginx-{entry.after.version}" for entry in moving.rollout.entries()[-2:])
    assert moving.cluster.names("configmaps", "nginx-") == kept


@pytest.mark.long
def test_the_commands_move_a_route_and_take_it_back(moving: ClusterMoves) -> None:
    before = moving.seen()
    assert command(moving, "plan") == (0, "nothing to do\n")
    code, said = command(moving, "switch", "feed.list", "--to", "canary", "--percent", "10", "--yes")
    assert (code, "applied as 1 in " in said) == (0, True), said
    assert "feed.list parallel → canary 10%" in command(moving, "history")[1]
    code, said = command(moving, "check")
    # Nobody serves the OpenAPI documents here.
    assert code == NOT_CHECKED, said
    assert f"ok      running: version {moving.rollout.entries()[-1].after.version} runs" in said
    assert "ok      apply: nothing is pending" in said
    code, said = command(moving, "rollback", "--yes")
    assert (code, "applied as 2 in " in said) == (0, True), said
    assert moving.seen() == before


@pytest.mark.long
def test_many_routes_move_at_once_and_back(moving: ClusterMoves) -> None:
    """More than a ConfigMap holds as it is: of the version, and of the line of the history."""
    many = "".join(
        f'[[route]]\nname = "wares_{n}.list"\nmethods = ["GET"]\npath = "/wares-{n}/"\nstage = "parallel"\n\n'
        for n in range(MANY)
    )
    moving.apply(moving.rollout.routes_file.read_bytes() + b"\n" + many.encode(), force=True, reason="new")
    before = moving.seen()
    names = [f"wares_{n}.list" for n in range(MANY)]
    edits = {name.replace(".", "__"): CANARY for name in names}
    entry = moving.apply(moving.edited(**edits), force=True, reason="all")
    assert [change["route"] for change in entry.changes] == names
    assert moving.cluster.answers() == {entry.after.version}
    assert [change["route"] for change in moving.rollout.entries()[-1].changes] == names
    packed = {
        key
        for name in moving.cluster.names("configmaps")
        for key in moving.cluster.read("configmaps", name).get("binaryData", ())
    }
    assert {"routes.conf.gz", "history.jsonl.gz", "routes.toml.gz"} <= packed
    command(moving, "rollback", "--yes")
    assert moving.seen() == before
