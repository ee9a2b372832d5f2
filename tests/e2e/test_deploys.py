"""`strangler deploy` under readers and writers: no request is lost, and code that doesn't start changes nothing."""

import asyncio
import contextlib
import json
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from strangler.deployment.releases import DeployFile
from strangler.gateway.rendering import own_version
from tests.bench.keepalive import Answered, Load, load, request
from tests.checkouts import START_SECONDS, Checkout

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("deploys")]

CLIENTS = 4
WRITERS = 4


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    # Not in pytest's own folder: each pytest that starts takes back the search bit that PostgreSQL's account needs.
    with tempfile.TemporaryDirectory(prefix="strangler e2e ") as folder:
        checkout = Checkout(Path(folder))
        _release(checkout, "release-1")
        (checkout.path / "current").symlink_to("release-1")
        project = checkout.path / "strangler.toml"
        before, fastapi = project.read_text().split("[fastapi]")
        project.write_text(f"{before}[fastapi]" + fastapi.replace('folder = "."', 'folder = "current"'))
        with (checkout.path / ".env").open("a") as file:
            # A job waits for a lock here for as long as a deploy takes.
            file.write("STATEMENT_TIMEOUT=100\n")
        started = checkout.strangler("up", "--detach")
        assert started.returncode == 0, started.stderr
        yield checkout
        checkout.strangler("down")


def _release(checkout: Checkout, name: str) -> Path:
    """A folder with the code of FastAPI; the libraries are the checkout's."""
    release = checkout.path / name
    shutil.copytree(checkout.path / "fastapi_app", release / "fastapi_app")
    for part in ("requirements", "shared_schema", "strangler_fastapi"):
        (release / part).symlink_to(checkout.path / part)
    return release


@pytest.fixture
def front(checkout: Checkout) -> str:
    return f"http://127.0.0.1:{checkout.ports['PROXY_PORT']}"


def written(front: str, title: str) -> int:
    headers = {"Authorization": f"Bearer {token(front)}"}
    answer = httpx.get(f"{front}/api/posts/?search={title}", headers=headers, timeout=30)
    return int(answer.raise_for_status().json()["count"])


def token(front: str) -> str:
    body = {"username": "alice", "password": "strangler-demo"}
    return str(httpx.post(f"{front}/api/auth/token/", json=body, timeout=30).raise_for_status().json()["access"])


async def now_and_then(front: str, title: str, seen: Load, over: asyncio.Event) -> None:
    """A client that keeps its connection idle between its posts: nginx's old worker goes on serving it for 5 s."""
    headers = {"Authorization": f"Bearer {token(front)}"}
    async with httpx.AsyncClient(base_url=front, headers=headers, timeout=30, trust_env=False) as client:
        while not over.is_set():
            for prefix in ("/api", "/api/v2"):
                sent = time.monotonic()
                try:
                    answer = await client.post(f"{prefix}/posts/", json={"title": title, "content": "c"})
                except httpx.TransportError as error:
                    seen.lost.append(f"{prefix}: {error!r}")
                    continue
                by = answer.headers.get("X-Served-By", "")
                seen.answers.append(Answered(sent, time.monotonic(), b"POST", by, answer.status_code))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), 0.3)


async def deployed_under_load(checkout: Checkout, front: str, title: str) -> tuple[Load, list[str]]:
    """Both stacks, one after the other, while clients read and write on both."""
    host, over = front.removeprefix("http://"), asyncio.Event()
    requests = [request("GET", f"{prefix}/tags/", host=host) for prefix in ("/api", "/api/v2")]
    async with load(front, requests, clients=CLIENTS) as seen, asyncio.TaskGroup() as writers:
        for _ in range(WRITERS):
            writers.create_task(now_and_then(front, title, seen, over))
        output = []
        for service in ("fastapi", "django"):
            done = await asyncio.to_thread(checkout.strangler, "deploy", service)
            output.append(done.stdout + done.stderr)
        over.set()
    return seen, output


