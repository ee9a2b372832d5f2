"""What waits is bounded, each route has its turn, and nothing is lost without being counted."""

import threading

import pytest

from strangler.compare.shadow.backlog import Backlog, SequenceGaps
from tests.shadows import datagram

PUBLIC = {"v1": "/api", "v2": "/api/v2"}


def offer(backlog: Backlog, *routes: str) -> None:
    for number, route in enumerate(routes):
        backlog.offer(datagram(route=route, request_id=f"{route} {number}"))


async def take(backlog: Backlog, count: int) -> list[str]:
    return [(await backlog.next()).request_id for _ in range(count)]


async def test_a_busy_route_takes_no_turn_of_a_quiet_one() -> None:
    backlog = Backlog(prefixes=PUBLIC, limit=10, limit_per_route=10)
    offer(backlog, "busy", "busy", "busy", "quiet", "busy")
    assert await take(backlog, 5) == ["busy 0", "quiet 3", "busy 1", "busy 2", "busy 4"]


@pytest.mark.parametrize(("limit", "limit_per_route", "dropped"), [(3, 9, {"a": 2, "b": 1}), (9, 2, {"a": 3})])
async def test_what_has_no_room_is_dropped_and_counted_once(
    limit: int, limit_per_route: int, dropped: dict[str, int]
) -> None:
    backlog = Backlog(prefixes=PUBLIC, limit=limit, limit_per_route=limit_per_route)
    offer(backlog, "a", "a", "a", "a", "a", "b")
    assert backlog.refused().dropped == dropped
    assert backlog.refused().dropped == {}
    await take(backlog, 1)
    offer(backlog, "c")
    assert backlog.refused().dropped == {}


async def test_what_is_given_up_is_counted() -> None:
    backlog = Backlog(prefixes=PUBLIC, limit=9, limit_per_route=9)
    offer(backlog, "a", "a", "b")
    backlog.drop(await backlog.next())
    backlog.drop_all()
    backlog.offer(b"corrupt")
    refused = backlog.refused()
    assert (refused.dropped, refused.malformed) == ({"a": 2, "b": 1}, 1)


async def test_what_never_came_is_counted() -> None:
    backlog = Backlog(prefixes=PUBLIC, limit=1, limit_per_route=1)
    for number in (5, 6, 9):
        backlog.offer(datagram().replace(b"{", b'{"number":%d,' % number, 1))
    refused = backlog.refused()
    assert (refused.missed, refused.dropped) == (2, {"posts.list": 2})


async def test_another_thread_fills_it_while_tasks_wait() -> None:
    backlog = Backlog(prefixes=PUBLIC, limit=1000, limit_per_route=1000)
    routes = [f"route{number % 7}" for number in range(500)]
    filler = threading.Thread(target=offer, args=(backlog, *routes))
    filler.start()
    taken = await take(backlog, 500)
    filler.join()
    assert sorted(taken) == sorted(f"{route} {number}" for number, route in enumerate(routes))
    assert backlog.refused().dropped == {}


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([7, 8, 9], 0),
        ([7, 9, 12], 3),
        ([7, 9, 8, 10], 0),
        # The first to come needn't be the first that was sent, and what came before it was sent to nobody.
        ([8, 7, 9], 0),
        ([7, 8, 50_000_000, 50_000_001], 0),
        ([50_000_000, 1, 2, 4], 1),
    ],
)
def test_numbers_that_did_not_come_are_counted(numbers: list[int], missing: int) -> None:
    gaps = SequenceGaps()
    for number in numbers:
        gaps.came(number)
    assert gaps.take() == missing
    assert gaps.take() == 0
