"""The moves of a cluster's gateway, made from any machine that reaches its API server."""

from pathlib import Path

from strangler.deployment.remote_shadow import shadow_counts
from strangler.deployment.rollouts import rollout_assemble
from strangler.errors import UsageError
from strangler.kubernetes.cluster_project import cluster_project
from strangler.rollout.rollout import Rollout
from strangler.settings import LocalSettings

try:
    from strangler.kubernetes.api import ClusterApi, cluster_connect
except ModuleNotFoundError as error:
    message = f"GATEWAY=kubernetes needs the cluster's client ({error.name})"
    raise UsageError(message, "pip install 'strangler[kubernetes]'") from error

from strangler.deployment.cluster_ramps import ClusterRamps
from strangler.deployment.cluster_shadow import ClusterShadow
from strangler.kubernetes.gateway import KubernetesGateway
from strangler.kubernetes.grants import grants_grow
from strangler.kubernetes.rollout_state import ClusterState


def cluster_rollout(settings: LocalSettings, *, state_dir: Path, api: ClusterApi | None = None) -> Rollout:
    """The moves of the cluster; `state_dir` is for what belongs to this machine alone.

    :raises UsageError: the project file doesn't say enough of the cluster, or nothing says where it is.
    """
    cluster = cluster_project(settings.project)
    found = api or cluster_connect(cluster.namespace)
    shadow = ClusterShadow(cluster, found)
    state = ClusterState(found, project=cluster.name, path=state_dir / "rollout")
    return rollout_assemble(
        settings,
        folder=state,
        gateway=KubernetesGateway(cluster, found, url=settings.proxy_url, require_lock=state.lease.require),
        shadow=lambda names: shadow_counts(shadow, settings.project, names) if cluster.table.shadow_rate else {},
        grow_grants=lambda running, wanted: grants_grow(cluster, found, running, wanted),
        hint="apply the manifests that are rendered from this routes file, see docs/kubernetes.md",
    )


def cluster_ramps(settings: LocalSettings) -> ClusterRamps:
    """The ramps of the cluster.

    :raises UsageError: the project file doesn't say enough of the cluster, or nothing says where it is.
    """
    cluster = cluster_project(settings.project)
    return ClusterRamps(cluster_connect(cluster.namespace), cluster.name)
