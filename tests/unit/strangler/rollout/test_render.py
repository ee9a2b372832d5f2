"""The routes that run are rendered anew for a deploy, of a gateway that a test pretends."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from strangler.gateway.rendering import Rendered, own_version, render_gateway
from strangler.gateway.settings import GatewaySettings
from strangler.rollout.apply import rollout_render
from tests.rollouts import rollout_of

ROUTES = '[[route]]\nname = "carts.list"\nmethods = ["GET"]\npath = "/carts/"\nstage = "parallel"\n'
SPARE = ("fastapi", "10.0.0.7:8002")


class StartedGateway:
    """One that was started with a version, as by `docker compose up`, and takes up what it is given."""

    url = place = "http://127.0.0.1:1"

    def __init__(self) -> None:
        self.settings = GatewaySettings(listen=("127.0.0.1:1",), django="d:1", fastapi="f:1", access_log="log")
        self.running = ""

    def running_version(self) -> str:
        return self.running

    current = running_version

    def install(self, rendered: Rendered) -> None:
        pass

    def take_up(self, version: str) -> None:
        self.running = version


def test_a_deploy_may_be_the_first_that_happens_to_a_gateway(tmp_path: Path) -> None:
    """Nothing has moved yet, and so nothing has recorded which routes run."""
    gateway: Any = StartedGateway()
    (tmp_path / "routes.toml").write_text(ROUTES)
    rollout = rollout_of(gateway, tmp_path)
    started = gateway.running = render_gateway(rollout.parse(ROUTES.encode()), gateway.settings).version

    def send(*elsewhere: tuple[str, str]) -> None:
        gateway.settings = replace(gateway.settings, elsewhere=elsewhere)

    rollout_render(rollout, change=lambda: send(SPARE))
    assert gateway.running != started
    assert own_version(gateway.running) == started
    rollout_render(rollout, change=send)
    assert gateway.running == started
    assert [entry.command for entry in rollout.entries()] == ["start"]
