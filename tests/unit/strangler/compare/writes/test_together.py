"""Several requests at once: the sets of answers are compared, in whatever order they came."""

import asyncio
import dataclasses
import json
from typing import Any

import pytest

from strangler.compare.case import Case
from strangler.compare.client.client import TimedResponse
from strangler.compare.client.errors import UnavailableError
from strangler.compare.client.response import SideResponse
from strangler.compare.comparison import CaseOutcome, CaseResult, Rules
from strangler.compare.declared import DeclaredDifferences
from strangler.compare.differ import DifferenceKind
from strangler.compare.writes.together import Answers, answers_of, sets_compare

CASE = Case(method="POST", target="/tags/", route="tags.create")


def answers(*found: tuple[int, Any]) -> Answers:
    return [
        TimedResponse(answer=SideResponse(status=status, body=json.dumps(body).encode()), seconds=0.1, statements=1)
        for status, body in sorted(found, key=lambda each: each[0])
    ]


async def compared(left: Answers, right: Answers) -> CaseResult:
    rules = Rules(DeclaredDifferences([]))
    return await sets_compare(CASE, (left, right), ("L", "R"), rules=rules, is_same=lambda _found: False)


async def test_the_order_of_answers_is_no_difference() -> None:
    left = answers((201, {"id": 1}), (201, {"id": 2}), (400, {"name": ["taken"]}))
    right = answers((400, {"name": ["taken"]}), (201, {"id": 2}), (201, {"id": 1}))
    assert (await compared(left, right)).outcome is CaseOutcome.EQUAL


async def test_how_often_each_status_came_is_compared() -> None:
    result = await compared(answers((201, 1), (400, 2), (400, 2)), answers((201, 1), (400, 2), (500, 2)))
    (found,) = result.found
    assert (result.outcome, found.kind) == (CaseOutcome.DIFFERENT, DifferenceKind.STATUS)
    assert (found.left, found.right) == ("1 times 201, 2 times 400", "1 times 201, 1 times 400, 1 times 500")


async def test_an_answer_that_the_other_side_has_less_often_is_a_difference() -> None:
    result = await compared(answers((200, {"a": 1}), (200, {"a": 1})), answers((200, {"a": 1}), (200, {"a": 2})))
    assert [(each.place, each.left, each.right) for each in result.found] == [("$.a", "1", "2")]


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_server_says_nothing_of_a_race(status: int) -> None:
    with pytest.raises(UnavailableError, match=f"R answered {status}"):
        await compared(answers((201, 1), (400, 2)), answers((201, 1), (status, 2)))


async def test_a_refusal_in_the_place_of_an_error_of_the_left_side_is_equal() -> None:
    left = answers((201, 1), (400, 2), (500, 3), (500, 3))
    assert (await compared(left, answers((201, 1), (400, 2), (400, 2), (400, 2)))).outcome is CaseOutcome.EQUAL
    for worse in (answers((201, 1), (201, 1), (400, 2), (400, 2)), answers((400, 2), (400, 2), (400, 2), (400, 2))):
        assert (await compared(left, worse)).outcome is CaseOutcome.DIFFERENT


@pytest.mark.parametrize("right", [answers((201, 1), (500, 3)), answers((201, 1), (400, 2))])
async def test_errors_of_the_left_side_alone_say_nothing_of_a_race(right: Answers) -> None:
    left = answers((500, 3), (500, 3)) if right[1].answer.status == 400 else answers((201, 1), (500, 3))
    with pytest.raises(UnavailableError, match="L answered 500"):
        await compared(left, right)


async def test_they_are_sent_at_once() -> None:
    under_way, all_there = [], asyncio.Event()

    class Client:
        async def send(self, case: Case, **_options: object) -> TimedResponse:
            under_way.append(case)
            if len(under_way) == 5:
                all_there.set()
            await asyncio.wait_for(all_there.wait(), 5)
            return answers((200, 1))[0]

    found = await answers_of(Client(), CASE, (), number=1, together=5)  # type: ignore[arg-type] # all that it needs
    assert len(found) == 5


@pytest.mark.parametrize(
    ("own", "together", "sent"),
    [
        ((), 1, [f"{7:032x}"]),
        ((), 2, [None, None]),
        ((("x-request-id", "a-case's-own"),), 1, ["a-case's-own"]),
    ],
)
async def test_a_step_has_one_request_id_on_whichever_side(
    own: tuple[tuple[str, str], ...], together: int, sent: list[str | None]
) -> None:
    """That of nginx, which differs from request to request: what bears it, such as a job, would differ, too."""
    asked: list[str | None] = []

    class Client:
        async def send(self, case: Case, **_options: Any) -> TimedResponse:
            asked.append({name.lower(): text for name, text in case.headers}.get("x-request-id"))
            return TimedResponse(answer=SideResponse(status=201), seconds=0.1)

    await answers_of(Client(), dataclasses.replace(CASE, headers=own), (), number=7, together=together)  # type: ignore[arg-type] # all that it needs
    assert asked == sent
