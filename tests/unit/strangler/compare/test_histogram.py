"""Times and statements are counted in constant memory, and read off within a bucket."""

import pytest

from strangler.compare.case import Case
from strangler.compare.client.client import TimedResponse
from strangler.compare.client.response import SideResponse
from strangler.compare.client.sides import Side
from strangler.compare.collector import Collector
from strangler.compare.comparison import CaseOutcome, CaseResult
from strangler.compare.costs import Histogram


def histogram(*seconds: float) -> Histogram:
    found = Histogram()
    for each in seconds:
        found.add(each)
    return found


def test_a_share_of_the_answers_took_no_longer_than_its_quantile() -> None:
    found = histogram(*(number / 1000 for number in range(1, 1001)))
    for share in (0.01, 0.5, 0.95, 0.99):
        assert found.quantile(share) == pytest.approx(share, rel=0.05)
    assert found.quantile(1) == pytest.approx(1, rel=0.05)
    assert found.total == 1000


def test_one_answer_is_every_quantile() -> None:
    found = histogram(0.123)
    assert {found.quantile(share) for share in (0.0, 0.5, 0.99, 1.0)} == {0.123}


def test_of_no_answer_there_is_none() -> None:
    assert (histogram().quantile(0.5), histogram().buckets) == (0.0, ())


def test_the_buckets_hold_every_answer_below_their_bounds() -> None:
    found = histogram(0.0, 0.001, 0.001, 3000)
    assert [count for _bound, count in found.buckets] == [1, 2, 1]
    bounds = [bound for bound, _count in found.buckets]
    assert bounds == sorted(bounds)
    assert bounds[1] == pytest.approx(0.001, rel=0.05)
    assert bounds[1] >= 0.001


def test_any_number_of_times_needs_a_few_hundred_buckets() -> None:
    assert len(histogram(*(1e-6 * 1.001**number for number in range(20_000))).buckets) < 500


def statements(*counts: int | None) -> tuple[float | None, int | None]:
    """The median and the most of a side that reports these numbers of statements."""
    side = Side(name="left", url="http://left", links="")
    collector = Collector(side, side)
    for each in counts:
        response = TimedResponse(answer=SideResponse(status=200), seconds=0.1, statements=each)
        collector.add(Case(method="GET", target="/"), CaseResult(outcome=CaseOutcome.EQUAL, left=response))
    (route,) = collector.report().routes
    assert route.left is not None
    return route.left.statements_median, route.left.statements_max


def test_statements_have_a_median_and_a_most() -> None:
    assert statements(3, 3, 25, None, 3) == (3, 25)
    assert statements(2, 5) == (3.5, 5)
    assert statements(0) == (0, 0)
    assert statements(None) == (None, None)
    assert statements(10**6) == (10**6, 10**6)
