import pytest

from strangler.errors import FailedError, UsageError
from tests.bench.endpoints import ENDPOINTS, endpoints_select
from tests.bench.run import Plan, written_require
from tests.bench.wrk import Load


def names(only: str) -> list[str]:
    return [endpoint.name for endpoint in endpoints_select(only)]


def test_all_are_measured_by_default() -> None:
    assert names("") == ["own-list", "feed", "tags", "detail", "create", "publish", "token", "refresh"]


def test_some_are_picked_by_name_and_keep_their_order() -> None:
    assert names("detail, own-list,") == ["own-list", "detail"]


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="no endpoint details to measure: ONLY takes own-list, feed, tags, detail, "):
        endpoints_select("own-list,details")


def test_every_write_is_counted_in_the_database() -> None:
    assert all((endpoint.written is not None) == (endpoint.method == "POST") for endpoint in ENDPOINTS)


def test_plan_counts_both_stacks() -> None:
    plan = Plan(endpoints=endpoints_select("feed,detail"), rounds=3, seconds=1, connections=1, workers=1)
    assert plan.loads == 12


def test_an_answer_without_its_row_is_refused() -> None:
    load = Load(requests=50, seconds=1.0, p50_ms=1.0, p99_ms=1.0, unsent=0, errors={}, cpu_seconds=0.1)
    written_require(load, 50, "create on fastapi")
    with pytest.raises(FailedError, match="create on fastapi answered 50 requests and wrote 49 rows"):
        written_require(load, 49, "create on fastapi")
