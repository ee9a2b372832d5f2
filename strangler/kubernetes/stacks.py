"""Django and FastAPI in a cluster: their pods, and what starts, probes and ends them."""

import shlex
from typing import Final

from strangler.kubernetes.cluster_project import ClusterProject
from strangler.kubernetes.environment import manage_command, stack_command, stack_environment
from strangler.kubernetes.manifest import Manifest
from strangler.kubernetes.pods import (
    LEAVE_SECONDS,
    autoscaler,
    container,
    deployment,
    disruption_budget,
    http_get,
    memory_volume,
    pod_spec,
    resources,
    service,
)
from strangler.routes.route import Stack

_TMP: Final = "/tmp"  # noqa: S108 - a volume of the pod's own
_STARTUP_SECONDS: Final = 300
_STARTUP_PERIOD: Final = 2


def stack_manifests(cluster: ClusterProject, stack: Stack, *, headless: bool) -> list[Manifest]:
    """The Service, the Deployment, its autoscaler and its disruption budget."""
    pods = cluster.stack(stack)
    spec = pod_spec(
        volumes=[memory_volume("tmp", "64Mi")],
        terminationGracePeriodSeconds=LEAVE_SECONDS + pods.stop_seconds,
        **_waits(cluster, stack),
        containers=[
            stack_container(
                cluster, stack, str(stack), command=stack_command(cluster, stack), **_server(cluster, stack)
            )
        ],
    )
    return [
        service(cluster, stack, port=pods.port, target="http", headless=headless),
        deployment(cluster, stack, spec),
        autoscaler(cluster, stack, pods),
        disruption_budget(cluster, stack),
    ]


def stack_container(
    cluster: ClusterProject, stack: Stack, name: str, *, command: list[str], **more: object
) -> Manifest:
    """A container of the stack's image with its environment."""
    pods = cluster.stack(stack)
    secrets = [{"secretRef": {"name": secret}} for secret in pods.secrets]
    return container(
        name,
        pods.image,
        command=command,
        env=stack_environment(cluster, stack),
        **({"envFrom": secrets} if secrets else {}),
        resources=resources(pods),
        volumeMounts=[{"name": "tmp", "mountPath": _TMP}],
        **more,
    )


def _server(cluster: ClusterProject, stack: Stack) -> Manifest:
    """The port of a server, its probes, and its end: open requests are finished once nobody sends new ones."""
    pods, host = cluster.stack(stack), cluster.table.hosts[0]
    ready = http_get(cluster.section(stack).health, "http", host)
    # Not the path of readiness: a database that is away would have every pod started again.
    alive: Manifest = http_get(pods.live, "http", host) if pods.live else {"tcpSocket": {"port": "http"}}
    return {
        "ports": [{"name": "http", "containerPort": pods.port}],
        "startupProbe": {
            **alive,
            "periodSeconds": _STARTUP_PERIOD,
            "timeoutSeconds": 2,
            "failureThreshold": _STARTUP_SECONDS // _STARTUP_PERIOD,
        },
        "readinessProbe": {**ready, "periodSeconds": 5, "timeoutSeconds": 4, "failureThreshold": 2},
        "livenessProbe": {**alive, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3},
        "lifecycle": {"preStop": {"sleep": {"seconds": LEAVE_SECONDS}}},
    }


def _waits(cluster: ClusterProject, stack: Stack) -> Manifest:
    """New code of Django waits for its migrations, while the old one goes on."""
    check = manage_command(cluster, "migrate", "--check")
    if stack is not Stack.DJANGO or not check or not cluster.table.setup.migrate:
        return {}
    wait = f"until {shlex.join(check)}; do sleep 2; done"
    return {"initContainers": [stack_container(cluster, stack, "migrations", command=["sh", "-c", wait])]}
