"""Compares one case: requests it from both sides and says whether the responses are equal."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Final

from strangler.compare.case import Case
from strangler.compare.client.client import Asked, Asker
from strangler.compare.client.errors import AskFailed, Unavailable
from strangler.compare.client.request import Headers
from strangler.compare.client.response import Answer
from strangler.compare.declared import DeclaredDifferences
from strangler.compare.differ import MAX_DIFFERENCES, Difference, Kind, every_difference

# Two bodies of this size together are compared in a millisecond or so; the loop has answers to read.
_LONG_BYTES: Final = 100_000


class Outcome(StrEnum):
    """What became of a case that was asked.

    `declared`: all differences are, as the file of declared differences says. `noise`: they differ, and so
    does the left side from itself. `unavailable`: a side answered 429 or 5xx, which is no difference. `failed`: a side
    gave no answer that could be compared.
    """

    EQUAL = "equal"
    DIFFERENT = "different"
    DECLARED = "declared"
    NOISE = "noise"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"


COUNTS: Final = ("asked", *(str(outcome) for outcome in Outcome))


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

    def require_available(self, route: str, sides: Mapping[str, Answer]) -> None:
        """Refuse to compare what a server that is too busy or fails has answered, by the names of both sides.

        :raises Unavailable: one of them answers 429 or 5xx, and no declared difference names both statuses.
        """
        failing = [(name, answer.status) for name, answer in sides.items() if answer.is_unavailable]
        left, right = (answer.status for answer in sides.values())
        if failing and not self._declared.names(route, left=left, right=right):
            (name, status), *other = failing
            raise Unavailable(name, f"answered {status}" + "".join(f" and {name} {status}" for name, status in other))

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


def outcome_of(failure: AskFailed) -> Outcome:
    """What a failure makes of its case."""
    return Outcome.UNAVAILABLE if isinstance(failure, Unavailable) else Outcome.FAILED


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
            return Verdict(outcome=outcome_of(failure), left=left, right=right, failure=failure)

    async def _verdict(
        self, case: Case, credentials: Headers, left: Asked, right: Asked, *, right_first: bool
    ) -> Verdict:
        self._require_available(case, left, right)
        found, differs = await self._rules.compare(case.route, left.answer, right.answer)
        if found and right_first and case.safe:
            # The right's answer has to lie between two of the left's, else a write before both looks like a fault.
            right = await self._right.ask(case, credentials=credentials, known=left.answer)
            self._require_available(case, left, right)
            found, differs = await self._rules.compare(case.route, left.answer, right.answer)
        outcome = Outcome.DIFFERENT if found else Outcome.DECLARED if differs else Outcome.EQUAL
        if found and case.safe:
            found = await self._steady(case, credentials, left, found)
            outcome = Outcome.DIFFERENT if found else Outcome.NOISE
        return Verdict(outcome=outcome, found=tuple(found), left=left, right=right)

    async def _steady(self, case: Case, credentials: Headers, left: Asked, found: list[Difference]) -> list[Difference]:
        """Those of `found` at places where the left side repeats itself."""
        asked = await self._left.ask(case, credentials=credentials, known=left.answer)
        if asked.answer.is_unavailable:
            raise Unavailable(self._left.side.name, f"answered {asked.answer.status}")
        again, _differs = await self._rules.compare(case.route, left.answer, asked.answer)
        # With another status the whole answer is another one.
        if any(each.kind is Kind.STATUS for each in again):
            return []
        unsteady = {each.pattern for each in again}
        return [each for each in found if each.pattern not in unsteady]

    def _require_available(self, case: Case, left: Asked, right: Asked) -> None:
        names = self._left.side.name, self._right.side.name
        self._rules.require_available(case.route, dict(zip(names, (left.answer, right.answer), strict=True)))
