"""FastAPI's rights to write, granted in the cluster before a route that writes moves."""

import time
from contextlib import suppress
from typing import Final

from strangler.errors import FailedError
from strangler.kubernetes.api import ClusterApi, ObjectConflict
from strangler.kubernetes.cluster_project import ClusterProject
from strangler.kubernetes.manifest import Manifest
from strangler.kubernetes.setup import grant_manifests
from strangler.routes.table import RouteTable

_POLL_SECONDS: Final = 0.5
# What the cluster needs to say that a Job's own time is over.
_SPARE_SECONDS: Final = 30.0


def grants_grow(cluster: ClusterProject, api: ClusterApi, running: RouteTable, wanted: RouteTable) -> None:
    """Grant FastAPI the writes of newly moved routes; the rendered Job `revoke` takes back what no route needs.

    :raises UsageError: a file of the project can't be read.
    :raises FailedError: the database refuses, or the Job can't run; in its own words.
    """
    moving = sorted(wanted.moved_writes - running.moved_writes)
    if not moving:
        return
    configuration, job = grant_manifests(cluster, moving)
    with suppress(ObjectConflict):  # of that name, and so of that content
        api.create(configuration)
    name = str(api.create(job)["metadata"]["name"])
    deadline = time.monotonic() + cluster.table.setup.wait_seconds + _SPARE_SECONDS
    while True:
        status = api.read("Job", name).get("status") or {}
        ends = {each["type"]: each for each in status.get("conditions") or () if each["status"] == "True"}
        if "Complete" in ends:
            return
        if "Failed" in ends or time.monotonic() > deadline:
            reason = _last_words(api, name) or _reason(ends)
            raise FailedError(f"FastAPI's role may not write yet ({reason})", f"see kubectl logs job/{name}")
        time.sleep(_POLL_SECONDS)


def _reason(ends: dict[str, Manifest]) -> str:
    failed = ends.get("Failed") or {}
    return str(failed.get("message") or failed.get("reason") or "the Job did not end")


def _last_words(api: ClusterApi, job: str) -> str:
    """What the Job's pod said last; empty where it never ran, or its log can't be read."""
    with suppress(FailedError):
        for pod in api.listed("Pod", {"batch.kubernetes.io/job-name": job}):
            lines = [line for line in api.pod_log(pod["metadata"]["name"], "grant") if line.strip()]
            if lines:
                return lines[-1].removeprefix("strangler: ").rstrip(".")
    return ""
