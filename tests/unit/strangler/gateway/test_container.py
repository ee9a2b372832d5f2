"""ComposeGateway through a `docker` on PATH that runs what it is given in a folder, as a container would in its own."""

import dataclasses
import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from strangler.errors import FailedError, UsageError
from strangler.gateway import compose_cli as engine
from strangler.gateway import container as compose
from strangler.gateway.compose_cli import Compose
from strangler.gateway.container import ComposeGateway
from strangler.gateway.rendering import Rendered
from strangler.gateway.settings import container_gateway
from strangler.gateway.versions import VersionFolder
from tests.example import CONTAINERS

# `docker compose exec -T nginx sh -euc SCRIPT sh …`, with the container's folder in place of its root.
DOCKER = """#!/bin/sh
printf '%s\\n' "$@" >>"$FAKE/calls"
if [ -e "$FAKE/says" ]; then cat "$FAKE/says" >&2; exit 1; fi
if [ -e "$FAKE/hangs" ]; then sleep 600 & echo $! >"$FAKE/pid"; wait; fi
[ "$1 $2 $3 $4 $5 $6" = "compose exec -T nginx sh -euc" ] || exit 64
script=$(printf '%s' "$7" | sed "s#/etc/nginx/generated#$FAKE/generated#g")
shift 7
exec sh -euc "$script" "$@"
"""
# Refuses a configuration that says so, in nginx's words.
NGINX = """#!/bin/sh
printf 'nginx %s\\n' "$*" >>"$FAKE/calls"
grep -q '^broken' "$4" || exit 0
echo '2026/01/01 00:00:00 [emerg] 7#7: unknown directive "broken" in '"$4"':1' >&2
echo "nginx: configuration file $4 test failed" >&2
exit 1
"""
URL = "http://127.0.0.1:1"


class Container:
    """What the fake engine runs in; `generated` is the volume."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generated = path / "generated"
        self.generated.mkdir()
        self.versions = VersionFolder(self.generated)

    @property
    def calls(self) -> str:
        file = self.path / "calls"
        return file.read_text() if file.exists() else ""

    @property
    def execs(self) -> int:
        return self.calls.count("compose\nexec\n")

    def says(self, text: str) -> None:
        (self.path / "says").write_text(text)

    def gateway(self, command: str = "docker compose") -> ComposeGateway:
        compose = Compose(command, folder=self.path)
        return ComposeGateway(settings=container_gateway(**CONTAINERS), url=URL, shell=compose, service="nginx")


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Container:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("docker", DOCKER), ("nginx", NGINX)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(tmp_path))
    return Container(tmp_path)


def rendered(version: str, text: str = "# nginx\n") -> Rendered:
    return Rendered(version=version, files={"nginx.conf": text, "http.conf": f"# ü of {version}\n"})


def runs(monkeypatch: pytest.MonkeyPatch, version: str | None) -> None:
    """What the front door answers, which a unit test can't ask."""
    monkeypatch.setattr(compose.ComposeGateway, "running_version", lambda _gateway: version)


def names(folder: Path) -> Sequence[str]:
    return sorted(file.name for file in folder.iterdir())


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_an_empty_volume_has_no_current_version(container: Container) -> None:
    assert container.gateway().current() is None


def test_a_version_is_written_as_the_local_gateway_writes_it_and_tested(container: Container) -> None:
    gateway = container.gateway()
    gateway.install(rendered("one"))
    assert container.versions.holds(rendered("one"))
    folder = container.versions.folder("one")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())]
    assert modes == [0o755, 0o644, 0o644]
    assert names(folder.parent) == ["one"]
    assert f"nginx -e stderr -c {folder}/nginx.conf -t -q\n" in container.calls
    assert gateway.current() is None


def test_nothing_of_a_configuration_stands_on_a_command_line(container: Container) -> None:
    container.gateway().install(rendered("one", "# a name or a network that is nobody's business\n"))
    assert "business" not in container.calls


def test_taking_up_a_version_is_one_call(container: Container) -> None:
    gateway = container.gateway()
    gateway.install(rendered("one"))
    before = container.execs
    gateway.take_up("one")
    assert container.execs == before + 1
    assert container.versions.current() == "one"
    assert container.calls.endswith(f"nginx -e stderr -c {container.generated}/current/nginx.conf -s reload\n")
    assert names(container.generated) == ["current", "versions"]


