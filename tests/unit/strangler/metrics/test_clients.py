"""Who still calls v1: exact while the clients fit into memory, and the frequent ones beyond that."""

import datetime as dt

import pytest

from strangler.errors import UsageError
from strangler.metrics.access_log import LoggedRequest
from strangler.metrics.clients import ClientCount, since_parse

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def request(
    caller: str = "user:1", *, minutes: int = 0, api: str = "v1", status: int = 200, agent: str = "app/2"
) -> LoggedRequest:
    time = NOON + dt.timedelta(minutes=minutes)
    return LoggedRequest(time=time, api=api, route="posts.list", status=status, caller=caller, user_agent=agent)


def count(*requests: LoggedRequest, since: dt.datetime | None = None, limit: int = 100) -> ClientCount:
    counted = ClientCount(["posts.list", "feed.list"], since=since, limit=limit)
    counted.add(requests)
    return counted


def test_a_client_is_a_caller_with_a_program() -> None:
    route = count(
        request("user:2", minutes=1),
        request(minutes=3, status=404),
        request(minutes=2),
        request(agent="curl", minutes=9),
        request(minutes=-5),
        request(minutes=99, api="v2"),
    ).routes["posts.list"]
    assert [(one.caller, one.user_agent, one.requests) for one in route.clients] == [
        ("user:1", "app/2", 3),
        ("user:1", "curl", 1),
        ("user:2", "app/2", 1),
    ]
    first = route.clients[0]
    assert (first.first, first.last) == (NOON - dt.timedelta(minutes=5), NOON + dt.timedelta(minutes=3))
    assert first.statuses == {200: 2, 404: 1}
    assert (route.requests, route.others, route.last) == (5, 0, NOON + dt.timedelta(minutes=9))
    assert route.share(first.requests) == 60


def test_a_route_that_nobody_calls_is_there_with_nothing() -> None:
    route = count(request()).routes["feed.list"]
    assert (route.requests, route.clients, route.last, route.share(0)) == (0, [], None, 0)


def test_requests_of_before_are_not_counted() -> None:
    counted = count(request(minutes=-1), request(), request(minutes=1), since=NOON)
    assert counted.routes["posts.list"].requests == 2


def test_memory_is_bounded_and_the_frequent_ones_stay() -> None:
    callers = [f"user:{number}" for number in range(5000)] + ["user:often"] * 1000 + ["user:sometimes"] * 200
    # 7919 is a prime: each of them once, in no order.
    shuffled = [callers[number * 7919 % len(callers)] for number in range(len(callers))]
    route = count(*(request(caller) for caller in shuffled), limit=100).routes["posts.list"]
    assert len(route.by_key) <= 100
    assert [one.caller for one in route.clients[:2]] == ["user:often", "user:sometimes"]
    assert 900 <= route.clients[0].requests <= 1000
    assert route.requests == len(callers) == route.others + sum(one.requests for one in route.clients)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("7d", "2026-11-15T12:00:00+00:00"),
        ("24h", "2026-11-21T12:00:00+00:00"),
        ("30m", "2026-11-22T11:30:00+00:00"),
        ("2026-11-01", "2026-11-01T00:00:00+00:00"),
        ("2026-11-01T10:00", "2026-11-01T10:00:00+00:00"),
        ("2026-11-01T10:00:00+02:00", "2026-11-01T08:00:00+00:00"),
    ],
)
def test_since(text: str, moment: str) -> None:
    assert since_parse(text, now=NOON) == dt.datetime.fromisoformat(moment)


@pytest.mark.parametrize("text", ["", "7", "7w", "d", "-7d", "yesterday", "2026-13-01", "999999d", "٧d"])
def test_a_since_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no time: write 7d, 24h, 30m or a day such as 2027-01-31\.$"):
        since_parse(text, now=NOON)
