"""What all pods have in common: least privilege, room to write, a calm end, one spare pod at any time."""

from collections.abc import Mapping
from typing import Final

from strangler.cluster import PodsTable
from strangler.kubernetes.cluster_project import ClusterProject
from strangler.kubernetes.manifest import Manifest, labels_of, manifest

# The account of the images of docker-compose.yml.
_ACCOUNT: Final = 10001
# Until nginx and the cluster's proxies know that a pod ends: a name is remembered for 5 s by CoreDNS, for 2 s by nginx.
LEAVE_SECONDS: Final = 15
# A stack has one more than wanted while a new version comes; none fewer.
SURGE: Final = 1


def container(name: str, image: str, **more: object) -> Manifest:
    """A container that may write nowhere but where a volume is, and can gain no rights."""
    return {
        "name": name,
        "image": image,
        **more,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def resources(pods: PodsTable) -> Manifest:
    """What a container asks for; what it can't have more of is memory alone."""
    return {"requests": {"cpu": pods.cpu, "memory": pods.memory}, "limits": {"memory": pods.memory}}


def pod_spec(*, volumes: list[Manifest], **more: object) -> Manifest:
    """A pod that speaks to no API server, and gets no variables of other Services (FASTAPI_PORT would be one)."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _ACCOUNT,
            "runAsGroup": _ACCOUNT,
            "fsGroup": _ACCOUNT,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **more,
        "volumes": volumes,
    }


def memory_volume(name: str, size: str) -> Manifest:
    """Room in memory, which counts as the container's own."""
    return {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": size}}


def http_get(path: str, port: str | int, host: str) -> Manifest:
    """A request that a probe sends; Django answers no other host than its own."""
    return {"httpGet": {"path": path, "port": port, "httpHeaders": [{"name": "Host", "value": host}]}}


def deployment(
    cluster: ClusterProject,
    component: str,
    spec: Manifest,
    *,
    surge: int | str = SURGE,
    ready_seconds: int = 0,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """A Deployment without `replicas`, which are its autoscaler's; a new pod is ready before an old one goes."""
    labels = labels_of(cluster.name, component)
    template: Manifest = {"labels": labels, **({"annotations": dict(annotations)} if annotations else {})}
    spread: Manifest = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels},
    }
    return manifest("apps/v1", "Deployment", component, project=cluster.name, component=component) | {
        "spec": {
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 0}},
            **({"minReadySeconds": ready_seconds} if ready_seconds else {}),
            "template": {"metadata": template, "spec": {**spec, "topologySpreadConstraints": [spread]}},
        }
    }


def service(cluster: ClusterProject, component: str, *, port: int, target: str, headless: bool = False) -> Manifest:
    """A Service; a headless one names each ready pod, so that nginx itself chooses among them."""
    return manifest("v1", "Service", component, project=cluster.name, component=component) | {
        "spec": {
            **({"clusterIP": "None"} if headless else {}),
            "selector": labels_of(cluster.name, component),
            "ports": [{"name": "http", "port": port, "targetPort": target, "appProtocol": "http"}],
        }
    }


def disruption_budget(cluster: ClusterProject, component: str) -> Manifest:
    """Only one pod at a time goes for a node's sake; with one replica that one, since a node couldn't be drained."""
    return manifest("policy/v1", "PodDisruptionBudget", component, project=cluster.name, component=component) | {
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels_of(cluster.name, component)}}
    }


def autoscaler(cluster: ClusterProject, component: str, pods: PodsTable) -> Manifest:
    """How many pods there are, by the CPU that they use; they go one by one, so that none is missed."""
    target: Manifest = {"type": "Utilization", "averageUtilization": pods.cpu_percent}
    slowly: Manifest = {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}
    return manifest(
        "autoscaling/v2", "HorizontalPodAutoscaler", component, project=cluster.name, component=component
    ) | {
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": component},
            "minReplicas": pods.replicas,
            "maxReplicas": pods.max_replicas,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            "behavior": {"scaleDown": slowly},
        }
    }
