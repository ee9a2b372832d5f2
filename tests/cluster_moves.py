"""Moves of the example in a cluster that is none, by the client that a real one is asked with.

`python -m tests.cluster_moves PROJECT_FILE STAGE` moves posts.list to STAGE; KUBECONFIG names the cluster.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import tomlkit

from strangler.deployment.cluster_rollout import cluster_rollout
from strangler.kubernetes.api import cluster_connect
from strangler.kubernetes.cluster_project import cluster_project
from strangler.kubernetes.operator_role import operator_role
from strangler.local.ports import port_free_pick
from strangler.project import Project, project_load
from strangler.rollout.apply import Intent, rollout_apply, rollout_recover
from strangler.rollout.history import HistoryEntry
from strangler.rollout.rollout import Rollout
from strangler.settings import LocalSettings
from tests.api_server import served
from tests.clusters import manifests, of_kind, rendered
from tests.example import EXAMPLE, ROOT
from tests.fake_cluster import FakeCluster
from tests.rollouts import edited, logged

NAMESPACE: Final = "blog"
_COMMAND_SECONDS: Final = 120


@dataclass
class ClusterMoves:
    """A cluster that the example was applied to, and its moves from a checkout of an operator."""

    cluster: FakeCluster
    rollout: Rollout
    project: Project
    config: Path
    reported: list[str]

    def edited(self, **by_name: dict[str, Any]) -> bytes:
        """The routes file with keys of some routes changed."""
        return edited(self.rollout, **by_name)

    def apply(self, content: bytes, **intent: Any) -> HistoryEntry:
        """Apply these routes."""
        return applied(self.rollout, content, **intent)

    def seen(self) -> tuple[bytes, object]:
        """All that a failure has to leave as it was."""
        return self.rollout.routes_file.read_bytes(), self.cluster.seen()


def applied(rollout: Rollout, content: bytes, **intent: Any) -> HistoryEntry:
    """Apply these routes as they are planned now."""
    plan = rollout.propose(content).plan
    return rollout_apply(rollout, content, checksum=plan.checksum, intent=Intent(command="a test", **intent))


def rollout_at(file: Path) -> Rollout:
    """The moves of the project of that file, from its folder."""
    settings = settings_at(file)
    return cluster_rollout(settings, state_dir=settings.state_dir, api=cluster_connect(NAMESPACE))


def settings_at(file: Path) -> LocalSettings:
    """The settings of an operator of the project of that file."""
    return LocalSettings(
        project=project_load(file), gateway="kubernetes", evidence_equal=0, proxy_port=port_free_pick()
    )


def operator_environment(moving: ClusterMoves) -> dict[str, str]:
    """The environment of another process that knows the cluster."""
    return {
        "PATH": "/usr/bin:/bin",
        "KUBECONFIG": str(moving.config),
        "HOME": str(moving.config.parent),
        "GATEWAY": "kubernetes",
        "EVIDENCE_EQUAL": "0",
        "PROXY_PORT": str(port_free_pick()),
        "STRANGLER_PROJECT": str(moving.project.file),
    }


def command(moving: ClusterMoves, *arguments: str, user: str = "") -> tuple[int, str]:
    """A command as an operator types it, as `user` behind sudo: its exit code, and what it prints."""
    ended = subprocess.run(  # noqa: S603 - the tool itself
        [sys.executable, "-m", "strangler.cli", *arguments],
        cwd=ROOT,
        env=operator_environment(moving) | ({"SUDO_USER": user} if user else {}),
        capture_output=True,
        text=True,
        timeout=_COMMAND_SECONDS,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def checkout(folder: Path, **kubernetes: Any) -> Path:
    """A checkout of the example that has what a cluster is rendered from, with more keys of `[kubernetes]`.

    Gives its project file.
    """
    document = tomlkit.parse(EXAMPLE.file.read_text())
    document["kubernetes"] = {**kubernetes, **document["kubernetes"].unwrap()}
    files = document["files"]
    for name in ("contract", "consumer", "routes"):
        target = folder / f"{name}{getattr(EXAMPLE, name).suffix}"
        target.write_bytes(getattr(EXAMPLE, name).read_bytes())
        files[name] = target.name
    files["declared"], files["cases"], files["state"] = str(EXAMPLE.declared), str(EXAMPLE.cases), ".run"
    for stack in ("django", "fastapi"):
        document[stack]["folder"] = str(EXAMPLE.root)
    file = folder / "strangler.toml"
    file.write_text(tomlkit.dumps(document))
    return file


@contextmanager
def cluster_moves(folder: Path, **kubernetes: Any) -> Iterator[ClusterMoves]:
    """The cluster on the example's routes, which whoever asks may move as the rendered Role says; see `checkout`."""
    file = checkout(folder, **kubernetes)
    project = project_load(file)
    cluster = FakeCluster(NAMESPACE)
    found = manifests(rendered(project).base)
    cluster.apply(*of_kind(found, "ConfigMap"), *of_kind(found, "Deployment"))
    cluster.rules = operator_role(cluster_project(project))["rules"]
    with served(cluster, folder) as config, connected_to(config), logged() as reported:
        rollout = rollout_at(file)
        rollout_recover(rollout)
        yield ClusterMoves(cluster=cluster, rollout=rollout, project=project, config=config, reported=reported)


@contextmanager
def connected_to(config: Path) -> Iterator[None]:
    """This process as KUBECONFIG would have it, which the client reads once."""
    from kubernetes.config import kube_config

    before = kube_config.KUBE_CONFIG_DEFAULT_LOCATION
    kube_config.KUBE_CONFIG_DEFAULT_LOCATION = str(config)
    try:
        yield
    finally:
        kube_config.KUBE_CONFIG_DEFAULT_LOCATION = before


def _main(file: str, stage: str) -> None:
    rollout = rollout_at(Path(file))
    applied(rollout, edited(rollout, posts__list={"stage": stage}), force=True, reason="a test")


if __name__ == "__main__":
    _main(*sys.argv[1:])
