"""A ramp is left to its container only where that can go on with it; otherwise the operator hears what is missing."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from strangler.cli import ramp, ramp_keep, ramp_run
from strangler.cli.ramp_keep import ramp_entrust
from strangler.cli.ramp_run import ramp_log
from strangler.errors import UsageError
from strangler.ramp.state import Phase
from strangler.ramp.store import RampFolder
from tests.example import example_settings


@pytest.fixture
def ramps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RampFolder]:
    """Ramps that somebody goes on with."""
    folder = RampFolder(tmp_path)
    monkeypatch.setattr(ramp_keep, "ramps_folder", lambda _settings: folder)
    with folder.kept(hint=""):
        yield folder


def entrust(**settings: Any) -> None:
    plan: Any = SimpleNamespace(routes=["feed.list"], steps=(1.0, 100.0), at=None)
    unmoved: Any = SimpleNamespace(propose=lambda _content: pytest.fail("not before"))
    around: Any = None
    ramp_entrust(example_settings(gateway="container", **settings), plan, unmoved, around)


def test_without_the_container_it_is_refused(
    ramps: RampFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ramps.is_kept
    monkeypatch.setattr(ramp_keep, "ramps_folder", lambda _settings: RampFolder(tmp_path / "other"))
    with pytest.raises(
        UsageError, match="no container goes on with ramps: start it with docker compose --profile ramp"
    ):
        entrust(service_metrics=True)


@pytest.mark.usefixtures("ramps")
def test_without_a_log_to_read_it_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no log that the container could read: set SERVICE_METRICS=1 in \.env, then"):
        entrust()


def test_what_is_wanted_of_a_ramp_whose_container_has_ended_is_kept_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    state = SimpleNamespace(plan=SimpleNamespace(kept=True), phase=Phase.WATCHING, standing="at 5%")
    ramps = SimpleNamespace(read=lambda: state, runs=False, ask=lambda request, moment: asked.append(request.want))  # noqa: ARG005 - its signature
    monkeypatch.setattr(ramp, "settings_load", lambda: example_settings(gateway="container"))
    monkeypatch.setattr(ramp, "rollout_recovered", lambda: (None, None))
    monkeypatch.setattr(ramp, "ramps_open", lambda _settings: ramps)
    ramp.pause()
    ramp.resume()
    assert asked == ["pause", "resume"]
    what = "done when the container goes on (docker compose --profile ramp up --detach); nobody watches the ramp at 5%"
    assert capsys.readouterr().out.replace("\n", " ") == f"pause: {what} resume: {what} "


def test_a_command_without_detach_is_not_advised_to_take_it() -> None:
    with pytest.raises(
        UsageError, match=r"container's access log .*: have a file written, such as by docker compose logs"
    ):
        ramp_log(example_settings(gateway="container"), named=None)


@pytest.mark.parametrize(
    ("kept", "gateway", "sentence"),
    [
        (True, "container", ": its container goes on with it when it runs again"),
        (True, "local", ": strangler up goes on with it"),
        (True, "kubernetes", ", and nobody watches it: strangler ramp resume goes on"),
        (False, "local", ", and nobody watches it: strangler ramp resume goes on"),
    ],
)
def test_a_ramp_that_is_left_says_how_it_goes_on(kept: bool, gateway: str, sentence: str) -> None:
    state: Any = SimpleNamespace(plan=SimpleNamespace(kept=kept))
    assert ramp_run._who_goes_on(gateway, state) == sentence


@pytest.mark.parametrize(
    ("answering", "healthy"), [({"fastapi"}, True), ({"fastapi-next"}, True), (set(), False), ({"django"}, False)]
)
def test_one_of_the_two_fastapi_of_a_deploy_is_healthy(
    answering: set[str], healthy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusal(probe: Any, *, timeout: float) -> str:
        assert (timeout, probe.port, probe.path) == (1.0, 8002, "/api/v2/health/ready")
        return "" if probe.host in answering else f"{probe.host} is away"

    monkeypatch.setattr(ramp_run.Probe, "refusal", refusal)
    monkeypatch.setattr(ramp_run.Probe, "answers", lambda probe, *, timeout: not refusal(probe, timeout=timeout))
    rollout: Any = None
    around = ramp_run.OwnGateway(rollout, example_settings(gateway="container", moves_folder="/moves"), command="")
    assert around.health() == ("" if healthy else "fastapi is away")
    around.close()
