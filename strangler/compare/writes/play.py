"""One scenario on its own pair of copies: each step is asked of both sides, then answers and rows are compared."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import psycopg

from strangler.compare.case import Case, Step
from strangler.compare.client.auth import Callers, NotSignedInError
from strangler.compare.client.client import Asked, Asker
from strangler.compare.client.errors import AskFailed, Unavailable
from strangler.compare.comparison import Outcome, Rules, Verdict, outcome_of
from strangler.compare.differ import Difference, Kind, Links, links_of
from strangler.compare.redaction import Masker, is_secret
from strangler.compare.report.model import RowDifference
from strangler.compare.writes.changes import Originals, Reader
from strangler.compare.writes.id_mapping import LEFT, RIGHT, Clock, Roles
from strangler.compare.writes.rows import RowComparison
from strangler.compare.writes.tables import tables_of
from strangler.compare.writes.variables import Variables, case_filled, names_in, variables_save

# Besides the time that a step takes: how far apart both may write it down.
_SLACK_SECONDS: Final = 1.0
_NEEDS: Final = "cases that need what only one side answered to an earlier one"


@dataclass(frozen=True, kw_only=True)
class Played:
    """What became of one step.

    Attributes:
        case: as it was asked of the left side.
        verdict: of the answers; None if the step was left out, and `skipped` says why.
        rows: where the rows of both copies differ since this step.
        secrets: values that the requests carried besides the case's own.
    """

    case: Case
    verdict: Verdict | None
    rows: tuple[RowDifference, ...] = ()
    skipped: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)


class Play:
    """Plays the steps of a scenario; to be made before the servers of the copies start.

    Args:
        original: a connection to the snapshot.
        copies: a connection to either copy, as a role that sees all rows.
        rules: which differences of answers count.
    """

    def __init__(
        self, original: psycopg.Connection, copies: tuple[psycopg.Connection, psycopg.Connection], *, rules: Rules
    ) -> None:
        tables = tables_of(copies[LEFT])
        originals = Originals(original)
        self._rules = rules
        self._readers = [Reader(copy, tables, originals) for copy in copies]
        began = copies[LEFT].execute("SELECT clock_timestamp()").fetchall()[0][0]
        self._roles = Roles(Clock(began, _SLACK_SECONDS))
        self._rows = RowComparison(tables, originals, self._roles)
        self._variables: tuple[Variables, Variables] = ({}, {})
        self._unanswered: set[str] = set()
        self._saved: set[str] = set()
        self._number = 0

    async def step(self, step: Step, askers: Sequence[Asker], callers: Sequence[Callers]) -> Played:
        """Ask both sides, in turn, and compare.

        :raises psycopg.Error: a copy can't be read.
        """
        self._number += 1
        self._saved |= {name for name, _ in step.save}
        needed = names_in(step.case, self._saved)
        lacking = [needed - variables.keys() for variables in self._variables]
        if lacking[LEFT] & lacking[RIGHT]:
            return self._unplayable(step, min(lacking[LEFT]))
        if lacking[LEFT] | lacking[RIGHT]:
            return Played(case=step.case, verdict=None, skipped=_NEEDS)
        return await self._played(step, askers, callers)

    async def _played(self, step: Step, askers: Sequence[Asker], callers: Sequence[Callers]) -> Played:
        cases = [case_filled(step.case, variables) for variables in self._variables]
        began = time.monotonic()
        try:
            secrets, answers = await self._asked(cases, askers, callers)
        except NotSignedInError:
            skipped = f"cases of {step.case.caller}, whose password nobody knows"
            return Played(case=cases[LEFT], verdict=None, skipped=skipped)
        except AskFailed as failure:
            return Played(case=cases[LEFT], verdict=Verdict(outcome=Outcome.FAILED, failure=failure))
        self._roles.clock.slack = max(self._roles.clock.slack, time.monotonic() - began + _SLACK_SECONDS)
        for variables, asked in zip(self._variables, answers, strict=True):
            variables_save(step, asked.answer, variables)
        secrets += self._secret_variables()
        rows = self._rows_compare(Masker((*secrets, *step.case.secrets)))
        try:
            names = (asker.side.name for asker in askers)
            sides = dict(zip(names, (asked.answer for asked in answers), strict=True))
            self._rules.require_available(step.case.route, sides)
        except Unavailable as failure:
            # Rows that this side has not written are no difference either.
            return Played(case=cases[LEFT], verdict=Verdict(outcome=outcome_of(failure), failure=failure))
        verdict = await self._judged(step.case, *answers)
        return Played(case=cases[LEFT], verdict=verdict, rows=rows, secrets=secrets)

    async def _asked(
        self, cases: Sequence[Case], askers: Sequence[Asker], callers: Sequence[Callers]
    ) -> tuple[tuple[str, ...], tuple[Asked, Asked]]:
        """What the requests carried, and both answers; each side is asked first every other time."""
        credentials = [await each.credentials(case.caller) for each, case in zip(callers, cases, strict=True)]
        answers: dict[int, Asked] = {}
        for side in (LEFT, RIGHT) if self._number % 2 else (RIGHT, LEFT):
            answers[side] = await askers[side].ask(cases[side], credentials=credentials[side])
        secrets = tuple(text for headers in credentials for _name, text in headers)
        return secrets, (answers[LEFT], answers[RIGHT])

    def _rows_compare(self, masker: Masker) -> tuple[RowDifference, ...]:
        left, right = (reader.read() for reader in self._readers)
        first = min(reader.mark for reader in self._readers)
        self._roles.transactions = (first, self._readers[RIGHT].newest_transaction)
        return self._rows.compare(self._number, left, right, masker=masker)

    async def _judged(self, case: Case, left: Asked, right: Asked) -> Verdict:
        links = links_of(left.answer.base, right.answer.base)
        found, differs = await self._rules.compare(
            case.route, left.answer, right.answer, is_same=lambda difference: is_same(difference, links, self._roles)
        )
        outcome = Outcome.DIFFERENT if found else Outcome.DECLARED if differs else Outcome.EQUAL
        return Verdict(outcome=outcome, found=tuple(found), left=left, right=right)

    def _secret_variables(self) -> tuple[str, ...]:
        return tuple(
            value
            for variables in self._variables
            for name, value in variables.items()
            if isinstance(value, str) and is_secret(name)
        )

    def _unplayable(self, step: Step, name: str) -> Played:
        failure = AskFailed(step.case.source or "a scenario", f"needs {{{name}}}, which neither side answered")
        return Played(case=step.case, verdict=Verdict(outcome=Outcome.FAILED, failure=failure))


def is_same(difference: Difference, links: Links, roles: Roles) -> bool:
    """Whether a difference is none, since ids, times and tokens play the same part on both sides."""
    if difference.kind not in {Kind.VALUE, Kind.HEADER}:
        return False
    sides = [links.normalised(side) if type(side) is str else side for side in (difference.left, difference.right)]
    return roles.values_same(*sides)
