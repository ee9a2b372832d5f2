"""An operation on the schema under traffic: to the next stage, and back."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import psycopg

from strangler.databases.connections import connected, refusals
from strangler.errors import FailedError, StranglerError, UnsafeError, UsageError, many
from strangler.handover.baseline import heads_of, require_known, revisions_of
from strangler.handover.execution import Commands, execute, settle
from strangler.handover.journal import HandoverEntry
from strangler.handover.steps import Step, Work, named
from strangler.modernise.archive import archive_write
from strangler.modernise.journal import OperationFolder, OperationJournal, StageRun
from strangler.modernise.modernisation import Modernisation
from strangler.modernise.planning import operation_planned
from strangler.modernise.replicas import replicas_wait
from strangler.modernise.revisions import revision_name, revision_remove, revision_write, stamped
from strangler.modernise.rows import RowPass
from strangler.modernise.stages import STAGES
from strangler.modernise.survival import stage_clone
from strangler.rollout.history import operator, utc_now
from strangler.rollout.state_dir import RolloutFolder

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class StageIntent:
    """Why: the command as typed, the operator's reason, and whether broken services are accepted."""

    command: str
    reason: str = ""
    forced: bool = False


def modernise_next(modernisation: Modernisation, name: str, *, intent: StageIntent) -> HandoverEntry | None:
    """Go on to the end of the next stage, or of one that was interrupted; None where all are done.

    :raises UsageError: there is no such operation, the schema isn't Alembic's, or its way back was interrupted.
    :raises UnsafeError: a service would break, or Alembic has gone on elsewhere.
    :raises FailedError: it stopped; the next call goes on, `modernise_back` takes back.
    """
    with RolloutFolder(modernisation.state).locked():
        modernisation.require_handed_over()
        journal = modernisation.journal(name)
        if journal is None or not journal.runs:
            journal = _begun(modernisation, name, journal, intent)
        run = journal.unfinished
        if run is not None and run.direction == "back":
            raise UsageError(f"{run.stage} of {name} is being undone", f"run strangler modernise back {name}")
        stage = journal.next_stage
        if stage is None:
            return None
        breaks: list[str] = []
        if run is None:
            run = _stage_run(modernisation, journal, stage)
            breaks = _require_survival(modernisation, journal, (stage,), intent)
            journal = journal.with_run(run)
        modernisation.folder(name).path.mkdir(parents=True, exist_ok=True)
        modernisation.folder(name).write(journal)
        return _forward(modernisation, journal, run, intent, breaks)


def _begun(
    modernisation: Modernisation, name: str, journal: OperationJournal | None, intent: StageIntent
) -> OperationJournal:
    plan = operation_planned(modernisation, name, journal)
    if plan.unsafe and not intent.forced:
        raise UnsafeError(plan.unsafe[0], "change that first, or go on with --force --reason TEXT")
    return OperationJournal(
        name=name,
        title=plan.title,
        database=modernisation.source.identity,
        checksum=plan.checksum,
        stages=plan.stages,
        synced=plan.synced,
    )


def _stage_run(modernisation: Modernisation, journal: OperationJournal, stage: Step) -> StageRun:
    revision = revision_name(journal.name, stage.kind)
    with connected(modernisation.source.owner_dsn) as connection, refusals():
        ((schema,),) = connection.execute("SELECT current_schema()").fetchall()
        revisions = revisions_of(connection) or ()
    require_known(modernisation.alembic, revisions)
    heads = heads_of(modernisation.alembic)
    if revisions != heads or len(heads) != 1:
        raise UnsafeError(
            f"the database is at {named(revisions) or 'no revision'}, Alembic's folder at {named(heads)}",
            "bring both to one head with alembic upgrade first",
        )
    steps = (stamped(stage, schema, revision=revision, previous=heads[0]),)
    return StageRun(stage=stage.kind, revision=revision, previous=heads[0], steps=steps)


def _forward(
    modernisation: Modernisation, journal: OperationJournal, run: StageRun, intent: StageIntent, breaks: list[str]
) -> HandoverEntry:
    folder, started = modernisation.folder(journal.name), time.monotonic()
    stage = journal.stages[STAGES.index(run.stage)]
    try:
        try:
            revision_write(
                modernisation.alembic, stage, title=journal.title, revision=run.revision, previous=run.previous
            )
        except OSError as error:
            raise FailedError(
                f"{error.filename or modernisation.alembic} isn't writable ({error.strerror})",
                f"give it to the user who runs this, and run strangler modernise next {journal.name} again",
            ) from error
        _execute(modernisation, journal, run)
    except StranglerError as error:
        _record(folder, journal, run, intent, "failed", started, error=str(error), forced=breaks)
        raise
    return _record(folder, journal, run, intent, "applied", started, forced=breaks)


