"""`strangler status` of containers: what it can see of them, and who says more."""

from types import SimpleNamespace
from typing import Any

import pytest

from strangler.cli.status import ContainerServices
from tests.example import example_settings


@pytest.mark.parametrize(("version", "state"), [("3-abc", "ready"), (None, "no answer")])
def test_containers_are_as_ready_as_their_front_door(
    version: str | None, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "http://127.0.0.1:8080"
    rollout: Any = SimpleNamespace(gateway=SimpleNamespace(url=url, running_version=lambda: version))
    services = ContainerServices(example_settings(gateway="container", compose="podman compose"), rollout)
    assert services.are_ready is (state == "ready")
    assert services.as_json() == {"services": [{"service": "nginx", "address": url, "state": state}]}
    services.show()
    said = capsys.readouterr()
    assert said.out == f"nginx {url} {state}\n"
    assert "podman compose ps shows the other containers" in said.err
