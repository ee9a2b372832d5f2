"""NetworkPolicies: nothing may talk to anything, and then who may."""

from collections.abc import Iterable
from typing import Final

from strangler.cluster import PostgresTable
from strangler.kubernetes.cluster_project import NGINX, SETUP, SHADOW, ClusterProject
from strangler.kubernetes.manifest import NAME_LABEL, Manifest, labels_of, manifest
from strangler.kubernetes.monitoring import monitored_stacks
from strangler.kubernetes.nginx import nginx_port
from strangler.kubernetes.shadow import RESULTS_PORT, SAMPLES_PORT
from strangler.routes.route import Stack

_NAMESPACE: Final = "kubernetes.io/metadata.name"
# Where NodeLocal DNSCache answers, on each node.
_NODE_DNS: Final = "169.254.20.10/32"


def network_policies(cluster: ClusterProject, *, gateway: bool) -> list[Manifest]:
    """One for each kind of pod; with `gateway` the stacks are reached from outside, without nginx before them."""
    front = _clients(cluster)
    shadowed = bool(cluster.table.shadow_rate) and not gateway
    behind = [_pods(cluster, NGINX), *([_pods(cluster, SHADOW)] if shadowed else [])]
    policies, monitored = [_nobody(cluster), _names(cluster)], monitored_stacks(cluster)
    if not gateway:
        to_stacks = [_to_stack(cluster, stack) for stack in Stack]
        # Without `clients` the rule is for everybody, and another peer would narrow it.
        server = [{"ipBlock": {"cidr": network}} for network in cluster.table.api_server]
        ingress = [_rule("from", [*front, *server] if front else [], nginx_port(cluster))]
        samples = _rule("to", [_pods(cluster, SHADOW)], SAMPLES_PORT, protocol="UDP")
        policies.append(_policy(cluster, NGINX, ingress=ingress, egress=[*to_stacks, *([samples] if shadowed else [])]))
        if shadowed:
            ingress = [_rule("from", [_pods(cluster, NGINX)], SAMPLES_PORT, protocol="UDP")]
            # Without a network the rule would be for everybody.
            if server:
                ingress.append(_rule("from", server, RESULTS_PORT))
            policies.append(_policy(cluster, SHADOW, ingress=ingress, egress=to_stacks))
    for stack in cluster.rendered_stacks:
        pods = cluster.stack(stack)
        egress = [_to_postgres(cluster.table.postgres)]
        if pods.egress:
            egress.append({"to": [{"ipBlock": {"cidr": network}} for network in pods.egress]})
        ingress = [_rule("from", front if gateway else behind, pods.port)]
        if stack in monitored:
            ingress.append(_rule("from", [_from_namespace(cluster.table.monitoring)], pods.port))
        policies.append(_policy(cluster, stack, ingress=ingress, egress=egress))
    policies.append(_policy(cluster, SETUP, ingress=[], egress=[_to_postgres(cluster.table.postgres)]))
    return policies


def _nobody(cluster: ClusterProject) -> Manifest:
    """Nothing in, nothing out; of this project's pods, whoever else is in the namespace."""
    return _head(cluster, "deny") | {
        "spec": {"podSelector": {"matchLabels": {NAME_LABEL: cluster.name}}, "policyTypes": ["Ingress", "Egress"]}
    }


def _names(cluster: ClusterProject) -> Manifest:
    """Every pod may look up names."""
    ports = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    to = [_from_namespace(cluster.table.dns_namespace), {"ipBlock": {"cidr": _NODE_DNS}}]
    return _head(cluster, "names") | {
        "spec": {
            "podSelector": {"matchLabels": {NAME_LABEL: cluster.name}},
            "policyTypes": ["Egress"],
            "egress": [{"to": to, "ports": ports}],
        }
    }


def _policy(cluster: ClusterProject, component: str, *, ingress: list[Manifest], egress: list[Manifest]) -> Manifest:
    return _head(cluster, component) | {
        "spec": {
            "podSelector": {"matchLabels": labels_of(cluster.name, component)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": egress,
        }
    }


def _head(cluster: ClusterProject, name: str) -> Manifest:
    return manifest("networking.k8s.io/v1", "NetworkPolicy", name, project=cluster.name)


def _clients(cluster: ClusterProject) -> list[Manifest]:
    """Where requests come from; empty for anywhere."""
    return [_from_namespace(namespace) for namespace in cluster.table.clients]


def _to_stack(cluster: ClusterProject, stack: Stack) -> Manifest:
    """To a stack's pods; of one that runs already, only the namespace is known, and no port of its pods."""
    reference = cluster.stack(stack).reference
    if reference is None:
        return _rule("to", [_pods(cluster, stack)], cluster.stack(stack).port)
    return {"to": [_from_namespace(reference.namespace or cluster.namespace)]}


def _to_postgres(postgres: PostgresTable) -> Manifest:
    peers: list[Manifest] = []
    if postgres.labels:
        peer: Manifest = {"podSelector": {"matchLabels": dict(postgres.labels)}}
        peers.append((_from_namespace(postgres.namespace) if postgres.namespace else {}) | peer)
    elif postgres.network:
        peers.append({"ipBlock": {"cidr": postgres.network}})
    return _rule("to", peers, postgres.port)


def _pods(cluster: ClusterProject, component: str) -> Manifest:
    return {"podSelector": {"matchLabels": labels_of(cluster.name, component)}}


def _from_namespace(namespace: str) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {_NAMESPACE: namespace}}}


def _rule(direction: str, peers: Iterable[Manifest], port: int, *, protocol: str = "TCP") -> Manifest:
    """Those peers, or all where there are none, and that port."""
    found = list(peers)
    return {**({direction: found} if found else {}), "ports": [{"protocol": protocol, "port": port}]}
