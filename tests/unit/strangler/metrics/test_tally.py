"""What is counted of requests, and how it is kept."""

import json
import random
from typing import Any

import pytest

from strangler.metrics.access_log import AccessLog
from strangler.metrics.counters import Counters
from strangler.metrics.histogram import LatencyHistogram
from strangler.metrics.minutes import MinuteTable, Series
from strangler.metrics.tally import StackTally
from strangler.routes.route import Api, Stack
from tests.unit.strangler.metrics.test_access_log import line

NOON = 1795348800


def counted(*changes: dict[str, Any]) -> MinuteTable:
    table = MinuteTable(limit=3)
    table.add(AccessLog().requests(line(**each).encode() for each in changes))
    return table


def test_requests_are_counted_by_route_api_stack_and_minute() -> None:
    table = counted(
        {"upstream_time": "0.010"},
        {"upstream_time": "0.030", "status": 500, "caller": "user:2"},
        {"time": "2026-11-22T12:01:00+00:00"},
        {"api": "v2", "stack": "fastapi"},
        {"route": "tags.list"},
        {"route": "feed.list"},
        {"stack": "nginx", "status": 410},
    )
    total = table.total(since=NOON)
    posts = total[Series("posts.list", Api.V1, Stack.DJANGO)]
    assert (posts.requests, posts.errors, posts.classes) == (3, 1, [0, 0, 2, 0, 0, 1])
    assert (posts.times.quantile(0.5), posts.times.quantile(0.95)) == (0.010, 0.030)
    assert set(total) == {
        Series("posts.list", Api.V1, Stack.DJANGO),
        Series("posts.list", Api.V2, Stack.FASTAPI),
        Series("tags.list", Api.V1, Stack.DJANGO),
        Series("-", Api.V1, Stack.DJANGO),
    }
    assert table.gateway == 1
    assert table.callers(since=NOON)["posts.list", Api.V1].estimate(Stack.DJANGO) == 2
    assert table.total(since=NOON + 60)[Series("posts.list", Api.V1, Stack.DJANGO)].requests == 1


def test_an_answer_of_django_for_fastapi_is_an_error_of_fastapi() -> None:
    tally = counted({"stack": "django", "fallback": "fastapi"}).total(since=NOON)[
        Series("posts.list", Api.V1, Stack.FASTAPI)
    ]
    assert (tally.errors, tally.fallbacks, tally.classes[2]) == (1, 1, 1)


def test_minutes_of_long_ago_are_forgotten() -> None:
    table = counted(*({"time": f"2026-11-22T{hour:02}:00:00+00:00"} for hour in (11, 12, 10)))
    assert sum(tally.requests for tally in table.total(since=0).values()) == 1


def test_a_tally_is_the_same_after_a_restart() -> None:
    tally = counted({"upstream_time": "1.5"}, {"status": 503}).total(since=NOON).popitem()[1]
    again = StackTally.from_json(json.loads(json.dumps(tally.as_json())))
    assert again.as_json() == tally.as_json()
    assert again.times.quantile(0.99) == tally.times.quantile(0.99)


def test_counters_for_prometheus_are_the_same_after_a_restart() -> None:
    counters = Counters()
    changes = [{"upstream_time": "0.030", "status": 404}, {"route": 'a"\\', "stack": "django", "fallback": "fastapi"}]
    counters.add(AccessLog().requests(line(**each).encode() for each in changes))
    again = Counters.from_json(json.loads(json.dumps(counters.as_json())))
    lines = [*again.lines()]
    assert (again.position, lines) == (counters.position, [*counters.lines()])
    labels = 'route="posts.list",api="v1",stack="django"'
    assert f'strangler_requests_total{{{labels},class="4xx"}} 1' in lines
    assert f'strangler_upstream_seconds_bucket{{{labels},le="0.025"}} 0' in lines
    assert f'strangler_upstream_seconds_bucket{{{labels},le="0.05"}} 1' in lines
    assert 'strangler_fallbacks_total{route="a\\"\\\\",api="v1",stack="fastapi"} 1' in lines


def test_quantiles_are_those_of_the_sorted_times_but_for_the_buckets_width() -> None:
    rng, histogram = random.Random(1), LatencyHistogram()  # noqa: S311 - repeatable, and no secret
    times = sorted(round(rng.lognormvariate(-3, 1.2), 3) for _ in range(5000))
    for seconds in times:
        histogram.add(seconds)
    for share in (0.01, 0.5, 0.95, 0.99, 1):
        exact = times[max(1, round(share * 5000)) - 1]
        assert exact <= (histogram.quantile(share) or 0) <= exact * 1.016
    assert histogram.slower_than(0.1) == pytest.approx(sum(seconds > 0.1 for seconds in times), abs=30)
    assert LatencyHistogram().quantile(0.5) is None