async def test_both_stacks_are_deployed_under_load_and_no_request_is_lost(checkout: Checkout, front: str) -> None:
    before = checkout.running().services
    seen, output = await deployed_under_load(checkout, front, "deployed")
    statuses = {
        status: sum(each.status == status for each in seen.answers) for status in {a.status for a in seen.answers}
    }
    assert seen.lost == [], statuses
    assert set(statuses) == {200, 201}
    assert written(front, "deployed") == statuses[201]
    assert {each.served_by for each in seen.answers} == {"django", "fastapi"}
    after = checkout.running().services
    for name, text in zip(("fastapi", "django"), output, strict=True):
        assert text.splitlines()[-1] == f"{name} is deployed"
        assert "the old worker ends its jobs" in text or name == "django"
        assert after[name].pid != before[name].pid
        assert (after[name].address, after[name].restarts) == (before[name].address, 0)
    assert set(after) == set(before)
    assert (after["worker"].pid != before["worker"].pid, after["worker"].restarts) == (True, 0)
    assert "nothing is pending: the file is applied" in checkout.strangler("check").stdout


def test_a_worker_of_nginx_that_hears_late_of_a_deploy_loses_no_request(checkout: Checkout, front: str) -> None:
    """On a busy machine one may run again long after the others have answered for the new address."""
    running = checkout.running().services["nginx"].find()
    assert running is not None
    with contextlib.ExitStack() as going_on, ThreadPoolExecutor() as threads:
        client = going_on.enter_context(httpx.Client(base_url=front, timeout=60, trust_env=False))
        assert client.get("/api/v2/tags/").headers["X-Served-By"] == "fastapi"
        slow = connected_worker(client, running)
        slow.suspend()
        going_on.callback(resume, slow)
        deploy = threads.submit(checkout.strangler, "deploy", "fastapi")
        until(lambda: any("the old fastapi finishes what it has" in line for line in deploying(checkout)))
        old = checkout.running().services["fastapi"]
        # As long as the worker may have a connection, whose request it would send to the old service.
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            assert old.find() is not None
            time.sleep(0.05)
        slow.resume()
        answer = client.get("/api/v2/tags/")
        assert (answer.status_code, answer.headers["X-Served-By"]) == (200, "fastapi")
        assert deploy.result().stdout.splitlines()[-1] == "fastapi is deployed"


def connected_worker(client: httpx.Client, nginx: psutil.Process) -> psutil.Process:
    """The worker of nginx that has the client's connection."""
    (connection,) = client._transport._pool.connections  # type: ignore[attr-defined] # httpx gives no address
    address = connection._connection._network_stream.get_extra_info("client_addr")
    for worker in nginx.children():
        if any(each.raddr and each.raddr[1] == address[1] for each in worker.net_connections("tcp")):
            return worker
    pytest.fail(f"no worker of nginx has the connection from {address}")


