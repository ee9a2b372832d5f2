"""What becomes of a case: both sides are asked, and what they answer is compared."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Final

from strangler.compare.case import Case
from strangler.compare.client.client import Asked, Asker
from strangler.compare.client.errors import AskFailed
from strangler.compare.client.request import Headers
from strangler.compare.client.response import Answer
from strangler.compare.declared import DeclaredDifferences
from strangler.compare.differ import MAX_DIFFERENCES, Difference, Kind, every_difference

# Two bodies of this size together are compared in a millisecond or so; the loop has answers to read.
_LONG_BYTES: Final = 100_000


class Outcome(StrEnum):
    """What became of a case that was asked.

    `declared`: all differences are, as the file of declared differences says. `noise`: they differ, and so
    does the left side from itself. `failed`: a side gave no answer that could be compared.
    """

    EQUAL = "equal"
    DIFFERENT = "different"
    DECLARED = "declared"
    NOISE = "noise"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of one case, with its secrets: `strangler.compare.redaction` stands between it and any report."""

    outcome: Outcome
    found: tuple[Difference, ...] = field(default=(), repr=False)
    left: Asked | None = field(default=None, repr=False)
    right: Asked | None = field(default=None, repr=False)
    failure: AskFailed | None = None


class Rules:
    """Which differences of two answers count; those of a kind in `ignore` don't."""

    def __init__(self, declared: DeclaredDifferences, *, ignore: Collection[Kind] = ()) -> None:
        self._declared = declared
        self._ignore = frozenset(ignore)

    async def compare(
        self, route: str, left: Answer, right: Answer, *, is_same: Callable[[Difference], bool] = lambda _found: False
    ) -> tuple[list[Difference], bool]:
        """Where two answers of a route differ, the first thousand undeclared places; and whether they differ at all.

        Those that `is_same` takes for equal don't count.
        """
        if len(left.body) + len(right.body) > _LONG_BYTES:
            return await asyncio.to_thread(self._compare, route, left, right, is_same)
        return self._compare(route, left, right, is_same)

    def _compare(
        self, route: str, left: Answer, right: Answer, is_same: Callable[[Difference], bool]
    ) -> tuple[list[Difference], bool]:
        differs = False

        def counting() -> Iterator[Difference]:
            nonlocal differs
            for difference in every_difference(left, right):
                if difference.kind not in self._ignore and not is_same(difference):
                    differs = True
                    yield difference

        undeclared = self._declared.undeclared(route, counting(), left=left.status, right=right.status)
        return list(islice(undeclared, MAX_DIFFERENCES)), differs


class Judge:
    """Asks both sides in turn and compares what they answer."""

    def __init__(self, left: Asker, right: Asker, rules: Rules) -> None:
        self._left = left
        self._right = right
        self._rules = rules

    async def judge(self, case: Case, *, credentials: Headers = (), right_first: bool = False) -> Verdict:
        """Ask both, and the left once more where they differ: what it can't repeat is noise.

        Nothing that may write is asked twice.
        """
        left = right = None
        try:
            if right_first:
                right = await self._right.ask(case, credentials=credentials)
            left = await self._left.ask(case, credentials=credentials, known=right.answer if right else None)
            right = right or await self._right.ask(case, credentials=credentials, known=left.answer)
            return await self._verdict(case, credentials, left, right, right_first=right_first)
        except AskFailed as failure:
            return Verdict(outcome=Outcome.FAILED, left=left, right=right, failure=failure)

    async def _verdict(
        self, case: Case, credentials: Headers, left: Asked, right: Asked, *, right_first: bool
    ) -> Verdict:
        found, differs = await self._rules.compare(case.route, left.answer, right.answer)
        if found and right_first and case.safe:
            # The right's answer has to lie between two of the left's, else a write before both looks like a fault.
            right = await self._right.ask(case, credentials=credentials, known=left.answer)
            found, differs = await self._rules.compare(case.route, left.answer, right.answer)
        outcome = Outcome.DIFFERENT if found else Outcome.DECLARED if differs else Outcome.EQUAL
        if found and case.safe:
            found = await self._steady(case, credentials, left, found)
            outcome = Outcome.DIFFERENT if found else Outcome.NOISE
        return Verdict(outcome=outcome, found=tuple(found), left=left, right=right)

    async def _steady(self, case: Case, credentials: Headers, left: Asked, found: list[Difference]) -> list[Difference]:
        """Those of `found` at places where the left side repeats itself."""
        asked = await self._left.ask(case, credentials=credentials, known=left.answer)
        again, _differs = await self._rules.compare(case.route, left.answer, asked.answer)
        # With another status the whole answer is another one.
        if any(each.kind is Kind.STATUS for each in again):
            return []
        unsteady = {each.pattern for each in again}
        return [each for each in found if each.pattern not in unsteady]
