"""The shadow worker in a cluster: one pod that nginx's pods send samples to by UDP, and operators read results of."""

from typing import Final

from strangler.kubernetes.cluster_project import SHADOW, ClusterProject
from strangler.kubernetes.manifest import Manifest, content_hash, manifest
from strangler.kubernetes.packed_texts import require_room
from strangler.kubernetes.pods import container, deployment, memory_volume, pod_spec
from strangler.routes.route import Stack

SAMPLES_PORT: Final = 5140
RESULTS_PORT: Final = 9146
_ANYWHERE: Final = "0.0.0.0"  # noqa: S104 - in a container, whose door is its NetworkPolicy
_DECLARED_FOLDER: Final = "/project"
_DECLARED_KEY: Final = "declared.toml"
# What 20 comparisons a second take, and the worker's 57 MB.
_RESOURCES: Final = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}


def shadow_address(cluster: ClusterProject) -> str:
    """Where nginx sends samples; empty where there is no worker."""
    if not cluster.table.shadow_rate:
        return ""
    return f"{SHADOW}.{cluster.namespace}.svc.{cluster.table.cluster_domain}:{SAMPLES_PORT}"


def shadow_manifests(cluster: ClusterProject) -> list[Manifest]:
    """The declared differences as a ConfigMap, the Service, and the Deployment of one pod.

    :raises UsageError: the file of declared differences can't be read, or is more than a ConfigMap holds.
    """
    declared = _declared(cluster)
    spec = deployment(cluster, SHADOW, _spec(cluster, declared))
    # Two would each know half; what one has found goes with it.
    spec["spec"] |= {"replicas": 1, "strategy": {"type": "Recreate"}}
    ports = [{"name": "samples", "port": SAMPLES_PORT, "targetPort": "samples", "protocol": "UDP"}]
    selector = spec["spec"]["selector"]["matchLabels"]
    head = manifest("v1", "Service", SHADOW, project=cluster.name, component=SHADOW)
    return [*([declared] if declared else []), head | {"spec": {"selector": selector, "ports": ports}}, spec]


def _declared(cluster: ClusterProject) -> Manifest | None:
    name = cluster.project.files.declared
    if not name:
        return None
    text = cluster.text(name)
    head = manifest("v1", "ConfigMap", f"declared-{content_hash(text)}", project=cluster.name, component=SHADOW)
    written = head | {"immutable": True, "data": {_DECLARED_KEY: text}}
    require_room(written, name, hint="declare fewer differences, for one place or for all routes")
    return written


def _spec(cluster: ClusterProject, declared: Manifest | None) -> Manifest:
    prefixes = cluster.project.prefixes
    environment = {
        "SHADOW_DATABASE": "/tmp/shadow.sqlite3",  # noqa: S108 - a volume of the pod's own
        "SHADOW_DECLARED": f"{_DECLARED_FOLDER}/{_DECLARED_KEY}" if declared else "",
        "SHADOW_DJANGO_URL": f"http://{cluster.address(Stack.DJANGO)}{prefixes.django}",
        "SHADOW_FASTAPI_URL": f"http://{cluster.address(Stack.FASTAPI)}{prefixes.fastapi}",
        "SHADOW_LISTEN": f"{_ANYWHERE}:{SAMPLES_PORT}",
        "SHADOW_RATE": str(cluster.table.shadow_rate),
        "SHADOW_RESULTS": f"{_ANYWHERE}:{RESULTS_PORT}",
        "SHADOW_V1": prefixes.v1 or "/",
        "SHADOW_V2": prefixes.v2 or "/",
    }
    volumes, mounts = [memory_volume("tmp", "64Mi")], [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 - the same
    if declared:
        volumes.append({"name": "declared", "configMap": {"name": declared["metadata"]["name"]}})
        mounts.append({"name": "declared", "mountPath": _DECLARED_FOLDER, "readOnly": True})  # type: ignore[dict-item]
    answers: Manifest = {"tcpSocket": {"port": "results"}}
    worker = container(
        SHADOW,
        cluster.table.setup.image,
        command=["python", "-m", "strangler.compare.shadow"],
        env=[{"name": name, "value": value} for name, value in environment.items() if value],
        ports=[
            {"name": "samples", "containerPort": SAMPLES_PORT, "protocol": "UDP"},
            {"name": "results", "containerPort": RESULTS_PORT},
        ],
        resources=_RESOURCES,
        readinessProbe={**answers, "periodSeconds": 5},
        livenessProbe={**answers, "periodSeconds": 10, "timeoutSeconds": 5},
        volumeMounts=mounts,
    )
    return pod_spec(volumes=volumes, containers=[worker])