def modernise_back(modernisation: Modernisation, name: str, *, intent: StageIntent) -> HandoverEntry:
    """Undo the last stage, or one that was interrupted.

    :raises UsageError: nothing was begun.
    :raises UnsafeError: it is the last stage, a service would break, or Alembic has gone on.
    :raises FailedError: it stopped; the next call goes on.
    """
    with RolloutFolder(modernisation.state).locked():
        journal = modernisation.journal(name)
        if journal is None or not journal.runs:
            raise UsageError(f"nothing of {name} was begun", "there is nothing to take back")
        run, folder, started = journal.runs[-1], modernisation.folder(name), time.monotonic()
        with connected(modernisation.source.owner_dsn) as connection:
            run = settle(connection, run)
            journal = journal.with_run(run)
        breaks: list[str] = []
        if run.is_applied:
            _require_undoable(modernisation, journal, run)
            breaks = _require_survival(modernisation, journal, (_unstamped(journal, run),), intent, back=True)
        run = run.turned()
        journal = journal.with_run(run)
        folder.write(journal)
        try:
            _execute(modernisation, journal, run)
        except StranglerError as error:
            _record(folder, journal, run, intent, "failed", started, error=str(error), forced=breaks)
            raise
        folder.progress.unlink(missing_ok=True)
        revision_remove(modernisation.alembic, run.revision)
        journal = journal.without_run()
        if journal.runs:
            folder.write(journal)
        else:
            folder.close()
        return _record(folder, journal, run, intent, "taken back", started, forced=breaks)


def _require_undoable(modernisation: Modernisation, journal: OperationJournal, run: StageRun) -> None:
    if run.stage == STAGES[-1]:
        raise UnsafeError(
            f"{journal.title} is done, and what contract drops comes back from its archive alone",
            f"see {modernisation.folder(journal.name).archives}",
        )
    with connected(modernisation.source.owner_dsn) as connection, refusals():
        revisions = revisions_of(connection) or ()
    require_known(modernisation.alembic, revisions)
    heads = heads_of(modernisation.alembic)
    if (revisions, heads) != ((run.revision,), (run.revision,)):
        later = named([each for each in (*heads, *revisions) if each != run.revision]) or "no revision"
        raise UnsafeError(f"Alembic has gone on to {later}", "take that back first")


def _unstamped(journal: OperationJournal, run: StageRun) -> Step:
    """The stage without Alembic's table, which the clone has no row of."""
    return journal.stages[STAGES.index(run.stage)]


def _execute(modernisation: Modernisation, journal: OperationJournal, run: StageRun) -> None:
    folder = modernisation.folder(journal.name)
    commands = Commands(f"strangler modernise next {journal.name}", f"strangler modernise back {journal.name}")
    if run.direction == "back":
        commands = Commands(commands.back)
    source = modernisation.source
    # The owner of tables may not see how far the server's replicas are.
    with connected(source.owner_dsn) as connection, connected(source.admin_dsn) as admin:
        wait = partial(replicas_wait, admin, modernisation.throttle.replicas, commands)
        wait()
        execute(
            connection,
            run,
            lambda at: folder.write(journal.with_run(at)),
            patience=modernisation.patience,
            perform=_performer(modernisation, folder, connection, commands, wait),
            commands=commands,
        )


def _performer(
    modernisation: Modernisation,
    folder: OperationFolder,
    connection: psycopg.Connection,
    commands: Commands,
    wait: Callable[[], None],
) -> Callable[[Work], None]:
    rows = RowPass(
        connection=connection,
        kept=folder.progress,
        patience=modernisation.patience,
        commands=commands,
        throttle=modernisation.throttle,
        wait=wait,
    )

    def perform(work: Work) -> None:
        if work.kind == "archive":
            archive_write(connection, work, folder.archives)
        elif work.kind == "backfill":
            rows.backfill(work)
        else:
            found = rows.compare(work)
            if found.differing:
                raise FailedError(
                    f"{work.name} differ in {found.differing:,} of {many(found.rows, 'row')}, such as "
                    + "; ".join(found.keys),
                    commands.hint("write those rows anew"),
                )
            _LOG.info("%s: %s, none differs, digest %s", work.name, many(found.rows, "row"), found.digest)

    return perform


def _require_survival(
    modernisation: Modernisation,
    journal: OperationJournal,
    stages: tuple[Step, ...],
    intent: StageIntent,
    *,
    back: bool = False,
) -> list[str]:
    """Sentences on the services that would break, which were forced.

    :raises UnsafeError: they aren't forced.
    """
    if modernisation.services.is_nobody:
        return []
    with stage_clone(modernisation.source, modernisation.services, journal.synced, notify=_LOG.info) as clone:
        breaks = clone.breaks(lambda: clone.run(stages, back=back))
    if breaks and not intent.forced:
        more = f" (and {len(breaks) - 1} more)" if len(breaks) > 1 else ""
        raise UnsafeError(f"{breaks[0].rstrip('.')}{more}", "do that first, or go on with --force --reason TEXT")
    return breaks


def _record(
    folder: OperationFolder,
    journal: OperationJournal,
    run: StageRun,
    intent: StageIntent,
    outcome: str,
    started: float,
    *,
    error: str = "",
    forced: list[str],
) -> HandoverEntry:
    entry = HandoverEntry(
        time=utc_now().isoformat(),
        who=operator(),
        command=intent.command,
        outcome=outcome,
        checksum=journal.checksum,
        reason=intent.reason,
        error=error,
        steps=[f"{run.stage}: {step.title}" for step in run.steps],
        forced=tuple(forced),
        seconds=round(time.monotonic() - started, 2),
    )
    folder.record(entry)
    return entry
