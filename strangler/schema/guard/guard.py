"""Before a Django migration is deployed: will the FastAPI that runs go on working, and can it be undone?

The pending migrations are applied to a clone of the live schema, one by one, and each is judged by what it did there:
the catalog before and after, the statements of the running FastAPI, its role's rights, and the SQL that was sent.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
from strangler.schema.guard.rehearsal import Rehearsed, rehearsing
from strangler.schema.guard.replay import find_failures
from strangler.schema.guard.report import (
    Finding,
    GuardReport,
    MigrationReversal,
    MigrationVerdict,
    of_breaks,
    of_failures,
    of_hazards,
    of_lost,
    of_mismatches,
    of_sequences,
    of_shared,
)
from strangler.schema.guard.reversibility import compare_reversal
from strangler.schema.guard.scratch import Scratch, project_on_scratch, scratch_database
from strangler.schema.guard.sequences import KeyRanges, find_sequence_faults, read_key_ranges
from strangler.schema.guard.snapshot import (
    Eyes,
    Look,
    Size,
    eyes,
    find_lost,
    find_renamed,
    find_rewritten,
    look,
    table_sizes,
)
from strangler.schema.guard.squawk import lint

_NO_ROLE: Final = "what FastAPI's role may do was not looked at: the server of --scratch doesn't have the live roles."
_HINT: Final = "leave that until no running version needs it as it is"
_REFUSED: Final = (
    "beside the live database a migration may change nothing but its clone: rehearse it on a server that may be thrown "
    "away, with --scratch"
)
_NOT_EXPORTED: Final = "the contract file doesn't say what the migrations lead to, such as ({count} in all): {sentence}"
_NO_TIMEOUT: Final = (
    "{role}, who migrates, waits for a lock without end, and everybody else behind it: ALTER ROLE {role} SET "
    "lock_timeout = '5s'."
)


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """What is guarded.

    Attributes:
        source: the live database, which is only read.
        running: what the FastAPI that runs needs.
        coming: what the FastAPI of this checkout needs, which may be the same.
        contract: the contract file of this checkout, None to leave it out.
        project: how Django is run; it is told of the scratch database only.
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
    tell: Callable[[str], None] = lambda _sentence: None,
    check: Callable[[], None] = lambda: None,
) -> GuardReport:
    """Rehearse the pending migrations there and back, and judge them.

    `server` is the address of another server to make the scratch database on. `tell` receives what takes its time.
    `check` is called while something is waited for; what it raises ends the run, and nothing is left behind.

    :raises UnsafeError: the live database would have been changed.
    :raises FailedError: a server refuses, or Django can't be started.
    """
    tell(f"cloning the schema of {guarded.source.name}")
    with (
        scratch_database(guarded.source, server=server, rows=guarded.rows, tell=tell, check=check) as scratch,
        eyes(scratch) as by,
    ):
        return _Guard(guarded, scratch, by, tell=tell, check=check).report()


@dataclass(frozen=True)
class _Step:
    """A migration that was applied, and what was seen before and after it."""

    done: Rehearsed
    before: Look
    after: Look


