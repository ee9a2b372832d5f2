"""The cluster's shadow worker, a real process: nginx sends it samples by UDP, an operator reads what it found."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from strangler.compare.shadow.results_server import RESULTS_PATH
from strangler.deployment.cluster_shadow import cluster_shadow
from strangler.errors import FailedError, UnsafeError, UsageError
from strangler.gateway.interface import wait_until_running
from strangler.kubernetes.nginx import START
from strangler.local.ports import port_free_pick
from tests.cluster_moves import ClusterMoves, cluster_moves, command, settings_at
from tests.pods import NginxPod, nginx_data
from tests.shadows import Reply, TinyStack, shadow

ROUTE = "feed.list"
REQUESTS = 5
DIFFERENT = 1


@pytest.fixture
def moving(tmp_path: Path) -> Iterator[ClusterMoves]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    with cluster_moves(folder, shadow_rate=1000, api_server=["10.0.0.0/28"]) as made:
        yield made


@pytest.mark.long
def test_samples_of_a_pod_are_compared_and_hold_a_move_up(moving: ClusterMoves, tmp_path: Path) -> None:
    entry = moving.apply(moving.edited(feed__list={"shadow": 100}))
    configuration = moving.cluster.read("configmaps", f"nginx-{entry.after.version}")
    samples, results, port = port_free_pick(), port_free_pick(), port_free_pick()
    with ExitStack() as running:
        django, fastapi = (TinyStack(lambda _request, text=text: Reply(text)) for text in (b'{"a":1}', b'{"a":2}'))
        for stack in (django, fastapi):
            running.callback(stack.stop)
        worker = running.enter_context(
            shadow(
                tmp_path,
                django_url=django.url,
                fastapi_url=fastapi.url,
                socket="",
                listen=f"127.0.0.1:{samples}",
                results=f"127.0.0.1:{results}",
            )
        )
        addresses = {"django": django.url.partition("//")[2], "fastapi": fastapi.url.partition("//")[2]}
        data = nginx_data(configuration, port=port, **addresses)
        data = {
            name: text.replace("server=shadow.blog.svc.cluster.local:5140", f"server=127.0.0.1:{samples}")
            for name, text in data.items()
        }
        pod = NginxPod(tmp_path / "nginx", data)
        nginx = running.enter_context(pod.start(START.replace("daemon off;", "daemon off; user root;")))
        running.callback(nginx.terminate)
        url = f"http://127.0.0.1:{port}"
        wait_until_running(url, entry.after.version)
        for _ in range(REQUESTS):
            assert httpx.get(f"{url}/api/feed/").json() == {"a": 1}
        worker.wait_for(ROUTE, asked=REQUESTS, different=REQUESTS)
        moving.cluster.results = lambda: httpx.get(f"http://127.0.0.1:{results}{RESULTS_PATH}").text
        code, said = command(moving, "shadow", ROUTE, "--json")
        (found,) = json.loads(said)
        assert (code, found["different"], found["differences"][0]["pattern"]) == (DIFFERENT, REQUESTS, "$.a")
        with pytest.raises(UnsafeError, match=rf"{ROUTE} differed in {REQUESTS} of {REQUESTS} sampled requests"):
            moving.apply(moving.edited(feed__list={"stage": "canary", "percent": 10}))


def test_a_worker_that_cannot_be_asked_says_why_and_holds_no_move_up(moving: ClusterMoves, tmp_path: Path) -> None:
    found = cluster_shadow(settings_at(moving.project.file))
    moving.cluster.results = lambda: "no database"
    with pytest.raises(FailedError, match=r"answers with something else than results: render and apply"):
        found.fetch(tmp_path)
    moving.cluster.unreachable = set(moving.cluster.names("pods", "shadow-"))
    with pytest.raises(FailedError, match=r"i/o timeout.*: let the API server through to it, by api_server"):
        found.fetch(tmp_path)
    with pytest.raises(UsageError, match=r"kubectl rollout restart -n blog deployment/shadow"):
        found.reset([ROUTE])
    moving.apply(moving.edited(feed__list={"stage": "canary", "percent": 10, "shadow": 5}))
    for name in moving.cluster.names("pods", "shadow-"):
        del moving.cluster.objects["pods", name]
    with pytest.raises(FailedError, match=r"no shadow worker runs in the cluster \(there is no pod shadow\)"):
        found.fetch(tmp_path)
