"""Many cases: each once, in turn, as whom they say, until the end or until a side fails."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from strangler.compare.case import Case
from strangler.compare.client.auth import NotSignedInError
from strangler.compare.client.client import TimedResponse
from strangler.compare.client.errors import RequestError, SignInError, UnsendableError
from strangler.compare.client.response import Headers, SideResponse
from strangler.compare.client.sides import Side
from strangler.compare.collector import Collector
from strangler.compare.comparison import CaseOutcome, CaseResult
from strangler.compare.run import UNSAFE, ErrorWatch, Runner
from strangler.errors import UsageError

SIDES = Side(name="left", url="http://left", links=""), Side(name="right", url="http://right", links="")
EQUAL = CaseResult(outcome=CaseOutcome.EQUAL)


def answered(*statuses: int) -> CaseResult:
    left, right = (TimedResponse(answer=SideResponse(status=status), seconds=0.1) for status in statuses)
    return CaseResult(outcome=CaseOutcome.EQUAL, left=left, right=right)


class FakeJudge:
    """Gives one verdict, and writes down what it was asked."""

    def __init__(self, result: CaseResult | Exception = EQUAL) -> None:
        self.result = result
        self.asked: list[tuple[str, Headers, bool]] = []

    async def compare(self, case: Case, *, credentials: Headers, right_first: bool) -> CaseResult:
        self.asked.append((case.target, credentials, right_first))
        await asyncio.sleep(0)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


class FakeCallers:
    async def credentials(self, name: str) -> Headers:
        if name == "stranger":
            raise NotSignedInError(name)
        if name == "refused":
            raise SignInError("left", "refused", "status 401")
        return (("Authorization", name),) if name else ()


def cases(count: int, **fields: str) -> Iterator[Case]:
    for number in range(count):
        yield Case(method=fields.get("method", "GET"), target=f"/{number}", caller=fields.get("caller", ""), route="r")


async def run(
    judge: FakeJudge, source: Iterator[Case], *, window: int = 50, concurrency: int = 4
) -> tuple[str, Collector]:
    collector = Collector(*SIDES)
    watch = ErrorWatch(("left", "right"), share=0.5, window=window)
    runner = Runner(judge, FakeCallers(), collector, watch=watch, concurrency=concurrency)  # type: ignore[arg-type] # all that it needs
    return await runner.run(source), collector


async def test_each_case_is_asked_once_and_each_side_is_as_often_the_first() -> None:
    judge = FakeJudge()
    stopped, collector = await run(judge, cases(1000))
    assert (stopped, collector.report().routes[0].equal) == ("", 1000)
    assert len({target for target, *_ in judge.asked}) == 1000
    assert Counter(right_first for *_, right_first in judge.asked) == {True: 500, False: 500}


async def test_a_caller_asks_with_its_credentials() -> None:
    judge = FakeJudge()
    await run(judge, cases(1, caller="alice"))
    assert judge.asked[0][1] == (("Authorization", "alice"),)


async def test_what_may_write_or_whom_nobody_can_sign_in_is_left_out() -> None:
    judge = FakeJudge()
    _stopped, collector = await run(judge, cases(2, method="POST"))
    assert collector.report().skipped == ((UNSAFE, 2),)
    _stopped, collector = await run(judge, cases(2, caller="stranger"))
    assert collector.report().skipped == (("cases of stranger without a password", 2),)
    assert judge.asked == []


async def test_who_is_refused_fails_its_cases() -> None:
    _stopped, collector = await run(FakeJudge(), cases(2, caller="refused"))
    assert collector.report().failures == (
        ("left does not sign refused in (status 401): check the name and STRANGLER_PASSWORD", 2),
    )


async def test_what_cannot_be_sent_is_left_out() -> None:
    unaskable = CaseResult(outcome=CaseOutcome.FAILED, failure=UnsendableError("a header that isn't UTF-8"))
    _stopped, collector = await run(FakeJudge(unaskable), cases(2))
    assert collector.report().skipped == (("cases that can't be sent: a header that isn't UTF-8", 2),)
    assert collector.report().exit_code == 0


async def test_what_nobody_thought_of_is_a_failure_and_no_end() -> None:
    _stopped, collector = await run(FakeJudge(KeyError("hidden")), cases(3))
    assert collector.report().failures == (("strangler met an unexpected exception (KeyError) (r)", 3),)


async def test_a_mistake_in_the_cases_ends_the_run() -> None:
    def broken() -> Iterator[Case]:
        yield from cases(3)
        raise UsageError("line 7 is wrong.")

    with pytest.raises(UsageError, match=r"^line 7 is wrong\.$"):
        await run(FakeJudge(), broken())


@pytest.mark.parametrize(
    ("result", "side"),
    [
        (answered(500, 200), "left"),
        (answered(200, 503), "right"),
        (answered(200, 429), "right"),
        (
            CaseResult(outcome=CaseOutcome.FAILED, failure=RequestError("right", "does not answer", always=True)),
            "right",
        ),
    ],
)
async def test_a_run_stops_where_a_side_fails(result: CaseResult, side: str) -> None:
    judge = FakeJudge(result)
    stopped, collector = await run(judge, cases(10_000), window=20)
    assert stopped == f"20 of the last 20 answers of {side} were errors"
    assert 20 <= len(judge.asked) <= 32
    assert collector.report(stopped=stopped).exit_code == 4


async def test_errors_of_a_client_stop_nobody() -> None:
    stopped, _collector = await run(FakeJudge(answered(404, 404)), cases(200), window=20)
    assert stopped == ""


async def test_cases_are_read_as_they_are_asked() -> None:
    """A log of a million lines isn't read before the first of them is asked."""
    read = 0

    def counted() -> Iterator[Case]:
        nonlocal read
        for case in cases(1_000_000):
            read += 1
            yield case

    judge = FakeJudge(answered(500, 500))
    await run(judge, counted(), window=10)
    assert read <= 128
