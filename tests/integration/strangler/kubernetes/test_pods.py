"""The containers of rendered manifests, in the order that a cluster gives them, as processes on a real PostgreSQL."""

import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest
from psycopg import sql

from strangler.gateway.interface import wait_until_running
from strangler.kubernetes.manifest import Manifest
from strangler.kubernetes.nginx import START
from strangler.local.ports import port_free_pick
from strangler.routes.route import Stack
from tests.clusters import manifests, of_kind, project_with, rendered
from tests.databases import OwnDatabase, empty_database
from tests.example import EXAMPLE
from tests.pods import NginxPod, Node, nginx_data, probed, setup_mounts, stopped

NAME = "cluster_pods"
ROLE = "cluster_pods_fastapi"
PASSWORD = "of the tests"


@pytest.fixture
def database(database_url: str) -> Iterator[OwnDatabase]:
    """An empty database with a role for FastAPI, as a cluster's PostgreSQL has them."""
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(ROLE), PASSWORD))
        try:
            with empty_database(admin_dsn=database_url, name=NAME) as made:
                yield made
        finally:
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(ROLE)))


def containers_of(found: list[Manifest], kind: str, name: str) -> dict[str, Manifest]:
    (one,) = of_kind(found, kind, name)
    spec = one["spec"]["template"]["spec"]
    return {each["name"]: each for each in (*spec.get("initContainers", ()), *spec["containers"])}


@pytest.mark.long
def test_from_an_empty_database_to_answers_through_nginx(database: OwnDatabase, tmp_path: Path) -> None:
    ports = {stack: port_free_pick() for stack in Stack}
    changes = {str(stack): {"port": port, "workers": 1} for stack, port in ports.items()}
    found = manifests(rendered(project_with(EXAMPLE, **changes)).base)
    mounts = setup_mounts(found, tmp_path)
    node = Node(
        secrets={
            ("blog-db-app", "uri"): database.owner_dsn,
            ("strangler-fastapi-database", "url"): database.dsn(ROLE, quote(PASSWORD)),
            ("strangler-django", "secret-key"): secrets.token_urlsafe(48),
            ("strangler-tokens", "signing-key"): secrets.token_urlsafe(48),
        },
        mounts=mounts,
    )
    django, fastapi = (containers_of(found, "Deployment", stack) for stack in Stack)
    setup = containers_of(found, "Job", "setup-")
    with ExitStack() as running:
        waiting = running.enter_context(node.run(django["migrations"]))
        running.callback(waiting.kill)
        for name in ("migrate", "grant"):
            assert node.finished(setup[name]) == 0, name
        assert waiting.wait(timeout=30) == 0
        # The volume is read-only, and what is unpacked of it is what was there.
        read = {str(file.relative_to(mounts["/project"])): file for file in mounts["/project"].rglob("*.*")}
        files = (EXAMPLE.file.name, EXAMPLE.files.routes, EXAMPLE.files.consumer)
        assert {name: file.read_bytes() for name, file in read.items()} == {
            name: (EXAMPLE.root / name).read_bytes() for name in files
        }
        packed = {file.name for file in mounts["/packed"].rglob("*.*")}
        assert packed == {"strangler.toml", "routes.toml", "consumer.json.gz"}
        processes = {}
        for stack, container in ((Stack.DJANGO, django["django"]), (Stack.FASTAPI, fastapi["fastapi"])):
            processes[stack] = running.enter_context(node.run(container))
            running.callback(processes[stack].kill)
        for stack, container in ((Stack.DJANGO, django["django"]), (Stack.FASTAPI, fastapi["fastapi"])):
            probed(container, "readinessProbe", processes[stack])
        probed(fastapi["fastapi"], "livenessProbe", processes[Stack.FASTAPI])
        (configuration,) = of_kind(found, "ConfigMap", "nginx-")
        port = port_free_pick()
        addresses = {str(stack): f"127.0.0.1:{ports[stack]}" for stack in Stack}
        pod = NginxPod(tmp_path / "nginx", nginx_data(configuration, port=port, **addresses))
        nginx = running.enter_context(pod.start(START.replace("daemon off;", "daemon off; user root;")))
        running.callback(nginx.terminate)
        url = f"http://127.0.0.1:{port}"
        wait_until_running(url, configuration["metadata"]["name"].removeprefix("nginx-"))
        answers = [
            httpx.get(f"{url}{path}", headers={"Host": "blog.example.com"}) for path in ("/api/feed/", "/api/v2/feed/")
        ]
        assert [(each.status_code, each.headers["X-Served-By"]) for each in answers] == [
            (200, "django"),
            (200, "fastapi"),
        ]
        assert httpx.get(f"{url}/api/feed/").status_code == httpx.codes.BAD_REQUEST
        # uvicorn ends by the signal that it was sent, once it has finished.
        assert [stopped(processes[stack], seconds=30) for stack in Stack] == [0, -signal.SIGTERM]
        assert node.finished(containers_of(found, "Job", "revoke-")["grant"]) == 0
