"""A service of docker-compose.yml is replaced: what compose is asked for, and what a failure leaves behind."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from strangler.deployment import container_deploys
from strangler.deployment.container_deploys import container_deploy
from strangler.deployment.elsewhere import ElsewhereFile
from strangler.errors import FailedError, StranglerError, UnsafeError, UsageError
from strangler.routes.route import Stack
from strangler.settings import LocalSettings
from tests.example import EXAMPLE

# nginx's container answers what it is asked: an address and a status, its workers, who of them is left.
ENGINE = """#!/bin/sh
folder=$(dirname "$0")
said() { echo "strangler: inside"; for line; do echo "$line"; done; exit; }
case "$*" in
    "exec -T nginx"*getent*)
        name=${*##* sh } name=${name%% *} at=10.0.0.1
        case $name in *-next) at=$(cat "$folder/at" 2>/dev/null || echo 10.0.0.7) ;; esac
        case " $(cat "$folder/unready" 2>/dev/null) " in *" $name "*) said "$at" "no connection" ;; esac
        said "$at" "HTTP/1.1 200 OK" ;;
    "exec -T nginx"*cmdline*) said 7 8 ;;
    "exec -T nginx"*) said ;;
    *" config --services")
        echo "django django-next fastapi"; cat "$folder/spare" 2>/dev/null || echo fastapi-next; exit ;;
