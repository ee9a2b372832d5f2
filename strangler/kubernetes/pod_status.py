"""What the cluster says of pods that run: whether they are ready, why they aren't, how many there are."""

from strangler.kubernetes.manifest import Manifest


def pod_name(pod: Manifest) -> str:
    """Its name."""
    return str(pod["metadata"]["name"])


def is_ready(pod: Manifest) -> bool:
    """Whether it gets requests."""
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def pods_staying(pods: list[Manifest]) -> list[Manifest]:
    """Those that aren't about to end; the others get no new connections."""
    return [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]


def waiting_reason(pod: Manifest) -> str:
    """Why a pod isn't ready yet, in the cluster's words; empty where it is."""
    if is_ready(pod):
        return ""
    status = pod.get("status", {})
    for each in status.get("containerStatuses") or ():
        if waiting := (each.get("state") or {}).get("waiting"):
            return f"{pod_name(pod)}: {waiting.get('reason')} {waiting.get('message', '')}".rstrip()
    unmet = (each for each in status.get("conditions") or () if each["status"] != "True" and each.get("message"))
    return f"{pod_name(pod)}: {next((each['message'] for each in unmet), 'not ready')}"
