"""The worker as a process before two real, tiny stacks: what it asks, counts, drops, survives and never writes down."""

import itertools
import json
import os
import pwd
import socket
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from strangler.compare.shadow.results import shadow_evidence
from strangler.compare.shadow.results_server import results_served
from strangler.compare.shadow.store import COUNTS, ShadowStore
from strangler.deployment import container_shadow
from strangler.errors import FailedError, UsageError
from tests.shadows import Reply, Request, Shadow, TinyStack, shadow, wait_until

pytestmark = pytest.mark.long

Start = Callable[..., AbstractContextManager[Shadow]]
TOKEN = "opaque-9f8e7d6c5b4a"


@pytest.fixture
def django(stacks: tuple[TinyStack, TinyStack]) -> TinyStack:
    return stacks[0]


@pytest.fixture
def fastapi(stacks: tuple[TinyStack, TinyStack]) -> TinyStack:
    return stacks[1]


@pytest.fixture
def start(django: TinyStack, fastapi: TinyStack, tmp_path: Path) -> Start:
    """Starts a worker before both; it ends with the `with` block."""

    def begin(**settings: object) -> AbstractContextManager[Shadow]:
        return shadow(tmp_path, **{"django_url": django.url, "fastapi_url": fastapi.url} | settings)

    return begin


def body(value: object) -> Callable[[Request], Reply]:
    return lambda _request: Reply(json.dumps(value).encode())


def test_both_stacks_are_asked_what_the_client_asked(start: Start, django: TinyStack, fastapi: TinyStack) -> None:
    sent = {"authorization": f"Bearer {TOKEN}", "accept": "application/json", "accept_language": "de"}
    with start() as worker:
        worker.send({"uri": "/api/v2/posts/?q=%C3%A9&x={1}|", "api": "v2", "request_id": "r1"} | sent)
        worker.wait_for(asked=1, equal=1)
    expected = {
        "host": "blog.example",
        "user-agent": "strangler-shadow",
        "x-forwarded-prefix": "/api",
        "x-forwarded-proto": "https",
        "x-request-id": "shadow-r1",
        "accept-encoding": "identity",
        **{name.replace("_", "-"): value for name, value in sent.items()},
    }
    assert django.asked == [Request("GET", "/api/posts/?q=%C3%A9&x={1}|", expected)]
    assert fastapi.asked == [Request("GET", "/api/v2/posts/?q=%C3%A9&x={1}|", expected)]


def test_what_compares_is_loaded_with_the_first_sample_and_none_of_those_meanwhile_is_lost(
    start: Start, django: TinyStack
) -> None:
    def loaded(worker: Shadow) -> bool:
        assert worker.child is not None
        return any("aiohttp" in each.path for each in psutil.Process(worker.child.pid).memory_maps())

    with start() as worker:
        assert not loaded(worker)
        worker.send(*({"uri": f"/api/posts/?page={number}"} for number in range(1, 51)))
        worker.wait_for(asked=50, equal=50)
        assert loaded(worker)
    assert len(django.asked) >= 50


def test_a_worker_without_a_sample_ends_and_takes_its_socket_along(start: Start) -> None:
    with start() as worker:
        assert worker.socket.exists()
        assert worker.stop() == 0
        assert not worker.socket.exists()


def test_what_a_client_did_not_send_is_not_sent(start: Start, django: TinyStack) -> None:
    with start() as worker:
        worker.send({"method": "HEAD"})
        worker.wait_for(asked=1, equal=1)
    assert django.asked[0].method == "HEAD"
    assert not {"authorization", "accept", "accept-language", "cookie"} & set(django.asked[0].headers)


def test_a_difference_is_kept_with_its_place_and_example(start: Start, django: TinyStack, fastapi: TinyStack) -> None:
    django.reply = body({"results": [{"title": "a"}, {"title": "b"}], "next": "https://blog.example/api/posts/?page=2"})
    fastapi.reply = body(
        {"results": [{"title": "A"}, {"title": "B"}], "next": "https://blog.example/api/posts/?page=2"}
    )
    with start() as worker:
        worker.send({"request_id": "r1"})
        worker.wait_for(asked=1)
        worker.send({"request_id": "r2"})
        found = worker.wait_for(asked=2, different=2)
        assert found.first <= found.last
        (difference,) = worker.differences()
    assert (difference.kind, difference.pattern, difference.count) == ("value", "$.results[*].title", 4)
    assert (difference.place, difference.django, difference.fastapi) == ("$.results[1].title", '"b"', '"B"')
    assert (difference.method, difference.path, difference.request_id) == ("GET", "/posts/", "r2")
    # Only Django gets the request again.
    assert (len(django.asked), len(fastapi.asked)) == (4, 2)


