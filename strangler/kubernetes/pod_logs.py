"""nginx's access log in a cluster: what its pods print, read through the API server again and again."""

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from strangler.errors import FailedError
from strangler.kubernetes.api import ClusterApi
from strangler.kubernetes.cluster_project import NGINX
from strangler.kubernetes.manifest import labels_of
from strangler.kubernetes.pod_status import is_ready, pod_name, pods_staying
from strangler.metrics.follower import LogPosition

# Requests come to any pod alike, so those of some are a sample of all; each costs the API server a request per look.
SAMPLED_PODS: Final = 10
# The API server takes whole seconds. What is read twice is known by its time.
_OVERLAP_SECONDS: Final = 2


class PodLogs:
    """The access log of nginx's pods, of at most so many of them; see `LogFollower`.

    A position without pods begins with the requests of its moment, as far as the nodes have kept them. A pod that is
    about to end is left out: it may answer by an older version. Lines that a node has rotated away between two looks
    are missing.
    """

    def __init__(self, api: ClusterApi, project: str, position: LogPosition, *, most: int) -> None:
        self.position = position
        self._api = api
        self._most = most
        self._labels = labels_of(project, NGINX)

    def lines(self) -> Iterator[bytes]:
        """See `LogFollower`.

        :raises FailedError: no pod's log can be read.
        """
        begun = time.time()
        seconds = max(1, math.ceil(begun - self.position.moment)) + _OVERLAP_SECONDS
        pods = pods_staying(self._api.listed("Pod", self._labels))
        known = {name: self.position.pods.get(name, "") for name in map(pod_name, pods)}
        names = sorted(pod_name(pod) for pod in pods if is_ready(pod))[: self._most]
        troubles: list[FailedError] = []
        for name in names:
            try:
                printed = self._api.pod_lines(name, NGINX, seconds=seconds)
            except FailedError as error:
                troubles.append(error)
                continue
            for line in printed:
                moment, _, text = line.partition(b" ")
                if (stamp := moment.decode("ascii", "replace")) > known[name]:
                    known[name] = stamp
                    yield text
        if troubles and len(troubles) == len(names):
            raise troubles[0]
        # What couldn't be read now may be later.
        self.position = replace(self.position, pods=known, moment=self.position.moment if troubles else begun)
