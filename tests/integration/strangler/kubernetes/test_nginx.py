"""Real nginx takes the ConfigMap, starts by the container's command, and ends by its preStop with nothing lost."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from strangler.gateway.interface import wait_until_running
from strangler.kubernetes.cluster_project import cluster_project
from strangler.kubernetes.nginx import START, STOP, nginx_configuration, rendered_routes
from strangler.kubernetes.packed_texts import texts_of
from strangler.local.ports import port_free_pick
from strangler.project import Project
from strangler.routes.route import Stage
from tests.bench.route_tables import table_of
from tests.clusters import PROJECTS, manifests, of_kind, rendered, table_with
from tests.example import EXAMPLE
from tests.pods import NginxPod, nginx_data


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_nginx_finds_nothing_to_complain_about(project: Project, tmp_path: Path) -> None:
    name = project.load_routes().routes[-1].name
    files = rendered(project, table=table_with(project, name, stage=Stage.CANARY, percent=10))
    (configuration,) = of_kind(manifests(files.base), "ConfigMap", "nginx-")
    check = START.replace("-g 'daemon off;'", "-t -q").replace("exec ", "")
    with NginxPod(tmp_path, texts_of(configuration)).start(check) as ended:
        said = ended.communicate(timeout=20)[1]
        assert said == ""
        assert ended.returncode == 0


def test_a_request_under_way_is_answered_before_the_pod_is_gone(tmp_path: Path) -> None:
    port = port_free_pick()
    (configuration,) = of_kind(manifests(rendered(EXAMPLE).base), "ConfigMap", "nginx-")
    with slow_stack() as (address, asked, answer):
        data = nginx_data(configuration, port=port, django=address, fastapi=address)
        pod = NginxPod(tmp_path, data)
        url = f"http://127.0.0.1:{port}"
        with pod.start(START.replace("daemon off;", "daemon off; user root;")) as nginx:
            try:
                wait_until_running(url, configuration["metadata"]["name"].removeprefix("nginx-"))
                answers: list[httpx.Response] = []
                caller = threading.Thread(target=lambda: answers.append(httpx.get(f"{url}/api/feed/", timeout=30)))
                caller.start()
                assert asked.wait(10)
                with pod.start(re.sub(r"^sleep \d+\n", "", STOP)) as stop:
                    wait_until_refused(url)
                    assert nginx.poll() is None
                    assert stop.poll() is None
                    answer.set()
                    caller.join(10)
                    assert [each.status_code for each in answers] == [200]
                    assert stop.wait(10) == 0
                assert nginx.wait(10) == 0
            finally:
                answer.set()
                nginx.terminate()


@pytest.mark.long
def test_ten_thousand_routes_fit_into_a_config_map_and_nginx_serves_the_last(tmp_path: Path) -> None:
    port, cluster, table = port_free_pick(), cluster_project(EXAMPLE), table_of(10_000)
    configuration = nginx_configuration(cluster, rendered_routes(cluster, table))
    data = nginx_data(configuration, port=port, django="127.0.0.1:1", fastapi="127.0.0.1:1")
    pod = NginxPod(tmp_path, data)
    url = f"http://127.0.0.1:{port}"
    with pod.start(START.replace("daemon off;", "daemon off; user root;")) as nginx:
        try:
            wait_until_running(url, configuration["metadata"]["name"].removeprefix("nginx-"))
            last = table.routes[-1]
            answer = httpx.get(f"{url}/api{last.path.replace('{id}', '7').replace('{part}', 'a')}")
            assert answer.headers["X-Route"] == last.name
        finally:
            nginx.terminate()


def wait_until_refused(url: str) -> None:
    """Until nobody takes connections there."""
    for _ in range(2000):
        try:
            httpx.get(f"{url}/gateway/version", timeout=5)
        except httpx.ConnectError:
            return
        except httpx.TransportError:
            continue
    raise AssertionError("nginx takes connections still")


@contextmanager
def slow_stack() -> Iterator[tuple[str, threading.Event, threading.Event]]:
    """A server that answers when it is let: its address, whether it was asked, and the leave to answer."""
    asked, answer = threading.Event(), threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.set()
            answer.wait(20)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", asked, answer
        finally:
            server.shutdown()
            thread.join()
