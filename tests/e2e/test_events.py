"""Events through the real nginx: whichever stack writes, to whom they go, and that none is lost or sent twice."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import httpx
import jwt
import psycopg
import pytest

from tests.shared_stack import StackAddresses
from tests.streams import PATIENCE_SECONDS, Stream, StreamEvent, stream

STACKS = ("/api", "/api/v2")
STREAMS = 100
KINDS = ["created", "published", "updated", "updated", "deleted"]

Write = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def door(stack: StackAddresses) -> Iterator[httpx.Client]:
    """The door where Django answers all of v1 and FastAPI all of v2, writes included."""
    with httpx.Client(base_url=stack.parallel_url, timeout=30) as client:
        yield client


@pytest.fixture
def write(door: httpx.Client, access_tokens: dict[str, str]) -> Write:
    """Sends a write as alice."""

    def send(method: str, path: str, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {access_tokens['alice']}"}
        return door.request(method, path, json=body, headers=headers).raise_for_status()

    return send


def new_post(write: Write, api: str = "/api", **fields: Any) -> int:
    body = {"title": "an event", "content": "c", "published": True} | fields
    post_id: int = write("POST", f"{api}/posts/", **body).json()["id"]
    return post_id


def forged(stack: StackAddresses, token: str, **claims: Any) -> str:
    """The same token with other claims, signed as the stacks do."""
    payload = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(payload | {"jti": uuid4().hex} | claims, stack.jwt_signing_key, algorithm="HS256")


@pytest.mark.parametrize("api", STACKS)
async def test_a_posts_life_is_reported_whichever_stack_writes(
    api: str, stack: StackAddresses, access_tokens: dict[str, str], write: Write
) -> None:
    async with stream(stack.parallel_url, access_tokens["alice"]) as alices:
        post_id = new_post(write, api, published=False, tags=["events-a"])
        path = f"{api}/posts/{post_id}/"
        write("POST", f"{path}publish/")
        write("POST", f"{path}publish/")
        write("PATCH", path, tags=["events-b"])
        write("PATCH", path, published=False, tags=["events-b"])
        write("DELETE", path)
        reported = await alices.of_post(post_id, len(KINDS))
        after = new_post(write)
        assert [event.event for event in await alices.of_post(after, 1)] == ["created"]
    assert [event.event for event in reported] == KINDS
    assert [event.data["published"] for event in reported] == [False, True, True, False, False]
    assert len({event.data["author_id"] for event in reported}) == 1
    assert all(event.data["created_at"].endswith("Z") for event in reported)


@pytest.mark.parametrize("api", STACKS)
@pytest.mark.parametrize("reader", ["bob", "admin"])
async def test_others_and_staff_hear_only_of_what_they_could_see(
    reader: str, api: str, stack: StackAddresses, access_tokens: dict[str, str], write: Write
) -> None:
    async with stream(stack.parallel_url, access_tokens[reader]) as theirs:
        draft = new_post(write, api, published=False)
        write("PATCH", f"{api}/posts/{draft}/", title="still a draft")
        shown = new_post(write, api, published=False)
        write("POST", f"{api}/posts/{shown}/publish/")
        write("PATCH", f"{api}/posts/{shown}/", published=False)
        write("PATCH", f"{api}/posts/{shown}/", title="hidden again")
        write("DELETE", f"{api}/posts/{draft}/")
        last = new_post(write, api)
        heard = [event async for event in until_post(theirs, last) if event.post_id in (draft, shown)]
    assert [(event.event, event.post_id, event.data["published"]) for event in heard] == [
        ("published", shown, True),
        ("updated", shown, False),
    ]


async def until_post(opened: Stream, post_id: int) -> Any:
    """The events up to the first one about a post."""
    while (reported := await opened.next()) is not None and reported.post_id != post_id:
        yield reported


@pytest.mark.parametrize("way", ["header", "query"])
async def test_a_client_that_comes_back_gets_what_it_missed_and_goes_on(
    way: str, stack: StackAddresses, access_tokens: dict[str, str], write: Write
) -> None:
    token = access_tokens["alice"]
    async with stream(stack.parallel_url, token) as first:
        before = new_post(write)
        await first.of_post(before, 1)
    missed = [new_post(write, api) for api in STACKS for _ in range(3)]
    path = f"/api/v2/events/?last_event_id={first.last_id}" if way == "query" else "/api/v2/events/"
    headers = {"Last_Event_ID": first.last_id} if way == "header" else {}
    async with stream(stack.parallel_url, token, path=path, **headers) as second:
        live = new_post(write)
        reported = [event async for event in until_post(second, live)]
    posts = [event.post_id for event in reported]
    assert before not in posts
    assert [post for post in posts if post in missed] == missed
    ids = [event.id for event in reported]
    assert len(set(ids)) == len(ids)


async def test_nothing_is_lost_or_reported_twice_by_a_client_that_keeps_coming_back(
    stack: StackAddresses, access_tokens: dict[str, str], write: Write
) -> None:
    """Each time perhaps at another process, which has read more or less than the one before."""
    token, reported, written = access_tokens["alice"], list[StreamEvent](), list[int]()
    async with stream(stack.parallel_url, token) as opened:
        await opened.block()
    for round_ in range(12):
        writing = asyncio.gather(*(asyncio.to_thread(new_post, write, STACKS[n % 2]) for n in range(3)))
        async with stream(stack.parallel_url, token, Last_Event_ID=opened.last_id) as again:
            again.last_id = opened.last_id
            for _ in range(round_ % 3 + 1):
                event = await again.next()
                assert event is not None
                reported.append(event)
            opened = again
        written += await writing
    async with stream(stack.parallel_url, token, Last_Event_ID=opened.last_id) as rest:
        end = new_post(write)
        reported += [event async for event in until_post(rest, end)]
    assert sorted(event.post_id for event in reported if event.post_id in written) == sorted(written)
    assert len({event.id for event in reported}) == len(reported)


async def test_an_event_that_is_no_longer_kept_is_answered_with_a_reset(
    stack: StackAddresses, access_tokens: dict[str, str], write: Write
) -> None:
    before = new_post(write)
    with psycopg.connect(stack.owner_dsn, autocommit=True) as connection:
        # As if it had been taken away for its age: a number that no event has.
        row = connection.execute("SELECT nextval(pg_get_serial_sequence('post_events', 'id'))").fetchone()
        written = connection.execute("SELECT max(id) FROM post_events WHERE post_id = %s", (before,)).fetchone()
    assert row is not None
    assert written is not None
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        async with stream(stack.parallel_url, access_tokens["alice"], Last_Event_ID=str(row[0])) as opened:
            first = await opened.next()
        assert first is not None
        assert first.event == "reset"
        assert first.data["detail"].endswith("read the lists again.")
        # It goes on from what this process has read, which may be less than what was written a moment ago.
        if int(first.id) >= written[0]:
            break
        assert time.monotonic() < deadline, f"{first.id} is before {written[0]}"
    async with stream(stack.parallel_url, access_tokens["alice"], Last_Event_ID=first.id) as again:
        after = new_post(write)
        reported = [event async for event in until_post(again, after)]
    assert "reset" not in {event.event for event in reported}
    assert before not in {event.post_id for event in reported}


async def test_a_stream_begins_with_where_it_stands_so_that_nothing_is_missed_before_its_first_event(
    stack: StackAddresses, access_tokens: dict[str, str], write: Write
) -> None:
    async with stream(stack.parallel_url, access_tokens["bob"]) as opened:
        begin = await opened.block()
    assert begin is not None
    assert (begin.event, begin.data) == ("", None)
    missed = new_post(write)
    async with stream(stack.parallel_url, access_tokens["bob"], Last_Event_ID=begin.id) as again:
        assert len(await again.of_post(missed, 1)) == 1


async def test_the_answers_head(stack: StackAddresses, access_tokens: dict[str, str]) -> None:
    async with stream(stack.proxy_url, access_tokens["bob"], Accept="text/event-stream") as opened:
        assert opened.status == 200
        found = {name: opened.headers.get(name) for name in ("content-type", "cache-control", "x-route", "x-served-by")}
    assert found == {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-route": "events.stream",
        "x-served-by": "fastapi",
    }
    async with stream(stack.fastapi_url, access_tokens["bob"]) as direct:
        assert direct.headers["x-accel-buffering"] == "no"


@pytest.mark.parametrize("last_id", ["x", "-1", "1.5", str(2**63), "9" * 2000])
def test_an_id_that_is_none_is_refused_in_drfs_shape(
    last_id: str, door: httpx.Client, access_tokens: dict[str, str]
) -> None:
    headers = {"Authorization": f"Bearer {access_tokens['bob']}", "Last-Event-ID": last_id}
    answer = door.get("/api/v2/events/", headers=headers)
    assert (answer.status_code, list(answer.json())) == (400, ["last_event_id"])
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("token", [None, "nonsense", "expired", "inactive"])
def test_who_is_not_signed_in_is_answered_as_everywhere(
    token: str | None, door: httpx.Client, stack: StackAddresses, access_tokens: dict[str, str]
) -> None:
    changes = {"expired": {"exp": int(time.time()) - 1}, "inactive": {"user_id": "0"}}
    sent = forged(stack, access_tokens["bob"], **changes[token]) if token in changes else token
    headers = {"Authorization": f"Bearer {sent}"} if sent else {}
    events, posts = (door.get(f"/api/v2/{path}/", headers=headers) for path in ("events", "posts"))
    assert (events.status_code, events.text) == (401, posts.text)
    assert events.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_other_methods_and_types_are_answered_as_everywhere(door: httpx.Client, access_tokens: dict[str, str]) -> None:
    door_headers = {"Authorization": f"Bearer {access_tokens['bob']}"}

    def ask(method: str, path: str = "/api/v2/events/", **headers: str) -> httpx.Response:
        return door.request(method, path, headers=door_headers | headers)

    head = ask("HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    options = ask("OPTIONS", Accept="application/json")
    assert (options.status_code, options.headers["Allow"]) == (200, "GET, HEAD, OPTIONS")
    assert options.json()["renders"] == ["text/event-stream"]
    assert ask("POST").json() == {"detail": 'Method "POST" not allowed.'}
    assert ask("GET", Accept="application/json").status_code == 406
    assert ask("GET", "/api/v2/events").headers["Location"] == "/api/v2/events/"
    assert ask("GET", "/api/events/").status_code == 404


async def test_a_stream_ends_with_its_token(stack: StackAddresses, access_tokens: dict[str, str]) -> None:
    ends = int(time.time()) + 2
    async with stream(stack.parallel_url, forged(stack, access_tokens["bob"], exp=ends)) as opened:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await opened.block() is not None:
                pass
    assert 0 <= time.time() - ends < 5


async def test_a_hundred_streams_hear_of_one_post(
    stack: StackAddresses, access_tokens: dict[str, str], write: Write
) -> None:
    async with AsyncExitStack() as opened:
        tokens = list(access_tokens.values())
        streams = [
            await opened.enter_async_context(stream(stack.parallel_url, tokens[number % 3]))
            for number in range(STREAMS)
        ]
        post_id = new_post(write)
        reported = await asyncio.gather(*(one.of_post(post_id, 1) for one in streams))
        with psycopg.connect(stack.admin_dsn) as connection:
            row = connection.execute(
                "SELECT count(*) FILTER (WHERE application_name = 'fastapi_app events'), count(*) "
                "FROM pg_stat_activity WHERE usename = 'strangler_fastapi'"
            ).fetchone()
    assert len(reported) == STREAMS
    # One for each of the two processes, and perhaps of another test's.
    assert row is not None
    assert 2 <= row[0] <= 4
    assert row[1] < STREAMS / 2
