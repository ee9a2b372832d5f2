"""A deploy that fails in a way that nobody has thought of, and two that are asked for at the same time."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from strangler.deployment import deploys
from strangler.deployment.deploys import Deployer
from strangler.deployment.releases import Deploy, DeployFile
from strangler.routes.route import Stack


def test_an_unexpected_error_ends_the_deploy_and_not_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []

    class Spare:
        """Is ready, and then nginx's configuration can't be rendered."""

        def __init__(self, *_arguments: object, **_named: object) -> None:
            self.keeper, self.probe, self.address = SimpleNamespace(stop=lambda: done.append("stop")), None, "a spare"

    def sent(stack: Any, which: Stack, *, to: str) -> Iterator[str]:
        stack.state.elsewhere[which] = to
        raise ZeroDivisionError("of a template")

    stack: Any = SimpleNamespace(
        folder=SimpleNamespace(path=tmp_path),
        children=SimpleNamespace(keeper=lambda _which: None, keepers=lambda _name: []),
        state=SimpleNamespace(elsewhere={}),
        kept=SimpleNamespace(forget=lambda _keeper: done.append("forget")),
    )
    monkeypatch.setattr(deploys, "port_free_pick", lambda: 1)
    monkeypatch.setattr(deploys, "Spare", Spare)
    monkeypatch.setattr(deploys, "wait_ready", lambda *_arguments: iter(()))
    monkeypatch.setattr(deploys, "_sent", sent)
    monkeypatch.setattr(deploys, "_send", lambda _stack, which, *, to: [done.append((which, to))][:0])
    deployer, file = Deployer(stack), DeployFile(tmp_path)
    file.write(Deploy.of(Stack.FASTAPI))
    while (found := file.read()) is None or not found.is_over:
        deployer.step()
    # What was sent to the new one is sent to the old one again before the new one ends.
    assert (found.outcome, done) == ("failed", [(Stack.FASTAPI, ""), "forget", "stop"])
    assert "an unexpected ZeroDivisionError (of a template)" in found.lines[-1]


def test_a_deploy_that_is_asked_for_is_not_lost_to_a_replacement_at_the_same_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Deploy] = []

    def under_way(deploy: Deploy, _steps: object, _file: object) -> Any:
        begun.append(deploy)
        return SimpleNamespace(step=lambda: True)

    def looked(self: DeployFile) -> Deploy | None:
        """Nothing was asked for at the first look; somebody asks right after it."""
        monkeypatch.setattr(DeployFile, "read", read)
        self.write(asked)
        return None

    read, asked = DeployFile.read, Deploy.of(Stack.DJANGO)
    orphan = SimpleNamespace(
        wants_replacement=True, let_orphans_serve=lambda _probe: None, replacement_begins=lambda: None
    )
    stack: Any = SimpleNamespace(
        folder=SimpleNamespace(path=tmp_path), children=SimpleNamespace(keepers=lambda _name: [orphan]), settings=None
    )
    monkeypatch.setattr(deploys, "service_here", lambda *_: SimpleNamespace(probe=SimpleNamespace(answers=None)))
    monkeypatch.setattr(deploys, "_replaced", lambda *_, **__: iter(()))
    monkeypatch.setattr(deploys, "_UnderWay", under_way)
    deployer = Deployer(stack)
    monkeypatch.setattr(DeployFile, "read", looked)
    for _ in range(3):
        deployer.step()
    assert begun[0] == asked
    # The second is refused until the first is over, whoever looked when.
    assert DeployFile(tmp_path).claim(Deploy.of(Stack.FASTAPI)) == asked


def test_a_deploy_whose_end_finds_no_room_on_the_disk_refuses_none_that_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack: Any = SimpleNamespace(
        folder=SimpleNamespace(path=tmp_path), children=SimpleNamespace(keepers=lambda _name: [])
    )
    monkeypatch.setattr(deploys, "_replaced", lambda *_, **__: iter(()))
    deployer, file = Deployer(stack), DeployFile(tmp_path)
    assert file.claim(Deploy.of(Stack.FASTAPI)) is None
    deployer.step()

    def full(_file: DeployFile, _deploy: Deploy) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(DeployFile, "write", full)
        deployer.step()
    assert file.claim(Deploy.of(Stack.FASTAPI)) is None
