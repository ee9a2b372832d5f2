"""nginx in a cluster: its configuration as an immutable ConfigMap, and the pods that read it."""

from dataclasses import replace
from typing import Final

from strangler.gateway.rendering import MAIN_FILE, Rendered, render_gateway
from strangler.gateway.settings import CallerKey, GatewaySettings, container_gateway
from strangler.kubernetes.cluster_project import NGINX, ClusterProject
from strangler.kubernetes.environment import secret_variable
from strangler.kubernetes.manifest import Manifest, manifest
from strangler.kubernetes.packed_texts import PACKED_SUFFIX, require_room, with_texts
from strangler.kubernetes.pods import (
    LEAVE_SECONDS,
    autoscaler,
    container,
    deployment,
    disruption_budget,
    http_get,
    pod_spec,
    resources,
    service,
)
from strangler.kubernetes.shadow import shadow_address
from strangler.routes.route import Stack
from strangler.routes.table import RouteTable

CONFIGURATION_VOLUME: Final = "configuration"
VERSION_ANNOTATION: Final = "strangler/routes-version"
_CONFIGURATION_PREFIX: Final = "nginx-"
CONFIGURATION_FOLDER: Final = "/etc/strangler/nginx"
WRITABLE: Final = "/tmp/"  # noqa: S108 - a volume of the pod's own
RESOLVER: Final = f"{WRITABLE}resolver.conf"
_UNPACKED: Final = f"{WRITABLE}nginx"
# What a container needs beside the drain to stop its processes.
_SPARE_SECONDS: Final = 5

# Backquotes: "$(…)" would be a variable of Kubernetes.
START: Final = f"""\
set -eu
awk '/^nameserver/ && $2 !~ /%/ {{ print "resolver", ($2 ~ /:/ ? "[" $2 "]" : $2), "valid=2s ipv6=off;"; exit }}' \\
  /etc/resolv.conf >{RESOLVER}
# As many connections as the node allows; most engines give a process 1,024 files unless it asks for more.
ulimit -Sn `ulimit -Hn`
rm -rf {_UNPACKED}
mkdir {_UNPACKED}
for file in {CONFIGURATION_FOLDER}/*.*; do
  name=${{file##*/}}
  case $name in
    *{PACKED_SUFFIX}) gzip -dc "$file" >{_UNPACKED}/"${{name%{PACKED_SUFFIX}}}" ;;
    *) cp "$file" {_UNPACKED}/ ;;
  esac
done
exec nginx -e stderr -c {_UNPACKED}/{MAIN_FILE} -g 'daemon off;'
"""
# Whatever signal the image asks for, what is under way is finished: nginx ends here, before the signal comes.
STOP: Final = f"""\
sleep {LEAVE_SECONDS}
nginx -e stderr -c {_UNPACKED}/{MAIN_FILE} -s quit
while [ -e {WRITABLE}nginx.pid ]; do sleep 1; done
"""


def cluster_gateway(cluster: ClusterProject) -> GatewaySettings:
    """Nginx's settings in the cluster: those of its container, but for names, limits and workers."""
    table = cluster.table
    settings = container_gateway(
        django=cluster.address(Stack.DJANGO),
        fastapi=cluster.address(Stack.FASTAPI),
        caller=CallerKey.of(cluster.project),
        trusted_proxies=table.trusted_proxies,
        stack_header_networks=table.stack_header_networks,
        fastapi_health=cluster.project.fastapi.health,
        browsable=cluster.project.django.browsable,
    )
    return replace(
        settings,
        resolver=RESOLVER,
        shadow_server=shadow_address(cluster),
        writable=WRITABLE,
        # nginx would count the node's cores.
        processes=str(table.nginx.workers),
        shutdown_seconds=table.nginx.drain_seconds,
        # Of one pod of Django; each nginx counts by itself.
        fallback_connections=max(1, table.django.workers * table.django.threads // table.nginx.replicas),
    )


def nginx_port(cluster: ClusterProject) -> int:
    """Where nginx listens in its pods."""
    return int(cluster_gateway(cluster).listen[0])


def rendered_routes(cluster: ClusterProject, table: RouteTable) -> Rendered:
    """Nginx's configuration of the routes."""
    return render_gateway(table, cluster_gateway(cluster))


def nginx_configuration(cluster: ClusterProject, rendered: Rendered) -> Manifest:
    """The ConfigMap of one version; a name stands for one content for ever.

    :raises UsageError: it is larger than a ConfigMap can be.
    """
    head = manifest("v1", "ConfigMap", configuration_name(rendered.version), project=cluster.name, component=NGINX)
    written = with_texts(head, rendered.files)
    require_room(written, "nginx's configuration")
    # Another machine's zlib may pack the same text as other bytes, and its operator has to be able to apply them.
    return written if "binaryData" in written else written | {"immutable": True}


def configuration_name(version: str) -> str:
    """The name of a version's ConfigMap."""
    return f"{_CONFIGURATION_PREFIX}{version}"


def configuration_version(name: str) -> str:
    """The version that a ConfigMap of that name holds; empty where it is none of nginx's."""
    return name.removeprefix(_CONFIGURATION_PREFIX) if name.startswith(_CONFIGURATION_PREFIX) else ""


def configuration_template(version: str) -> Manifest:
    """The part of the pods' template that differs from one version to the next, in the order of a whole one."""
    volume = {"name": CONFIGURATION_VOLUME, "configMap": {"name": configuration_name(version)}}
    return {"metadata": {"annotations": {VERSION_ANNOTATION: version}}, "spec": {"volumes": [volume]}}


def _environment(cluster: ClusterProject) -> Manifest:
    """The key of nginx's hashes, where it makes any."""
    if not CallerKey.of(cluster.project).is_hashed:
        return {}
    return {"env": [secret_variable("CALLER_KEY", cluster.table.secrets.reference("caller_key"))]}


def nginx_manifests(cluster: ClusterProject, rendered: Rendered) -> list[Manifest]:
    """The Service, the Deployment, its autoscaler and its disruption budget."""
    pods = cluster.table.nginx
    changing = configuration_template(rendered.version)
    volumes: list[Manifest] = [
        *changing["spec"]["volumes"],
        # Request bodies and answers that are too large for memory.
        {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
    ]
    answers = http_get("/gateway/version", "http", cluster.table.hosts[0])
    nginx = container(
        NGINX,
        pods.image,
        command=["sh", "-c", START],
        ports=[{"name": "http", "containerPort": nginx_port(cluster)}],
        resources=resources(pods),
        **_environment(cluster),
        startupProbe={**answers, "periodSeconds": 1, "failureThreshold": 30},
        readinessProbe={**answers, "periodSeconds": 5, "timeoutSeconds": 4, "failureThreshold": 2},
        livenessProbe={**answers, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3},
        lifecycle={"preStop": {"exec": {"command": ["sh", "-c", STOP]}}},
        volumeMounts=[
            {"name": CONFIGURATION_VOLUME, "mountPath": CONFIGURATION_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": WRITABLE.rstrip("/")},
        ],
    )
    grace = LEAVE_SECONDS + pods.drain_seconds + _SPARE_SECONDS
    spec = pod_spec(volumes=volumes, terminationGracePeriodSeconds=grace, containers=[nginx])
    return [
        service(cluster, NGINX, port=80, target="http"),
        deployment(
            cluster,
            NGINX,
            spec,
            # All at once, since a route that has to go back goes back with them; the old ones are there until then.
            surge="100%",
            ready_seconds=1,
            annotations=changing["metadata"]["annotations"],
        ),
        autoscaler(cluster, NGINX, pods),
        disruption_budget(cluster, NGINX),
    ]
