"""A fake cluster: the objects of one namespace, and what keeps its Deployments and Jobs as they are wanted.

It has what the tool calls, as Kubernetes documents it: resourceVersions and their conflicts, immutable ConfigMaps,
strategic merge patches of a pod template, preconditions, generated names, RBAC, a Deployment that replaces its pods one
by one, a Job, the proxy to a pod, its log. Time goes on with each look at a Deployment or a Job: nothing depends on a
clock, but for the log of the last seconds.
"""

import base64
import datetime as dt
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from strangler.kubernetes.packed_texts import texts_of

Object = dict[str, Any]
Printed = Callable[[str, Mapping[str, str], float], Iterable[tuple[float, str]]]

_PATH: Final = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/v1)/namespaces/(?P<namespace>[^/]+)/(?P<resource>[a-z]+)"
    r"(?:/(?P<name>[^/]+)(?:/(?P<sub>log|proxy)(?P<rest>/.*)?)?)?"
)
_KINDS: Final = {
    "configmaps": ("", "ConfigMap", "v1"),
    "pods": ("", "Pod", "v1"),
    "deployments": ("apps", "Deployment", "apps/v1"),
    "jobs": ("batch", "Job", "batch/v1"),
    "leases": ("coordination.k8s.io", "Lease", "coordination.k8s.io/v1"),
}
_VERBS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_MICRO_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
_ANSWER: Final = re.compile(r'location = /gateway/version \{[^}]*return 200 "([^"\\]+)')
# What nginx says of a directive that it doesn't know.
BROKEN: Final = "no_such_directive"
_EMERG: Final = '2026/01/01 00:00:00 [emerg] 1#1: unknown directive "no_such_directive" in /tmp/nginx/http.conf:1'


