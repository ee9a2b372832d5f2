"""The handover of the schema's ownership from Django to Alembic: plan, apply, verify, rollback."""

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from strangler.databases.connections import Source, connected, refusals
from strangler.errors import FailedError, StalePlanError, StranglerError, UnsafeError, UsageError
from strangler.handover.baseline import (
    BASELINE,
    baseline_files,
    folder_remove,
    folder_require_free,
    folder_write,
    heads_of,
    is_handed_over,
    revisions_of,
    stamp_step,
)
from strangler.handover.execution import LockPatience, execute, settle
from strangler.handover.journal import HandoverEntry, HandoverFolder, HandoverJournal
from strangler.handover.live import plan_for
from strangler.handover.rehearsal import RehearsalSubject, StepChoice, live_schema, rehearse, verify
from strangler.handover.schema_text import schema_differences, schema_parts
from strangler.handover.steps import StepPlan, named
from strangler.rollout.history import operator, utc_now
from strangler.schema.comparison import SchemaSides, check_all
from strangler.schema.django_side import is_installed

_LOG: Final = logging.getLogger(__name__)
_NOT_INSTALLED: Final = (
    "strangler_django isn't installed, and Django would go on migrating Alembic's tables: "
    "add it to INSTALLED_APPS of every process that migrates."
)
_DATABASE: Final = "the database and the contract"


@dataclass(frozen=True, kw_only=True)
class Handover:
    """What is handed over, where Alembic's folder will be, and `variable`, which holds the database's address there."""

    subject: RehearsalSubject
    folder: HandoverFolder
    alembic: Path
    variable: str
    patience: LockPatience = field(default_factory=LockPatience)

    @property
    def source(self) -> Source:
        """The live database."""
        return self.subject.source


@dataclass(frozen=True, kw_only=True)
class HandoverPlan:
    """What an apply would do.

    `unclean` are sentences on a starting state that has to be put right first; `drift` on what Django's migrations
    would make in another way, which may be forced. With either of them there may be no steps yet.
    """

    steps: StepPlan
    choice: StepChoice
    unclean: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()

    @property
    def checksum(self) -> str:
        """Of the steps; what differs is part of it where it is forced."""
        return self.steps.checksum


@dataclass(frozen=True, kw_only=True)
class HandoverIntent:
    """Why: the command as typed, the operator's reason, and whether drift is accepted."""

    command: str
    reason: str = ""
    forced: bool = False


def handover_plan(handover: Handover, *, without: Collection[str] = ()) -> HandoverPlan:
    """What an apply would do now; rehearsed on clones, there and back.

    :raises UsageError: the schema is handed over already, or Alembic has other revisions.
    :raises FailedError: the database or Django doesn't answer, or a step fails in the rehearsal.
    """
    with connected(handover.source.owner_dsn) as connection, refusals():
        revisions = revisions_of(connection)
    if handover.folder.read() is not None:
        raise UsageError("a handover is done or under way", "see strangler handover verify, or take it back first")
    if is_handed_over(handover.source.owner_dsn):
        raise UsageError(
            f"the schema is handed over already, and {handover.folder.path} isn't the state folder of that",
            "work where it was done",
        )
    if revisions is not None:
        raise UsageError(
            f"alembic_version is there already, at {named(revisions) or 'no revision'}",
            "hand over once; if another program keeps revisions there, let it use another version_table",
        )
    folder_require_free(handover.alembic)
    unclean, drift = _starting_state(handover)
    choice = StepChoice(without=tuple(without))
    if unclean:
        return HandoverPlan(steps=StepPlan(steps=()), choice=choice, unclean=unclean, drift=drift)
    steps, skipped = plan_for(handover.source.owner_dsn, handover.subject.contract, without=without)
    choice = StepChoice(without=tuple(without), skipped=skipped)
    found = rehearse(handover.subject, steps, choice, notify=_LOG.info)
    return HandoverPlan(steps=steps, choice=choice, drift=(*drift, *found))