def resume(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.resume()


async def test_a_service_whose_main_process_dies_is_replaced_while_its_workers_serve(
    checkout: Checkout, front: str
) -> None:
    before = checkout.running().services
    host = front.removeprefix("http://")
    async with load(front, [request("GET", "/api/v2/tags/", host=host)], clients=CLIENTS) as seen:
        psutil.Process(before["fastapi"].pid).kill()
        status = await asyncio.to_thread(checkout.strangler, "status")
        await asyncio.to_thread(until, lambda: replaced(checkout, before["fastapi"].pid))
    assert f"fastapi {before['fastapi'].pid} {before['fastapi'].address} orphaned" in status.stdout
    assert (seen.lost, {each.status for each in seen.answers}) == ([], {200})
    after = checkout.running().services
    assert set(after) == set(before)
    assert (after["fastapi"].pid != before["fastapi"].pid, after["fastapi"].restarts) == (True, 1)
    assert after["fastapi"].last_end.startswith("fastapi was ended by SIGKILL at 20")
    assert after["worker"].pid == before["worker"].pid


def replaced(checkout: Checkout, pid: int) -> bool:
    """Whether another FastAPI is deployed; until it begins to be, what is told is of the deploy before."""
    service = checkout.running().services.get("fastapi")
    return service is not None and service.pid != pid and deploying(checkout)[-1:] == ("fastapi is deployed",)


def test_a_route_moves_while_a_deploy_is_under_way(checkout: Checkout, front: str) -> None:
    """It is taken back at once, while the new service answers on its spare port, and that is where nginx goes on."""
    before = checkout.path.joinpath(".run/nginx/current").readlink()
    with ThreadPoolExecutor() as threads:
        deploy = threads.submit(checkout.strangler, "deploy", "fastapi")
        deadline = time.monotonic() + START_SECONDS
        while checkout.path.joinpath(".run/nginx/current").readlink() == before:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        moved = checkout.strangler("rollback", "--all-to-django")
        is_over = deploy.done()
        assert moved.returncode == 0, moved.stderr
        assert deploy.result().stdout.splitlines()[-1] == "fastapi is deployed"
    assert not is_over
    assert httpx.get(f"{front}/api/v2/feed/").headers["X-Served-By"] == "django"
    moves = json.loads(checkout.strangler("history", "--json").stdout)
    assert [each["command"].split()[0] for each in moves] == ["up", "rollback"]
    version = moves[-1]["after"]["version"]
    assert own_version(version) != version
    assert checkout.path.joinpath(".run/nginx/current").readlink().name == own_version(version)
    assert "nothing is pending: the file is applied" in checkout.strangler("check").stdout
    back = checkout.strangler("rollback", "--yes", "--force", "--reason", "as before")
    assert back.returncode == 0, back.stderr
    assert httpx.get(f"{front}/api/v2/feed/").headers["X-Served-By"] == "fastapi"


def test_code_that_does_not_start_changes_nothing(checkout: Checkout, front: str) -> None:
    before = checkout.running().services
    main = checkout.path / "current" / "fastapi_app" / "__main__.py"
    good = main.read_text()
    main.write_text("raise SystemExit('a fault')\n")
    try:
        refused = checkout.strangler("deploy", "fastapi")
    finally:
        main.write_text(good)
    assert refused.returncode == 4
    assert "fastapi-new ended with code 1 at 20" in refused.stderr
    assert "and the old fastapi serves as before: strangler logs fastapi-new says more." in refused.stderr
    assert "a fault" in checkout.strangler("logs", "fastapi-new").stdout
    assert checkout.running().services == before
    assert httpx.get(f"{front}/api/v2/feed/").headers["X-Served-By"] == "fastapi"


def test_a_worker_that_does_not_start_changes_nothing(checkout: Checkout, front: str) -> None:
    before = checkout.running().services
    tasks = checkout.path / "current" / "fastapi_app" / "commands" / "command_line.py"
    good = tasks.read_text()
    tasks.write_text(good.replace("create_worker(settings).run_worker()", "raise SystemExit('a fault')"))
    try:
        refused = checkout.strangler("deploy", "fastapi")
    finally:
        tasks.write_text(good)
    assert refused.returncode == 4, refused.stdout
    assert "worker-new ended with code 1 at 20" in refused.stderr
    assert "and the old fastapi serves as before: strangler logs worker-new says more." in refused.stderr
    assert "a fault" in checkout.strangler("logs", "worker-new").stdout
    assert checkout.running().services == before
    assert httpx.get(f"{front}/api/v2/feed/").headers["X-Served-By"] == "fastapi"


def test_the_job_under_way_is_done_by_the_old_worker(checkout: Checkout) -> None:
    jobs = "SELECT status::text, attempts FROM procrastinate_jobs WHERE task_name = 'prune_drafts'"
    old = checkout.running().services["worker"]
    address = psutil.Process(old.pid).environ()["DATABASE_URL"]
    with psycopg.connect(address) as writer, psycopg.connect(address, autocommit=True) as reader:
        writer.execute("LOCK TABLE posts IN EXCLUSIVE MODE")
        enqueued = checkout.strangler("manage", "prune_drafts", "--older-than", "365", "--later")
        assert enqueued.returncode == 0, enqueued.stderr
        until(lambda: reader.execute(jobs).fetchall() == [("doing", 0)])
        with ThreadPoolExecutor() as threads:
            deploy = threads.submit(checkout.strangler, "deploy", "fastapi")
            until(lambda: any("the old worker ends its jobs" in line for line in deploying(checkout)))
            assert reader.execute(jobs).fetchall() == [("doing", 0)]
            assert not deploy.done()
            writer.rollback()
            assert deploy.result().returncode == 0
        assert reader.execute(jobs).fetchall() == [("succeeded", 1)]
    new = checkout.running().services["worker"]
    assert (new.pid != old.pid, new.restarts) == (True, 0)
    assert old.find() is None


def deploying(checkout: Checkout) -> tuple[str, ...]:
    """What the last deploy has said so far."""
    found = DeployFile(checkout.path / ".run").read()
    return found.lines if found is not None else ()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_folder_points_to_the_release_that_is_ready(checkout: Checkout, front: str) -> None:
    release, link = _release(checkout, "release-2"), checkout.path / "current"
    main = release / "fastapi_app" / "__main__.py"
    good = main.read_text()
    main.write_text("raise SystemExit('a fault')\n")
    refused = checkout.strangler("deploy", "fastapi", "--to", "release-2")
    assert refused.returncode == 4, refused.stderr
    assert str(link.readlink()) == "release-1"
    main.write_text(good)
    deployed = checkout.strangler("deploy", "fastapi", "--to", "release-2")
    assert deployed.returncode == 0, deployed.stderr
    assert "current points to release-2; it pointed to release-1" in deployed.stdout
    for name in ("fastapi", "worker"):
        process = checkout.running().services[name].find()
        assert process is not None
        assert process.cwd() == str(release)
    back = checkout.strangler("deploy", "fastapi", "--to", str(checkout.path / "release-1"))
    assert back.stdout.splitlines()[-1] == "fastapi is deployed", back.stderr
    assert str(link.readlink()) == "release-1"
    assert httpx.get(f"{front}/api/v2/feed/").headers["X-Served-By"] == "fastapi"


def test_a_deploy_that_ended_half_way_is_finished_by_the_next(checkout: Checkout, front: str) -> None:
    services = checkout.running().services
    before = checkout.path.joinpath(".run/nginx/current").readlink()
    with ThreadPoolExecutor() as threads, socket.socket() as taker:
        first = threads.submit(checkout.strangler, "deploy", "fastapi")
        deadline = time.monotonic() + START_SECONDS
        while checkout.path.joinpath(".run/nginx/current").readlink() == before:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        psutil.Process(services["fastapi"].pid).kill()
        while True:
            with contextlib.suppress(OSError):
                taker.bind(("127.0.0.1", checkout.ports["FASTAPI_PORT"]))
                taker.listen()
                break
            assert time.monotonic() < deadline
        halved = first.result()
    assert halved.returncode == 4
    assert "and the new fastapi goes on serving on port" in halved.stderr
    assert httpx.get(f"{front}/api/v2/feed/").headers["X-Served-By"] == "fastapi"
    left = checkout.running().services["fastapi-new"].find()
    assert left is not None
    again = checkout.strangler("deploy", "fastapi")
    assert again.stdout.splitlines()[-1] == "fastapi is deployed", again.stderr
    assert set(checkout.running().services) == set(services)
    assert not left.is_running()
    assert checkout.path.joinpath(".run/nginx/current").readlink() == before
    assert "nothing is pending: the file is applied" in checkout.strangler("check").stdout


def test_new_code_of_django_waits_for_its_migrations(checkout: Checkout) -> None:
    folder = checkout.path / "django_app" / "blog" / "migrations"
    last = max(folder.glob("0*.py")).stem
    pending = folder / "9999_pending.py"
    pending.write_text(
        "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        f"    dependencies = [('blog', '{last}')]\n    operations = [migrations.RunSQL('SELECT 1')]\n"
    )
    try:
        refused = checkout.strangler("deploy", "django")
    finally:
        pending.unlink()
    assert refused.returncode == 2
    assert "the new Django can't be deployed yet" in refused.stderr
    assert "strangler manage migrate" in refused.stderr


def test_what_can_not_be_deployed_is_said(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    refused = checkout.strangler("deploy", "fastapi")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "the stack doesn't run: start it with strangler up" in refused.stderr
    contained = checkout.strangler("deploy", "fastapi", GATEWAY="container")
    assert "start it with docker compose up --build --detach" in contained.stderr
    released = checkout.strangler("deploy", "fastapi", "--to", "release-2", GATEWAY="container")
    assert "a container's code is its image's: name the image in docker-compose.yml" in released.stderr
