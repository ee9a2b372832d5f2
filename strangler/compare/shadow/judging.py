"""Asks both stacks the same and judges what they answer."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from strangler.compare.answer import Answer
from strangler.compare.declared import DeclaredDifferences
from strangler.compare.equality import Difference, Kind, differences
from strangler.compare.masking import Masker, Reported
from strangler.compare.shadow.asking import Asker, AskFailed
from strangler.compare.shadow.sample import Sample


class Outcome(StrEnum):
    """What became of a sample that was asked.

    `declared`: the statuses differ as `shared_schema/declared_differences.toml` says. `noise`: they differ, and so does
    Django from itself. `failed`: a stack gave no answer that could be compared.
    """

    EQUAL = "equal"
    DIFFERENT = "different"
    DECLARED = "declared"
    NOISE = "noise"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What became of one sample; nothing in it is secret."""

    outcome: Outcome
    method: str
    path: str
    request_id: str
    differences: tuple[Reported, ...] = ()
    failure: str = ""


class Judge:
    """Compares the answers of two stacks."""

    def __init__(
        self, django: Asker, fastapi: Asker, *, declared: DeclaredDifferences, ignore: Collection[Kind] = ()
    ) -> None:
        self._django = django
        self._fastapi = fastapi
        self._declared = declared
        self._ignore = frozenset(ignore)

    async def judge(self, sample: Sample) -> Judgement:
        """Ask both, and Django once more where they differ."""
        try:
            outcome, found = await self._compare(sample)
        except AskFailed as error:
            return _judgement(sample, Outcome.FAILED, failure=str(error))
        masker = Masker(sample.secrets)
        return _judgement(sample, outcome, found=tuple(masker.reported(each) for each in found))

    async def _compare(self, sample: Sample) -> tuple[Outcome, list[Difference]]:
        left, right = await self._both(sample)
        found = await self._differences(left, right)
        if not found:
            return Outcome.EQUAL, []
        if self._declared.hold(sample.route, left.status, right.status):
            return Outcome.DECLARED, []
        again = await self._differences(left, await self._django.ask(sample))
        unsteady = {each.pattern for each in again}
        steady = [each for each in found if each.pattern not in unsteady]
        # With another status the whole answer is another one.
        if not steady or any(each.kind is Kind.STATUS for each in again):
            return Outcome.NOISE, []
        return Outcome.DIFFERENT, steady

    async def _both(self, sample: Sample) -> tuple[Answer, Answer]:
        # Not a group that is cancelled at the first failure: a request that is cut off would cost its connection.
        answers = await asyncio.gather(self._django.ask(sample), self._fastapi.ask(sample), return_exceptions=True)
        for failure in (answer for answer in answers if isinstance(answer, BaseException)):
            raise failure
        left, right = (answer for answer in answers if isinstance(answer, Answer))
        return left, right

    async def _differences(self, left: Answer, right: Answer) -> list[Difference]:
        # In a thread: two long bodies take a second, and the loop has answers to read.
        found = await asyncio.to_thread(differences, left, right)
        return [each for each in found if each.kind not in self._ignore]


def _judgement(sample: Sample, outcome: Outcome, *, found: tuple[Reported, ...] = (), failure: str = "") -> Judgement:
    return Judgement(
        outcome=outcome,
        method=sample.method,
        path=Masker(sample.secrets).text(sample.target)[:200],
        request_id=sample.request_id[:128],
        differences=found,
        failure=failure,
    )
