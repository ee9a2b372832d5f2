"""A stack of its own whose database loses a column, stops, and comes back."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from strangler.deployment.local_stack import LocalStack
from strangler.local.ports import port_free_pick
from strangler.local.services import stack_environment
from strangler.routes.route import Stack
from tests.example import ROOT, example_settings
from tests.gateways import gateway, marks, routes_at

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("own stack")]

SECONDS = 30
MISSING = (
    "Column posts.title is missing (needed by admin, feed, posts, users): "
    "run the Django migrations, or deploy the FastAPI that does without it."
)


@pytest.fixture(scope="module")
def own() -> Iterator[LocalStack]:
    settings = example_settings(
        proxy_port=port_free_pick(),
        django_port=port_free_pick(),
        fastapi_port=port_free_pick(),
        postgres_port=port_free_pick(),
        django_workers=1,
        fastapi_workers=1,
    )
    # Not in pytest's own folder: each pytest that starts takes back the search bit that PostgreSQL's account needs.
    with (
        tempfile.TemporaryDirectory(prefix="strangler own ") as folder,
        LocalStack(settings, state_dir=Path(folder), durable=False) as stack,
    ):
        yield stack


@pytest.fixture
def door(own: LocalStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=own.proxy_url, timeout=SECONDS) as client:
        yield client


@contextmanager
def without_title(dsn: str) -> Iterator[None]:
    """The table of posts while its title has another name."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER TABLE posts RENAME COLUMN title TO headline")
        try:
            yield
        finally:
            connection.execute("ALTER TABLE posts RENAME COLUMN headline TO title")


@contextmanager
def second_fastapi(own: LocalStack) -> Iterator[httpx.Client]:
    """Another FastAPI process on the same database, as an operator would start it."""
    settings = own.settings.model_copy(update={"fastapi_port": port_free_pick()})
    environment = stack_environment(settings, own.connections, Stack.FASTAPI)
    with subprocess.Popen(
        [sys.executable, "-m", "fastapi_app"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    ) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{settings.fastapi_port}", timeout=SECONDS) as client:
                yield client
        finally:
            process.terminate()


def wait_for(answered: Callable[[], object], wanted: object) -> None:
    """Until `answered` gives what is wanted; no connection counts as no answer."""
    deadline = time.monotonic() + SECONDS
    found: object = None
    while found != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
        try:
            found = answered()
        except httpx.TransportError as error:
            found = error


def ready(client: httpx.Client) -> tuple[int, str]:
    response = client.get("/api/v2/health/ready")
    body = response.json()
    return response.status_code, body.get("detail") or body["status"]


def database_start(own: LocalStack) -> None:
    """As `strangler up` does, which looks after its children all the time."""

    def answers() -> bool:
        own.children.restart_ended()
        return own.state.services["postgres"].probe.answers()  # type: ignore[union-attr] # it has one

    wait_for(answers, True)


def statuses(client: httpx.Client, *paths: str) -> list[int]:
    return [client.get(path).status_code for path in paths]


def test_a_running_service_names_the_column_that_went_missing(own: LocalStack, door: httpx.Client) -> None:
    assert ready(door) == (200, "ok")
    with without_title(own.owner_dsn):
        assert ready(door) == (503, MISSING)
        assert statuses(door, "/api/v2/health/live") == [200]
    assert ready(door) == (200, "ok")
    assert statuses(door, "/api/v2/feed/") == [200]


def test_a_service_that_starts_without_a_column_waits_for_it(own: LocalStack) -> None:
    with second_fastapi(own) as client:
        with without_title(own.owner_dsn):
            wait_for(lambda: statuses(client, "/api/v2/health/live"), [200])
            wait_for(lambda: client.get("/api/v2/feed/").json(), {"detail": MISSING})
            assert ready(client) == (503, MISSING)
            assert statuses(client, "/api/v2/feed/", "/api/v2/health/live") == [503, 200]
        wait_for(lambda: statuses(client, "/api/v2/feed/"), [200])
        assert ready(client) == (200, "ok")


def test_both_stacks_survive_a_database_that_stops_and_starts(own: LocalStack, door: httpx.Client) -> None:
    feeds = ("/api/feed/", "/api/v2/feed/")
    assert statuses(door, *feeds) == [200, 200]
    own._postgres.stop()
    try:
        status, sentence = ready(door)
        assert status == 503
        assert sentence.startswith("The database does not answer (")
        assert sentence.endswith("): start it, or fix FASTAPI_DATABASE_URL.")
        assert statuses(door, "/api/health/", "/api/v2/health/live") == [503, 200]
    finally:
        database_start(own)
    wait_for(lambda: statuses(door, *feeds, "/api/health/", "/api/v2/health/ready"), [200] * 4)


def test_a_service_that_starts_without_a_database_waits_for_it(own: LocalStack) -> None:
    own._postgres.stop()
    try:
        with second_fastapi(own) as client:
            wait_for(lambda: statuses(client, "/api/v2/health/live"), [200])
            assert ready(client)[0] == 503
            assert statuses(client, "/api/v2/feed/") == [503]
            database_start(own)
            wait_for(lambda: statuses(client, "/api/v2/feed/"), [200])
    finally:
        database_start(own)


def test_a_legacy_route_below_v2_writes_with_django(own: LocalStack) -> None:
    table = routes_at({"posts.create": "legacy", "posts.delete": "legacy"})
    with (
        gateway(table, django=own.django_url, fastapi=own.fastapi_url) as made,
        httpx.Client(base_url=made.url, timeout=SECONDS) as client,
    ):
        credentials = {"username": "alice", "password": own.settings.demo_password}
        client.headers["Authorization"] = (
            f"Bearer {client.post('/api/v2/auth/token/', json=credentials).json()['access']}"
        )
        created = client.post("/api/v2/posts/", json={"title": "Ünïcode 🌱", "content": "x", "tags": ["new"]})
        assert (created.status_code, marks(created)) == (201, ("django", "posts.create"))
        path = f"/api/v2/posts/{created.json()['id']}/"
        read = client.get(path)
        assert (read.status_code, marks(read)) == (200, ("fastapi", "posts.retrieve"))
        assert read.content == created.content
        removed = client.delete(path)
        assert (removed.status_code, marks(removed)) == (204, ("django", "posts.delete"))
        assert client.get(path).status_code == 404


def test_staff_sign_in_to_the_admin_through_the_gateway(door: httpx.Client, own: LocalStack) -> None:
    form = door.get("/admin/login/")
    fields = {
        "username": "admin",
        "password": own.settings.demo_password,
        "csrfmiddlewaretoken": form.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0],
        "next": "/admin/",
    }
    signed_in = door.post("/admin/login/", data=fields, headers={"Origin": own.proxy_url, "Referer": str(form.url)})
    assert (signed_in.status_code, signed_in.headers["Location"]) == (302, "/admin/")
    index = door.get("/admin/")
    assert index.status_code == 200
    assert all(f'href="/admin/{model}/"' in index.text for model in ("accounts/user", "blog/post", "blog/tag"))
