"""nginx's pods as one gateway: its versions are ConfigMaps, and a move has the cluster replace the pods one by one."""

import time
from collections.abc import Callable, Collection
from typing import Final

from strangler.errors import FailedError, UsageError
from strangler.gateway.interface import VERSION_PATH
from strangler.gateway.process import nginx_words
from strangler.gateway.rendering import Rendered
from strangler.kubernetes.api import ClusterApi, ObjectConflict, ObjectMissing
from strangler.kubernetes.cluster_project import NGINX, ClusterProject
from strangler.kubernetes.manifest import Manifest, labels_of
from strangler.kubernetes.nginx import (
    CONFIGURATION_VOLUME,
    cluster_gateway,
    configuration_name,
    configuration_template,
    configuration_version,
    nginx_configuration,
    nginx_port,
)
from strangler.kubernetes.packed_texts import texts_of
from strangler.kubernetes.pod_status import is_ready, pod_name, pods_staying, waiting_reason

# A pod may have to wait for a node; each one that is ready, or gone, starts the time anew.
_PROGRESS_SECONDS: Final = 300.0
_POLL_SECONDS: Final = 0.5
# The status of the Deployment changes while its pods come and go, and each change is a conflict to whoever patches it.
_TRIES: Final = 20
# Without a change of what they are made from, such containers won't start.
_HOPELESS: Final = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
_PROXY_HINT: Final = "let the API server through to nginx's pods, by api_server or clients under [kubernetes]"
_APPLY_HINT: Final = "apply the rendered manifests first, see docs/kubernetes.md"