def test_what_django_cannot_repeat_is_noise(start: Start, django: TinyStack, fastapi: TinyStack) -> None:
    counter = itertools.count()
    django.reply = lambda _request: Reply(json.dumps({"now": next(counter), "title": "a"}).encode())
    fastapi.reply = body({"now": -1, "title": "a"})
    with start() as worker:
        worker.send({})
        worker.wait_for(asked=1, noise=1, different=0)
        assert worker.differences() == []
        # A place that Django does repeat isn't hidden by one that it doesn't.
        fastapi.reply = body({"now": -1, "title": "b"})
        worker.send({})
        worker.wait_for(asked=2, noise=1, different=1)
        assert [each.pattern for each in worker.differences()] == ["$.title"]


def test_another_status_the_second_time_is_noise(start: Start, django: TinyStack, fastapi: TinyStack) -> None:
    replies = iter([Reply(b'{"detail":"x"}', status=404), Reply()])
    django.reply = lambda _request: next(replies)
    # A place that is in neither of Django's two answers: with another status, the whole answer is another one.
    fastapi.reply = body({"other": 1})
    with start() as worker:
        worker.send({})
        worker.wait_for(asked=1, noise=1)


def test_declared_differences_are_counted_apart(start: Start, django: TinyStack, fastapi: TinyStack) -> None:
    django.reply = lambda _request: Reply(b"<h1>Server Error (500)</h1>", status=500)
    fastapi.reply = lambda _request: Reply(b'{"detail":"no"}', status=401)
    with start() as worker:
        worker.send({"route": "users.me", "uri": "/api/users/me/"}, {})
        worker.wait_for("users.me", asked=1, declared=1, different=0)
        found = worker.wait_for("posts.list", asked=1, unavailable=1)
        assert found.failure == "django answered 500"
        assert worker.differences() == []


def test_ignored_kinds_do_not_count(start: Start, django: TinyStack, fastapi: TinyStack) -> None:
    django.reply, fastapi.reply = body({"a": 1, "b": 2}), body({"b": 2, "a": 1})
    with start(ignore='["key_order"]') as worker:
        worker.send({})
        worker.wait_for(asked=1, equal=1)


def test_redirects_and_cookies_are_answers_and_no_more(start: Start, django: TinyStack, fastapi: TinyStack) -> None:
    for stack in (django, fastapi):
        stack.reply = lambda _request: Reply(
            b"", status=301, headers={"Location": "/api/posts/", "Set-Cookie": "sessionid=1; Path=/"}
        )
    with start() as worker:
        worker.send({"uri": "/api/posts"}, {"uri": "/api/posts"})
        worker.wait_for(asked=2, equal=2)
    assert [request.target for request in django.asked] == ["/api/posts"] * 2
    assert not any("cookie" in request.headers for request in (*django.asked, *fastapi.asked))


def test_a_slow_stack_is_a_failure_that_holds_nobody_up(start: Start, django: TinyStack, fastapi: TinyStack) -> None:
    fastapi.reply = lambda request: Reply(after=5 if "slow" in request.target else 0)
    with start(timeout=0.3, concurrency=2) as worker:
        worker.send({"uri": "/api/posts/?slow"}, *[{}] * 5)
        found = worker.wait_for(asked=6, failed=1, equal=5)
    assert found.failure == "fastapi took longer than 0.3 s"
    assert len(django.asked) == 6


def test_a_stack_that_is_down_is_a_failure_until_it_is_back(
    start: Start, django: TinyStack, fastapi: TinyStack
) -> None:
    fastapi.stop()
    with start() as worker:
        worker.send({})
        assert worker.wait_for(asked=1, failed=1).failure == "fastapi does not answer (connection refused)"
    with start(fastapi_url=django.url) as worker:
        worker.send({})
        worker.wait_for(asked=2, failed=1, equal=1)


def test_a_body_that_is_too_long_is_not_read_to_its_end(start: Start, django: TinyStack) -> None:
    django.reply = lambda _request: Reply(b"x" * 50_000_000)
    with start(body_bytes=100_000) as worker:
        worker.send({})
        assert worker.wait_for(asked=1, failed=1).failure == "django answered with more than 100,000 bytes"


def test_what_cannot_be_asked_in_time_is_dropped_and_counted(start: Start, django: TinyStack) -> None:
    with start(rate=5, queue=40, queue_per_route=30) as worker:
        worker.send(*[{}] * 500)
        # A quiet route gets its turn although a busy one fills its queue.
        worker.send({"route": "tags.list"})
        worker.wait_for("tags.list", asked=1, equal=1, dropped=0)
        wait_until(lambda: worker.route().dropped > 400, worker.log)
        assert worker.stop() == 0
        found = worker.route()
    assert found.asked + found.dropped == 500
    assert found.asked < 40
    assert len(django.asked) <= found.asked + 5


