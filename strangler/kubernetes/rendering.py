"""All manifests of a project: a Kustomize base, and an overlay as an example of what a team writes itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from strangler.kubernetes.cluster_project import NGINX, ClusterProject, cluster_project
from strangler.kubernetes.database_connections import connections_check
from strangler.kubernetes.environment import secrets_named
from strangler.kubernetes.http_routes import gateway_route, http_routes, promises_lost, throttled_names
from strangler.kubernetes.manifest import Manifest, manifest, manifests_text
from strangler.kubernetes.monitoring import service_monitors
from strangler.kubernetes.network import network_policies
from strangler.kubernetes.nginx import nginx_configuration, nginx_manifests, rendered_routes
from strangler.kubernetes.operator_role import OPERATOR, operator_role
from strangler.kubernetes.setup import setup_manifests
from strangler.kubernetes.shadow import shadow_manifests
from strangler.kubernetes.stacks import stack_manifests
from strangler.project import Project
from strangler.routes.table import RouteTable

KUSTOMIZATION: Final = "kustomization.yaml"
_KUSTOMIZE: Final = "kustomize.config.k8s.io/v1beta1"
_HEADS: Final = {
    "setup.yaml": "Before the new pods: migrations, then the grants of FastAPI's role. The suspended Job takes back\n"
    "rights that no route needs any more; run it once no older pod is left.",
    "nginx-configuration.yaml": "The routes as nginx reads them. The name changes with the content.",
    "nginx.yaml": "The front door: it chooses the stack of each request.",
    "django.yaml": "The legacy service.",
    "fastapi.yaml": "The new service.",
    "network-policies.yaml": "Who may talk to whom.",
    "shadow.yaml": "Asks both stacks again what nginx tells it of, and compares; nobody waits for it.",
    "monitoring.yaml": "Where Prometheus reads the stacks' own figures; its operator has to be there.",
    "http-routes.yaml": "The routes for a Gateway that has no nginx behind it.",
}


class Mode(StrEnum):
    """What chooses the stack of a request: nginx, or the Gateway itself."""

    NGINX = "nginx"
    GATEWAY_API = "gateway-api"


@dataclass(frozen=True, kw_only=True)
class RenderedCluster:
    """Files of the base and of the overlay by name; `notes` say what an operator should know of them."""

    base: dict[str, str]
    overlay: dict[str, str]
    notes: tuple[str, ...]


def render_cluster(project: Project, table: RouteTable, mode: Mode) -> RenderedCluster:
    """The manifests; the same files always give the same text.

    :raises UsageError: the project file or the routes file says what can't be rendered.
    """
    cluster = cluster_project(project)
    connections = connections_check(cluster)
    base = dict(_base(cluster, table, mode))
    texts = {name: manifests_text(manifests, head=_HEADS[name]) for name, manifests in base.items()}
    texts[KUSTOMIZATION] = manifests_text(
        [
            {
                "apiVersion": _KUSTOMIZE,
                "kind": "Kustomization",
                "namespace": cluster.namespace,
                "resources": sorted(base),
            }
        ],
        head="kubectl apply -k, or as a base of your own overlay.",
    )
    notes = (*_notes(cluster, table, mode), connections)
    return RenderedCluster(base=texts, overlay=dict(_overlay(cluster, mode)), notes=notes)


def _base(cluster: ClusterProject, table: RouteTable, mode: Mode) -> Iterator[tuple[str, list[Manifest]]]:
    direct = mode is Mode.GATEWAY_API
    yield "setup.yaml", setup_manifests(cluster)
    if direct:
        yield "http-routes.yaml", http_routes(cluster, table)
    else:
        rendered = rendered_routes(cluster, table)
        yield "nginx-configuration.yaml", [nginx_configuration(cluster, rendered)]
        yield "nginx.yaml", nginx_manifests(cluster, rendered)
    for stack in cluster.rendered_stacks:
        yield f"{stack}.yaml", stack_manifests(cluster, stack, headless=not direct)
    if cluster.table.shadow_rate and not direct:
        yield "shadow.yaml", shadow_manifests(cluster)
    if monitors := service_monitors(cluster):
        yield "monitoring.yaml", monitors
    yield "network-policies.yaml", network_policies(cluster, gateway=direct)


def _namespace(cluster: ClusterProject) -> Manifest:
    namespace = manifest("v1", "Namespace", cluster.namespace, project=cluster.name)
    namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "restricted"
    return namespace


def _overlay(cluster: ClusterProject, mode: Mode) -> Iterator[tuple[str, str]]:
    front = [] if mode is Mode.GATEWAY_API else ["http-route.yaml"]
    overlay: Manifest = {
        "apiVersion": _KUSTOMIZE,
        "kind": "Kustomization",
        "namespace": cluster.namespace,
        "resources": ["namespace.yaml", "../../base", *front],
    }
    yield (
        KUSTOMIZATION,
        manifests_text([overlay], head=f"An example: copy it; it isn't written again.\n{_secrets_words(cluster)}"),
    )
    yield (
        "namespace.yaml",
        manifests_text([_namespace(cluster)], head="Pods that ask for more rights than these are refused there."),
    )
    if front:
        yield (
            "operator-role.yaml",
            manifests_text(
                [operator_role(cluster)],
                head="For whoever moves routes with GATEWAY=kubernetes; an administrator applies it, and binds it:\n"
                f"kubectl create rolebinding -n {cluster.namespace} {OPERATOR} --role={OPERATOR} --group=NAME",
            ),
        )
        backend = [{"backendRefs": [{"name": NGINX, "port": 80}]}]
        yield (
            "http-route.yaml",
            manifests_text(
                [gateway_route(cluster, NGINX, backend)], head="Behind a Gateway; or name ingress.yaml instead."
            ),
        )
        yield "ingress.yaml", manifests_text([_ingress(cluster)], head="Behind an Ingress controller.")


def _secrets_words(cluster: ClusterProject) -> str:
    keys = "".join(f"\n  {reference.name}  {reference.key}" for reference in dict.fromkeys(secrets_named(cluster)))
    return f"Secrets that have to be there (name, key):{keys}"


def _ingress(cluster: ClusterProject) -> Manifest:
    backend = {"service": {"name": NGINX, "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return manifest("networking.k8s.io/v1", "Ingress", NGINX, project=cluster.name) | {
        "spec": {"rules": [{"host": host, "http": {"paths": paths}} for host in cluster.table.hosts]}
    }


def _notes(cluster: ClusterProject, table: RouteTable, mode: Mode) -> Iterator[str]:
    kubernetes = cluster.table
    yield from promises_lost(table, cluster) if mode is Mode.GATEWAY_API else _nginx_notes(cluster, table)
    for stack in cluster.rendered_stacks:
        if not cluster.stack(stack).live:
            yield f"{stack} has no `live` path: a TCP connection has to do as its liveness probe."
    for pods in (kubernetes.django, kubernetes.fastapi):
        if pods.service:
            yield f"{pods.service} runs elsewhere: its connections aren't counted, and its own NetworkPolicies apply."
    if not kubernetes.clients:
        yield "clients is empty: pods of every namespace may send requests."
    if not kubernetes.postgres.labels and not kubernetes.postgres.network:
        port = kubernetes.postgres.port
        yield f"[kubernetes.postgres] has neither labels nor a network: the stacks may reach port {port} anywhere."


def _nginx_notes(cluster: ClusterProject, table: RouteTable) -> Iterator[str]:
    if not cluster.table.shadow_rate and (shadowed := [route.name for route in table.routes if route.shadow]):
        yield f"shadow of {', '.join(shadowed)}: left out; shadow_rate = 20 under [kubernetes] gives it a worker."
    if cluster.table.shadow_rate and not cluster.table.api_server:
        yield "api_server is empty: nobody may read what the shadow worker has found, strangler shadow neither."
    if throttled_names(table):
        pods = f"{cluster.table.nginx.replicas} to {cluster.table.nginx.max_replicas}"
        yield f"each nginx counts a throttle by itself: {pods} pods let through as many times its rate."
    if not cluster.table.trusted_proxies:
        yield "trusted_proxies is empty: to nginx, all clients have one address, with its limits, and none speaks TLS."
