"""The same requests at every stage of their routes: who answers, under which prefix, and a move under load."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from strangler.routes.route import Answer, Api, Stage
from tests.e2e.conftest import MakeGateway
from tests.example import PREFIXES, load_routes
from tests.gateways import DEPLOYED, Gateway, marks, routes_at

CLIENTS = 8
RELOADS = 3
MOVE_SECONDS = 20
WHO = {
    Answer.DJANGO: {"django"},
    Answer.FASTAPI: {"fastapi"},
    Answer.SPLIT: {"django", "fastapi"},
    Answer.GONE: {"nginx"},
}
READS = [
    (route.name, route.path.replace("{id}", "1")) for route in load_routes(DEPLOYED).routes if route.methods == ("GET",)
]


@pytest.mark.parametrize("stage", Stage)
def test_every_read_is_answered_by_the_stack_of_its_stage(stage: Stage, make_gateway: MakeGateway) -> None:
    with httpx.Client(base_url=make_gateway({"*": stage}).url) as client:
        for api in Api:
            for name, path in READS:
                response = client.get(PREFIXES.of(api) + path)
                served_by, route = marks(response)
                assert (served_by in WHO[stage.answers(api)], route) == (True, name)
                assert response.status_code in ({410} if served_by == "nginx" else {200, 401, 404}), response.text


@pytest.mark.parametrize("stage", Stage)
def test_links_carry_the_clients_prefix_whoever_answers(stage: Stage, make_gateway: MakeGateway) -> None:
    url = make_gateway({"*": stage}).url
    for api in [api for api in Api if stage.answers(api) is not Answer.GONE]:
        page = httpx.get(f"{url}{PREFIXES.of(api)}/feed/?page_size=1").json()["next"]
        assert page == f"{url}{PREFIXES.of(api)}/feed/?page=2&page_size=1"
        assert httpx.get(page).json()["previous"] == f"{url}{PREFIXES.of(api)}/feed/?page_size=1"
        moved = httpx.get(f"{url}{PREFIXES.of(api)}/feed?page=2")
        assert (moved.status_code, moved.headers["Location"]) == (301, f"{PREFIXES.of(api)}/feed/?page=2")
        assert marks(moved)[0] in WHO[stage.answers(api)]


def test_one_method_of_a_path_moves_alone(make_gateway: MakeGateway) -> None:
    url = make_gateway({"posts.list": "migrated", "posts.create": "legacy"}).url
    asked = {method: httpx.request(method, f"{url}/api/posts/") for method in ("GET", "HEAD", "POST", "OPTIONS", "PUT")}
    assert {method: marks(response)[0] for method, response in asked.items()} == {
        "GET": "fastapi",
        "HEAD": "fastapi",
        "POST": "django",
        "OPTIONS": "django",
        "PUT": "django",
    }
    assert {response.status_code for response in asked.values()} == {401}


class Load:
    """Clients that ask without a pause, each on one connection that is kept alive."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ended = threading.Event()
        self.failures: list[str] = []
        self.answers: Counter[str] = Counter()

    def ask(self) -> None:
        with httpx.Client(base_url=self._url, timeout=10) as client:
            while not self._ended.is_set():
                try:
                    response = client.post("/api/auth/token/verify/", json={"token": "none"})
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                    continue
                self.answers[response.headers["X-Served-By"]] += 1
                if response.status_code != 401:
                    self.failures.append(response.text)

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.ask) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def wait_for(self, stack: str, *, more: int) -> None:
        """Until so many more requests were answered by `stack`."""
        wanted = self.answers[stack] + more
        deadline = time.monotonic() + MOVE_SECONDS
        while self.answers[stack] < wanted:
            assert time.monotonic() < deadline, f"{stack} answers nothing: {self.answers}"
            time.sleep(0.01)


def move(gateway: Gateway, stage: str) -> None:
    gateway.render(routes_at({"auth.verify": stage}))
    gateway.reload()


def test_a_move_under_load_loses_no_request(make_gateway: MakeGateway) -> None:
    """POSTs, which neither nginx nor the client sends twice, over connections that are idle now and then."""
    gateway = make_gateway({"auth.verify": "parallel"})
    load = Load(gateway.url)
    with load.running():
        load.wait_for("django", more=50)
        for number in range(RELOADS):
            stage, stack = [("migrated", "fastapi"), ("parallel", "django")][number % 2]
            move(gateway, stage)
            load.wait_for(stack, more=50)
    assert load.failures == []
    assert set(load.answers) == {"django", "fastapi"}