class KubernetesGateway:
    """The Deployment `nginx` of a project; see `Gateway`.

    `url` is where this machine reaches it over HTTP, if at all. `require_lock` refuses to go on without the rollout's
    lock. `seconds` is how long a rollout may make no progress.
    """

    def __init__(
        self,
        cluster: ClusterProject,
        api: ClusterApi,
        *,
        url: str,
        require_lock: Callable[[], None],
        seconds: float = _PROGRESS_SECONDS,
    ) -> None:
        self.settings = cluster_gateway(cluster)
        self.url = url
        self._cluster = cluster
        self._api = api
        self._require_lock = require_lock
        self._seconds = seconds
        self._labels = labels_of(cluster.name, NGINX)

    @property
    def place(self) -> str:
        """See `Gateway`."""
        return f"Deployment {NGINX} of namespace {self._api.namespace}"

    def current(self) -> str | None:
        """See `Gateway`: the version whose ConfigMap new pods mount."""
        return self._version_of(self._deployment())

    def install(self, rendered: Rendered) -> None:
        """See `Gateway`: nginx's test is the first new pod, and the old ones stay until it is ready."""
        self._require_lock()
        written = nginx_configuration(self._cluster, rendered)
        name = written["metadata"]["name"]
        try:
            self._api.create(written)
        except ObjectConflict:
            if _texts(self._api.read("ConfigMap", name)) != rendered.files:
                hint = "delete it where no pod mounts it, and try again"
                raise FailedError(f"ConfigMap {name} holds something else than that version", hint) from None

    def holds(self, rendered: Rendered) -> bool:
        """See `Gateway`: pods of another version may not have been replaced yet."""
        if self.current() != rendered.version or self.running_version() not in {None, rendered.version}:
            return False
        try:
            found = self._api.read("ConfigMap", configuration_name(rendered.version))
        except ObjectMissing:
            return False
        return _texts(found) == rendered.files

    def activate(self, version: str) -> None:
        """See `Gateway`.

        :raises FailedError: somebody else changes the Deployment meanwhile.
        """
        before = None
        for _ in range(_TRIES):
            self._require_lock()
            found = self._deployment()
            seen = self._version_of(found)
            if seen == version:
                return
            if seen != (before or seen):
                break
            before = seen
            head = {"resourceVersion": found["metadata"]["resourceVersion"]}
            patch = {"metadata": head, "spec": {"template": configuration_template(version)}}
            try:
                self._api.patch("Deployment", NGINX, patch)
            except ObjectConflict:
                continue
            return
        raise FailedError(f"somebody else changes {self.place}", "see kubectl rollout history deployment/nginx")

    def take_up(self, version: str) -> None:
        """See `Gateway`: the cluster replaces the pods."""
        self.activate(version)

    def prune(self, keep: Collection[str]) -> None:
        """See `Gateway`."""
        self._require_lock()
        kept = {*keep, self.current()}
        for each in self._api.listed("ConfigMap", self._labels):
            version = configuration_version(each["metadata"]["name"])
            if version and version not in kept:
                self._api.delete("ConfigMap", each["metadata"]["name"])

    def running_version(self) -> str | None:
        """See `Gateway`: the version of all ready pods, or of one that has another than the current one."""
        ready = [pod for pod in self._pods() if is_ready(pod)]
        if not ready:
            return None
        current = self.current()
        for pod in ready:
            try:
                version = self._answer(pod)
            except ObjectMissing:
                continue  # gone since they were listed
            except FailedError as error:
                hint = error.hint if "refuses" in error.message else _PROXY_HINT
                raise FailedError(f"pod {pod_name(pod)} can't be asked ({error.message})", hint) from error
            if version != current:
                return version
        return current

    def wait_until_running(self, version: str) -> None:
        """See `Gateway`: until the rollout is complete, and every pod that isn't about to end answers with `version`.

        :raises FailedError: a pod doesn't start, or nothing goes on; with the pod's own reason.
        """
        progress, deadline = None, time.monotonic() + self._seconds
        while True:
            self._require_lock()
            deployment, pods = self._deployment(), self._pods()
            self._require_going_on(deployment, pods, version)
            missing = _missing(deployment) or self._other_answer(pods, version)
            if not missing:
                return
            if progress != (missing, len(pods)):
                progress, deadline = (missing, len(pods)), time.monotonic() + self._seconds
            elif time.monotonic() > deadline:
                waiting = "; ".join(filter(None, (waiting_reason(pod) for pod in pods)))
                what = f"{missing}{f' ({waiting})' if waiting else ''}"
                raise FailedError(f"nginx did not take over version {version} within {self._seconds:.0f} s: {what}")
            time.sleep(_POLL_SECONDS)

    def _require_going_on(self, deployment: Manifest, pods: list[Manifest], version: str) -> None:
        found = self._version_of(deployment)
        if found != version:
            raise FailedError(f"somebody else has changed {self.place} to version {found}")
        if deployment["spec"].get("paused"):
            raise FailedError(f"{self.place} is paused", "kubectl rollout resume deployment/nginx")
        for pod in pods:
            if self._pod_version(pod) == version and (reason := self._hopeless_reason(pod)):
                raise FailedError(f"pod {pod_name(pod)} of version {version} does not start: {reason}")

    def _hopeless_reason(self, pod: Manifest) -> str:
        """Why a pod won't start, with what nginx said last; empty where it still may."""
        for status in pod.get("status", {}).get("containerStatuses") or ():
            waiting = (status.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in _HOPELESS:
                said = waiting.get("message") or "no reason given"
                if status.get("restartCount"):
                    try:
                        lines = self._api.pod_log(pod_name(pod), status["name"], previous=True)
                        said = nginx_words("\n".join(lines))
                    except FailedError as error:
                        said = f"{said}; its log can't be read: {error.message}"
                return f"{waiting['reason']}, {said}"
        return ""

    def _other_answer(self, pods: list[Manifest], version: str) -> str:
        """Which pod doesn't answer with `version` yet; empty where all do."""
        for pod in pods:
            if not is_ready(pod):
                return f"pod {pod_name(pod)} isn't ready"
            try:
                said = self._answer(pod)
            except ObjectMissing:
                continue
            except FailedError as error:
                return f"pod {pod_name(pod)} can't be asked ({error.message})"
            if said != version:
                return f"pod {pod_name(pod)} answers {said}"
        return ""

    def _answer(self, pod: Manifest) -> str:
        """The version that a pod says it runs."""
        return self._api.pod_answer(pod_name(pod), nginx_port(self._cluster), VERSION_PATH.removeprefix("/")).strip()

    def _deployment(self) -> Manifest:
        try:
            return self._api.read("Deployment", NGINX)
        except ObjectMissing:
            raise UsageError(f"there is no {self.place}", _APPLY_HINT) from None

    def _pods(self) -> list[Manifest]:
        """The pods of nginx but for those that are about to end, which get no new connections."""
        return pods_staying(self._api.listed("Pod", self._labels))

    def _version_of(self, deployment: Manifest) -> str:
        version = self._pod_version(deployment["spec"]["template"])
        if not version:
            raise UsageError(f"{self.place} mounts no configuration of strangler's", _APPLY_HINT)
        return version

    @staticmethod
    def _pod_version(pod: Manifest) -> str:
        for volume in pod["spec"].get("volumes") or ():
            if volume["name"] == CONFIGURATION_VOLUME:
                return configuration_version((volume.get("configMap") or {}).get("name", ""))
        return ""


def _texts(configuration: Manifest) -> dict[str, str]:
    """The files of a version; none where somebody has broken them."""
    try:
        return texts_of(configuration)
    except ValueError:
        return {}


def _missing(deployment: Manifest) -> str:
    """What a rollout lacks to be complete, as `kubectl rollout status` says it; empty where it is."""
    status, wanted = deployment.get("status") or {}, deployment["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return "the cluster has not begun"
    updated, total, available = (status.get(name) or 0 for name in ("updatedReplicas", "replicas", "availableReplicas"))
    if updated < wanted:
        return f"{updated} of {wanted} pods are new"
    if total > updated:
        return f"{total - updated} old pods are left"
    return f"{available} of {updated} pods are available" if available < updated else ""
