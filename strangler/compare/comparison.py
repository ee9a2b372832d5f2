"""Compares one case: requests it from both sides and says whether the responses are equal."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Final

from strangler.compare.case import Case
from strangler.compare.client.client import SideClient, TimedResponse
from strangler.compare.client.errors import RequestError, UnavailableError
from strangler.compare.client.response import Headers, SideResponse
from strangler.compare.declared import DeclaredDifferences
from strangler.compare.differ import MAX_DIFFERENCES, DifferenceKind, ResponseDifference, every_difference

# Two bodies of this size together are compared in a millisecond or so; the loop has answers to read.
_LONG_BYTES: Final = 100_000


class CaseOutcome(StrEnum):
    """What became of a case that was asked.

    `declared`: all differences are declared. `noise`: they differ, and so
    does the left side from itself. `unavailable`: a side answered 429 or 5xx, which is no difference. `failed`: a side
    gave no answer that could be compared.
    """

    EQUAL = "equal"
    DIFFERENT = "different"
    DECLARED = "declared"
    NOISE = "noise"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"


COUNTS: Final = ("asked", *(str(outcome) for outcome in CaseOutcome))


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """What became of one case, with its secrets: `strangler.compare.redaction` stands between it and any report."""

    outcome: CaseOutcome
    found: tuple[ResponseDifference, ...] = field(default=(), repr=False)
    left: TimedResponse | None = field(default=None, repr=False)
    right: TimedResponse | None = field(default=None, repr=False)
    failure: RequestError | None = None


class Rules:
    """Which differences of two responses count; those of a kind in `ignore` don't."""

    def __init__(self, declared: DeclaredDifferences, *, ignore: Collection[DifferenceKind] = ()) -> None:
        self.declared = declared
        self._ignore = frozenset(ignore)

    def require_available(self, route: str, sides: Mapping[str, SideResponse]) -> None:
        """Refuse to compare what a server that is too busy or fails has answered, by the names of both sides.

        :raises UnavailableError: one of them answers 429 or 5xx, and no declared difference names both statuses.
        """
        failing = [(name, answer.status) for name, answer in sides.items() if answer.is_unavailable]
        left, right = (answer.status for answer in sides.values())
        if failing and not self.declared.names(route, left=left, right=right):
            (name, status), *other = failing
            raise UnavailableError(
                name, f"answered {status}" + "".join(f" and {name} {status}" for name, status in other)
            )

    async def compare(
        self,
        route: str,
        left: SideResponse,
        right: SideResponse,
        *,
        is_same: Callable[[ResponseDifference], bool] = lambda _found: False,
    ) -> tuple[list[ResponseDifference], bool]:
        """Where two answers of a route differ, the first thousand undeclared places; and whether they differ at all.

        Those that `is_same` takes for equal don't count.
        """
        if len(left.body) + len(right.body) > _LONG_BYTES:
            return await asyncio.to_thread(self._compare, route, left, right, is_same)
        return self._compare(route, left, right, is_same)

    def _compare(
        self, route: str, left: SideResponse, right: SideResponse, is_same: Callable[[ResponseDifference], bool]
    ) -> tuple[list[ResponseDifference], bool]:
        differs = False

        def counting() -> Iterator[ResponseDifference]:
            nonlocal differs
            for difference in every_difference(left, right):
                if difference.kind not in self._ignore and not is_same(difference):
                    differs = True
                    yield difference

        undeclared = self.declared.undeclared(route, counting(), left=left.status, right=right.status)
        return list(islice(undeclared, MAX_DIFFERENCES)), differs


def outcome_of(failure: RequestError) -> CaseOutcome:
    """What a failure makes of its case."""
    return CaseOutcome.UNAVAILABLE if isinstance(failure, UnavailableError) else CaseOutcome.FAILED


class CaseComparer:
    """Requests a case from both sides in turn and compares the responses."""

    def __init__(self, left: SideClient, right: SideClient, rules: Rules) -> None:
        self._left = left
        self._right = right
        self._rules = rules

    async def compare(self, case: Case, *, credentials: Headers = (), right_first: bool = False) -> CaseResult:
        """Request both, and the left once more where they differ: what it can't repeat is noise.

        A request that may write is never repeated.
        """
        left = right = None
        try:
            if right_first:
                right = await self._right.send(case, credentials=credentials)
            left = await self._left.send(case, credentials=credentials, known=right.answer if right else None)
            right = right or await self._right.send(case, credentials=credentials, known=left.answer)
            return await self._compared(case, credentials, left, right, right_first=right_first)
        except RequestError as failure:
            return CaseResult(outcome=outcome_of(failure), left=left, right=right, failure=failure)

    async def _compared(
        self, case: Case, credentials: Headers, left: TimedResponse, right: TimedResponse, *, right_first: bool
    ) -> CaseResult:
        self._require_available(case, left, right)
        found, differs = await self._rules.compare(case.route, left.answer, right.answer)
        if found and right_first and case.safe:
            # The right's answer has to lie between two of the left's, else a write before both looks like a fault.
            right = await self._right.send(case, credentials=credentials, known=left.answer)
            self._require_available(case, left, right)
            found, differs = await self._rules.compare(case.route, left.answer, right.answer)
        outcome = CaseOutcome.DIFFERENT if found else CaseOutcome.DECLARED if differs else CaseOutcome.EQUAL
        if found and case.safe:
            found = await self._steady(case, credentials, left, found)
            outcome = CaseOutcome.DIFFERENT if found else CaseOutcome.NOISE
        return CaseResult(outcome=outcome, found=tuple(found), left=left, right=right)

    async def _steady(
        self, case: Case, credentials: Headers, left: TimedResponse, found: list[ResponseDifference]
    ) -> list[ResponseDifference]:
        """Those of `found` at places where the left side repeats itself."""
        asked = await self._left.send(case, credentials=credentials, known=left.answer)
        if asked.answer.is_unavailable:
            raise UnavailableError(self._left.side.name, f"answered {asked.answer.status}")
        again, _differs = await self._rules.compare(case.route, left.answer, asked.answer)
        # With another status the whole answer is another one.
        if any(each.kind is DifferenceKind.STATUS for each in again):
            return []
        unsteady = {each.pattern for each in again}
        return [each for each in found if each.pattern not in unsteady]

    def _require_available(self, case: Case, left: TimedResponse, right: TimedResponse) -> None:
        names = self._left.side.name, self._right.side.name
        self._rules.require_available(case.route, dict(zip(names, (left.answer, right.answer), strict=True)))
