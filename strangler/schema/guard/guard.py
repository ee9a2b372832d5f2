"""Checks, before Django migrations are deployed, whether the running FastAPI keeps working and they can be undone.

The pending migrations are applied to a clone of the live schema, one by one. Compared before and after each of them
are the catalog, the results of the running FastAPI's statements and its role's rights; the SQL that was sent is linted.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from shared_schema.consumer.consumer import Consumer
from shared_schema.contract.contract import Contract
from shared_schema.drift.consumer import consumer_mismatches
from shared_schema.drift.contract import contract_mismatches
from shared_schema.drift.mismatch import Mismatch
from strangler.databases.connections import Source, connected, login_of
from strangler.schema.compatibility import find_breaks
from strangler.schema.compatibility.breaks import Break
from strangler.schema.compatibility.effects import effects_of
from strangler.schema.django_side import ManageCommand
from strangler.schema.guard.hazards import RehearsalEvidence, find_hazards
from strangler.schema.guard.rehearsal import Rehearsed, rehearse
from strangler.schema.guard.remedies import HazardKind, steps_for
from strangler.schema.guard.replay import find_failures
from strangler.schema.guard.report import (
    Finding,
    GuardReport,
    MigrationReversal,
    MigrationVerdict,
    of_breaks,
    of_failures,
    of_lost_rights,
    of_mismatches,
    of_shared_objects,
)
from strangler.schema.guard.reversibility import compare_reversal
from strangler.schema.guard.scratch import Scratch, project_on_scratch, scratch_database
from strangler.schema.guard.sequences import KeyRanges, find_sequence_faults, read_key_ranges
from strangler.schema.guard.snapshot import (
    Size,
    Snapshot,
    SnapshotReader,
    find_lost_rights,
    find_renamed,
    find_rewritten,
    observe,
    table_sizes,
)
from strangler.schema.guard.squawk import lint

_NO_ROLE: Final = "the rights of FastAPI's role weren't checked: the server of --scratch doesn't have the live roles."
_HINT: Final = "change that once no running version needs it as it is"
_REFUSED: Final = (
    "beside the live database a migration may change nothing but its clone: rehearse it on a server that may be thrown "
    "away, with --scratch"
)
_NOT_EXPORTED: Final = "the contract file lacks changes of these migrations, such as ({count} in all): {sentence}"
_NO_TIMEOUT: Final = (
    "migrations have no lock timeout, and queries queue behind one that waits for a lock: ALTER ROLE {role} SET "
    "lock_timeout = '5s'."
)


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """The input of a guard run.

    Attributes:
        source: the live database, which is only read.
        running: what the FastAPI that runs needs.
        coming: what the FastAPI of this checkout needs, which may be the same.
        contract: the contract file of this checkout, None to leave it out.
        project: how Django is run; it gets the address of the scratch database only.
        timeout: how many seconds a migration may take.
        rows: how many rows of each table the clone has.
    """

    source: Source
    running: Consumer
    coming: Consumer
    project: ManageCommand
    contract: Contract | None = None
    timeout: float = 600
    rows: int = 0


def guard(
    guarded: Guarded,
    *,
    server: str | None = None,
    notify: Callable[[str], None] = lambda _sentence: None,
    check: Callable[[], None] = lambda: None,
) -> GuardReport:
    """Rehearse applying and undoing the pending migrations, and report what they break.

    `server` is the address of another server to make the scratch database on. `notify` receives a sentence for each
    step. `check` is called during waits; what it raises ends the run, and nothing is left behind.

    :raises UnsafeError: the live database would have been changed.
    :raises FailedError: a server refuses, or Django can't be started.
    """
    notify(f"cloning the schema of {guarded.source.name}")
    with (
        scratch_database(guarded.source, server=server, rows=guarded.rows, notify=notify, check=check) as scratch,
        observe(scratch) as observer,
    ):
        return _Guard(guarded, scratch, observer, notify, check).report()


@dataclass(frozen=True)
class _Step:
    """A migration that was applied, with the snapshots before and after it."""

    migration: Rehearsed
    before: Snapshot
    after: Snapshot


@dataclass
class _Guard:
    guarded: Guarded
    scratch: Scratch
    observer: SnapshotReader
    notify: Callable[[str], None]
    check: Callable[[], None]
    # Tables that pending migrations have made, by their oids, which stay when a table is renamed.
    made: set[int | None] = field(default_factory=set)
    sizes: Mapping[str, Size] = field(default_factory=dict)
    ranges: KeyRanges = field(default_factory=dict)

    @cached_property
    def role(self) -> str:
        return login_of(self.guarded.source.fastapi_dsn)[0]

    def report(self) -> GuardReport:
        first = last = self._snapshot()
        with connected(self.guarded.source.admin_dsn) as live:
            self.ranges = read_key_ranges(live, first.catalog, first.sequences)
            self.sizes = table_sizes(live, default=first.catalog.schema)
        steps: list[_Step] = []
        verdicts: list[MigrationVerdict] = []
        for step in self._apply(first):
            self.notify(f"applied {step.migration.label}")
            verdicts.append(self._verdict(step))
            last = step.after
            if not step.migration.error:
                steps.append(step)
        return GuardReport(
            database=self.guarded.source.name,
            migrations=tuple(verdicts),
            back=tuple(self._undo(steps)) if len(steps) == len(verdicts) and first.shared == last.shared else (),
            inconclusive=tuple(_inconclusive(first)),
            notes=tuple(self._notes(first, last)) if verdicts else (),
        )

    def _notes(self, first: Snapshot, last: Snapshot) -> Iterator[str]:
        if (contract := self.guarded.contract) is not None:
            old = contract_mismatches(contract, first.catalog)
            if new := [mismatch for mismatch in contract_mismatches(contract, last.catalog) if mismatch not in old]:
                yield _NOT_EXPORTED.format(count=len(new), sentence=new[0])
        if not self.scratch.roles:
            yield _NO_ROLE
        with connected(self.guarded.source.owner_dsn) as live:
            if live.execute("SHOW lock_timeout").fetchone() == ("0",):
                yield _NO_TIMEOUT.format(role=live.info.user)

    def _snapshot(self) -> Snapshot:
        return self.observer.snapshot(self.guarded.running, role=self.role)

    def _rehearse(self, backward: Sequence[str] = ()) -> AbstractContextManager[Iterator[Rehearsed]]:
        return rehearse(
            project_on_scratch(self.guarded.project, self.guarded.source, self.scratch),
            scratch=self.scratch.name,
            role=self.scratch.role,
            timeout=self.guarded.timeout,
            backward=backward,
            check=self.check,
        )

    def _apply(self, before: Snapshot) -> Iterator[_Step]:
        with self._rehearse() as migrations:
            for migration in migrations:
                after = self._snapshot()
                yield _Step(migration, before, after)
                before = after

    def _verdict(self, step: _Step) -> MigrationVerdict:
        migration, before, after = step.migration, step.before, step.after
        breaks = list(self._breaks(before, after))
        shared = {self._live_name(subject) for subject, _ in before.shared ^ after.shared}
        own_role = {f"role {self.role}"}
        sequences = list(self._sequence_findings(step))
        return MigrationVerdict(
            app=migration.app,
            name=migration.name,
            breaks=(
                *of_breaks(breaks, find_renamed(before.parts, after.parts)),
                *of_mismatches(self._unready(before, after, {(found.table, found.column) for found in breaks})),
                *of_failures(find_failures(before.replayed, after.replayed)),
                *of_lost_rights(find_lost_rights(before.rights, after.rights, after.catalog), self.role),
                *of_shared_objects(shared & own_role),
                *(finding for finding in sequences if finding.features),
            ),
            unsafe=(
                *self._hazards(step),
                *of_shared_objects(shared - own_role),
                *(finding for finding in sequences if not finding.features),
            ),
            seconds=migration.seconds,
            error=migration.error,
            hint=_REFUSED if migration.is_refused and self.scratch.roles else "",
        )

    def _hazards(self, step: _Step) -> list[Finding]:
        before, after = step.before, step.after
        tables = [*before.catalog.tables.items(), *after.catalog.tables.items()]
        self.made |= {table.oid for _, table in tables} - {table.oid for table in before.catalog.tables.values()}
        evidence = RehearsalEvidence(
            before=before.catalog,
            after=after.catalog,
            made={name for name, table in tables if table.oid in self.made},
            rewritten=list(find_rewritten(before.files, after.files)),
            sizes=self.sizes,
            locked=step.migration.locked,
        )
        version, atomic = self.observer.server_version, step.migration.atomic
        return find_hazards(lint(step.migration.sql, version=version, in_transaction=atomic), evidence)

    def _sequence_findings(self, step: _Step) -> Iterator[Finding]:
        """Columns that get no usable value any more, with the features that leave them to their sequence."""
        before, after = step.before, step.after
        effects = effects_of(self.guarded.running, before.catalog, after.catalog)
        statements = step.migration.sql if not self.guarded.rows else ()
        for table, column, what in find_sequence_faults(before.sequences, after.sequences, self.ranges, statements):
            features = tuple(sorted(effects[table].leaves(column))) if table in effects else ()
            steps = steps_for(HazardKind.SEQUENCE, table=table, column=column)
            yield Finding(HazardKind.SEQUENCE, f"{table}.{column}: {what}.", table, column, features, steps)

    def _live_name(self, subject: str) -> str:
        """A role or database of the clone by the name of the live one that it stands for."""
        kind, name = subject.split(" ", 1)
        if not self.scratch.roles or name != self.scratch.name:
            return subject
        owner, _password = login_of(self.guarded.source.owner_dsn)
        return f"{kind} {owner if kind == 'role' else self.guarded.source.name}"

    def _breaks(self, before: Snapshot, after: Snapshot) -> Iterator[Break]:
        """What this migration breaks, without what was broken before it."""
        consumer = self.guarded.running
        old = {_place(found) for found in find_breaks(before.catalog, before.catalog, consumer)}
        return (found for found in find_breaks(before.catalog, after.catalog, consumer) if _place(found) not in old)

    def _unready(
        self, before: Snapshot, after: Snapshot, reported: Collection[tuple[str, str | None]]
    ) -> Iterator[Mismatch]:
        """New mismatches of the running service's own readiness check, without columns that are `reported` already."""
        old, new = (
            consumer_mismatches(self.guarded.running, snapshot.catalog, hint=_HINT) for snapshot in (before, after)
        )
        return (found for found in new if found not in old and (found.table, found.column) not in reported)

    def _undo(self, steps: list[_Step]) -> Iterator[MigrationReversal]:
        """Undo the migrations, newest first, until one can't be undone."""
        if not steps:
            return
        self.notify("undoing the migrations")
        left = list(steps)
        with self._rehearse([step.migration.label for step in steps]) as migrations:
            for undone in migrations:
                step = left.pop()
                yield compare_reversal(
                    undone,
                    step.before,
                    step.after,
                    self._snapshot(),
                    running=self.guarded.running,
                    coming=self.guarded.coming,
                    role=self.role,
                )


def _place(found: Break) -> tuple[str, str, str | None]:
    return found.kind, found.table, found.column


def _inconclusive(first: Snapshot) -> Iterator[Finding]:
    for query in first.replayed.values():
        if query.wrong:
            sentence = (
                f"Statement {query.name} of {query.feature} doesn't work on the live schema as it is ({query.wrong}): "
                "name the consumer file of the FastAPI that runs with --consumer."
            )
            yield Finding("inconclusive", sentence, features=(query.feature,))
