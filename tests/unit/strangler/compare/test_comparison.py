"""What becomes of a case: equal, different, declared, noise or failed; and who is asked how often, in what order."""

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

import pytest

from strangler.compare.case import Case
from strangler.compare.client.client import Asked
from strangler.compare.client.errors import AskFailed
from strangler.compare.client.response import Answer
from strangler.compare.client.sides import Side
from strangler.compare.comparison import Judge, Outcome, Rules, Verdict
from strangler.compare.declared import DeclaredDifference, DeclaredDifferences
from strangler.compare.differ import MAX_DIFFERENCES, Kind

GET = Case(method="GET", target="/posts/", route="posts.list")
POST = Case(method="POST", target="/posts/", route="posts.create")


class Script:
    """Answers with one body after the other, and writes its name down each time that it is asked."""

    def __init__(self, name: str, bodies: Iterable[Any], heard: list[str]) -> None:
        self.name = name
        self.side = Side(name=name, url="http://side", links="")
        self.bodies = list(bodies)
        self.heard = heard
        self.known: list[Answer | None] = []

    async def ask(self, _case: Case, *, known: Answer | None = None, **_options: object) -> Asked:
        self.heard.append(self.name)
        self.known.append(known)
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        if isinstance(body, AskFailed):
            raise body
        status, value = body if isinstance(body, tuple) else (200, body)
        sent = value if isinstance(value, bytes) else json.dumps(value).encode()
        return Asked(answer=Answer(status=status, body=sent), seconds=0.1, statements=1)


async def judged(
    left: list[Any], right: list[Any], *, case: Case = GET, right_first: bool = False, rules: Rules | None = None
) -> tuple[Verdict, str]:
    heard: list[str] = []
    judge = Judge(Script("L", left, heard), Script("R", right, heard), rules or Rules(DeclaredDifferences([])))  # type: ignore[arg-type] # all that it needs
    verdict = await judge.judge(case, right_first=right_first)
    return verdict, "".join(heard)


async def test_equal_answers_are_asked_for_once() -> None:
    for right_first, order in ((False, "LR"), (True, "RL")):
        verdict, heard = await judged([{"a": 1}], [{"a": 1}], right_first=right_first)
        assert (verdict.outcome, heard) == (Outcome.EQUAL, order)


@pytest.mark.parametrize("right_first", [False, True])
async def test_who_is_asked_second_is_told_what_the_first_has_answered(*, right_first: bool) -> None:
    left, right = (Script(name, [{"a": 1}], []) for name in "LR")
    judge = Judge(left, right, Rules(DeclaredDifferences([])))  # type: ignore[arg-type] # the same
    await judge.judge(GET, right_first=right_first)
    first, second = (right, left) if right_first else (left, right)
    assert first.known == [None]
    assert second.known == [Answer(status=200, body=b'{"a": 1}')]


async def test_a_difference_is_re_asked_of_the_left() -> None:
    verdict, heard = await judged([{"a": 1}], [{"a": 2}])
    assert (verdict.outcome, heard, [each.place for each in verdict.found]) == (Outcome.DIFFERENT, "LRL", ["$.a"])


async def test_what_the_left_cannot_repeat_is_noise() -> None:
    verdict, _heard = await judged([{"a": 1, "b": 1}, {"a": 2, "b": 1}], [{"a": 3, "b": 1}])
    assert (verdict.outcome, verdict.found) == (Outcome.NOISE, ())
    verdict, _heard = await judged([{"a": 1, "b": 1}, {"a": 2, "b": 1}], [{"a": 3, "b": 2}])
    assert (verdict.outcome, [each.place for each in verdict.found]) == (Outcome.DIFFERENT, ["$.b"])
    # With another status the whole answer is another one.
    verdict, _heard = await judged([(404, {}), (200, {})], [(200, {"a": 1})])
    assert verdict.outcome is Outcome.NOISE


async def test_a_write_between_both_is_noise_whoever_was_first() -> None:
    """The right answered before the write, the left after it and ever since."""
    verdict, heard = await judged([{"a": "new"}], [{"a": "old"}, {"a": "new"}], right_first=True)
    assert (verdict.outcome, heard) == (Outcome.EQUAL, "RLR")
    verdict, heard = await judged([{"a": "old"}, {"a": "new"}], [{"a": "new"}])
    assert (verdict.outcome, heard) == (Outcome.NOISE, "LRL")


async def test_a_fault_is_found_whoever_was_first() -> None:
    verdict, heard = await judged([{"a": 1}], [{"a": 2}], right_first=True)
    assert (verdict.outcome, heard) == (Outcome.DIFFERENT, "RLRL")


@pytest.mark.parametrize("right_first", [False, True])
async def test_what_may_write_is_never_asked_twice(*, right_first: bool) -> None:
    verdict, heard = await judged([{"a": 1}], [{"a": 2}], case=POST, right_first=right_first)
    assert (verdict.outcome, sorted(heard)) == (Outcome.DIFFERENT, ["L", "R"])


