"""Holds another stack against a recording: scenarios are played on copies, and the file answers for v1."""

import dataclasses
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from typing import Final

from strangler.compare.case import Case, Scenario
from strangler.compare.client.auth import Callers
from strangler.compare.client.client import SideClient, TimedResponse
from strangler.compare.client.errors import RequestError
from strangler.compare.client.response import Headers, SideResponse
from strangler.compare.client.sides import Side
from strangler.compare.comparison import CaseOutcome, CaseResult, Rules
from strangler.compare.recorded.play_times import ReplayedTexts
from strangler.compare.recorded.record import table_digests
from strangler.compare.recorded.recording import RecordedRows, RecordedStep, Recording, recorded_side
from strangler.compare.run import RequestOptions
from strangler.compare.writes.changes import Key, TableChanges, Values
from strangler.compare.writes.copies import SIDES
from strangler.compare.writes.id_mapping import Clock
from strangler.compare.writes.play import Play, PlayedStep
from strangler.compare.writes.sandboxes import SandboxMaker, ServedCopies
from strangler.compare.writes.scenarios import limits_for, logs_begin, task_check
from strangler.compare.writes.tables import Table
from strangler.databases.connections import connected, refusals
from strangler.errors import UsageError

_HINT: Final = "record it anew with strangler record"
# Those of a recording are counted from 1.
_TRANSACTIONS: Final = (0, 1_000_000_000)
_SHOWN: Final = 5
_AFTER_UNPORTED: Final = "cases that differ after a write that only the recording has"
_LOG = logging.getLogger(__name__)


async def recorded_compare(
    maker: SandboxMaker, scenarios: Iterable[Scenario], recording: Recording, *, chosen: Collection[str] = ()
) -> AsyncGenerator[PlayedStep, None]:
    """Play each scenario on a fresh copy with a server of FastAPI; gives each step as it was played.

    As `writes_compare`, of which the left side is the recording.

    :raises UsageError: a table is no longer as it was recorded.
    """
    source, options = maker.source, maker.options
    logs_begin(maker.logs)
    _LOG.info("copying the database %s", source.name)
    with maker.copies(task_check) as copies, refusals():
        with connected(copies.reading_dsn(copies.snapshot)) as snapshot:
            _changed_tables_log(recording, table_digests(snapshot))
        for scenario in scenarios:
            if chosen and not any(step.case.route in chosen for step in scenario.steps):
                continue
            _LOG.info("playing %s", scenario.name)
            with maker.served(copies, scenario, task_check, sides=SIDES[1:]) as served:
                left, play = _ready(served, scenario, recording, maker.rules, options)
                key = source.secrets["jwt_signing_key"]
                async for played in _steps(scenario, left, play, served, options, key=key):
                    yield played


def _changed_tables_log(recording: Recording, rows: Mapping[str, str]) -> None:
    changed = sorted(name for name in rows.keys() | recording.tables if rows.get(name) != recording.tables.get(name))
    if changed:
        names = ", ".join(changed[:_SHOWN]) + (f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else "")
        _LOG.info("other rows than when it was recorded: %s; what shows them may differ", names)


def _ready(
    served: ServedCopies, scenario: Scenario, recording: Recording, rules: Rules, options: RequestOptions
) -> tuple["RecordedSide", Play]:
    """The recorded side, and what compares it, before anybody writes to the copy."""
    (reader,), began = served.readers, served.now()
    left = RecordedSide(
        below_v2_as(recorded_side(recording), served.servers.sides[0]),
        served.tables,
        recording.scenarios[scenario.name],
        reader.read(),
        ReplayedTexts(began),
    )
    play = Play(
        served.tables,
        served.originals,
        (left, reader),
        clock=Clock(served.began(), recorded=recording.day),
        rules=rules,
        password=options.password(""),
        is_recorded=True,
    )
    return left, play


async def _steps(
    scenario: Scenario, left: "RecordedSide", play: Play, served: ServedCopies, options: RequestOptions, *, key: str
) -> AsyncIterator[PlayedStep]:
    servers = served.servers
    async with AsyncExitStack() as exits:
        limits = limits_for(scenario, options)
        client = await exits.enter_async_context(SideClient(servers.sides[0], limits, strict_json=True))
        signer, now = options.signer, served.clock.time
        callers = Callers([client], options.sign_in, options.password, signer=signer, signing_key=key, now=now)
        for step, recorded in zip(scenario.steps, left.steps, strict=True):
            if recorded.skipped:
                yield PlayedStep(case=step.case, result=None, skipped=recorded.skipped)
                continue
            left.begin(recorded)
            played = await play.step(step, (left, client), (left, callers))
            if played.result and played.result.failure and (failure := servers.failure()):
                yield PlayedStep(case=played.case, result=CaseResult(outcome=CaseOutcome.FAILED, failure=failure))
                return
            yield left.without_lacking_rows(played)


