"""ServiceMonitors of the Prometheus operator: the stacks' own figures, which each pod serves."""

from typing import Final

from shared_schema.service_metrics import PATH
from strangler.kubernetes.cluster_project import ClusterProject
from strangler.kubernetes.manifest import Manifest, labels_of, manifest
from strangler.routes.route import Stack

# What the dashboards and the alert rules reckon with.
_INTERVAL: Final = "15s"


def monitored_stacks(cluster: ClusterProject) -> list[Stack]:
    """The stacks that count, where a Prometheus is named: those whose environment says whether to."""
    if not cluster.table.monitoring:
        return []
    return [
        stack
        for stack in cluster.rendered_stacks
        if any("{service_metrics}" in text for text in cluster.section(stack).environment.values())
    ]


def service_monitors(cluster: ClusterProject) -> list[Manifest]:
    """One for each stack that counts."""
    return [
        manifest("monitoring.coreos.com/v1", "ServiceMonitor", stack, project=cluster.name, component=stack)
        | {
            "spec": {
                "selector": {"matchLabels": labels_of(cluster.name, stack)},
                "endpoints": [{"port": "http", "path": PATH, "interval": _INTERVAL}],
            }
        }
        for stack in monitored_stacks(cluster)
    ]
