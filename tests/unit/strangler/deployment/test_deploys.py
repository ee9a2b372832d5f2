"""A deploy that fails in a way that nobody has thought of."""

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
        forget=lambda _keeper: done.append("forget"),
    )
    monkeypatch.setattr(deploys, "port_free_pick", lambda: 1)
    monkeypatch.setattr(deploys, "_Spare", Spare)
    monkeypatch.setattr(deploys, "_ready", lambda *_arguments: iter(()))
    monkeypatch.setattr(deploys, "_sent", sent)
    monkeypatch.setattr(deploys, "_send", lambda _stack, which, *, to: [done.append((which, to))][:0])
    deployer, file = Deployer(stack), DeployFile(tmp_path)
    file.write(Deploy.of(Stack.FASTAPI))
    while (found := file.read()) is None or not found.is_over:
        deployer.step()
    # What was sent to the new one is sent to the old one again before the new one ends.
    assert (found.outcome, done) == ("failed", [(Stack.FASTAPI, ""), "forget", "stop"])
    assert "an unexpected ZeroDivisionError (of a template)" in found.lines[-1]