def below_v2_as(left: Side, right: Side) -> Side:
    """The recorded side with its links in cases below v2's prefix, which were requested by the same `Host` as now."""
    if right.v2 is None or right.v2.own is None:
        return left
    own = dataclasses.replace(right.v2.own, prefix=left.links)
    return dataclasses.replace(left, v2=dataclasses.replace(left, own=own))


class RecordedSide:
    """Answers as v1 did when it was recorded, and has written its rows."""

    def __init__(
        self,
        side: Side,
        tables: Sequence[Table],
        steps: Sequence[RecordedStep],
        before: Mapping[Table, TableChanges],
        texts: ReplayedTexts,
    ) -> None:
        self.side = side
        self.steps = steps
        self.transactions = _TRANSACTIONS
        self._tables = {table.full_name: table for table in tables}
        self._changes = dict(before)
        self._texts = texts
        self._answers: list[TimedResponse] = []
        # Rows of this step, until it is asked for, and whether a step has passed that wasn't.
        self._rows: dict[Table, RecordedRows] = {}
        self._lacks_rows = False

    def begin(self, step: RecordedStep) -> None:
        """The next requests are those of this step.

        :raises UsageError: a table is no longer as it was recorded.
        """
        self._answers = [
            TimedResponse(
                answer=SideResponse(
                    status=answer.status,
                    headers=tuple((name, self._texts.text(text)) for name, text in answer.headers),
                    body=self._texts.text(answer.body.decode("utf-8", "surrogateescape")).encode(
                        "utf-8", "surrogateescape"
                    ),
                ),
                seconds=0.0,
            )
            for answer in step.answers
        ]
        self._lacks_rows = self._lacks_rows or bool(self._rows)
        for name in step.rows:
            if name not in self._tables:
                raise UsageError(f"there is no table {name}, as there was when it was recorded", _HINT)
        self._rows = {self._tables[name]: rows for name, rows in step.rows.items()}

    async def send(self, case: Case, *, credentials: Headers = ()) -> TimedResponse:
        """The next answer of the step."""
        del credentials
        for table, rows in self._rows.items():
            self._changes[table] = self._changed(table, self._changes[table], rows)
        self._rows = {}
        if not self._answers:
            raise RequestError(self.side.name, f"has no further answer to {case.method} {case.target}")
        side, asked = self.side.requested_for(case), self._answers.pop(0)
        return dataclasses.replace(asked, answer=dataclasses.replace(asked.answer, base=side.links, own=side.own))

    def without_lacking_rows(self, played: PlayedStep) -> PlayedStep:
        """A step as it was played; none that was compared, where rows may differ that FastAPI was never asked to write.

        A write that FastAPI answers with 501 is none of the play, but answers that were recorded later show its rows.
        """
        is_different = bool(played.result and played.result.outcome is CaseOutcome.DIFFERENT) or bool(played.rows)
        if self._lacks_rows and is_different:
            return PlayedStep(case=played.case, result=None, skipped=_AFTER_UNPORTED)
        return played

    async def credentials_of(self, case: Case) -> Headers:
        """None, since nobody is asked."""
        del case
        return ()

    def is_lent(self, name: str) -> bool:
        """Never, since nobody is asked."""
        del name
        return False

    def read(self) -> Mapping[Table, TableChanges]:
        """What v1 had changed by the end of this step."""
        return dict(self._changes)

    def commits_refused(self) -> AbstractContextManager[None]:
        """Nothing more: the recorded answers are those of a database that did."""
        return nullcontext()

    def _changed(self, table: Table, before: TableChanges, rows: RecordedRows) -> TableChanges:
        made: dict[Key, Values] = {key: row for key, row in before.written.items() if key not in rows.undone}
        if not table.key:
            # All that were written stand in each step.
            made = {(str(number),): self._values(table, row) for number, row in enumerate(rows.written)}
        for values in (self._values(table, row) for row in rows.written) if table.key else ():
            made[tuple(values[index] for index in table.key_indexes)] = values
        return dataclasses.replace(before, total=rows.total, written=made, gone=before.gone | set(rows.gone))

    def _values(self, table: Table, row: Mapping[str, str | None]) -> Values:
        names = [column.name for column in table.columns]
        if set(names) != row.keys():
            other = sorted(set(names) ^ row.keys())
            raise UsageError(f"{table.shown} has other columns than when it was recorded: {', '.join(other)}", _HINT)
        return tuple(None if (value := row[name]) is None else self._texts.text(value) for name in names)
