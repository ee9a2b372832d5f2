"""The moves of a real nginx that has no stacks behind it, and a move that is killed half-way.

`python -m tests.rollouts GATEWAY STEP STAGE` moves posts.list to STAGE and kills itself once STEP is done.
"""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from strangler.deployment.local_gateway import native_gateway
from strangler.gateway.interface import Gateway as AnyGateway
from strangler.gateway.interface import running_version
from strangler.gateway.settings import GatewaySettings
from strangler.local.ports import port_free_pick
from strangler.rollout import apply
from strangler.rollout.apply import Intent, rollout_apply, rollout_begin
from strangler.rollout.evidence import Proof
from strangler.rollout.history import HistoryEntry
from strangler.rollout.rollout import Rollout
from strangler.rollout.state_dir import RolloutFolder
from strangler.routes.editing import routes_edit
from strangler.routes.route import Stack
from tests.example import PREFIXES, ROOT, SIGN_IN, example_settings, load_routes
from tests.gateways import DEPLOYED, Gateway, gateway

# What an apply does, in its order; a kill after any of these is repaired by the next call.
NOT_KILLED = "none"
KILLED = 9
KILLED_SECONDS = 30
STEPS = ("journal_open", "write_durably", "activate", "reload", "wait_until_running", "append")


@dataclass
class Moves:
    """A gateway that runs, and its moves; `reported` is what was logged for the operator."""

    nginx: Gateway
    rollout: Rollout
    reported: list[str]
    grown: list[tuple[int, int]]

    @property
    def file(self) -> Path:
        return self.rollout.routes_file

    def edited(self, **by_name: dict[str, Any]) -> bytes:
        """See the function of that name."""
        return edited(self.rollout, **by_name)

    def apply(self, content: bytes, **intent: Any) -> HistoryEntry:
        plan = self.rollout.propose(content).plan
        return rollout_apply(self.rollout, content, checksum=plan.checksum, intent=Intent(command="a test", **intent))

    def answers(self) -> str | None:
        """The version that a new connection meets."""
        return running_version(self.nginx.url)

    def seen(self) -> tuple[bytes, str | None, str | None, dict[str, bytes]]:
        """All that a failure has to leave as it was: the routes file, nginx's version by both ways, and its files."""
        current = self.nginx.current
        files = {file.name: file.read_bytes() for file in current.iterdir()}
        return self.file.read_bytes(), self.rollout.gateway.current(), self.answers(), files

    def start_elsewhere(self, step: str, stage: str) -> "subprocess.Popen[str]":
        """Another process that moves posts.list to `stage`, and dies after `step`."""
        document = {
            "port": urlsplit(self.nginx.url).port,
            "nginx": str(self.nginx.folder),
            "folder": str(self.file.parent),
            "settings": asdict(self.nginx.native.own),
        }
        argv = [sys.executable, "-m", "tests.rollouts", json.dumps(document), step, stage]
        return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - this file

    def kill_after(self, step: str) -> None:
        """Another process that moves posts.list to legacy and dies after `step`."""
        process = self.start_elsewhere(step, "legacy")
        said = process.communicate(timeout=KILLED_SECONDS)
        assert process.returncode == KILLED, said


def edited(rollout: Rollout, **by_name: dict[str, Any]) -> bytes:
    """The routes file with keys of some routes changed (`posts__list` names posts.list)."""
    edits = {name.replace("__", "."): values for name, values in by_name.items()}
    return routes_edit(rollout.routes_file.read_text(), edits).encode()


def rollout_of(native: AnyGateway, folder: Path, **changes: Any) -> Rollout:
    """The moves of a gateway, with their files in `folder`."""
    values: dict[str, Any] = {
        "gateway": native,
        "routes_file": folder / "routes.toml",
        "prefixes": PREFIXES,
        "sign_in": SIGN_IN.routes,
        "folder": RolloutFolder(folder / "rollout"),
        "grow_grants": lambda _running, _wanted: None,
        "evidence": lambda _names: {},
        "proof": Proof(equal=0, days=7),
        "read_only": False,
        "hint": "start it",
    }
    return Rollout(**values | changes)


@contextmanager
def moves(folder: Path, django: str | None = None, fastapi: str | None = None) -> Iterator[Moves]:
    """An nginx on the deployed routes, before the services at these addresses, or before none."""
    nowhere = [f"http://127.0.0.1:{port_free_pick()}" for _stack in Stack]
    (folder / "routes.toml").write_bytes(DEPLOYED.read_bytes())
    grown: list[tuple[int, int]] = []
    with gateway(
        load_routes(DEPLOYED), django=django or nowhere[0], fastapi=fastapi or nowhere[1], started=False
    ) as nginx:
        rollout = rollout_of(
            nginx.native,
            folder,
            grow_grants=lambda running, wanted: grown.append((len(running.routes), len(wanted.routes))),
        )
        rollout_begin(rollout, command="start")
        nginx.start()
        with logged() as reported:
            yield Moves(nginx=nginx, rollout=rollout, reported=reported, grown=grown)


@contextmanager
def logged() -> Iterator[list[str]]:
    """What the tool logs while the `with` block lasts."""
    reported: list[str] = []
    handler, logger = logging.Handler(), logging.getLogger("strangler")
    handler.emit = lambda record: reported.append(record.getMessage())  # type: ignore[method-assign] # of this one
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield reported
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _kill_after(step: str, rollout: Rollout) -> None:
    """Let the process end, as a kill ends it, once `step` was done."""
    owners: list[Any] = [rollout.folder, apply, rollout.gateway, rollout.folder.history]
    owner = next(each for each in owners if hasattr(each, step))
    done: Callable[..., None] = getattr(owner, step)

    def killed(*arguments: Any, **named: Any) -> None:
        done(*arguments, **named)
        os._exit(KILLED)

    setattr(owner, step, killed)


def _main(document: str, step: str, stage: str) -> None:
    reported = json.loads(document)
    settings = example_settings(proxy_port=reported["port"], django_port=1, fastapi_port=2, postgres_port=3)
    native = native_gateway(settings, folder=Path(reported["nginx"]))
    native.own = TypeAdapter(GatewaySettings).validate_python(reported["settings"])
    rollout = rollout_of(native, Path(reported["folder"]))
    content = edited(rollout, posts__list={"stage": stage})
    checksum = rollout.propose(content).plan.checksum
    if step != NOT_KILLED:
        _kill_after(step, rollout)
    rollout_apply(
        rollout, content, checksum=checksum, intent=Intent(command=f"move to {stage}", force=True, reason="a test")
    )


if __name__ == "__main__":
    _main(*sys.argv[1:])