def _starting_state(handover: Handover) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sentences on what has to be put right first, and on tables that differ from the contract.

    :raises FailedError: something can't be compared.
    """
    sides = SchemaSides(
        contract=handover.subject.contract,
        consumer=None,
        project=handover.subject.project,
        dsn=handover.source.owner_dsn,
        role=None,
        writers=(),
    )
    unclean: list[str] = []
    drift: list[str] = []
    for comparison in check_all(sides):
        if comparison.problem is not None:
            raise FailedError(f"{comparison.name} can't be compared ({comparison.problem.rstrip('.')}).")
        sentences = drift if comparison.name == _DATABASE else unclean
        sentences += [str(mismatch) for mismatch in comparison.mismatches]
    if not is_installed(handover.subject.project):
        unclean.append(_NOT_INSTALLED)
    return tuple(dict.fromkeys(unclean)), tuple(dict.fromkeys(drift))


def handover_apply(handover: Handover, plan: HandoverPlan, *, checksum: str, intent: HandoverIntent) -> HandoverEntry:
    """Run the steps, write Alembic's folder, and make Alembic the owner.

    :raises UnsafeError: the starting state isn't clean, the plan is stale, or another handover is under way.
    :raises FailedError: it stopped; the next apply goes on, a rollback takes back.
    """
    if plan.unclean:
        raise UnsafeError(f"the starting state isn't clean: {plan.unclean[0].rstrip('.')}", "put it right first")
    if plan.drift and not intent.forced:
        raise UnsafeError(
            f"the database isn't what Django's migrations make ({plan.drift[0].rstrip('.')})",
            "correct it, or keep it as it is with --force --reason TEXT",
        )
    if checksum != plan.checksum:
        raise StalePlanError(
            f"plan {checksum} is stale, the plan is {plan.checksum} now", "review it with strangler handover plan"
        )
    with handover.folder.locked():
        if handover.folder.read() is not None:
            raise UnsafeError("another handover was begun meanwhile", "look at strangler handover plan")
        with connected(handover.source.owner_dsn) as connection:
            ((schema,),) = connection.execute("SELECT current_schema()").fetchall()
        handover.folder.keep("before", live_schema(handover.source))
        journal = HandoverJournal(
            database=handover.source.identity,
            checksum=checksum,
            steps=(*plan.steps.steps, stamp_step(schema)),
            without=tuple(plan.choice.without),
            skipped=tuple(plan.choice.skipped),
            accepted=plan.drift,
            who=operator(),
            time=_now(),
            command=intent.command,
            reason=intent.reason,
        )
        handover.folder.write(journal)
        return _go_on(handover, journal)


def handover_resume(handover: Handover) -> HandoverEntry | None:
    """Go on with an apply that was interrupted; None where there is none.

    :raises UsageError: it was a rollback that was interrupted, or the state belongs to another database.
    :raises FailedError: it stopped again.
    """
    with handover.folder.locked():
        journal = _journal(handover)
        if journal is None or journal.is_applied:
            return None
        if journal.direction == "back":
            raise UsageError("a rollback of the handover was interrupted", "run strangler handover rollback")
        return _go_on(handover, journal)


def _go_on(handover: Handover, journal: HandoverJournal) -> HandoverEntry:
    started = time.monotonic()
    last = len(journal.actions) - 1
    try:
        with connected(handover.source.owner_dsn) as connection:
            journal = settle(connection, journal)
            if journal.done <= last:
                journal = execute(connection, journal, handover.folder.write, upto=last, patience=handover.patience)
                dump = live_schema(handover.source)
                handover.folder.keep("after", dump)
                wanted = baseline_files(handover.alembic, dump, variable=handover.variable)
                folder_write(handover.alembic, wanted)
            journal = execute(connection, journal, handover.folder.write, patience=handover.patience)
    except StranglerError as error:
        _record(handover, journal, "failed", started, error=str(error))
        raise
    return _record(handover, journal, "applied", started)


def handover_verify(handover: Handover) -> dict[str, list[str]]:
    """The differences that are left, by comparison; those that were forced are none.

    :raises UsageError: nothing was handed over.
    :raises FailedError: a migration, a step or a revision fails.
    """
    started = time.monotonic()
    journal = _journal(handover)
    if journal is None or not journal.is_applied:
        raise UsageError("nothing was handed over yet", "run strangler handover apply")
    choice = StepChoice(without=journal.without, skipped=journal.skipped)
    found = verify(handover.subject, choice, handover.alembic, notify=_LOG.info)
    with connected(handover.source.owner_dsn) as connection, refusals():
        revisions, heads = revisions_of(connection) or (), heads_of(handover.alembic)
    if revisions != heads:
        found["Alembic's revisions"] = [
            f"the database is at {named(revisions) or 'none'}, the folder at {named(heads)}"
        ]
    found = {name: [each for each in sentences if each not in journal.accepted] for name, sentences in found.items()}
    different = [sentence for sentences in found.values() for sentence in sentences]
    _record(handover, journal, "verified", started, error="; ".join(different))
    return found


def handover_rollback(handover: Handover, *, intent: HandoverIntent) -> HandoverEntry:
    """Undo every step: Django owns the schema, which is as it was, byte for byte.

    :raises UsageError: nothing was handed over.
    :raises UnsafeError: something else has changed since.
    :raises FailedError: it stopped; the next rollback goes on.
    """
    started = time.monotonic()
    with handover.folder.locked():
        journal = _journal(handover)
        if journal is None:
            raise UsageError("nothing was handed over", "there is nothing to take back")
        with connected(handover.source.owner_dsn) as connection:
            journal = settle(connection, journal)
            if journal.is_applied:
                _require_unchanged(handover)
            journal = replace(journal.turned(), command=intent.command, reason=intent.reason, who=operator())
            handover.folder.write(journal)
            try:
                execute(connection, journal, handover.folder.write, patience=handover.patience)
            except StranglerError as error:
                _record(handover, journal, "failed", started, error=str(error))
                raise
        folder_remove(handover.alembic)
        left = _differences(handover, "before")
        handover.folder.close()
        entry = _record(handover, journal, "rolled back", started, error="; ".join(left))
    if left:
        raise FailedError(f"everything was undone, and yet the schema isn't as it was ({left[0]}).")
    return entry


def _require_unchanged(handover: Handover) -> None:
    """Refuse where undoing the steps would not lead back.

    :raises UnsafeError: Alembic has gone on, or the schema is another one than after the apply.
    """
    with connected(handover.source.owner_dsn) as connection, refusals():
        revisions = revisions_of(connection)
    known = heads_of(handover.alembic)
    if revisions != (BASELINE,) or known != (BASELINE,):
        later = named([each for each in (*known, *(revisions or ())) if each != BASELINE]) or "no revision"
        raise UnsafeError(
            f"Alembic has gone on to {later}",
            f"go back to {BASELINE} with alembic downgrade, and remove what came after",
        )
    if changed := _differences(handover, "after"):
        raise UnsafeError(
            f"the schema has changed since the handover ({named(changed[:3])})", "undo that first, or stay with Alembic"
        )


def _differences(handover: Handover, then: str) -> list[str]:
    kept = handover.folder.kept("before" if then == "before" else "after")
    now = live_schema(handover.source)
    if kept == now:
        return []
    found = schema_differences(schema_parts(kept), schema_parts(now), sides=("then", "now"))
    return found or ["the order of its parts"]


def _journal(handover: Handover) -> HandoverJournal | None:
    """The journal of this database's handover.

    :raises UsageError: it belongs to another database.
    """
    journal = handover.folder.read()
    if journal is not None and journal.database != handover.source.identity:
        raise UsageError(
            f"{handover.folder.path} holds the handover of another database",
            "let DATABASE_URL lead to that one, or restore the state folder of this one",
        )
    return journal


def _record(
    handover: Handover, journal: HandoverJournal, outcome: str, started: float, *, error: str = ""
) -> HandoverEntry:
    entry = HandoverEntry(
        time=_now(),
        who=operator(),
        command=journal.command,
        outcome=outcome,
        checksum=journal.checksum,
        reason=journal.reason,
        error=error,
        steps=[step.title for step in journal.steps],
        forced=journal.accepted,
        seconds=round(time.monotonic() - started, 2),
    )
    handover.folder.record(entry)
    return entry


def _now() -> str:
    return utc_now().isoformat()