esac
echo "$*" >>"$folder/calls"
! grep -qsxF -- "$*" "$folder/fails" || { cat "$folder/plan" 2>/dev/null; echo "no room" >&2; exit 1; }
"""
UP = "up --detach --no-deps --no-build"
DOWN = "--profile deploy down fastapi-next"
HOME, AWAY = "nginx sends to its own", "nginx sends to 10.0.0.7:8002"
BUILT = ["--profile deploy build fastapi fastapi-next worker"]
SPARE = [DOWN, f"--profile deploy {UP} fastapi-next", AWAY]
REST = [f"{UP} --force-recreate fastapi", HOME, DOWN, f"{UP} --force-recreate worker"]


class Place:
    """A folder with an engine in it, and a gateway that takes what it is given."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.version: str | None = "one"
        self.rendered = self.fails_at = 0
        program = folder / "engine"
        program.write_text(ENGINE)
        program.chmod(0o755)
        files = EXAMPLE.files.model_copy(update={"state": str(folder)})
        project = EXAMPLE.model_copy(update={"files": files})
        self.settings = LocalSettings(project=project, gateway="container", compose=str(program), ready_seconds=1)
        self.elsewhere = ElsewhereFile(self.settings.state_dir)
        gateway = SimpleNamespace(
            place="the door",
            running_version=lambda: self.version,
            current=lambda: "one",
            wait_until_running=lambda _version: None,
        )
        self.rollout: Any = SimpleNamespace(gateway=gateway, hint="start it")
        monkeypatch.setattr(container_deploys, "rollout_render", self.render)
        for name in ("_LOOKED_UP_SECONDS", "_POLL_SECONDS"):
            monkeypatch.setattr(container_deploys, name, 0.0)

    def render(self, _rollout: object, *, change: Callable[[], None]) -> None:
        change()
        self.rendered += 1
        if self.rendered == self.fails_at:
            raise FailedError("nginx refuses")
        self.note(f"nginx sends to {self.elsewhere.read().get('fastapi', 'its own')}")

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / name).write_text(text)

    def forget(self) -> None:
        for name in ("calls", "fails", "unready"):
            (self.folder / name).unlink(missing_ok=True)
        self.rendered = self.fails_at = 0

    def note(self, line: str) -> None:
        with (self.folder / "calls").open("a") as calls:
            calls.write(f"{line}\n")

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    @property
    def sent(self) -> list[str]:
        return [call for call in self.calls if call.startswith("nginx sends")]

    def deploy(self, which: Stack = Stack.FASTAPI) -> list[str]:
        return [*container_deploy(self.settings, self.rollout, which)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def test_the_new_image_serves_beside_the_old_container_until_that_is_made_anew(place: Place) -> None:
    said = place.deploy()
    assert said[-1] == "fastapi is deployed"
    assert place.calls == [*BUILT, HOME, *SPARE, *REST]
    assert place.elsewhere.read() == {}


def test_one_that_is_not_ready_is_given_up(place: Place) -> None:
    place.write(unready="fastapi-next")
    with pytest.raises(FailedError) as refused:
        place.deploy()
    assert refused.value.message.startswith("fastapi-next wasn't ready within the 1 s of READY_SECONDS (GET /api/v2/")
    assert refused.value.message.endswith(": no connection), and the old fastapi serves as before")
    assert refused.value.hint.endswith("engine --profile deploy up fastapi-next; then deploy again")
    assert place.calls == [*BUILT, HOME, *SPARE[:2], DOWN]
    assert place.elsewhere.read() == {}


def test_one_that_does_not_come_back_leaves_the_new_one_serving_and_the_next_deploy_ends_it(place: Place) -> None:
    place.write(unready="fastapi")
    with pytest.raises(FailedError, match=r", and fastapi-next goes on serving: see .* logs fastapi; then deploy"):
        place.deploy()
    assert place.elsewhere.read() == {"fastapi": "10.0.0.7:8002"}
    place.forget()
    assert place.deploy()[-1] == "fastapi is deployed"
    # nginx is made to do what the file says, before anything is made anew.
    assert place.calls == [*BUILT, AWAY, *REST]
    assert place.elsewhere.read() == {}


def test_one_that_has_another_address_since_does_not_stand_in_any_more(place: Place) -> None:
    place.settings.state_dir.mkdir(parents=True)
    place.elsewhere.write({"fastapi": "10.0.0.6:8002"})
    place.deploy()
    assert place.calls == [*BUILT, HOME, *SPARE, *REST]


@pytest.mark.parametrize("left", [{}, {"fastapi": "10.0.0.6:8002"}])
@pytest.mark.parametrize("which", Stack)
def test_a_service_that_died_is_not_sent_requests_while_the_one_beside_it_is_ready(
    place: Place, left: dict[str, str], which: Stack
) -> None:
    """As where a deploy could not switch back, or was killed, whatever it has written, and the service ended since."""
    place.settings.state_dir.mkdir(parents=True)
    place.elsewhere.write(left)
    place.write(unready="fastapi")
    if which is Stack.DJANGO:
        place.deploy(which)
        assert set(place.sent) == {AWAY}
        return
    with pytest.raises(FailedError, match="fastapi-next goes on serving"):
        place.deploy()
    assert place.calls == [*BUILT, AWAY, REST[0]]


def test_one_that_stands_in_for_the_other_stack_is_left_alone_while_it_is_there(place: Place) -> None:
    place.settings.state_dir.mkdir(parents=True)
    place.elsewhere.write({"fastapi": "10.0.0.7:8002"})
    place.deploy(Stack.DJANGO)
    assert place.elsewhere.read() == {"fastapi": "10.0.0.7:8002"}
    place.write(at="10.0.0.8")
    place.deploy(Stack.DJANGO)
    assert place.elsewhere.read() == {}


def test_a_gateway_that_refuses_is_no_reason_to_make_anything_anew(place: Place) -> None:
    place.fails_at = 1
    with pytest.raises(FailedError, match="nginx refuses, and all containers run as before: fix that"):
        place.deploy()
    assert place.calls == BUILT
    place.forget()
    place.fails_at = 2
    with pytest.raises(FailedError, match="nginx refuses, and the old fastapi serves as before"):
        place.deploy()
    assert place.calls == [*BUILT, HOME, *SPARE[:2], HOME, DOWN]
    place.forget()
    place.fails_at = 3
    with pytest.raises(FailedError, match="nginx refuses, and the new fastapi and fastapi-next both run, and nginx"):
        place.deploy()
    # nginx may send requests to either: both are asked before anything is made anew.
    assert place.elsewhere.read() == {"fastapi": "10.0.0.7:8002"}
    place.forget()
    place.deploy()
    assert place.calls == [*BUILT, AWAY, *REST]
    assert place.elsewhere.read() == {}


@pytest.mark.parametrize(
    ("command", "serves"),
    [
        (BUILT[0], "all containers run as before"),
        (SPARE[1], "the old fastapi serves as before"),
        (DOWN, r"fastapi-next is left and may serve \(.* failed \(no room\)\)"),
        (REST[0], "fastapi-next goes on serving"),
        (REST[3], "the new fastapi serves"),
    ],
)
def test_a_command_that_fails_is_named_with_who_serves(place: Place, command: str, serves: str) -> None:
    place.write(fails=f"{command}\n")
    named = rf"engine {command} failed \(no room\), and {serves}: run that to see why, and deploy again[.]$"
    with pytest.raises(FailedError, match=named):
        place.deploy()


def test_new_code_of_django_waits_for_its_migrations(place: Place) -> None:
    command = "--profile deploy run --rm -T --no-deps --entrypoint python django-next django_app/manage.py migrate"
    check = f"{command} --check --plan"
    place.write(fails=f"{check}\n", plan="Planned operations:\n")
    pending = rf"migrations that aren't applied, and all containers run as before: strangler schema .* {command}[.]$"
    with pytest.raises(UsageError, match=pending):
        place.deploy(Stack.DJANGO)
    assert place.calls == ["--profile deploy build django django-next", check]
    place.write(plan="Traceback\n")
    with pytest.raises(
        FailedError, match=r"could not be checked \(no room\), and .*: set manage under \[containers\] to"
    ):
        place.deploy(Stack.DJANGO)


@pytest.mark.parametrize("kind", [UsageError, UnsafeError, FailedError])
def test_what_is_wrong_before_anything_has_changed_is_no_failure(
    place: Place, kind: type[StranglerError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_rollout: object, *, change: Callable[[], None]) -> None:
        change()
        place.rendered += 1
        if place.rendered == place.fails_at:
            raise kind("an operator applies", "wait")

    monkeypatch.setattr(container_deploys, "rollout_render", refuse)
    place.fails_at = 1
    with pytest.raises(kind, match="an operator applies, and all containers run as before: wait"):
        place.deploy()
    place.forget()
    place.fails_at = 3
    with pytest.raises(FailedError, match="an operator applies, and the new fastapi and fastapi-next both run"):
        place.deploy()


def test_a_project_without_a_command_for_migrations_is_deployed_unchecked(place: Place) -> None:
    containers = EXAMPLE.containers.model_copy(update={"manage": ()})
    project = place.settings.project.model_copy(update={"containers": containers})
    place.settings = place.settings.model_copy(update={"project": project})
    assert place.deploy(Stack.DJANGO)[-1] == "django is deployed"
    assert "migrate" not in " ".join(place.calls)


def test_what_can_not_begin_is_said(place: Place) -> None:
    place.write(spare="")
    hint = r"service fastapi-next in the profile deploy: add fastapi-next: {extends: {service: fastapi}, profiles: "
    with pytest.raises(UsageError, match=hint):
        place.deploy()
    assert not (place.folder / "calls").exists()
    with place.elsewhere.alone(), pytest.raises(UnsafeError, match="a deploy is under way: wait"):
        place.deploy()
    place.version = None
    with pytest.raises(UsageError, match="no gateway answers at the door: start it"):
        place.deploy()
