"""A project in its cluster: what all manifests are made from, and the names that they use for one another."""

from dataclasses import dataclass
from typing import Final

from strangler.cluster import KubernetesTable, ServiceReference, StackTable
from strangler.errors import UsageError
from strangler.kubernetes.manifest import dns_label
from strangler.project import Project
from strangler.routes.route import Stack
from strangler.sections import StackSection

SETUP: Final = "setup"
NGINX: Final = "nginx"
ROLLOUT: Final = "rollout"
SHADOW: Final = "shadow"
# The lock of whoever moves routes.
LEASE_NAME: Final = "strangler-rollout"
# The lock of the process that watches a ramp.
RAMP_LEASE_NAME: Final = "strangler-ramp"


@dataclass(frozen=True, kw_only=True)
class ClusterProject:
    """A project file with its `[kubernetes]`."""

    project: Project
    table: KubernetesTable

    @property
    def name(self) -> str:
        """The project's name as Kubernetes writes names."""
        return dns_label(self.project.name)

    @property
    def namespace(self) -> str:
        """The namespace of all that is rendered."""
        return self.table.namespace or self.name

    def text(self, name: str) -> str:
        """The text of a file that the project file names.

        :raises UsageError: it can't be read.
        """
        try:
            return (self.project.root / name).read_text(encoding="utf-8")
        except OSError as error:
            message = f"{name} can't be read ({error.strerror})"
            raise UsageError(message, "name it in [files] of the project file") from error

    def stack(self, stack: Stack) -> StackTable:
        """The pods of a stack."""
        return self.table.django if stack is Stack.DJANGO else self.table.fastapi

    def section(self, stack: Stack) -> StackSection:
        """What the project file says of a stack besides."""
        return self.project.stack(stack)

    @property
    def rendered_stacks(self) -> tuple[Stack, ...]:
        """The stacks that get a Deployment: those that don't run already."""
        return tuple(stack for stack in Stack if not self.stack(stack).service)

    def service(self, stack: Stack) -> ServiceReference:
        """The Service of a stack."""
        return self.stack(stack).reference or ServiceReference(str(stack), "", self.stack(stack).port)

    def address(self, stack: Stack) -> str:
        """Where nginx finds a stack: a whole name, since nginx searches no domains."""
        name, namespace, port = self.service(stack)
        return f"{name}.{namespace or self.namespace}.svc.{self.table.cluster_domain}:{port}"


def cluster_project(project: Project) -> ClusterProject:
    """The project in its cluster.

    :raises UsageError: its project file doesn't say enough.
    """
    file, table = project.file.name, project.kubernetes
    if table is None:
        raise UsageError(
            f"{file} says nothing of a cluster", "add [kubernetes] with hosts to it, see docs/kubernetes.md"
        )
    cluster = ClusterProject(project=project, table=table)
    for stack in cluster.rendered_stacks:
        if not cluster.stack(stack).image:
            hint = f'set image = "REGISTRY/NAME:TAG" under [kubernetes.{stack}], or service = "NAME.NAMESPACE:PORT"'
            raise UsageError(f"{file} names no image of {stack}", hint)
        if cluster.section(stack).command is None:
            hint = f'set service = "NAME.NAMESPACE:PORT" under [kubernetes.{stack}], where it runs in the cluster'
            raise UsageError(f"{file} has an address of {stack} and no command that starts it", hint)
    if not table.setup.image:
        raise UsageError(
            f"{file} names no image of strangler", 'set image = "REGISTRY/NAME:TAG" under [kubernetes.setup]'
        )
    return cluster