def test_corrupt_datagrams_are_counted_and_skipped(start: Start) -> None:
    with start() as worker:
        worker.send_raw(b"", b"\xff\xfe", b"<190>x: {", b'{"method":[]}', b"{" * 60_000, b'{"method":"' + b"x" * 70_000)
        worker.send({"uri": "/elsewhere/"}, {"method": "POST"}, {"route": "../x"}, {"uri": "/api/posts/../users/"})
        worker.send({})
        worker.wait_for(asked=1, equal=1)
        assert worker.results.refused()["malformed"] == 10


def test_no_token_reaches_the_disk(start: Start, django: TinyStack, fastapi: TinyStack) -> None:
    """Not by a stack that repeats it, not by an answer under a secret name, not by a request that can't be sent."""
    django.reply = lambda request: Reply(
        json.dumps({"detail": f"who is {request.headers.get('authorization')}?", "access": "hidden-a"}).encode(),
        headers={"X-Token": "hidden-b", "Set-Cookie": "sessionid=hidden-c"},
    )
    fastapi.reply = lambda request: Reply(
        f"<h1>{request.headers.get('authorization')} hidden-d</h1>".encode(),
        status=404 if "fail" in request.target else 200,
    )
    with start() as worker:
        worker.send({"authorization": f"Bearer {TOKEN}", "uri": "/api/posts/?fail"})
        # No server and no library takes this header; what they say of it quotes it.
        worker.send({"authorization": f"Bearer {TOKEN}\r\nX: 1"}, {"authorization": f"\x00{TOKEN}"})
        worker.wait_for(asked=3, different=1, failed=2)
        worker.send({"authorization": f"Bearer {TOKEN}", "uri": f"/api/posts/?token={TOKEN}&page={TOKEN}"})
        worker.wait_for(asked=4, different=2)
        places = {each.place: each.path for each in worker.differences()}
        assert places.keys() == {"body", "status", "header set-cookie sessionid", "header x-token"}
        assert places["body"] == "/posts/?token=***&page=***"
        worker.stop()
        written = worker.written()
    assert TOKEN.encode() not in written
    assert b"hidden-" not in written
    assert b"Traceback" not in written


def test_results_survive_a_kill_and_a_second_worker_is_refused(start: Start, tmp_path: Path) -> None:
    with start() as worker:
        worker.send({})
        worker.wait_for(asked=1)
        second = worker.spawn()
        assert second.process.wait(20) == 2
        assert "another worker listens at shadow.sock: end the process that ss -xlp" in worker.log.read_text()
        worker.child.process.kill()  # type: ignore[union-attr] # it runs
        worker.child.process.wait(20)  # type: ignore[union-attr] # the same
        assert worker.socket.exists()
        worker.start()
        worker.send({})
        worker.wait_for(asked=2, equal=2)
        assert shadow_evidence(worker.database, ["posts.list", "tags.list"]) == {
            "posts.list": dict.fromkeys(COUNTS, 0) | {"asked": 2, "equal": 2}
        }
        ShadowStore(worker.database).reset(["posts.list"])
        worker.send({})
        worker.wait_for(asked=1, equal=1)
    assert not (tmp_path / "shadow.sock").exists()


def test_a_database_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "shadow.sqlite3").write_text("no database, but long enough to be read as one" * 100)
    worker = Shadow(tmp_path, django_url="http://127.0.0.1:1", fastapi_url="http://127.0.0.1:1")
    assert worker.spawn().process.wait(20) == 4
    assert "can't be used (file is not a database): remove it or name another." in worker.log.read_text()


def test_the_socket_is_for_nginx_alone(start: Start) -> None:
    owner = "nobody" if os.geteuid() == 0 else ""
    with start(socket_owner=owner) as worker:
        found = worker.socket.stat()
        assert stat.S_IMODE(found.st_mode) == 0o600
        assert found.st_uid == (pwd.getpwnam(owner).pw_uid if owner else os.geteuid())
        assert stat.S_IMODE(worker.database.stat().st_mode) == 0o600


def test_results_at_a_socket_are_for_its_group_and_go_with_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, path = tmp_path / "own.sqlite3", tmp_path / "results.sock"
    ShadowStore(database).prepare()
    monkeypatch.setattr(container_shadow, "_RESULTS", str(path))
    served = container_shadow.ServedShadow("shadow")
    with pytest.raises(FailedError, match="the results of shadow can't be read"):
        served.fetch(tmp_path)
    # As a worker that was killed has left it.
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    with results_served(str(path), database=database):
        assert path.stat().st_mode & 0o777 == 0o660
        assert served.fetch(tmp_path).read_bytes()[:6] == b"SQLite"
    assert not path.exists()
    with pytest.raises(UsageError, match="can't be listened at"), results_served("/none/a.sock", database=database):
        pass
