"""One request sent several times at once: the sets of both sides' answers are compared, whichever came first."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from strangler.compare.case import Case
from strangler.compare.client.client import TimedResponse
from strangler.compare.client.errors import UnavailableError
from strangler.compare.client.response import Headers
from strangler.compare.client.sides import Side
from strangler.compare.comparison import CaseOutcome, CaseResult, Rules
from strangler.compare.differ import DifferenceKind, ResponseDifference

Answers = Sequence[TimedResponse]
# A server that is busy, and not an outcome of the race.
_BUSY: Final = frozenset({429, 503})
_REQUEST_ID: Final = "X-Request-ID"


class SideAnswers(Protocol):
    """Answers for one side: `SideClient`, or a recording."""

    @property
    def side(self) -> Side:
        """Which side."""
        ...

    async def send(self, case: Case, *, credentials: Headers = ()) -> TimedResponse:
        """The answer to a case.

        :raises RequestError: there is none.
        """
        ...


async def answers_of(client: SideAnswers, case: Case, credentials: Headers, *, number: int, together: int) -> Answers:
    """The answers of one side, by status, to the step of that number.

    :raises RequestError: one can't be had.
    """
    if together == 1:
        case = _with_id(case, number)
    asked = (client.send(case, credentials=credentials) for _ in range(together))
    return sorted(await asyncio.gather(*asked), key=lambda each: each.answer.status)


def _with_id(case: Case, number: int) -> Case:
    """The case with an id as nginx gives one to each request: what a job bears, say, is then the same on both sides.

    Not so of requests at once: each has another, and nobody knows which comes first.
    """
    if any(name.lower() == _REQUEST_ID.lower() for name, _ in case.headers):
        return case
    return dataclasses.replace(case, headers=(*case.headers, (_REQUEST_ID, f"{number:032x}")))


async def sets_compare(
    case: Case,
    sides: tuple[Answers, Answers],
    names: Sequence[str],
    *,
    rules: Rules,
    is_same: Callable[[ResponseDifference], bool],
) -> CaseResult:
    """Equal if each answer of the left side has one of the right's that is equal to it.

    The statuses, with how often each came, are one difference; bodies are compared if the statuses are the same. Where
    the left side answers 500 to who has lost the race (DRF looks whether a value is taken before it adds a row), the
    right side may refuse instead.

    :raises UnavailableError: a side was too busy for one of the requests, or nothing but errors came from the left.
    """
    left, right = sides
    for name, answers in zip(names, sides, strict=True):
        if busy := [each.answer.status for each in answers if each.answer.status in _BUSY]:
            raise UnavailableError(name, f"answered {busy[0]}")
    answered = [each for each in left if not each.answer.is_unavailable]
    lost = [each.answer.status for each in left if each.answer.is_unavailable]
    if lost and (not answered or any(each.answer.is_unavailable for each in right)):
        raise UnavailableError(names[0], f"answered {lost[0]}")
    statuses = tuple(_counted(answers) for answers in sides)
    found: list[ResponseDifference] = []
    more = Counter(each.answer.status for each in right)
    more.subtract(each.answer.status for each in answered)
    if any(count < 0 or (count and not (lost and 400 <= status < 500)) for status, count in more.items()):
        found = [ResponseDifference(kind=DifferenceKind.STATUS, left=statuses[0], right=statuses[1])]
        return CaseResult(outcome=CaseOutcome.DIFFERENT, found=tuple(found), left=left[0], right=right[0])
    rest, differs = list(right), False
    first: tuple[TimedResponse, TimedResponse] | None = None
    for one in answered:
        compared = [await rules.compare(case.route, one.answer, other.answer, is_same=is_same) for other in rest]
        best = min(range(len(rest)), key=lambda index: (bool(compared[index][0]), compared[index][1]))
        other = rest.pop(best)
        differs = differs or compared[best][1]
        if compared[best][0] and first is None:
            found, first = compared[best][0], (one, other)
    outcome = CaseOutcome.DIFFERENT if found else CaseOutcome.DECLARED if differs else CaseOutcome.EQUAL
    shown = first or (answered[0], right[0])
    return CaseResult(outcome=outcome, found=tuple(found), left=shown[0], right=shown[1])


def _counted(answers: Answers) -> str:
    counts = Counter(each.answer.status for each in answers)
    return ", ".join(f"{count} times {status}" for status, count in sorted(counts.items()))
