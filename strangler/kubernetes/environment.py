"""Commands and environments of the project file as containers have them: values filled in, secrets by reference."""

from collections.abc import Iterator
from typing import Final

from strangler.cluster import SecretReference
from strangler.kubernetes.cluster_project import ClusterProject
from strangler.kubernetes.manifest import Manifest
from strangler.project import template_fill
from strangler.routes.route import Stack
from strangler.section_values import BRACES

# Which Secret stands for which placeholder.
_SECRETS: Final = {
    "owner_url": "database",
    "fastapi_url": "fastapi_database",
    "secret_key": "secret_key",
    "jwt_signing_key": "jwt_signing_key",
}
# Given, where there is one, as a key of a Secret of the stack's own (`secrets`), which a variable here would hide.
_OF_OWN_SECRETS: Final = frozenset({"{pooler_url}", "{replica_url}"})
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - in a container, whose door is its NetworkPolicy


def stack_command(cluster: ClusterProject, stack: Stack) -> list[str]:
    """How the stack is started; a secret in it is a variable that Kubernetes fills in."""
    command = cluster.section(stack).command or ()
    values = _values(cluster, stack)
    return [template_fill(_escaped(part), values) for part in command]


def manage_command(cluster: ClusterProject, *arguments: str) -> list[str]:
    """A management command of the project's Django; none where the project file doesn't say how they are called."""
    manage = cluster.project.django.manage
    values = _values(cluster, Stack.DJANGO)
    return [*(template_fill(_escaped(part), values) for part in manage), *arguments] if manage else []


def stack_environment(cluster: ClusterProject, stack: Stack) -> list[Manifest]:
    """The variables of a stack: first the secrets that others, or the command, are composed of."""
    section = cluster.section(stack)
    values = _values(cluster, stack)
    alone = {name: text[1:-1] for name, text in section.environment.items() if text[1:-1] in _SECRETS and _whole(text)}
    texts = [text for name, text in section.environment.items() if name not in alone]
    manage = cluster.project.django.manage or () if stack is Stack.DJANGO else ()
    composed = [*texts, *(section.command or ()), *manage]
    parts = [_reference(_variable(secret), cluster, secret) for secret in _SECRETS if _held(secret, composed)]
    own = [
        _reference(name, cluster, alone[name])
        if name in alone
        else {"name": name, "value": template_fill(_escaped(text), values)}
        for name, text in sorted(section.environment.items())
        if text not in _OF_OWN_SECRETS
    ]
    return [*parts, *own]


def secret_variable(name: str, reference: SecretReference) -> Manifest:
    """A variable that is a key of a Secret."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": reference.name, "key": reference.key}}}


def allowed_hosts(cluster: ClusterProject) -> str:
    """Who a stack is: the names that clients use. Probes send the first of them."""
    return ",".join(cluster.table.hosts)


def secrets_named(cluster: ClusterProject) -> Iterator[SecretReference]:
    """The Secrets that somebody makes before all else."""
    used = {secret for secret in _SECRETS if cluster.project.uses(secret)} | {"owner_url", "fastapi_url"}
    for secret, key in _SECRETS.items():
        if secret in used:
            yield cluster.table.secrets.reference(key)


def _values(cluster: ClusterProject, stack: Stack) -> dict[str, str]:
    table, pods = cluster.table, cluster.stack(stack)
    return {
        "python": "python",
        "host": _EVERYWHERE,
        "port": str(pods.port),
        "workers": str(pods.workers),
        "threads": str(pods.threads),
        "pool": str(pods.pool),
        "environment": "production",
        "log_level": table.log_level,
        "statement_timeout": str(table.statement_timeout),
        "report_sql": "0",
        "service_metrics": "1" if table.monitoring else "0",
        "otlp_endpoint": "",
        "read_only": "0",
        "allowed_hosts": allowed_hosts(cluster),
        "demo_password": "",
        "pooler_url": "",
        "replica_url": "",
        **{secret: f"$({_variable(secret)})" for secret in _SECRETS},
    }


def _variable(secret: str) -> str:
    return f"STRANGLER_{secret.upper()}"


def _reference(name: str, cluster: ClusterProject, secret: str) -> Manifest:
    return secret_variable(name, cluster.table.secrets.reference(_SECRETS[secret]))


def _whole(text: str) -> bool:
    return BRACES.fullmatch(text) is not None


def _held(secret: str, texts: list[str]) -> bool:
    return any(f"{{{secret}}}" in text for text in texts)


def _escaped(text: str) -> str:
    """The text, with what Kubernetes would take for the name of a variable kept as it is."""
    return text.replace("$(", "$$(")
