"""The API server of a cluster, by the official client: objects as dictionaries, errors as sentences."""

import json
from collections.abc import Mapping
from typing import Any, Final

from kubernetes.client import (
    ApiClient,
    ApiException,
    AppsV1Api,
    BatchV1Api,
    Configuration,
    CoordinationV1Api,
    CoreV1Api,
)
from kubernetes.config import ConfigException, load_incluster_config, load_kube_config
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from strangler.errors import FailedError, UsageError
from strangler.kubernetes.manifest import Manifest

_REQUEST_SECONDS: Final = 10.0
_LOG_LINES: Final = 5
_STRATEGIC: Final = "application/strategic-merge-patch+json"
_APIS: Final = {
    "ConfigMap": (CoreV1Api, "config_map"),
    "Pod": (CoreV1Api, "pod"),
    "Deployment": (AppsV1Api, "deployment"),
    "Job": (BatchV1Api, "job"),
    "Lease": (CoordinationV1Api, "lease"),
}


class ObjectMissing(FailedError):
    """There is no object of that name."""


class ObjectConflict(FailedError):
    """The object is there already, or has changed since it was read."""


class ClusterApi:
    """The objects of one namespace."""

    def __init__(self, client: ApiClient, namespace: str) -> None:
        self.namespace = namespace
        self._client = client

    def read(self, kind: str, name: str) -> Manifest:
        """The object of that name.

        :raises ObjectMissing: there is none.
        :raises FailedError: the API server can't be reached, or refuses.
        """
        return self._object("read", kind, name)

    def listed(self, kind: str, labels: Mapping[str, str]) -> list[Manifest]:
        """All objects of that kind with these labels.

        :raises FailedError: the API server can't be reached, or refuses.
        """
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        items: list[Manifest] = self._object("list", kind, label_selector=selector)["items"]
        return items

    def create(self, body: Manifest) -> Manifest:
        """Make an object; gives it as the cluster has it.

        :raises ObjectConflict: there is one of that name.
        :raises FailedError: the API server can't be reached, or refuses.
        """
        return self._object("create", body["kind"], body=body)

    def replace(self, body: Manifest) -> Manifest:
        """Replace an object that was read, if it is still as it was then.

        :raises ObjectConflict: somebody else has changed it.
        :raises FailedError: the API server can't be reached, or refuses.
        """
        return self._object("replace", body["kind"], body["metadata"]["name"], body=body)

    def patch(self, kind: str, name: str, body: Manifest) -> Manifest:
        """Merge `body` into an object, as `kubectl patch` does by default.

        :raises ObjectConflict: it isn't of the resourceVersion in `body` any more.
        :raises FailedError: the API server can't be reached, or refuses.
        """
        return self._object("patch", kind, name, body=body, field_manager="strangler", _content_type=_STRATEGIC)

    def delete(self, kind: str, name: str, *, version: str | None = None) -> None:
        """Remove an object if it is there; with `version` only while it is of that resourceVersion.

        :raises ObjectConflict: it is of another.
        :raises FailedError: the API server can't be reached, or refuses.
        """
        try:
            self._object("delete", kind, name, body={"preconditions": {"resourceVersion": version}} if version else {})
        except ObjectMissing:
            return

    def pod_answer(self, pod: str, port: int, path: str) -> str:
        """What a pod answers to a GET of `path`, which the API server passes on.

        :raises FailedError: it can't be reached, or answers with an error.
        """
        return self._call(
            CoreV1Api, "connect_get_namespaced_pod_proxy_with_path", f"{pod}:{port}", self.namespace, path
        ).decode(errors="replace")

    def pod_log(self, pod: str, container: str, *, previous: bool = False) -> list[str]:
        """The last lines that a container has printed; `previous` is the one that has ended before it.

        :raises FailedError: there is no log, or it can't be read.
        """
        options = {"container": container, "previous": previous, "tail_lines": _LOG_LINES}
        text = self._call(CoreV1Api, "read_namespaced_pod_log", pod, self.namespace, **options)
        return text.decode(errors="replace").splitlines()

    def pod_lines(self, pod: str, container: str, *, seconds: int) -> list[bytes]:
        """What a container has printed in the last seconds, each line behind its time.

        :raises FailedError: there is no log, or it can't be read.
        """
        options = {"container": container, "since_seconds": seconds, "timestamps": True}
        return self._call(CoreV1Api, "read_namespaced_pod_log", pod, self.namespace, **options).splitlines()

    def _object(self, verb: str, kind: str, *arguments: str, **options: object) -> Manifest:
        api, noun = _APIS[kind]
        found: Manifest = json.loads(
            self._call(api, f"{verb}_namespaced_{noun}", *arguments, self.namespace, **options)
        )
        # The members of a list don't say what they are.
        for item in found["items"] if verb == "list" else ():
            item["kind"] = kind
        return found

    def _call(self, api: type[Any], method: str, *arguments: str, **options: object) -> bytes:
        try:
            answer = getattr(api(self._client), method)(
                *arguments, **options, _preload_content=False, _request_timeout=_REQUEST_SECONDS
            )
            content: bytes = answer.data
        except ApiException as error:
            raise _refused(error, host=self._host) from error
        except HTTPError as error:
            raise _unreachable(self._host, error) from error
        return content

    @property
    def _host(self) -> str:
        return str(self._client.configuration.host)


def cluster_connect(namespace: str) -> ClusterApi:
    """The cluster of KUBECONFIG's current context, or the one that this process runs in.

    :raises UsageError: nothing says where a cluster is.
    """
    configuration = Configuration()
    try:
        try:
            load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call] # its own
        except ConfigException:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call] # its own
    except (ConfigException, OSError) as error:
        hint = "set KUBECONFIG, or choose one with kubectl config use-context NAME"
        raise UsageError("nothing says where the cluster is", hint) from error
    # A path stays one; a write whose answer was lost isn't sent again: it might be refused for its own success.
    configuration.safe_chars_for_path_param = "/"
    configuration.retries = Retry(total=2, connect=2, read=0, redirect=0, status=0, other=0)
    return ClusterApi(ApiClient(configuration), namespace)


def _refused(error: ApiException, *, host: str) -> FailedError:
    said = _message(error)
    if error.status == 404:
        if "namespaces " in said:
            return FailedError(f"the cluster has no such namespace ({said})", "apply the rendered manifests first")
        return ObjectMissing(f"the cluster has none ({said})", "apply the rendered manifests first")
    if error.status == 409:
        return ObjectConflict(f"somebody else has changed it ({said})", "try again")
    if error.status == 403:
        hint = "have an administrator apply and bind operator-role.yaml, see docs/kubernetes.md"
        return FailedError(f"the cluster refuses ({said})", hint)
    if error.status == 401:
        return FailedError(f"{host} doesn't know who you are", "sign in again; kubectl auth whoami has to work")
    return FailedError(f"{host} fails ({error.status}: {said})", "try again")


def _message(error: ApiException) -> str:
    """What the API server says of an error."""
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.body or error.reason or "no reason").strip()


def _unreachable(host: str, error: HTTPError) -> FailedError:
    reason = getattr(error, "reason", None) or error
    return FailedError(f"{host} can't be reached ({type(reason).__name__})", "kubectl cluster-info has to work")
