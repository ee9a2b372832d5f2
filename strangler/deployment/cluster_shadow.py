"""The results of the cluster's shadow worker, asked of its pod through the API server."""

from collections.abc import Iterable
from pathlib import Path

from strangler.compare.shadow.results_server import RESULTS_PATH, results_copy
from strangler.errors import FailedError, UsageError
from strangler.kubernetes.api import ClusterApi, cluster_connect
from strangler.kubernetes.cluster_project import SHADOW, ClusterProject, cluster_project
from strangler.kubernetes.manifest import labels_of
from strangler.kubernetes.pod_status import is_ready, pod_name, pods_staying, waiting_reason
from strangler.kubernetes.shadow import RESULTS_PORT
from strangler.settings import LocalSettings


class ClusterShadow:
    """See `RemoteShadow`."""

    def __init__(self, cluster: ClusterProject, api: ClusterApi) -> None:
        self._cluster = cluster
        self._api = api

    def fetch(self, folder: Path) -> Path:
        """See `RemoteShadow`."""
        pods = pods_staying(self._api.listed("Pod", labels_of(self._cluster.name, SHADOW)))
        ready = [pod for pod in pods if is_ready(pod)]
        if not ready:
            reason = "; ".join(filter(None, map(waiting_reason, pods))) or f"there is no pod {SHADOW}"
            hint = "set shadow_rate under [kubernetes] and apply what is rendered, see docs/kubernetes.md"
            raise FailedError(f"no shadow worker runs in the cluster ({reason})", hint)
        name = pod_name(ready[-1])
        try:
            text = self._api.pod_answer(name, RESULTS_PORT, RESULTS_PATH.removeprefix("/"))
        except FailedError as error:
            hint = "let the API server through to it, by api_server under [kubernetes]"
            raise FailedError(f"pod {name} can't be asked ({error.message})", hint) from error
        try:
            return results_copy(text, folder)
        except ValueError as error:
            message = f"pod {name} answers with something else than results"
            raise FailedError(message, "render and apply, so that both are of one version") from error

    def reset(self, names: Iterable[str]) -> None:
        """See `RemoteShadow`: what operators may read of pods lets them change nothing there."""
        hint = f"kubectl rollout restart -n {self._cluster.namespace} deployment/{SHADOW}"
        raise UsageError(f"the cluster's worker forgets all routes or none, not {', '.join(names) or 'some'}", hint)


def cluster_shadow(settings: LocalSettings) -> ClusterShadow:
    """The worker of the project's namespace.

    :raises UsageError: the project file doesn't say enough of the cluster, or nothing says where it is.
    """
    cluster = cluster_project(settings.project)
    return ClusterShadow(cluster, cluster_connect(cluster.namespace))
