"""A deploy that fails in a way that nobody has thought of."""

from collections.abc import Iterator
from contextlib import nullcontext
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
            self.keeper, self.probe = SimpleNamespace(stop=lambda: done.append("stop")), None

        def send_requests(self) -> Iterator[str]:
            raise ZeroDivisionError("of a template")

    stack: Any = SimpleNamespace(
        folder=SimpleNamespace(path=tmp_path),
        children=SimpleNamespace(keeper=lambda _which: None, keepers=lambda _name: []),
        rollout=SimpleNamespace(
            folder=SimpleNamespace(locked=nullcontext),
            gateway=SimpleNamespace(current=lambda: "before", take_up=done.append),
        ),
        forget=lambda _keeper: done.append("forget"),
    )
    monkeypatch.setattr(deploys, "port_free_pick", lambda: 1)
    monkeypatch.setattr(deploys, "_Spare", Spare)
    monkeypatch.setattr(deploys, "_ready", lambda *_arguments: iter(()))
    deployer, file = Deployer(stack), DeployFile(tmp_path)
    file.write(Deploy.of(Stack.FASTAPI))
    while (found := file.read()) is None or not found.is_over:
        deployer.step()
    assert (found.outcome, done) == ("failed", ["before", "forget", "stop"])
    assert "an unexpected ZeroDivisionError (of a template)" in found.lines[-1]
