"""What becomes of a case: equal, different, declared, noise or failed; and who is asked how often, in what order."""

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

import pytest

from strangler.compare.case import Case
from strangler.compare.client.client import TimedResponse
from strangler.compare.client.errors import RequestError
from strangler.compare.client.response import SideResponse
from strangler.compare.client.sides import Side
from strangler.compare.comparison import CaseComparer, CaseOutcome, CaseResult, Rules
from strangler.compare.declared import DeclaredDifference, DeclaredDifferences
from strangler.compare.differ import MAX_DIFFERENCES, DifferenceKind

GET = Case(method="GET", target="/posts/", route="posts.list")
POST = Case(method="POST", target="/posts/", route="posts.create")


class Script:
    """Answers with one body after the other, and writes its name down each time that it is asked."""

    def __init__(self, name: str, bodies: Iterable[Any], heard: list[str]) -> None:
        self.name = name
        self.side = Side(name=name, url="http://side", links="")
        self.bodies = list(bodies)
        self.heard = heard
        self.known: list[SideResponse | None] = []

    async def send(self, _case: Case, *, known: SideResponse | None = None, **_options: object) -> TimedResponse:
        self.heard.append(self.name)
        self.known.append(known)
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        if isinstance(body, RequestError):
            raise body
        status, value = body if isinstance(body, tuple) else (200, body)
        sent = value if isinstance(value, bytes) else json.dumps(value).encode()
        return TimedResponse(answer=SideResponse(status=status, body=sent), seconds=0.1, statements=1)


async def judged(
    left: list[Any], right: list[Any], *, case: Case = GET, right_first: bool = False, rules: Rules | None = None
) -> tuple[CaseResult, str]:
    heard: list[str] = []
    judge = CaseComparer(Script("L", left, heard), Script("R", right, heard), rules or Rules(DeclaredDifferences([])))  # type: ignore[arg-type] # all that it needs
    result = await judge.compare(case, right_first=right_first)
    return result, "".join(heard)


async def test_equal_answers_are_asked_for_once() -> None:
    for right_first, order in ((False, "LR"), (True, "RL")):
        result, heard = await judged([{"a": 1}], [{"a": 1}], right_first=right_first)
        assert (result.outcome, heard) == (CaseOutcome.EQUAL, order)


@pytest.mark.parametrize("right_first", [False, True])
async def test_who_is_asked_second_is_reported_what_the_first_has_answered(*, right_first: bool) -> None:
    left, right = (Script(name, [{"a": 1}], []) for name in "LR")
    judge = CaseComparer(left, right, Rules(DeclaredDifferences([])))  # type: ignore[arg-type] # the same
    await judge.compare(GET, right_first=right_first)
    first, second = (right, left) if right_first else (left, right)
    assert first.known == [None]
    assert second.known == [SideResponse(status=200, body=b'{"a": 1}')]


async def test_a_difference_is_re_asked_of_the_left() -> None:
    result, heard = await judged([{"a": 1}], [{"a": 2}])
    assert (result.outcome, heard, [each.place for each in result.found]) == (CaseOutcome.DIFFERENT, "LRL", ["$.a"])


async def test_what_the_left_cannot_repeat_is_noise() -> None:
    result, _heard = await judged([{"a": 1, "b": 1}, {"a": 2, "b": 1}], [{"a": 3, "b": 1}])
    assert (result.outcome, result.found) == (CaseOutcome.NOISE, ())
    result, _heard = await judged([{"a": 1, "b": 1}, {"a": 2, "b": 1}], [{"a": 3, "b": 2}])
    assert (result.outcome, [each.place for each in result.found]) == (CaseOutcome.DIFFERENT, ["$.b"])
    # With another status the whole answer is another one.
    result, _heard = await judged([(404, {}), (200, {})], [(200, {"a": 1})])
    assert result.outcome is CaseOutcome.NOISE


async def test_a_write_between_both_is_noise_whoever_was_first() -> None:
    """The right answered before the write, the left after it and ever since."""
    result, heard = await judged([{"a": "new"}], [{"a": "old"}, {"a": "new"}], right_first=True)
    assert (result.outcome, heard) == (CaseOutcome.EQUAL, "RLR")
    result, heard = await judged([{"a": "old"}, {"a": "new"}], [{"a": "new"}])
    assert (result.outcome, heard) == (CaseOutcome.NOISE, "LRL")


async def test_a_fault_is_found_whoever_was_first() -> None:
    result, heard = await judged([{"a": 1}], [{"a": 2}], right_first=True)
    assert (result.outcome, heard) == (CaseOutcome.DIFFERENT, "RLRL")


@pytest.mark.parametrize("right_first", [False, True])
async def test_what_may_write_is_never_asked_twice(*, right_first: bool) -> None:
    result, heard = await judged([{"a": 1}], [{"a": 2}], case=POST, right_first=right_first)
    assert (result.outcome, sorted(heard)) == (CaseOutcome.DIFFERENT, ["L", "R"])


async def test_declared_differences_are_counted_apart_and_the_others_remain() -> None:
    entry = DeclaredDifference(route="posts.list", reason="r", owner="o", expires=dt.date(2999, 1, 1), path="$.a")
    declared = DeclaredDifferences([entry])
    result, heard = await judged([{"a": 1, "b": 1}], [{"a": 2, "b": 1}], rules=Rules(declared))
    assert (result.outcome, heard, declared.met) == (CaseOutcome.DECLARED, "LR", {entry})
    result, _heard = await judged([{"a": 1, "b": 1}], [{"a": 2, "b": 2}], rules=Rules(declared))
    assert (result.outcome, [each.place for each in result.found]) == (CaseOutcome.DIFFERENT, ["$.b"])


