"""One scenario on its own pair of copies: each step is sent to both sides, then responses and rows are compared."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol

from strangler.compare.case import PASSWORD, Case, ScenarioStep
from strangler.compare.client.auth import NotSignedInError
from strangler.compare.client.errors import RequestError, UnavailableError
from strangler.compare.client.response import Headers
from strangler.compare.client.sides import Side
from strangler.compare.comparison import CaseOutcome, CaseResult, Rules, outcome_of
from strangler.compare.differ import DifferenceKind, Links, ResponseDifference, links_between, links_of
from strangler.compare.redaction import Masker, is_secret
from strangler.compare.report.model import RowDifference
from strangler.compare.writes.adopted_rows import WrittenRows
from strangler.compare.writes.changes import Key, Originals, TableChanges, Values
from strangler.compare.writes.id_mapping import LEFT, RIGHT, Clock, IdMapping
from strangler.compare.writes.messages import MessageComparison
from strangler.compare.writes.own_places import SidePlaces
from strangler.compare.writes.refused_commits import refusals_compare
from strangler.compare.writes.rows import RowComparison
from strangler.compare.writes.sinks import SideSink
from strangler.compare.writes.tables import Table
from strangler.compare.writes.together import Answers, SideAnswers, answers_of, sets_compare
from strangler.compare.writes.variables import Variables, case_filled, names_in, variables_save

# Besides the time that a step takes: how far apart both may write it down.
_SLACK_SECONDS: Final = 1.0
# A service may send a message after it has answered.
_MESSAGE_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.02
_NEEDS: Final = "cases that need what only one side answered to an earlier one"
_NEEDS_UNPORTED: Final = "cases that need what an earlier one makes, which isn't ported"


@dataclass(frozen=True, kw_only=True)
class PlayedStep:
    """What became of one step.

    Attributes:
        case: as it was sent to the left side.
        result: of the answers; None if the step was left out, and `skipped` is the reason.
        rows: where the rows of both copies, or the messages of both sides, differ since this step.
        secrets: values that the requests carried besides the case's own.
        scenario: its name.
        key: tells the case from others (`case_key`).
        sent: both sides with the request that each was sent.
        has_written: whether it changed rows on both sides.
        memory: of a scenario's last step, the bytes that both sides' servers held after its first steps, and hold now.
    """

    case: Case
    result: CaseResult | None
    rows: tuple[RowDifference, ...] = ()
    skipped: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    scenario: str = ""
    key: str = ""
    sent: tuple[tuple[Side, Case], tuple[Side, Case]] | None = field(default=None, repr=False)
    has_written: bool = False
    memory: tuple[tuple[int, int], tuple[int, int]] | None = None


class RowReader(Protocol):
    """Reads what has changed in the rows of one side: `ChangeReader`, or a recording."""

    @property
    def transactions(self) -> tuple[int, int]:
        """The number of a transaction before all that wrote what was read, and of one after them."""
        ...

    def read(self) -> Mapping[Table, TableChanges]:
        """What has changed since the side began, by table."""
        ...

    def commits_refused(self) -> AbstractContextManager[None]:
        """While this is entered, the side's database refuses what is committed."""
        ...


class SideCallers(Protocol):
    """Gives the credentials of a side's requests: `Callers`, or a recording."""

    async def credentials_of(self, case: Case) -> Headers:
        """The headers of a case's caller.

        :raises NotSignedInError: it can't be signed in.
        """
        ...

    def is_lent(self, name: str) -> bool:
        """Whether a caller's token is one that the other side gave."""
        ...