class _Guard:
    def __init__(
        self,
        guarded: Guarded,
        scratch: Scratch,
        by: Eyes,
        *,
        tell: Callable[[str], None],
        check: Callable[[], None],
    ) -> None:
        self._guarded = guarded
        self._scratch = scratch
        self._eyes = by
        self._tell = tell
        self._check = check
        self._role, _password = login_of(guarded.source.fastapi_dsn)
        # By their oids, which stay when they get another name.
        self._made: set[int | None] = set()
        self._ranges: KeyRanges = {}

    def report(self) -> GuardReport:
        first = last = self._look()
        sizes = self._read_live(first)
        steps: list[_Step] = []
        judged: list[MigrationVerdict] = []
        for step in self._forward(first):
            self._tell(f"applied {step.done.label}")
            judged.append(self._judged(step, sizes))
            last = step.after
            if not step.done.error:
                steps.append(step)
        return GuardReport(
            database=self._guarded.source.name,
            migrations=tuple(judged),
            back=tuple(self._back(steps)) if len(steps) == len(judged) and first.shared == last.shared else (),
            inconclusive=tuple(_inconclusive(first)),
            notes=tuple(self._notes(first, last)) if judged else (),
        )

    def _notes(self, first: Look, last: Look) -> Iterator[str]:
        if self._guarded.contract is not None:
            known, found = (contract_mismatches(self._guarded.contract, each.catalog) for each in (first, last))
            if new := [each for each in found if each not in known]:
                yield _NOT_EXPORTED.format(count=len(new), sentence=new[0])
        if not self._scratch.roles:
            yield _NO_ROLE
        with connected(self._guarded.source.owner_dsn) as live:
            if live.execute("SHOW lock_timeout").fetchone() == ("0",):
                yield _NO_TIMEOUT.format(role=live.info.user)

    def _look(self) -> Look:
        return look(self._eyes, self._scratch, self._guarded.running, role=self._role)

    def _read_live(self, first: Look) -> dict[str, Size]:
        with connected(self._guarded.source.admin_dsn) as live:
            self._ranges = read_key_ranges(live, first.catalog, first.sequences)
            return table_sizes(live, default=first.catalog.schema)

    @contextmanager
    def _rehearsing(self, backward: Sequence[str] = ()) -> Iterator[Iterator[Rehearsed]]:
        project = project_on_scratch(self._guarded.project, self._guarded.source, self._scratch)
        with rehearsing(
            project,
            scratch=self._scratch.name,
            role=self._scratch.role,
            timeout=self._guarded.timeout,
            backward=backward,
            check=self._check,
        ) as found:
            yield found

    def _forward(self, before: Look) -> Iterator[_Step]:
        with self._rehearsing() as found:
            for done in found:
                after = self._look()
                yield _Step(done, before, after)
                before = after

    def _judged(self, step: _Step, sizes: dict[str, Size]) -> MigrationVerdict:
        before, after = step.before, step.after
        found = list(self._breaks(before, after))
        breaks = [
            *of_breaks(found, find_renamed(before.places, after.places)),
            *of_mismatches(self._unready(before, after, {(each.table, each.column) for each in found})),
            *of_failures(find_failures(before.tried, after.tried)),
            *of_lost(find_lost(before.rights, after.rights, after.catalog), self._role),
        ]
        shared = {self._real(name) for name, _ in before.shared ^ after.shared}
        breaks += of_shared(shared & {f"role {self._role}"})
        numbers = self._sequences(step)
        breaks += [each for each in numbers if each.features]
        tables = [*before.catalog.tables.items(), *after.catalog.tables.items()]
        self._made |= {table.oid for _, table in tables} - {table.oid for table in before.catalog.tables.values()}
        evidence = RehearsalEvidence(
            before=before.catalog,
            after=after.catalog,
            made={name for name, table in tables if table.oid in self._made},
            rewritten=list(find_rewritten(before.files, after.files)),
            sizes=sizes,
            locked=step.done.locked,
        )
        version = self._eyes.migrating.info.server_version
        remarks = lint(step.done.sql, version=version, in_transaction=step.done.atomic)
        return MigrationVerdict(
            app=step.done.app,
            name=step.done.name,
            breaks=tuple(breaks),
            unsafe=(
                *of_hazards(find_hazards(remarks, evidence)),
                *of_shared(shared - {f"role {self._role}"}),
                *(each for each in numbers if not each.features),
            ),
            seconds=step.done.seconds,
            error=step.done.error,
            hint=_REFUSED if step.done.is_refused and self._scratch.roles else "",
        )

    def _sequences(self, step: _Step) -> list[Finding]:
        before, after = step.before, step.after
        effects = effects_of(self._guarded.running, before.catalog, after.catalog)
        faults = find_sequence_faults(
            before.sequences, after.sequences, self._ranges, step.done.sql if not self._guarded.rows else ()
        )
        return of_sequences(
            faults, lambda each: effects[each.table].leaves(each.column) if each.table in effects else ()
        )

    def _real(self, subject: str) -> str:
        """A role or database by the name that the live one has, whose part the clone's plays."""
        kind, name = subject.split(" ", 1)
        if not self._scratch.roles or name != self._scratch.name:
            return subject
        owner, _password = login_of(self._guarded.source.owner_dsn)
        return f"{kind} {owner if kind == 'role' else self._guarded.source.name}"

    def _breaks(self, before: Look, after: Look) -> Iterator[Break]:
        """What this migration breaks; what is broken already stays another's."""
        consumer = self._guarded.running
        known = {_place(each) for each in find_breaks(before.catalog, before.catalog, consumer)}
        return (each for each in find_breaks(before.catalog, after.catalog, consumer) if _place(each) not in known)

    def _unready(self, before: Look, after: Look, told: Collection[tuple[str, str | None]]) -> Iterator[Mismatch]:
        """What the running service checks itself while the schema changes below it, and hasn't been told of."""
        known, found = (
            consumer_mismatches(self._guarded.running, each.catalog, hint=_HINT) for each in (before, after)
        )
        return (each for each in found if each not in known and (each.table, each.column) not in told)

    def _back(self, steps: list[_Step]) -> Iterator[MigrationReversal]:
        """Newest first, as far as it goes."""
        if not steps:
            return
        self._tell("undoing the migrations")
        left = list(steps)
        with self._rehearsing([step.done.label for step in steps]) as found:
            for undone in found:
                step = left.pop()
                yield compare_reversal(
                    undone,
                    step.before,
                    step.after,
                    self._look(),
                    running=self._guarded.running,
                    coming=self._guarded.coming,
                    role=self._role,
                )


def _place(each: Break) -> tuple[str, str, str | None]:
    return each.kind, each.table, each.column


def _inconclusive(first: Look) -> Iterator[Finding]:
    for tried in first.tried.values():
        if tried.wrong:
            yield Finding(
                kind="inconclusive",
                sentence=f"Statement {tried.name} of {tried.feature} doesn't work on the live schema as it is "
                f"({tried.wrong}): name the consumer file of the FastAPI that runs with --consumer.",
                features=(tried.feature,),
            )
