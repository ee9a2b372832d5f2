"""Plays scenarios on v1 alone, each on a copy of the database, and keeps what it answered and wrote."""

import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass, field
from typing import Final

import psycopg

from strangler.compare.case import PASSWORD, Scenario, ScenarioStep, step_digest
from strangler.compare.client.auth import Callers, NotSignedInError
from strangler.compare.client.client import SideClient, TimedResponse
from strangler.compare.client.errors import RequestError
from strangler.compare.differ import IGNORED_HEADERS
from strangler.compare.recorded.play_times import RecordedTexts
from strangler.compare.recorded.recording import (
    RecordedAnswer,
    RecordedRows,
    RecordedStep,
    Recording,
    step_name,
)
from strangler.compare.writes.changes import ChangeReader, Key, TableChanges, Values, now_of
from strangler.compare.writes.copies import SIDES
from strangler.compare.writes.id_mapping import is_transaction
from strangler.compare.writes.sandboxes import SandboxMaker, ServedCopies
from strangler.compare.writes.scenarios import limits_for, logs_begin, task_check
from strangler.compare.writes.tables import Column, Table
from strangler.compare.writes.together import answers_of
from strangler.compare.writes.variables import Variables, case_filled, names_in, variables_save
from strangler.databases.backups import contents_of
from strangler.databases.connections import connected, refusals
from strangler.errors import FailedError

NOT_PLAYED: Final = "cases that need what v1 did not answer to an earlier one"
_LOG = logging.getLogger(__name__)


async def answers_record(maker: SandboxMaker, scenarios: Iterable[Scenario]) -> Recording:
    """Play each scenario on a fresh copy of the database with a server of v1, which is the left side of `maker`.

    The database itself is only read.

    :raises FailedError: the database can't be copied, a server doesn't start, or a request has no answer.
    :raises UnsafeError: the server would have received the real database's address.
    """
    source, options = maker.source, maker.options
    logs_begin(maker.logs)
    _LOG.info("copying the database %s", source.name)
    found: dict[str, tuple[RecordedStep, ...]] = {}
    with maker.copies(task_check) as copies, refusals():
        with connected(copies.reading_dsn(copies.snapshot)) as snapshot:
            tables, now = table_digests(snapshot), now_of(snapshot)
        for scenario in scenarios:
            _LOG.info("recording %s", scenario.name)
            with maker.served(copies, scenario, task_check, sides=SIDES[:1]) as served:
                taking = _Taking.begin(served, password=options.password(""))
                async with AsyncExitStack() as clients:
                    limits, (side,) = limits_for(scenario, options), served.servers.sides
                    client = await clients.enter_async_context(SideClient(side, limits, strict_json=True))
                    key = source.secrets["jwt_signing_key"]
                    callers = Callers(
                        [client],
                        options.sign_in,
                        options.password,
                        signer=options.signer,
                        signing_key=key,
                        now=served.clock.time,
                    )
                    steps = [await taking.step(step, client, callers) for step in scenario.steps]
                found[scenario.name] = tuple(steps)
    return Recording(
        day=f"{now.astimezone(dt.UTC):%Y-%m-%d}",
        links=source.settings.project.prefixes.v1,
        tables=tables,
        scenarios=found,
    )


def table_digests(connection: psycopg.Connection) -> dict[str, str]:
    """How many rows each table has, and their digest."""
    with connection.transaction():
        contents = contents_of(connection)
    return {name: f"{each.rows} rows, {each.digest}" for name, each in contents.tables.items()}


@dataclass
class _Taking:
    """Takes down the steps of a scenario."""

    connection: psycopg.Connection
    reader: ChangeReader
    texts: RecordedTexts
    variables: Variables
    saved: set[str] = field(default_factory=lambda: {PASSWORD})
    before: Mapping[Table, TableChanges] = field(default_factory=dict)
    transactions: dict[str, str] = field(default_factory=dict)
    number: int = 0

    @classmethod
    def begin(cls, served: ServedCopies, *, password: str | None) -> "_Taking":
        """Before anybody writes to the copy."""
        (connection,), (reader,) = served.connections, served.readers
        return cls(
            connection=connection,
            reader=reader,
            texts=RecordedTexts(served.now()),
            variables={} if password is None else {PASSWORD: password},
            before=reader.read(),
        )

    async def step(self, step: ScenarioStep, client: SideClient, callers: Callers) -> RecordedStep:
        """The step as it was answered, or why it was left out.

        :raises FailedError: there is no answer.
        """
        name, digest = step_name(step), step_digest(step)
        self.number += 1
        self.saved |= {each for each, _ in step.save}
        lacking = names_in(step.case, self.saved) - self.variables.keys()
        if lacking:
            skipped = "cases that need a password" if PASSWORD in lacking else NOT_PLAYED
            return RecordedStep(name=name, digest=digest, skipped=skipped)
        case = case_filled(step.case, self.variables, prefix=client.side.requested_for(step.case).links)
        try:
            credentials = await callers.credentials_of(case)
            with self.reader.commits_refused() if step.refuse_commit else nullcontext():
                answers = await answers_of(client, case, credentials, number=self.number, together=step.together)
        except NotSignedInError as error:
            return RecordedStep(name=name, digest=digest, skipped=f"cases of {error} without a password")
        except RequestError as error:
            raise FailedError(
                f"{step.case.source}: {error}",
                "correct that case, or the password of its caller: STRANGLER_PASSWORD",
            ) from None
        variables_save(step, answers[0].answer, self.variables)
        self.texts.step_ended(now_of(self.connection))
        return RecordedStep(
            name=name, digest=digest, answers=tuple(self._answer(each) for each in answers), rows=self._rows()
        )

    def _answer(self, asked: TimedResponse) -> RecordedAnswer:
        headers = ((name, text) for name, text in asked.answer.headers if name not in IGNORED_HEADERS)
        # Bytes that are no text stay as they are.
        body = self.texts.text(asked.answer.text).encode("utf-8", "surrogateescape")
        return RecordedAnswer(
            status=asked.answer.status,
            headers=tuple(sorted((name, self.texts.text(text)) for name, text in headers)),
            body=body,
        )

    def _rows(self) -> dict[str, RecordedRows]:
        """What the step has changed, by table."""
        changes = self.reader.read()
        found = {
            table.full_name: self._changed(table, self.before[table], changes[table])
            for table in changes
            if changes[table] != self.before[table]
        }
        self.before = changes
        return found

    def _changed(self, table: Table, before: TableChanges, now: TableChanges) -> RecordedRows:
        # A row without a key is none that an earlier step could have written.
        written = (row for key, row in _ordered(now.written) if not table.key or before.written.get(key) != row)
        undone = () if not table.key else sorted(before.written.keys() - now.written.keys(), key=str)
        return RecordedRows(
            total=now.total,
            written=tuple(self._row(table, row) for row in written),
            undone=tuple(undone),
            gone=tuple(sorted(now.gone - before.gone, key=str)),
        )

    def _row(self, table: Table, row: Values) -> dict[str, str | None]:
        return {column.name: self._value(column, value) for column, value in zip(table.columns, row, strict=True)}

    def _value(self, column: Column, value: str | None) -> str | None:
        if value is None:
            return None
        if is_transaction(column) and value.isdigit():
            # Counted, so that every recording has the same numbers.
            return self.transactions.setdefault(value, str(len(self.transactions) + 1))
        return self.texts.value(value)


def _ordered(written: Mapping[Key, Values]) -> Sequence[tuple[Key, Values]]:
    """As their keys were given out: a longer number is a later one."""
    return sorted(written.items(), key=lambda each: [(len(part or ""), part or "") for part in each[0]])