async def test_a_declared_difference_hides_no_other_way_to_write() -> None:
    entry = DeclaredDifference(route="posts.list", reason="r", owner="o", expires=dt.date(2999, 1, 1), path="$.a")
    rules = Rules(DeclaredDifferences([entry]))
    result, _heard = await judged([b'{"a":1,"t":"\\u00e9"}'], [b'{"a":2,"t":"\xc3\xa9"}'], rules=rules)
    assert (result.outcome, [each.place for each in result.found]) == (CaseOutcome.DIFFERENT, ["body"])


async def test_many_declared_or_ignored_differences_hide_no_other() -> None:
    entry = DeclaredDifference(route="posts.list", reason="r", owner="o", expires=dt.date(2999, 1, 1), path="$.a")
    sides = [{"a": [0] * 2 * MAX_DIFFERENCES, "b": 1}], [{"a": [1] * 2 * MAX_DIFFERENCES, "b": 2}]
    result, _heard = await judged(*sides, rules=Rules(DeclaredDifferences([entry])))
    assert [each.place for each in result.found] == ["$.b"]
    orders = (
        [{"a": [{"b": 1, "c": 1}] * 2 * MAX_DIFFERENCES, "d": 1}],
        [{"a": [{"c": 1, "b": 1}] * 2 * MAX_DIFFERENCES}],
    )
    result, _heard = await judged(*orders, rules=Rules(DeclaredDifferences([]), ignore=[DifferenceKind.KEY_ORDER]))
    assert [each.place for each in result.found] == ["$.d"]


async def test_kinds_that_are_ignored_do_not_count() -> None:
    sides: tuple[list[Any], list[Any]] = [{"a": 1, "b": 2}], [{"b": 2, "a": 1}]
    strict, _heard = await judged(*sides)
    assert (strict.outcome, [each.kind for each in strict.found]) == (CaseOutcome.DIFFERENT, [DifferenceKind.KEY_ORDER])
    result, _heard = await judged(*sides, rules=Rules(DeclaredDifferences([]), ignore=[DifferenceKind.KEY_ORDER]))
    assert result.outcome is CaseOutcome.EQUAL


async def test_who_does_not_answer_fails_the_case_and_spares_the_other() -> None:
    result, heard = await judged([RequestError("left", "does not answer")], [{}])
    assert (result.outcome, str(result.failure), heard) == (CaseOutcome.FAILED, "left does not answer", "L")
    result, heard = await judged([{}], [RequestError("right", "does not answer")])
    assert (result.outcome, heard, result.left is not None) == (CaseOutcome.FAILED, "LR", True)


@pytest.mark.parametrize(
    ("left", "right", "sentence"),
    [
        ((503, {}), (200, {}), "L answered 503"),
        ((200, {}), (429, {}), "R answered 429"),
        ((500, {}), (500, {}), "L answered 500 and R 500"),
    ],
)
@pytest.mark.parametrize("right_first", [False, True])
async def test_who_is_too_busy_or_fails_is_neither_equal_nor_different(
    left: object, right: object, sentence: str, *, right_first: bool
) -> None:
    result, heard = await judged([left], [right], right_first=right_first)
    assert (result.outcome, str(result.failure), result.found) == (CaseOutcome.UNAVAILABLE, sentence, ())
    assert len(heard) == 2


async def test_who_is_too_busy_to_repeat_itself_says_nothing_of_noise() -> None:
    result, _heard = await judged([{"a": 1}, (429, {})], [{"a": 2}])
    assert (result.outcome, str(result.failure)) == (CaseOutcome.UNAVAILABLE, "L answered 429")
    result, _heard = await judged([{"a": 1}], [{"a": 2}, (503, {})], right_first=True)
    assert (result.outcome, str(result.failure)) == (CaseOutcome.UNAVAILABLE, "R answered 503")


async def test_statuses_that_are_declared_are_a_declared_difference_however_bad_they_are() -> None:
    entry = DeclaredDifference(route="posts.list", reason="r", owner="o", expires=dt.date(2999, 1, 1), v1=500, v2=400)
    declared = DeclaredDifferences([entry])
    result, _heard = await judged([(500, {})], [(400, {})], rules=Rules(declared))
    assert (result.outcome, declared.met) == (CaseOutcome.DECLARED, {entry})
    for left, right in ((500, 500), (503, 400), (500, 200)):
        result, _heard = await judged([(left, {})], [(right, {})], rules=Rules(declared))
        assert result.outcome is CaseOutcome.UNAVAILABLE
    expired = dataclasses.replace(entry, expires=dt.date(2000, 1, 1))
    result, _heard = await judged([(500, {})], [(400, {})], rules=Rules(DeclaredDifferences([expired])))
    assert result.outcome is CaseOutcome.UNAVAILABLE


@pytest.mark.long
async def test_long_answers_are_compared_as_short_ones_are() -> None:
    long = list(range(60_000))
    result, _heard = await judged([long], [[*long[:-1], 0]])
    assert [each.place for each in result.found] == ["$[59999]"]