def test_a_move_takes_three_calls(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    container.versions.install(rendered("one"))
    container.versions.activate("one")
    runs(monkeypatch, "one")
    gateway = container.gateway()
    assert gateway.current() == "one"
    assert gateway.holds(rendered("one"))
    assert not gateway.holds(rendered("two"))
    gateway.install(rendered("two"))
    assert gateway.current() == "one"
    gateway.take_up("two")
    gateway.prune({"one", "two"})
    assert container.execs == 3


def test_what_was_seen_is_soon_forgotten(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = container.gateway()
    assert gateway.current() is None
    container.versions.install(rendered("one"))
    container.versions.activate("one")
    monkeypatch.setattr(compose, "_SEEN_SECONDS", 0)
    assert gateway.current() == "one"


def test_what_stands_already_is_not_written_again(container: Container) -> None:
    gateway = container.gateway()
    gateway.install(rendered("one"))
    gateway.activate("one")
    before = container.execs
    gateway.install(rendered("one"))
    assert container.execs == before


def test_activating_leaves_nginx_alone(container: Container) -> None:
    gateway = container.gateway()
    gateway.install(rendered("one"))
    gateway.activate("one")
    assert container.versions.current() == "one"
    assert "reload" not in container.calls


def test_a_version_that_is_not_there_is_not_named(container: Container) -> None:
    gateway = container.gateway()
    gateway.install(rendered("one"))
    gateway.activate("one")
    with pytest.raises(FailedError, match=r"^nginx refuses: version two is not installed\.$"):
        gateway.take_up("two")
    assert container.versions.current() == "one"


def test_what_nginx_refuses_is_removed_and_reported_in_its_words(container: Container) -> None:
    gateway = container.gateway()
    gateway.install(rendered("one"))
    gateway.activate("one")
    with pytest.raises(FailedError, match=r'^nginx refuses: unknown directive "broken" in .*:1\.$'):
        gateway.install(rendered("two", "broken;\n"))
    assert names(container.generated / "versions") == ["one"]
    assert gateway.current() == "one"


def test_a_current_version_that_somebody_changed_is_mended_in_place(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(monkeypatch, "one")
    gateway = container.gateway()
    gateway.install(rendered("one"))
    gateway.activate("one")
    folder = container.versions.folder("one")
    (folder / "http.conf").write_text("# changed\n")
    (folder / "added.conf").write_text("# added\n")
    inode = folder.stat().st_ino
    changed = container.gateway()
    assert not changed.holds(rendered("one"))
    changed.install(rendered("one"))
    assert changed.holds(rendered("one"))
    assert container.versions.holds(rendered("one"))
    assert folder.stat().st_ino == inode
    assert names(container.generated / "versions") == ["one"]


def test_a_current_version_that_nginx_refuses_is_never_removed(container: Container) -> None:
    gateway = container.gateway()
    gateway.install(rendered("one"))
    gateway.activate("one")
    broken = dataclasses.replace(rendered("one"), files={"nginx.conf": "broken;\n"})
    with pytest.raises(FailedError, match="unknown directive"):
        gateway.install(broken)
    assert container.versions.folder("one").is_dir()


@pytest.mark.parametrize(("running", "held"), [("one", True), (None, True), ("other", False)])
def test_a_version_that_a_running_nginx_has_not_read_yet_is_not_held(
    running: str | None, held: bool, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(monkeypatch, running)
    gateway = container.gateway()
    gateway.install(rendered("one"))
    gateway.activate("one")
    assert gateway.holds(rendered("one")) is held


def test_pruning_keeps_the_current_version_and_those_named(container: Container) -> None:
    gateway = container.gateway()
    for version in ("one", "two", "three", "four"):
        gateway.install(rendered(version))
    gateway.activate("three")
    (container.generated / "versions" / ".new-crashed").mkdir()
    gateway = container.gateway()
    gateway.prune({"one"})
    assert names(container.generated / "versions") == ["one", "three"]


def test_a_container_that_does_not_run_is_one_sentence_in_the_engines_words(container: Container) -> None:
    container.says('time="…" level=warning msg="DATABASE_URL is not set"\nservice "nginx" is not running\n')
    message = (
        r'^the container nginx can\'t be reached \(service "nginx" is not running\): start it with docker compose up'
    )
    with pytest.raises(FailedError, match=message):
        container.gateway().current()


def test_a_missing_engine_is_named_with_its_setting(container: Container) -> None:
    with pytest.raises(UsageError, match=r"^no-such-engine can't be run \(.*name another with COMPOSE\.$"):
        container.gateway("no-such-engine compose").current()


@pytest.mark.parametrize("command", ["", "docker 'compose"])
def test_a_command_that_is_none_is_refused(command: str) -> None:
    with pytest.raises(UsageError, match=r"^COMPOSE .*docker compose"):
        Compose(command, folder=Path())


def test_an_engine_that_hangs_is_ended_with_all_that_it_started(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    (container.path / "hangs").touch()
    monkeypatch.setattr(engine, "EXEC_SECONDS", 0.5)
    message = r"^docker compose exec did not end within 0.5 s: look at docker compose ps, and try again\.$"
    with pytest.raises(FailedError, match=message):
        container.gateway().current()
    pid = int((container.path / "pid").read_text())
    deadline = time.monotonic() + 5
    while lives(pid):
        assert time.monotonic() < deadline, "the engine's child lives on"
        time.sleep(0.02)
