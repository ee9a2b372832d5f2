"""`strangler deploy` of containers under readers and writers, who lose nothing: `make containers`.

REQUESTS in the environment has it deploy both stacks again and again, until so many were sent.
"""

import asyncio
import json
import os
import re
from collections.abc import Iterator

import httpx
import pytest
import yaml

from tests.e2e.containers.engine import Containers, is_podman, wait_for
from tests.torture.load import Client, Ledger, load

CLIENTS = tuple(
    Client(kind=kind, path=prefix + path, number=2)
    for prefix in ("/api", "/api/v2")
    for kind, path in (("read", "/feed/"), ("read", "/users/me/"), ("write", "/posts/"))
)


@pytest.fixture(autouse=True)
def nginx_alone(containers: Containers) -> Iterator[None]:
    """podman-compose makes whatever depends on a service anew with it, nginx too: see docs/containers.md."""
    file = containers.folder / "docker-compose.yml"
    found = file.read_text()
    if is_podman(containers.command):
        text = yaml.safe_load(found)
        del text["services"]["nginx"]["depends_on"]
        file.write_text(yaml.safe_dump(text))
    yield
    file.write_text(found)


async def deployed(containers: Containers, token: str, requests: int) -> Ledger:
    async with load(containers.url, CLIENTS, token=token) as ledger:
        while True:
            for service in ("fastapi", "django"):
                said = await asyncio.to_thread(containers.strangler, "deploy", service)
                assert said.splitlines()[-1] == f"{service} is deployed", said
            if len(ledger.outcomes) >= requests:
                break
    return ledger


def written(containers: Containers, run: str) -> list[str]:
    query = f"SELECT title FROM posts WHERE starts_with(title, '{run}')"  # noqa: S608 - our own text
    psql = ("psql", "--username=postgres", "--dbname=strangler", "--tuples-only", "--no-align", "--command", query)
    return containers.inside("postgres", *psql).stdout.splitlines()


def ids(containers: Containers) -> dict[str, str]:
    """Each service's first process, as the kernel of its container numbers what started when."""
    look = ("cat", "/proc/1/stat")
    return {
        name: containers.inside(name, *look).stdout.split()[21] for name in ("django", "fastapi", "worker", "nginx")
    }


async def test_both_stacks_are_deployed_under_load_and_no_request_is_lost(
    containers: Containers, tokens: dict[str, str]
) -> None:
    containers.strangler("switch", "posts.create", "--to", "parallel", "--yes", "--reason", "so that FastAPI writes")
    before = ids(containers)
    ledger = await deployed(containers, tokens["django"], int(os.environ.get("REQUESTS") or 0))
    titles = written(containers, ledger.run)
    # For whoever runs it with -s.
    print(f"{len(ledger.outcomes):,} requests, {len(ledger.acknowledged):,} acknowledged writes; {ledger.summary()}")  # noqa: T201
    assert {*ledger.failures("read"), *ledger.failures("write")} == set()
    assert ledger.acknowledged <= set(titles)
    assert len(titles) == len(set(titles))
    after = ids(containers)
    assert {name for name in after if after[name] != before[name]} == {"django", "fastapi", "worker"}
    assert containers.strangler("plan") == "nothing to do\n"
    containers.strangler("rollback", "--yes")


def test_an_image_that_does_not_start_is_given_up(containers: Containers, front: httpx.Client) -> None:
    main = containers.folder / "fastapi_app" / "main.py"
    good = main.read_text()
    main.write_text("raise SystemExit('a fault')\n")
    containers.env["READY_SECONDS"] = "10"
    try:
        said = containers.strangler("deploy", "fastapi", code=4)
    finally:
        del containers.env["READY_SECONDS"]
        main.write_text(good)
        containers.run("build", "fastapi")
    assert re.search(r"fastapi-next wasn't ready within .*, and the old fastapi serves as before", said)
    assert front.get("/api/v2/feed/").headers["X-Served-By"] == "fastapi"
    assert containers.strangler("plan") == "nothing to do\n"


def test_a_deploy_that_was_interrupted_leaves_no_address_behind(containers: Containers, front: httpx.Client) -> None:
    left = containers.folder / ".run" / "containers" / "elsewhere.json"
    # As after a reboot, which gives containers new addresses.
    left.write_text('{"fastapi": "10.255.255.1:8002"}')
    move = ("switch", "feed.list", "--to", "canary", "--percent", "10", "--yes", "--force", "--reason", "a tenth")
    said = containers.strangler(*move)
    assert "fastapi-next of an interrupted deploy serves no more at 10.255.255.1:8002" in said
    assert front.get("/api/v2/feed/").headers["X-Served-By"] == "fastapi"
    containers.strangler("rollback", "--yes")
    containers.strangler("deploy", "fastapi")
    assert json.loads(left.read_text()) == {}
    assert front.get("/api/v2/feed/").headers["X-Served-By"] == "fastapi"


def test_a_deploy_goes_on_from_what_a_killed_one_has_left_whatever_the_file_says(
    containers: Containers, front: httpx.Client
) -> None:
    """Killed after it had ended the old container, and before it could write that requests go to the one beside it."""
    containers.run("--profile", "deploy", "up", "--detach", "--no-deps", "fastapi-next")
    wait_for("fastapi-next", lambda: is_ready(containers, "fastapi-next"))
    containers.run("stop", "fastapi")
    containers.wait_until_away("/api/v2/feed/")
    said = containers.strangler("deploy", "fastapi").splitlines()
    assert "fastapi-next of an interrupted deploy serves" in said
    assert said[-1] == "fastapi is deployed"
    assert front.get("/api/v2/feed/").headers["X-Served-By"] == "fastapi"
    assert "fastapi-next" not in containers.run("ps").stdout


def is_ready(containers: Containers, service: str) -> bool:
    """Whether a service of FastAPI answers its health check, as another container asks it."""
    ask = (
        "import urllib.request as r;"
        f"r.urlopen(r.Request('http://{service}:8002/api/v2/health/ready', headers={{'Host': 'localhost'}}), timeout=5)"
    )
    return containers.inside("django", "python", "-c", ask, check=False).returncode == 0


@pytest.mark.parametrize("arguments", [("--to", "release-2")])
def test_what_can_not_be_deployed_is_said(arguments: tuple[str, ...], containers: Containers) -> None:
    assert "a container's code is its image's" in containers.strangler("deploy", "fastapi", *arguments, code=2)
