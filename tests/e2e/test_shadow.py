"""Shadow through a real nginx before both stacks: what clients read is asked of both again, and no client notices."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.conftest import MakeGateway
from tests.gateways import Gateway
from tests.shadows import Reply, Shadow, TinyStack, shadow, wait_until
from tests.shared_stack import StackAddresses

Watch = Callable[..., AbstractContextManager[Shadow]]
SAMPLED = ("posts.retrieve", "users.me", "users.retrieve", "users.posts", "feed.highlights")


@pytest.fixture
def door(make_gateway: MakeGateway) -> Gateway:
    """A gateway that samples every read of some routes."""
    return make_gateway(routes={name: {"shadow": 100} for name in SAMPLED})


@pytest.fixture
def client(door: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=door.url, timeout=30) as client:
        yield client


@pytest.fixture
def watch(stack: StackAddresses, door: Gateway) -> Watch:
    """Runs a worker for the gateway's samples; at the address of another FastAPI if given."""

    @contextmanager
    def begin(**settings: object) -> Iterator[Shadow]:
        addresses = {"django_url": stack.django_url, "fastapi_url": stack.fastapi_url}
        owner = "nobody" if os.geteuid() == 0 else ""
        with shadow(door.folder, **addresses | {"socket_owner": owner} | settings) as worker:  # type: ignore[arg-type] # texts, both
            yield worker

    return begin


@pytest.fixture
def alice(access_tokens: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_tokens['alice']}"}


def test_both_stacks_answer_alike_whichever_api_was_asked(
    watch: Watch, client: httpx.Client, alice: dict[str, str]
) -> None:
    post = client.get("/api/posts/?ordering=created_at", headers=alice).json()["results"][0]["id"]
    with watch() as worker:
        for api in ("/api", "/api/v2"):
            assert client.get(f"{api}/posts/{post}/", headers=alice).is_success
            assert client.get(f"{api}/posts/{post}/").status_code == 401
            assert client.get(f"{api}/posts/{post}", headers=alice).is_redirect
            assert client.head(f"{api}/posts/{post}/", headers=alice).is_success
            assert client.get(f"{api}/users/2/?x=%C3%A9&y=a b|", headers=alice | {"Accept-Language": "de"}).is_success
            assert client.get(f"{api}/users/2/posts/?page=1&page_size=1&search=zz", headers=alice).is_success
        worker.wait_for("posts.retrieve", asked=8, equal=8)
        worker.wait_for("users.retrieve", asked=2, equal=2)
        worker.wait_for("users.posts", asked=2, equal=2)
        assert worker.results.refused()["malformed"] == 0


def test_only_reads_of_sampled_routes_are_asked_again(
    watch: Watch, client: httpx.Client, alice: dict[str, str]
) -> None:
    with watch() as worker:
        client.get("/api/tags/")
        client.get("/api/health/")
        client.get("/nowhere/")
        client.post("/api/users/me/", headers=alice)
        client.patch("/api/users/me/", headers=alice, json={})
        client.options("/api/users/me/", headers=alice)
        client.get("/api/users/2/", headers=alice)
        worker.wait_for("users.retrieve", asked=1)
        assert worker.stop() == 0
        assert list(worker.results.routes()) == ["users.retrieve"]


def test_a_fastapi_that_lies_is_found_and_no_token_is_written_down(
    watch: Watch, door: Gateway, client: httpx.Client, access_tokens: dict[str, str]
) -> None:
    token = access_tokens["alice"]
    lie = {"username": "mallory", "password": "hidden", "told": f"Bearer {token}"}
    fastapi = TinyStack(lambda _request: Reply(json.dumps(lie).encode()))
    try:
        with watch(fastapi_url=fastapi.url) as worker:
            answer = client.get("/api/users/me/", headers={"Authorization": f"Bearer {token}"})
            worker.wait_for("users.me", asked=1, different=1)
            found = {each.pattern: each for each in worker.differences("users.me")}
    finally:
        fastapi.stop()
    username = found["$.username"]
    assert (username.django, username.fastapi) == ('"alice"', '"mallory"')
    assert username.request_id == answer.headers["X-Request-ID"]
    assert (found["$.password"].django, found["$.password"].fastapi) == (None, "***")
    assert found["$.told"].fastapi == '"***"'
    assert fastapi.asked[0].headers["host"] == urlsplit(door.url).netloc
    written = b"".join(path.read_bytes() for path in door.folder.parent.rglob("*") if path.is_file())
    assert b"mallory" in written
    assert not [part for part in token.split(".") if part.encode() in written]


def reported(worker: Shadow) -> int:
    """How many samples were sent, as far as the worker knows."""
    found = worker.route("users.retrieve")
    return found.asked + found.dropped + worker.results.refused()["missed"]


@pytest.mark.long
def test_clients_notice_nothing_of_a_worker_that_is_dead_or_does_not_listen(
    watch: Watch, client: httpx.Client, alice: dict[str, str]
) -> None:
    def ask(times: int) -> float:
        started = time.monotonic()
        for _ in range(times):
            assert client.get("/api/v2/users/2/", headers=alice).is_success
        return time.monotonic() - started

    with watch() as worker:
        usual = ask(50)
        wait_until(lambda: reported(worker) == 50, worker.log)
        assert worker.child is not None
        # More than the kernel has room for: nginx drops them, and the worker knows by the numbers.
        os.kill(worker.child.pid, signal.SIGSTOP)
        assert ask(600) < 20 * usual + 1
        os.kill(worker.child.pid, signal.SIGCONT)
        # Once it has read some, there is room for one more, whose number says how many were dropped.
        wait_until(lambda: reported(worker) > 50, worker.log)
        ask(1)
        wait_until(lambda: reported(worker) == 651, worker.log)
        assert worker.results.refused()["missed"] > 0

        worker.child.process.kill()
        worker.child.process.wait()
        assert ask(50) < 2 * usual + 1
        before = worker.route("users.retrieve").asked
        worker.start()
        ask(20)
        # nginx finds the new socket by itself.
        wait_until(lambda: worker.route("users.retrieve").asked >= before + 15, worker.log)


def test_a_share_is_a_share_of_the_requests(make_gateway: MakeGateway, alice: dict[str, str]) -> None:
    door = make_gateway(routes={"users.retrieve": {"shadow": 20}})
    owner = "nobody" if os.geteuid() == 0 else ""
    fastapi = TinyStack(lambda _request: Reply())
    try:
        with (
            shadow(door.folder, django_url=fastapi.url, fastapi_url=fastapi.url, socket_owner=owner) as worker,
            httpx.Client(base_url=door.url, timeout=30) as client,
        ):
            for _ in range(300):
                client.get("/api/v2/users/2/", headers=alice)
            wait_until(lambda: 30 <= reported(worker) <= 90, worker.log)
    finally:
        fastapi.stop()
