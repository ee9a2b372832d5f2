"""What runs in the cluster, seen from any machine that reaches its API server: pods, and what nginx's pods log."""

from dataclasses import dataclass

from strangler.errors import FailedError
from strangler.kubernetes.api import ClusterApi, cluster_connect
from strangler.kubernetes.cluster_project import NGINX, ClusterProject, cluster_project
from strangler.kubernetes.manifest import labels_of
from strangler.kubernetes.pod_logs import SAMPLED_PODS, PodLogs
from strangler.kubernetes.pod_status import is_ready, pods_staying, waiting_reason
from strangler.metrics.follower import LogPosition
from strangler.routes.route import Stack
from strangler.settings import LocalSettings


@dataclass(frozen=True, kw_only=True)
class PodCount:
    """How many pods of a kind there are, and how many of them get requests; `waiting` says why others don't."""

    component: str
    ready: int
    pods: int
    waiting: tuple[str, ...]


class ClusterPods:
    """The pods of a project's namespace."""

    def __init__(self, cluster: ClusterProject, api: ClusterApi) -> None:
        self._cluster = cluster
        self._api = api

    def counts(self) -> list[PodCount]:
        """Those of nginx and of each stack that has pods there.

        :raises FailedError: the API server can't be reached, or refuses.
        """
        return [self._count(each) for each in (NGINX, *map(str, self._cluster.rendered_stacks))]

    def unhealthy(self, stack: Stack) -> str:
        """Why a stack isn't healthy; empty where a pod of it is ready, or where nobody can say."""
        if stack not in self._cluster.rendered_stacks:
            return ""
        try:
            found = self._count(str(stack))
        except FailedError:
            return ""
        if found.ready:
            return ""
        reason = f" ({'; '.join(found.waiting)})" if found.waiting else ""
        return f"none of {stack}'s {found.pods} pods is ready{reason}"

    def log(self, position: LogPosition, *, most: int = SAMPLED_PODS) -> PodLogs:
        """The access log of nginx's pods from there on, of at most so many of them; see `PodLogs`."""
        return PodLogs(self._api, self._cluster.name, position, most=most)

    def _count(self, component: str) -> PodCount:
        pods = pods_staying(self._api.listed("Pod", labels_of(self._cluster.name, component)))
        return PodCount(
            component=component,
            ready=sum(map(is_ready, pods)),
            pods=len(pods),
            waiting=tuple(filter(None, map(waiting_reason, pods))),
        )


def cluster_pods(settings: LocalSettings) -> ClusterPods:
    """The pods of the project's namespace.

    :raises UsageError: the project file doesn't say enough of the cluster, or nothing says where it is.
    """
    cluster = cluster_project(settings.project)
    return ClusterPods(cluster, cluster_connect(cluster.namespace))