class Refused(Exception):
    """An answer of the API server that is no success."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }


class FakeCluster:
    """The objects of `namespace`, and who may do what with them.

    Attributes:
        rules: a Role's rules for whoever asks; None lets everybody do everything.
        unreachable: names of pods that the API server's proxy can't reach.
        failing_job: what a Job's pod says before it fails; empty for one that succeeds.
        starting: whether new pods become ready.
        printed: what a pod of nginx has logged since a moment, by its name and its files: lines with their times.
        results: what the shadow worker's pod answers.
        before: called with method and path before a request is answered, and may refuse it.
        after_write: called with method and path once a write is done, before its answer.
        requests: what was asked.
    """

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.objects: dict[tuple[str, str], Object] = {}
        self.rules: list[Object] | None = None
        self.unreachable: set[str] = set()
        self.failing_job = ""
        self.starting = True
        self.printed: Printed = lambda _pod, _files, _since: ()
        self.results: Callable[[], str] = str
        self.before: Callable[[str, str], None] = lambda _method, _path: None
        self.after_write: Callable[[str, str], None] = lambda _method, _path: None
        self.requests: list[tuple[str, str]] = []
        self._mounted: dict[str, Mapping[str, str]] = {}
        self._lock = threading.RLock()
        self._number = 0

    def apply(self, *manifests: Object) -> None:
        """What `kubectl apply` does with manifests that aren't there yet."""
        for each in manifests:
            resource = next((name for name, (_, kind, _) in _KINDS.items() if kind == each["kind"]), None)
            if resource is not None:
                self._create(resource, deepcopy(each))
        while self.step():
            pass

    def read(self, resource: str, name: str) -> Object:
        """An object as it is."""
        return deepcopy(self.objects[resource, name])

    def names(self, resource: str, prefix: str = "") -> list[str]:
        """The names of all objects of a kind."""
        return sorted(name for kind, name in self.objects if kind == resource and name.startswith(prefix))

    def answers(self) -> set[str]:
        """What the pods that are ready answer."""
        return {self._pod_version(name) for name in self.names("pods", "nginx-") if self._is_ready(name)}

    def seen(self) -> tuple[Object, set[str]]:
        """All that a failure has to leave as it was: what pods are made of, and what they answer."""
        while self.step():
            pass
        return self.read("deployments", "nginx")["spec"]["template"], self.answers()

    def step(self) -> bool:
        """Let the cluster do one thing; gives whether there was something to do."""
        with self._lock:
            worked = [self._deployment_step(name) for name in self.names("deployments")]
            worked += [self._job_step(name) for name in self.names("jobs")]
            return any(worked)

    def answer(self, method: str, target: str, body: Object, content_type: str) -> tuple[int, str, bytes]:
        """The status, the content type and the body of an answer."""
        url = urlsplit(target)
        path = unquote(url.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        with self._lock:
            self.requests.append((method, path))
            self.before(method, path)
            found = _PATH.fullmatch(path)
            if found is None or _KINDS[found["resource"]][0] != (found["group"] or ""):
                raise Refused(404, "NotFound", "the server could not find the requested resource")
            resource, name = found["resource"], unquote(found["name"] or "")
            pod_name = name.partition(":")[0]
            self._authorize(method, resource, pod_name, found["sub"])
            if found["sub"] == "proxy":
                return 200, "text/plain", f"{self._proxied(name, found['rest'] or '/')}\n".encode()
            if found["sub"] == "log":
                return 200, "text/plain", self._log(name, query).encode()
            if found["namespace"] != self.namespace and method == "POST":
                raise Refused(404, "NotFound", f'namespaces "{found["namespace"]}" not found')
            result = self._handle(method, resource, name, body, query, content_type)
            if method != "GET":
                self.after_write(method, path)
            return (201 if method == "POST" else 200), "application/json", json.dumps(result).encode()

    def _handle(
        self, method: str, resource: str, name: str, body: Object, query: Mapping[str, str], content_type: str
    ) -> Object:
        if method == "GET" and not name:
            return self._list(resource, query.get("labelSelector", ""))
        if method == "POST":
            return self._create(resource, body)
        found = self._find(resource, name)
        if method == "GET":
            if resource in {"deployments", "jobs"}:
                self.step()
            return deepcopy(self.objects[resource, name])
        if method == "DELETE":
            self._require_version(resource, name, (body.get("preconditions") or {}).get("resourceVersion"))
            del self.objects[resource, name]
            return {"kind": "Status", "apiVersion": "v1", "status": "Success"}
        self._require_version(resource, name, body.get("metadata", {}).get("resourceVersion"))
        if method == "PATCH":
            assert content_type == "application/strategic-merge-patch+json", content_type
            changed = _merged(found, body)
        else:
            changed = {**body, **({"status": found["status"]} if "status" in found else {})}
        return self._store(resource, name, changed)

    def _create(self, resource: str, body: Object) -> Object:
        metadata = body["metadata"]
        if "generateName" in metadata:
            metadata["name"] = f"{metadata['generateName']}{self._number:05}"
        name = metadata["name"]
        if (resource, name) in self.objects:
            raise Refused(409, "AlreadyExists", f'{_full(resource)} "{name}" already exists')
        if metadata.get("resourceVersion"):
            raise Refused(400, "BadRequest", "resourceVersion should not be set on objects to be created")
        body["metadata"] |= {"namespace": self.namespace, "uid": f"uid-{self._number}", "generation": 1}
        if resource == "deployments":
            body["spec"].setdefault("replicas", 2)
        return self._store(resource, name, body)

    def _store(self, resource: str, name: str, body: Object) -> Object:
        _, kind, version = _KINDS[resource]
        before = self.objects.get((resource, name))
        if (
            before
            and before.get("immutable")
            and any(before.get(key) != body.get(key) for key in ("data", "binaryData"))
        ):
            raise Refused(422, "Invalid", f'ConfigMap "{name}" is invalid: data: Forbidden: field is immutable')
        size = sum(len(text.encode()) for text in (body.get("data") or {}).values() if resource == "configmaps")
        size += sum(len(base64.b64decode(text)) for text in (body.get("binaryData") or {}).values())
        if size > 1024 * 1024:
            raise Refused(
                422, "Invalid", f'ConfigMap "{name}" is invalid: []: Too long: may not be more than 1048576 bytes'
            )
        if resource == "leases" and not _MICRO_TIME.fullmatch(body["spec"]["renewTime"]):
            raise Refused(400, "BadRequest", f"parsing time {body['spec']['renewTime']!r}: cannot parse as MicroTime")
        self._number += 1
        body = deepcopy({**body, "apiVersion": version, "kind": kind})
        if before and before.get("spec") != body.get("spec"):
            body["metadata"]["generation"] = before["metadata"].get("generation", 1) + 1
        body["metadata"]["resourceVersion"] = str(self._number)
        self.objects[resource, name] = body
        return deepcopy(body)

    def _list(self, resource: str, selector: str) -> Object:
        wanted = dict(part.split("=") for part in selector.split(",") if part)
        items = [
            {key: value for key, value in body.items() if key not in {"kind", "apiVersion"}}
            for (kind, _), body in sorted(self.objects.items())
            if kind == resource and wanted.items() <= body["metadata"].get("labels", {}).items()
        ]
        _, kind, version = _KINDS[resource]
        return {"kind": f"{kind}List", "apiVersion": version, "metadata": {}, "items": deepcopy(items)}

    def _find(self, resource: str, name: str) -> Object:
        try:
            return self.objects[resource, name]
        except KeyError:
            raise Refused(404, "NotFound", f'{_full(resource)} "{name}" not found') from None

    def _require_version(self, resource: str, name: str, version: str | None) -> None:
        found = self.objects[resource, name]["metadata"]["resourceVersion"]
        if version is not None and version != found:
            message = f'Operation cannot be fulfilled on {_full(resource)} "{name}": the object has been modified; '
            raise Refused(409, "Conflict", f"{message}please apply your changes to the latest version and try again")

    def _authorize(self, method: str, resource: str, name: str, sub: str | None) -> None:
        verb = _VERBS.get(method) or ("get" if name else "list")
        group, asked = _KINDS[resource][0], f"{resource}/{sub}" if sub else resource
        for rule in (
            self.rules if self.rules is not None else [{"apiGroups": [group], "resources": [asked], "verbs": [verb]}]
        ):
            names = rule.get("resourceNames")
            # A name isn't known yet where an object is made.
            named = names is None or (verb != "create" and name in names)
            if named and group in rule["apiGroups"] and asked in rule["resources"] and verb in rule["verbs"]:
                return
        where = f'in API group "{group}" in the namespace "{self.namespace}"'
        message = f'{_full(resource)} "{name}" is forbidden: User "ann" cannot {verb} resource "{asked}" {where}'
        raise Refused(403, "Forbidden", message)

    def _proxied(self, target: str, path: str) -> str:
        name, _, port = target.partition(":")
        self._find("pods", name)
        assert (port, path) in {("8080", "/gateway/version"), ("9146", "/results")}
        if name in self.unreachable or not self._is_ready(name):
            raise Refused(
                503, "ServiceUnavailable", "error trying to reach service: dial tcp 10.1.0.7:8080: i/o timeout"
            )
        return self.results() if path == "/results" else self._pod_version(name)

    def _pod_version(self, name: str) -> str:
        found = _ANSWER.search(self._mounted[name]["routes.conf"])
        assert found is not None
        return found[1]

    def _log(self, name: str, query: Mapping[str, str]) -> str:
        if self._find("pods", name)["metadata"]["labels"].get("batch.kubernetes.io/job-name"):
            return f"{self.failing_job}\n"
        if "sinceSeconds" not in query:
            return f"{_EMERG}\n"
        assert query["timestamps"] == "true"
        # In whole seconds.
        since = int(time.time()) - int(query["sinceSeconds"])
        lines = self.printed(name, self._mounted[name], since)
        return "".join(f"{_nanoseconds(moment)} {line}\n" for moment, line in lines if moment >= since)

    def _is_ready(self, name: str) -> bool:
        conditions = self.objects["pods", name]["status"]["conditions"]
        return any(each["status"] == "True" for each in conditions)

    def _deployment_step(self, name: str) -> bool:
        """One step of a rolling update with maxUnavailable 0."""
        deployment = self.objects["deployments", name]
        labels = deployment["spec"]["template"]["metadata"]["labels"].items()
        mine = [
            body
            for (kind, _), body in self.objects.items()
            if kind == "pods" and labels <= body["metadata"]["labels"].items()
        ]
        pods = [pod for pod in mine if "deletionTimestamp" not in pod["metadata"]]
        digest = _digest(deployment["spec"]["template"])
        new = [pod for pod in pods if pod["metadata"]["labels"]["pod-template-hash"] == digest]
        old = [pod for pod in pods if pod not in new]
        worked = deployment["metadata"]["generation"] != (deployment.get("status") or {}).get("observedGeneration")
        if not deployment["spec"].get("paused") and not worked:
            worked = self._pods_step(deployment, mine, new, old, digest)
        pods = [
            pod
            for (kind, _), pod in self.objects.items()
            if kind == "pods" and pod in mine + new and "deletionTimestamp" not in pod["metadata"]
        ]
        ready = [pod for pod in pods if self._is_ready(pod["metadata"]["name"])]
        updated = [pod for pod in pods if pod["metadata"]["labels"]["pod-template-hash"] == digest]
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": len(pods),
            "updatedReplicas": len(updated),
            "readyReplicas": len(ready),
            "availableReplicas": len(ready),
        }
        if status != deployment.get("status"):
            self._store("deployments", name, {**deployment, "status": status})
        return worked

    def _pods_step(
        self, deployment: Object, mine: list[Object], new: list[Object], old: list[Object], digest: str
    ) -> bool:
        wanted = deployment["spec"]["replicas"]
        for pod in mine:
            if "deletionTimestamp" in pod["metadata"]:
                del self.objects["pods", pod["metadata"]["name"]]
                return True
        for pod in new:
            if not self._is_ready(pod["metadata"]["name"]) and self._start(pod):
                return True
        unready = [pod for pod in old if not self._is_ready(pod["metadata"]["name"])]
        ready = [pod for pod in [*new, *old] if self._is_ready(pod["metadata"]["name"])]
        leaving = unready or (old if len(ready) > wanted else []) or new[wanted:]
        if leaving:
            leaving[0]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            return True
        surge = deployment["spec"]["strategy"].get("rollingUpdate", {}).get("maxSurge", 1)
        if len(new) < wanted and len(new) + len(old) < wanted + (wanted if surge == "100%" else surge):
            new.append(
                self._pod(
                    deployment["spec"]["template"], f"{deployment['metadata']['name']}-{digest}-{self._number}", digest
                )
            )
            return True
        return False

    def _pod(self, template: Object, name: str, digest: str) -> Object:
        labels = {**template["metadata"]["labels"], "pod-template-hash": digest}
        message = f"containers with unready status: [{name.partition('-')[0]}]"
        status = {"conditions": [{"type": "Ready", "status": "False", "message": message}]}
        body = {"metadata": {"name": name, "labels": labels}, "spec": deepcopy(template["spec"]), "status": status}
        self._create("pods", body)
        return self.objects["pods", name]

    def _start(self, pod: Object) -> bool:
        """Have a pod become ready, or fail; gives whether anything has changed."""
        name = pod["metadata"]["name"]
        volume = next((each for each in pod["spec"]["volumes"] if each["name"] == "configuration"), None)
        mounted = self.objects.get(("configmaps", volume["configMap"]["name"])) if volume else {}
        if mounted is None or not self.starting:
            return False
        self._mounted[name] = texts_of(mounted)
        if any(BROKEN in text for text in self._mounted[name].values()):
            waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}
            restarts = {"name": "nginx", "restartCount": 1, "state": {"waiting": waiting}}
            changed = pod["status"].get("containerStatuses") != [restarts]
            pod["status"]["containerStatuses"] = [restarts]
            return changed
        pod["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
        return True

    def _job_step(self, name: str) -> bool:
        job = self.objects["jobs", name]
        if job["spec"].get("suspend") or (job.get("status") or {}).get("conditions"):
            return False
        if not job.get("status"):
            labels = {"batch.kubernetes.io/job-name": name}
            body = {"metadata": {"name": f"{name}-x", "labels": labels}, "spec": {}, "status": {"conditions": []}}
            self._create("pods", body)
            self._store("jobs", name, {**job, "status": {"active": 1}})
            return True
        message = "Job has reached the specified backoff limit"
        end = {"type": "Failed", "message": message} if self.failing_job else {"type": "Complete"}
        self._store("jobs", name, {**job, "status": {"conditions": [{**end, "status": "True"}]}})
        return True


def _full(resource: str) -> str:
    group = _KINDS[resource][0]
    return f"{resource}.{group}" if group else resource


def _nanoseconds(moment: float) -> str:
    """A time as a node writes it before each line."""
    return f"{dt.datetime.fromtimestamp(moment, dt.UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"


def _digest(template: Object) -> str:
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]


def _merged(found: Any, patch: Any, key: str = "") -> Any:
    """A strategic merge patch: lists of volumes are merged by name, other lists replaced."""
    if isinstance(found, dict) and isinstance(patch, dict):
        merged = {name: _merged(found.get(name), value, name) for name, value in patch.items()}
        return {name: value for name, value in {**found, **merged}.items() if value is not None}
    if key == "volumes" and isinstance(found, list):
        changes = {each["name"]: each for each in patch}
        kept = [_merged(each, changes.pop(each["name"], {})) for each in found]
        return [*kept, *changes.values()]
    return patch
