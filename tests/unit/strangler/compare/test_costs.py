"""Equal answers that cost the right side far more than the left are a difference."""

import pytest

from strangler.compare.case import Case
from strangler.compare.client.client import TimedResponse
from strangler.compare.client.response import SideResponse
from strangler.compare.client.sides import Side
from strangler.compare.collector import Collector
from strangler.compare.comparison import CaseOutcome, CaseResult
from strangler.compare.costs import CostLimits
from strangler.compare.report.junit import report_junit
from strangler.compare.report.model import ComparisonReport
from strangler.compare.report.terminal import verdict_text

CASE = Case(method="GET", target="/posts/", route="posts.list", name="a page")


def answer(statements: int | None, seconds: float = 0.1) -> TimedResponse:
    return TimedResponse(answer=SideResponse(status=200, body=b"[]"), seconds=seconds, statements=statements)


def report(
    left: TimedResponse,
    right: TimedResponse,
    *,
    costs: CostLimits | None = None,
    outcome: CaseOutcome = CaseOutcome.EQUAL,
    times: int = 1,
) -> ComparisonReport:
    sides = (Side(name="django", url="http://l/api", links=""), Side(name="fastapi", url="http://r/api", links=""))
    collector = Collector(*sides, costs=costs)
    for _ in range(times):
        collector.add(CASE, CaseResult(outcome=outcome, left=left, right=right))
    return collector.report()


@pytest.mark.parametrize(("left", "right"), [(3, 9), (3, 22), (1, 6), (0, 6)])
def test_three_times_the_statements_are_a_difference(left: int, right: int) -> None:
    found = report(answer(left), answer(right))
    (group,) = found.routes[0].groups
    assert (found.exit_code, group.kind, group.pattern) == (1, "statements", "statements")
    (place,) = group.examples[0].places
    assert (place.left, place.right) == (str(left), str(right))
    assert (found.routes[0].equal, found.routes[0].different) == (0, 1)


@pytest.mark.parametrize(("left", "right"), [(3, 8), (1, 5), (22, 3), (None, 22), (3, None)])
def test_fewer_or_unknown_ones_are_none(left: int | None, right: int | None) -> None:
    assert report(answer(left), answer(right)).exit_code == 0


def test_the_limit_is_what_was_asked_for() -> None:
    assert report(answer(3), answer(6), costs=CostLimits(statements=2)).exit_code == 1
    assert report(answer(3), answer(99), costs=CostLimits(statements=0)).exit_code == 0


def test_what_is_no_equal_answer_is_not_measured() -> None:
    assert not report(answer(3), answer(99), outcome=CaseOutcome.NOISE).routes[0].groups


def test_a_slower_route_fails_only_where_a_limit_is_set() -> None:
    slow = (answer(1, 0.01), answer(1, 0.17))
    assert report(*slow, times=20).exit_code == 0
    found = report(*slow, costs=CostLimits(ratio=5), times=20)
    assert found.exit_code == 1
    assert "with a limit of 5 times" in found.routes[0].slow
    assert verdict_text(found).startswith("too slow: 20 cases")
    assert 'message="17 ' in report_junit(found) or 'message="16 ' in report_junit(found)
    (evidence,) = found.evidence({})
    assert evidence.different == 1
    assert report(*slow, costs=CostLimits(ratio=20), times=20).exit_code == 0
    assert report(*slow, costs=CostLimits(ratio=5), times=3).exit_code == 0


def grown(megabytes: int, *, limit: float = 64.0) -> ComparisonReport:
    """A run in which Django grew by 10 MB, and FastAPI by as many as are named."""
    sides = (Side(name="django", url="http://l/api", links=""), Side(name="fastapi", url="http://r/api", links=""))
    collector = Collector(*sides, costs=CostLimits(memory=limit))
    collector.add(CASE, CaseResult(outcome=CaseOutcome.EQUAL, left=answer(1), right=answer(1)))
    collector.grown("generated", (100_000_000, 110_000_000), (80_000_000, 80_000_000 + megabytes * 1_000_000))
    return collector.report()


def test_servers_that_grow_far_more_than_the_others_fail_a_run() -> None:
    for equal in (grown(10), grown(74), grown(-20), grown(500, limit=0)):
        assert (equal.exit_code, equal.memory[0].excess) == (0, "")
    found = grown(90)
    assert (found.exit_code, found.memory[0].excess) == (
        1,
        "90 MB, 80 MB more than the other side, where 64 MB may be",
    )
    assert verdict_text(found).startswith("too much memory: 1 case of 1 route")
    assert "generated: 90 MB, 80 MB more" in report_junit(found)
    assert "<failure" not in report_junit(grown(10))
