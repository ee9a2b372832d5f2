"""The handover of the schema's ownership from Django to Alembic: apply, verify, rollback."""

import logging
import time
from dataclasses import dataclass, replace
from typing import Final

from strangler.databases.connections import connected, refusals
from strangler.errors import FailedError, StalePlanError, StranglerError, UnsafeError, UsageError
from strangler.handover.baseline import (
    BASELINE,
    baseline_files,
    folder_remove,
    folder_write,
    heads_of,
    require_known,
    revisions_of,
    stamp_step,
)
from strangler.handover.execution import execute, settle
from strangler.handover.journal import HandoverEntry, HandoverJournal
from strangler.handover.plan import Handover, HandoverPlan
from strangler.handover.rehearsal import StepChoice, live_schema, verify
from strangler.handover.schema_text import schema_differences, schema_parts
from strangler.handover.steps import named
from strangler.rollout.history import operator, utc_now

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class HandoverIntent:
    """Why: the command as typed, the operator's reason, and whether drift is accepted."""

    command: str
    reason: str = ""
    forced: bool = False


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
        journal = handover.folder.read_of(handover.source.identity)
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
    journal = handover.folder.read_of(handover.source.identity)
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
        journal = handover.folder.read_of(handover.source.identity)
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
    require_known(handover.alembic, revisions or ())
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