class Play:
    """Plays the steps of a scenario.

    Args:
        tables: of the database.
        originals: the rows as they were before; None where no database is read: what both sides generated for the same
            purpose is then what a step saves.
        readers: of the rows of both sides, made before anybody writes there.
        clock: when it begins.
        rules: which differences of answers count.
        password: what `{password}` stands for; None where it isn't known.
        sinks: of what both sides send on; empty where nothing takes it.
        places: of the files of both sides; empty where nobody looks.
        is_recorded: the left side wrote its rows at another time, so that a time of it may be any of the play.
        adopt: writes rows of the left copy to the right one: what a caller's sign-in wrote where the right side has no
            sign-in of its own yet.
    """

    def __init__(
        self,
        tables: Sequence[Table],
        originals: Originals | None,
        readers: tuple[RowReader, RowReader],
        *,
        clock: Clock,
        rules: Rules,
        password: str | None = None,
        sinks: Sequence[SideSink] = (),
        places: Sequence[SidePlaces] = (),
        is_recorded: bool = False,
        adopt: Callable[[WrittenRows], None] | None = None,
    ) -> None:
        self._rules = rules
        self._adopt = adopt
        self._readers = readers
        self._began = time.monotonic() if is_recorded else None
        self._mapping = IdMapping(clock)
        self._rows = RowComparison(tables, originals, self._mapping) if originals else None
        self._sinks = sinks
        self._places = places
        self._messages = MessageComparison(self._mapping)
        given: Variables = {} if password is None else {PASSWORD: password}
        self._variables: tuple[Variables, Variables] = (dict(given), dict(given))
        self._saved: set[str] = {PASSWORD}
        self._number = 0
        # What each side has changed up to the last step.
        self._changes: list[Mapping[Table, TableChanges]] = [{}, {}]
        self._known_credentials: set[Headers] = {()}
        # What a step would have saved that the right side hasn't ported.
        self._unsaved: set[str] = set()

    async def step(
        self, step: ScenarioStep, clients: Sequence[SideAnswers], callers: Sequence[SideCallers]
    ) -> PlayedStep:
        """Request the step from both sides and compare.

        :raises psycopg.Error: a copy can't be read.
        """
        self._number += 1
        self._saved |= {name for name, _ in step.save}
        needed = names_in(step.case, self._saved)
        lacking = [needed - variables.keys() for variables in self._variables]
        if PASSWORD in lacking[LEFT]:
            return PlayedStep(case=step.case, result=None, skipped="cases that need a password")
        if (lacking[LEFT] | lacking[RIGHT]) & self._unsaved:
            return PlayedStep(case=step.case, result=None, skipped=_NEEDS_UNPORTED)
        if lacking[LEFT] & lacking[RIGHT]:
            return self._unplayable(step, min(lacking[LEFT]))
        if lacking[LEFT] | lacking[RIGHT]:
            return PlayedStep(case=step.case, result=None, skipped=_NEEDS)
        return await self._played(step, clients, callers)

    async def _played(
        self, step: ScenarioStep, clients: Sequence[SideAnswers], callers: Sequence[SideCallers]
    ) -> PlayedStep:
        cases = [
            case_filled(step.case, variables, prefix=client.side.requested_for(step.case).links)
            for variables, client in zip(self._variables, clients, strict=True)
        ]
        began = time.monotonic()
        try:
            secrets, answers = await self._asked(step, cases, clients, callers)
        except NotSignedInError as error:
            return PlayedStep(case=cases[LEFT], result=None, skipped=f"cases of {error} without a password")
        except RequestError as failure:
            return PlayedStep(case=cases[LEFT], result=CaseResult(outcome=outcome_of(failure), failure=failure))
        spent = time.monotonic() - (began if self._began is None else self._began)
        self._mapping.clock.slack = max(self._mapping.clock.slack, spent + _SLACK_SECONDS)
        for variables, asked in zip(self._variables, answers, strict=True):
            variables_save(step, asked[0].answer, variables)
        if self._rows is None:
            for name, _path in step.save:
                self._mapping.learn_saved(name, self._number, *(variables.get(name) for variables in self._variables))
        secrets += self._secret_variables()
        masker = Masker((*secrets, *step.case.secrets))
        differing, has_written = self._rows_compare(masker)
        rows = (*differing, *await self._messages_compare(answers, masker))
        try:
            result = await self._compared(step, answers, [client.side.name for client in clients])
        except UnavailableError as failure:
            # Rows that this side has not written are no difference either.
            return PlayedStep(case=cases[LEFT], result=CaseResult(outcome=outcome_of(failure), failure=failure))
        sent = (clients[LEFT].side, cases[LEFT]), (clients[RIGHT].side, cases[RIGHT])
        return PlayedStep(
            case=cases[LEFT], result=result, rows=rows, secrets=secrets, sent=sent, has_written=has_written
        )

    async def _asked(
        self, step: ScenarioStep, cases: Sequence[Case], clients: Sequence[SideAnswers], callers: Sequence[SideCallers]
    ) -> tuple[tuple[str, ...], tuple[Answers, Answers]]:
        """What the requests carried, and the answers of both: at once, or the right side's first to what may write."""
        credentials = [await each.credentials_of(case) for each, case in zip(callers, cases, strict=True)]
        self._signed_in(credentials, is_lent=callers[RIGHT].is_lent(step.case.caller))

        def ask(side: int) -> Coroutine[None, None, Answers]:
            return answers_of(
                clients[side], cases[side], credentials[side], number=self._number, together=step.together
            )

        with ExitStack() as refusing:
            for reader in self._readers if step.refuse_commit else ():
                refusing.enter_context(reader.commits_refused())
            if not step.case.safe:
                # A method may be ported but for some bodies or rows.
                (first,) = await asyncio.gather(ask(RIGHT), return_exceptions=True)
                if not isinstance(first, BaseException) and _is_unported(first):
                    # What the left side alone writes would make later answers differ.
                    self._unsaved |= {name for name, _path in step.save}
                    raise UnavailableError(clients[RIGHT].side.name, f"answered {HTTPStatus.NOT_IMPLEMENTED}")
                outcomes: Sequence[Answers | BaseException] = (await ask(LEFT), first)
            else:
                # Rows are read once both have ended, also where one has failed.
                outcomes = await asyncio.gather(ask(LEFT), ask(RIGHT), return_exceptions=True)
        for failure in (each for each in outcomes if isinstance(each, BaseException)):
            raise failure
        left, right = (each for each in outcomes if not isinstance(each, BaseException))
        secrets = tuple(text for headers in credentials for _name, text in headers)
        return secrets, (left, right)

    def _signed_in(self, credentials: Sequence[Headers], *, is_lent: bool) -> None:
        """Who has just signed in may have changed rows by that; with a token that is lent, those of the left alone."""
        if self._rows is None or self._known_credentials.issuperset(credentials):
            return
        self._known_credentials.update(credentials)
        before, now = self._changes[LEFT], self._readers[LEFT].read()
        if self._adopt and is_lent:
            self._adopt({table: _written(before.get(table), changes) for table, changes in now.items()})
        self._changes = [now, self._readers[RIGHT].read()]

    def _rows_compare(self, masker: Masker) -> tuple[tuple[RowDifference, ...], bool]:
        """Where the rows differ, and whether both sides have changed some since the step before."""
        if self._rows is None:
            return (), False
        left, right = (reader.read() for reader in self._readers)
        has_written = all(map(_is_changed, self._changes, (left, right)))
        self._changes = [left, right]
        self._mapping.transactions = (self._readers[LEFT].transactions, self._readers[RIGHT].transactions)
        return self._rows.compare(self._number, left, right, masker=masker), has_written

    async def _messages_compare(self, answers: tuple[Answers, Answers], masker: Masker) -> tuple[RowDifference, ...]:
        """What differs in the messages of this step; one that only one side has sent yet is waited for."""
        if not self._sinks:
            return ()
        deadline = time.monotonic() + _MESSAGE_SECONDS
        # Messages arrive in another thread, which knows of no event here.
        while len(self._sinks[LEFT]) != len(self._sinks[RIGHT]) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)
        left, right = (asked[0].answer.base for asked in answers)
        files = [place.take() for place in self._places] or [(), ()]
        return self._messages.compare(
            self._number,
            *((*sink.take(), *written) for sink, written in zip(self._sinks, files, strict=True)),
            links=links_of(left, right),
            masker=masker,
        )

    async def _compared(self, step: ScenarioStep, answers: tuple[Answers, Answers], names: Sequence[str]) -> CaseResult:
        left, right = (asked[0] for asked in answers)
        links = links_between(left.answer, right.answer)

        def same(difference: ResponseDifference) -> bool:
            return is_same(difference, links, self._mapping)

        if step.together > 1:
            return await sets_compare(step.case, answers, names, rules=self._rules, is_same=same)
        if step.refuse_commit and (refused := refusals_compare(left, right)):
            return refused
        sides = dict(zip(names, (left.answer, right.answer), strict=True))
        self._rules.require_available(step.case.route, sides)
        found, differs = await self._rules.compare(step.case.route, left.answer, right.answer, is_same=same)
        outcome = CaseOutcome.DIFFERENT if found else CaseOutcome.DECLARED if differs else CaseOutcome.EQUAL
        return CaseResult(outcome=outcome, found=tuple(found), left=left, right=right)

    def _secret_variables(self) -> tuple[str, ...]:
        return tuple(
            value
            for variables in self._variables
            for name, value in variables.items()
            if isinstance(value, str) and is_secret(name)
        )

    def _unplayable(self, step: ScenarioStep, name: str) -> PlayedStep:
        failure = RequestError(step.case.source or "a scenario", f"needs {{{name}}}, which neither side answered")
        return PlayedStep(case=step.case, result=CaseResult(outcome=CaseOutcome.FAILED, failure=failure))


def _is_changed(before: Mapping[Table, TableChanges], now: Mapping[Table, TableChanges]) -> bool:
    """Whether rows have changed: what a reader gives is the same object where none have."""
    return any(
        changes is not before[table] if table in before else bool(changes.written or changes.gone)
        for table, changes in now.items()
    )


def _written(before: TableChanges | None, now: TableChanges) -> dict[Key, Values]:
    """The rows of a table that were written since."""
    known = before.written if before else {}
    return {} if before is now else {key: row for key, row in now.written.items() if known.get(key) != row}


def _is_unported(answers: Answers) -> bool:
    return any(each.answer.status == HTTPStatus.NOT_IMPLEMENTED for each in answers)


def is_same(difference: ResponseDifference, links: Links, mapping: IdMapping) -> bool:
    """Whether a difference is none, since both sides generated the ids, times or tokens for the same purpose."""
    if difference.kind not in {DifferenceKind.VALUE, DifferenceKind.HEADER}:
        return False

    def normalised(side: object) -> object:
        if type(side) is not str:
            return side
        is_header = difference.kind is DifferenceKind.HEADER
        return links.header_normalised(str(difference.path[0]), side) if is_header else links.normalised(side)

    return mapping.values_same(normalised(difference.left), normalised(difference.right))
