"""The rights of somebody who moves routes in the cluster, and no more."""

from typing import Final

from strangler.kubernetes.cluster_project import LEASE_NAME, NGINX, RAMP_LEASE_NAME, ClusterProject
from strangler.kubernetes.manifest import Manifest, manifest

OPERATOR: Final = "strangler-operator"


def operator_role(cluster: ClusterProject) -> Manifest:
    """A Role; what creates or lists can't be held to a name."""
    rules = [
        _rule("apps", "deployments", "get", "patch", names=[NGINX]),
        # nginx's versions, the history of the moves, and ramps.
        _rule("", "configmaps", "get", "list", "create", "update", "delete"),
        _rule("coordination.k8s.io", "leases", "create"),
        _rule("coordination.k8s.io", "leases", "get", "update", names=[LEASE_NAME, RAMP_LEASE_NAME]),
        # Which version each pod of nginx answers, what it logs, and why one doesn't start.
        _rule("", "pods", "list"),
        _rule("", "pods/log", "get"),
        _rule("", "pods/proxy", "get"),
        # FastAPI's right to write, before a route that writes moves.
        _rule("batch", "jobs", "get", "create"),
    ]
    return manifest("rbac.authorization.k8s.io/v1", "Role", OPERATOR, project=cluster.name) | {"rules": rules}


def _rule(group: str, resource: str, *verbs: str, names: list[str] | None = None) -> Manifest:
    named = {"resourceNames": names} if names else {}
    return {"apiGroups": [group], "resources": [resource], **named, "verbs": list(verbs)}
