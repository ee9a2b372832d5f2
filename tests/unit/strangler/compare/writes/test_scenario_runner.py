"""What became of writes, as a report tells it."""

from collections.abc import AsyncGenerator

import pytest

from strangler.compare.case import Case
from strangler.compare.client.client import TimedResponse
from strangler.compare.client.response import SideResponse
from strangler.compare.client.sides import Side
from strangler.compare.collector import Collector
from strangler.compare.comparison import CaseOutcome, CaseResult
from strangler.compare.report.model import ComparisonReport, RowDifference
from strangler.compare.writes.play import PlayedStep
from strangler.compare.writes.scenarios import WriteRunner
from strangler.errors import FailedError, UnsafeError

ROW = RowDifference(table="posts", row="posts: the one of step 1", column="title", left='"a"', right='"b"')
ASKED = TimedResponse(answer=SideResponse(status=201), seconds=0.1)
EQUAL = CaseResult(outcome=CaseOutcome.EQUAL, left=ASKED, right=ASKED)


def played(route: str, *rows: RowDifference, skipped: str = "") -> PlayedStep:
    case = Case(method="POST", target="/posts/", route=route)
    return PlayedStep(case=case, result=None if skipped else EQUAL, rows=rows, skipped=skipped)


async def report_of(
    *steps: PlayedStep, error: Exception | None = None, chosen: tuple[str, ...] = ()
) -> ComparisonReport:
    async def give() -> AsyncGenerator[PlayedStep, None]:
        for step in steps:
            yield step
        if error:
            raise error

    sides = (Side(name=name, url="http://127.0.0.1/api", links="/api") for name in ("django", "fastapi"))
    collector = Collector(*sides)
    assert await WriteRunner(collector, chosen=chosen).run(give()) == ""
    return collector.report()


async def test_equal_answers_with_other_rows_are_different() -> None:
    report = await report_of(played("posts.create"), played("posts.create", ROW))
    (route,) = report.routes
    assert (route.asked, route.equal, route.different) == (2, 1, 1)
    assert [(group.kind, group.pattern) for group in route.groups] == [("rows", "posts.title")]
    assert route.groups[0].examples[0].rows == (ROW,)
    assert report.exit_code == 1


async def test_what_could_not_be_played_is_counted_as_skipped() -> None:
    report = await report_of(played("posts.create", skipped="why"), played("posts.create", skipped="why"))
    assert report.routes == ()
    assert report.skipped == (("why", 2),)


async def test_routes_that_nobody_chose_are_played_and_not_reported() -> None:
    report = await report_of(played("posts.create", ROW), played("tags.create"), chosen=("tags.create",))
    assert [(route.route, route.equal) for route in report.routes] == [("tags.create", 1)]


async def test_a_failure_is_one_line_of_a_report_that_has_the_rest() -> None:
    error = FailedError("fastapi ended with code 1, so everything was ended.\n  the end\n  of a log")
    report = await report_of(played("posts.create"), error=error)
    assert report.failures == (("fastapi ended with code 1, so everything was ended.", 1),)
    assert [route.equal for route in report.routes] == [1]
    assert report.exit_code == 4


async def test_a_refusal_is_no_line_among_others() -> None:
    with pytest.raises(UnsafeError):
        await report_of(error=UnsafeError("the real database"))


async def test_a_run_that_is_stopped_plays_no_further_step() -> None:
    closed = False

    async def give() -> AsyncGenerator[PlayedStep, None]:
        nonlocal closed
        try:
            yield played("posts.create")
            runner.stop("interrupted")
            yield played("posts.create")
            raise AssertionError
        finally:
            closed = True

    collector = Collector(*(Side(name=name, url="http://127.0.0.1", links="") for name in ("a", "b")))
    runner = WriteRunner(collector)
    assert await runner.run(give()) == "interrupted"
    assert closed
    assert collector.report().routes[0].asked == 2
