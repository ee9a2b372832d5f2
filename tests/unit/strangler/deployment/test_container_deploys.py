"""A service of docker-compose.yml is replaced: what compose is asked for, and what a failure leaves behind."""

import fcntl
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from strangler.deployment import container_deploys
from strangler.deployment.container_deploys import ElsewhereFile, container_deploy
from strangler.errors import FailedError, StranglerError, UnsafeError, UsageError
from strangler.routes.route import Stack
from strangler.settings import LocalSettings
from tests.example import EXAMPLE

# nginx's container answers what it is asked: an address and a status, its workers, who of them is left.
ENGINE = """#!/bin/sh
folder=$(dirname "$0")
case "$*" in
    "exec -T nginx"*getent*"sh $(cat "$folder/unready" 2>/dev/null) "*)
        printf 'strangler: inside\\n10.0.0.7\\nHTTP/1.1 503 Service Unavailable\\n'; exit ;;
    "exec -T nginx"*getent*) printf 'strangler: inside\\n10.0.0.7\\nHTTP/1.1 200 OK\\n'; exit ;;
    "exec -T nginx"*cmdline*) printf 'strangler: inside\\n7\\n8\\n'; exit ;;
    "exec -T nginx"*) printf 'strangler: inside\\n'; exit ;;
esac
echo "$*" >>"$folder/calls"
! grep -qsxF -- "$*" "$folder/fails" || { echo "no room" >&2; exit 1; }
"""
UP = "up --detach --no-deps --no-build"
SPARE = [
    "--profile deploy down fastapi-next",
    f"--profile deploy {UP} fastapi-next",
    "nginx sends to 10.0.0.7:8002",
]
REST = [
    f"{UP} --force-recreate fastapi",
    "nginx sends to its own",
    "--profile deploy down fastapi-next",
    f"{UP} --force-recreate worker",
]


class Place:
    """A folder with an engine in it, and a gateway that takes what it is given."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.version: str | None = "one"
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
        self.note(f"nginx sends to {self.elsewhere.read().get('fastapi', 'its own')}")

    def note(self, line: str) -> None:
        with (self.folder / "calls").open("a") as calls:
            calls.write(f"{line}\n")

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def deploy(self, which: Stack = Stack.FASTAPI) -> list[str]:
        return [*container_deploy(self.settings, self.rollout, which)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def test_the_new_image_serves_beside_the_old_container_until_that_is_made_anew(place: Place) -> None:
    said = place.deploy()
    assert said[-1] == "fastapi is deployed"
    assert place.calls == ["build fastapi", *SPARE, *REST]
    assert place.elsewhere.read() == {}


def test_one_that_is_not_ready_is_given_up(place: Place) -> None:
    (place.folder / "unready").write_text("fastapi-next")
    with pytest.raises(FailedError) as refused:
        place.deploy()
    assert refused.value.message.startswith("fastapi-next wasn't ready within the 1 s of READY_SECONDS (GET /api/v2/")
    assert refused.value.message.endswith("HTTP/1.1 503 Service Unavailable), and the old fastapi serves as before")
    assert place.calls == ["build fastapi", *SPARE[:2], "--profile deploy down fastapi-next"]
    assert place.elsewhere.read() == {}


def test_one_that_does_not_come_back_leaves_the_new_one_serving_and_the_next_deploy_ends_it(place: Place) -> None:
    (place.folder / "unready").write_text("fastapi")
    with pytest.raises(FailedError, match=r", and fastapi-next goes on serving: see .* then deploy again"):
        place.deploy()
    assert place.elsewhere.read() == {"fastapi": "10.0.0.7:8002"}
    (place.folder / "unready").unlink()
    (place.folder / "calls").unlink()
    assert place.deploy()[-1] == "fastapi is deployed"
    assert place.calls == ["build fastapi", *REST]
    assert place.elsewhere.read() == {}


def test_new_code_of_django_waits_for_its_migrations(place: Place) -> None:
    check = "--profile deploy run --rm -T --no-deps django-next python django_app/manage.py migrate --check"
    (place.folder / "fails").write_text(f"{check}\n")
    with pytest.raises(
        FailedError, match=r"can't be deployed yet \(no room\), and the old django serves .* migrate[.]$"
    ):
        place.deploy(Stack.DJANGO)
    down = "--profile deploy down django-next"
    assert place.calls == ["build django", down, check, down]


def test_what_can_not_begin_is_said(place: Place) -> None:
    place.settings.state_dir.mkdir(parents=True)
    with (place.settings.state_dir / "deploy.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UnsafeError, match="a deploy is under way: wait"):
            place.deploy()
    place.version = None
    with pytest.raises(UsageError, match="no gateway answers at the door: start it"):
        place.deploy()
    (place.settings.state_dir / "elsewhere.json").write_text("[")
    with pytest.raises(StranglerError, match=r"elsewhere.json can't be read: remove it"):
        place.elsewhere.read()
