"""The moves of a cluster, without one: what they are made of, and what they need."""

import subprocess
import sys
from pathlib import Path

import pytest

from strangler.deployment.open import rollout_open
from strangler.errors import UsageError
from strangler.settings import LocalSettings
from tests.example import EXAMPLE, ROOT, example_settings

ROLLOUT = "strangler.deployment.cluster_rollout"
API = "strangler.kubernetes.api"


def test_without_the_client_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (ROLLOUT, API):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "kubernetes.client", None)
    with pytest.raises(UsageError, match=r"needs the cluster's client .*: pip install 'strangler\[kubernetes\]'"):
        rollout_open(example_settings(gateway="kubernetes"))


def test_other_gateways_do_not_load_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes.client", None)
    assert rollout_open(example_settings()).gateway.settings.django


def test_manifests_are_rendered_without_the_client() -> None:
    forget = "import sys; sys.modules['kubernetes'] = None"
    command = [sys.executable, "-c", f"{forget}; import strangler.kubernetes.rendering, strangler.cli.render"]
    subprocess.run(command, check=True, cwd=ROOT)  # noqa: S603 - this line


def test_a_project_without_a_cluster_is_told_what_to_write() -> None:
    settings = LocalSettings(project=EXAMPLE.model_copy(update={"kubernetes": None}), gateway="kubernetes")
    with pytest.raises(UsageError, match=r"says nothing of a cluster: add \[kubernetes\]"):
        rollout_open(settings)


def test_what_belongs_to_this_machine_is_kept_apart() -> None:
    assert example_settings(gateway="kubernetes").state_dir == Path(EXAMPLE.state) / "kubernetes"
