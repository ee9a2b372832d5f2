"""A ramp on real stacks, under load: it goes to the end, and takes itself back when FastAPI begins to fail."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from strangler.cli.ramp_background import KEPT
from tests.faulty_fastapi import ROUTE, Front, front_up
from tests.shared_stack import StackAddresses

pytestmark = pytest.mark.long

POLL_SECONDS = 0.05
END_SECONDS = 40


@pytest.fixture(scope="module")
def gateway(stack: StackAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front_up(tmp_path_factory.mktemp("ramp"), stack, ramp={}) as front:
        yield front


@contextmanager
def ramp(gateway: Front) -> Iterator["subprocess.Popen[str]"]:
    """A ramp whose first step is reached."""
    words = ("ramp", ROUTE, "--steps", "50,100", "--hold", "3s")
    with gateway.begin(*words, stderr=subprocess.STDOUT) as process:
        try:
            deadline = time.monotonic() + END_SECONDS
            while ramp_phase(gateway) != "watching":
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline
                time.sleep(POLL_SECONDS)
            yield process
        finally:
            process.kill()


def stage(gateway: Front) -> str:
    [route] = json.loads(gateway.run("routes", ROUTE, "--json"))
    found: str = route["stage"]
    return found


def ramp_phase(gateway: Front) -> str:
    file = gateway.folder / ".run" / "rollout" / "ramp" / "state.json"
    return str(json.loads(file.read_text())["phase"]) if file.exists() else ""


def test_a_canary_that_begins_to_fail_is_back_with_django_within_seconds(gateway: Front) -> None:
    with gateway.load(), ramp(gateway) as process:
        gateway.fastapi.failing = True
        said, _ = process.communicate(timeout=END_SECONDS)
    gateway.fastapi.failing = False
    assert process.returncode == 1, said
    assert stage(gateway) == "parallel"
    # From the breach on; how soon there are enough requests to know it depends on the machine.
    assert json.loads(gateway.run("ramp", "log", "--json"))[-1]["seconds"] < 10, said
    last = json.loads(gateway.run("history", "--json"))[-1]
    assert last["reason"].startswith(f"ramp: {ROUTE} 5xx "), last
    assert "more than 5 points above" in last["reason"]
    assert f"last ramp, of {ROUTE}: returned: {ROUTE} 5xx" in gateway.run("status")


def test_a_healthy_canary_goes_to_the_end_though_its_process_is_killed(gateway: Front) -> None:
    with gateway.load():
        with ramp(gateway):
            pass
        status = gateway.run("status")
        assert "and nobody watches it: strangler ramp resume" in status
        assert "canary  tags.list 50%\n" in status
        said = gateway.run("ramp", "resume")
    assert "finished: all steps passed" in said, said
    assert stage(gateway) == "migrated"
    assert ramp_phase(gateway) == "finished"
    events = [event["event"] for event in json.loads(gateway.run("ramp", "log", "--json"))]
    assert {"begin", "step", "pass"} <= set(events)
    assert events[-1] == "finished"


def test_a_ramp_in_the_background_is_gone_on_with_by_the_stack(gateway: Front) -> None:
    gateway.run("rollback", "--to", "0", "--yes")
    with gateway.load():
        said = gateway.run("ramp", ROUTE, "--steps", "50,100", "--hold", "3s", "--detach")
        assert "watched in the background" in said
        [process] = processes_kept(gateway)
        process.kill()
        deadline = time.monotonic() + END_SECONDS
        while ramp_phase(gateway) != "finished":
            assert time.monotonic() < deadline, gateway.run("status")
            time.sleep(POLL_SECONDS)
    assert stage(gateway) == "migrated"
    last = json.loads(gateway.run("history", "--json"))[-1]
    assert (last["command"], KEPT in str(last)) == ("ramp resume", False)


def processes_kept(gateway: Front) -> list[psutil.Process]:
    """The processes of ramps in the background."""
    found = psutil.process_iter(["cmdline", "cwd"])
    return [each for each in found if KEPT in (each.info["cmdline"] or ()) and each.info["cwd"] == str(gateway.folder)]