async def test_declared_differences_are_counted_apart_and_the_others_remain() -> None:
    entry = DeclaredDifference(route="posts.list", reason="r", owner="o", expires=dt.date(2999, 1, 1), path="$.a")
    declared = DeclaredDifferences([entry])
    verdict, heard = await judged([{"a": 1, "b": 1}], [{"a": 2, "b": 1}], rules=Rules(declared))
    assert (verdict.outcome, heard, declared.met) == (Outcome.DECLARED, "LR", {entry})
    verdict, _heard = await judged([{"a": 1, "b": 1}], [{"a": 2, "b": 2}], rules=Rules(declared))
    assert (verdict.outcome, [each.place for each in verdict.found]) == (Outcome.DIFFERENT, ["$.b"])


async def test_a_declared_difference_hides_no_other_way_to_write() -> None:
    entry = DeclaredDifference(route="posts.list", reason="r", owner="o", expires=dt.date(2999, 1, 1), path="$.a")
    rules = Rules(DeclaredDifferences([entry]))
    verdict, _heard = await judged([b'{"a":1,"t":"\\u00e9"}'], [b'{"a":2,"t":"\xc3\xa9"}'], rules=rules)
    assert (verdict.outcome, [each.place for each in verdict.found]) == (Outcome.DIFFERENT, ["body"])


async def test_many_declared_or_ignored_differences_hide_no_other() -> None:
    entry = DeclaredDifference(route="posts.list", reason="r", owner="o", expires=dt.date(2999, 1, 1), path="$.a")
    sides = [{"a": [0] * 2 * MAX_DIFFERENCES, "b": 1}], [{"a": [1] * 2 * MAX_DIFFERENCES, "b": 2}]
    verdict, _heard = await judged(*sides, rules=Rules(DeclaredDifferences([entry])))
    assert [each.place for each in verdict.found] == ["$.b"]
    orders = (
        [{"a": [{"b": 1, "c": 1}] * 2 * MAX_DIFFERENCES, "d": 1}],
        [{"a": [{"c": 1, "b": 1}] * 2 * MAX_DIFFERENCES}],
    )
    verdict, _heard = await judged(*orders, rules=Rules(DeclaredDifferences([]), ignore=[Kind.KEY_ORDER]))
    assert [each.place for each in verdict.found] == ["$.d"]


async def test_kinds_that_are_ignored_do_not_count() -> None:
    sides: tuple[list[Any], list[Any]] = [{"a": 1, "b": 2}], [{"b": 2, "a": 1}]
    strict, _heard = await judged(*sides)
    assert (strict.outcome, [each.kind for each in strict.found]) == (Outcome.DIFFERENT, [Kind.KEY_ORDER])
    verdict, _heard = await judged(*sides, rules=Rules(DeclaredDifferences([]), ignore=[Kind.KEY_ORDER]))
    assert verdict.outcome is Outcome.EQUAL


async def test_who_does_not_answer_fails_the_case_and_spares_the_other() -> None:
    verdict, heard = await judged([AskFailed("left", "does not answer")], [{}])
    assert (verdict.outcome, str(verdict.failure), heard) == (Outcome.FAILED, "left does not answer", "L")
    verdict, heard = await judged([{}], [AskFailed("right", "does not answer")])
    assert (verdict.outcome, heard, verdict.left is not None) == (Outcome.FAILED, "LR", True)


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
    verdict, heard = await judged([left], [right], right_first=right_first)
    assert (verdict.outcome, str(verdict.failure), verdict.found) == (Outcome.UNAVAILABLE, sentence, ())
    assert len(heard) == 2


async def test_who_is_too_busy_to_repeat_itself_says_nothing_of_noise() -> None:
    verdict, _heard = await judged([{"a": 1}, (429, {})], [{"a": 2}])
    assert (verdict.outcome, str(verdict.failure)) == (Outcome.UNAVAILABLE, "L answered 429")
    verdict, _heard = await judged([{"a": 1}], [{"a": 2}, (503, {})], right_first=True)
    assert (verdict.outcome, str(verdict.failure)) == (Outcome.UNAVAILABLE, "R answered 503")


async def test_statuses_that_are_declared_are_a_declared_difference_however_bad_they_are() -> None:
    entry = DeclaredDifference(route="posts.list", reason="r", owner="o", expires=dt.date(2999, 1, 1), v1=500, v2=400)
    declared = DeclaredDifferences([entry])
    verdict, _heard = await judged([(500, {})], [(400, {})], rules=Rules(declared))
    assert (verdict.outcome, declared.met) == (Outcome.DECLARED, {entry})
    for left, right in ((500, 500), (503, 400), (500, 200)):
        verdict, _heard = await judged([(left, {})], [(right, {})], rules=Rules(declared))
        assert verdict.outcome is Outcome.UNAVAILABLE
    expired = dataclasses.replace(entry, expires=dt.date(2000, 1, 1))
    verdict, _heard = await judged([(500, {})], [(400, {})], rules=Rules(DeclaredDifferences([expired])))
    assert verdict.outcome is Outcome.UNAVAILABLE


async def test_long_answers_are_compared_as_short_ones_are() -> None:
    long = list(range(60_000))
    verdict, _heard = await judged([long], [[*long[:-1], 0]])
    assert [each.place for each in verdict.found] == ["$[59999]"]
