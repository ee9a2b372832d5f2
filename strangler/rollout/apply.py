"""The way from a plan to what runs: checkpoint, reload, probe, history; a failure or a crash restores what ran before.

Only this module changes a gateway, its routes file and its history; one apply at a time for each gateway.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from strangler.errors import FailedError, StalePlanError, StranglerError, UsageError
from strangler.gateway.rendering import render_gateway
from strangler.rollout.atomic_write import write_durably
from strangler.rollout.history import ApplyOutcome, HistoryEntry, Point, applied, operator, utc_now
from strangler.rollout.rollout import Proposal, Rollout
from strangler.rollout.state_dir import Journal

# So many earlier versions stay in nginx's folder; every routes file stays, so any older one can be rendered again.
_KEPT_VERSIONS: Final = 20
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Intent:
    """Why something is applied: the command as typed, the operator's reason, and whether an unsafe plan is applied too.

    `returns_to` is the number of the entry whose state a rollback brings back. `is_back`: an operator takes
    something back, and nothing moves towards FastAPI: that is never refused.
    """

    command: str
    reason: str = ""
    force: bool = False
    returns_to: int | None = None
    is_back: bool = False

    @property
    def forced(self) -> bool:
        """Whether an unsafe plan is applied too; that needs a reason."""
        return self.force and bool(self.reason)


def rollout_begin(rollout: Rollout, *, command: str) -> None:
    """Activate the routes file's configuration for a gateway that is about to start.

    :raises UsageError: it is no valid routes file.
    :raises FailedError: nginx refuses it.
    """
    with rollout.folder.locked():
        _take_back(rollout)
        rendered = render_gateway(rollout.parse(rollout.file_content()), rollout.gateway.settings)
        rollout.gateway.install(rendered)
        rollout.gateway.activate(rendered.version)
        _record_start(rollout, command)


def rollout_render(rollout: Rollout, *, change: Callable[[], None]) -> None:
    """Render the routes that run anew, once `change` has changed what they are rendered with; no route moves.

    nginx reads them in a moment, or when it is started, where it doesn't run.

    :raises UnsafeError: an apply is under way.
    :raises FailedError: nginx refuses them.
    """
    with rollout.folder.locked():
        _take_back(rollout)
        # Afterwards nothing tells that what runs is the routes file.
        _record_start(rollout, "start")
        change()
        _content, running = rollout.running()
        rendered = render_gateway(running, rollout.gateway.settings)
        rollout.gateway.install(rendered)
        if rollout.gateway.running_version() is None:
            rollout.gateway.activate(rendered.version)
        else:
            rollout.gateway.take_up(rendered.version)


def rollout_recover(rollout: Rollout) -> HistoryEntry | None:
    """Restore what ran before an interrupted apply, and record a restarted gateway.

    Returns the interrupted apply; None where there was none.

    :raises UnsafeError: another apply is under way.
    :raises FailedError: what ran before can't be restored yet; the next call tries again.
    """
    with rollout.folder.locked():
        interrupted = _take_back(rollout)
        _record_start(rollout, "start")
        return interrupted


def rollout_apply(rollout: Rollout, content: bytes, *, checksum: str, intent: Intent) -> HistoryEntry:
    """Apply `content`, and make it the routes file; `checksum` is that of the plan that the operator has seen.

    :raises UsageError: it is no valid routes file, or no gateway runs.
    :raises UnsafeError: the plan is stale, or unsafe and not forced, or another apply is under way.
    :raises FailedError: it failed; what ran before runs again.
    """
    started = time.monotonic()
    rollout.require_django()
    with rollout.folder.locked():
        _take_back(rollout)
        _record_start(rollout, "start")
        proposal = rollout.propose(content)
        if proposal.plan.checksum != checksum:
            stale = f"plan {checksum} is stale, the plan is {proposal.plan.checksum} now"
            raise StalePlanError(stale, "review it with strangler plan")
        proposal.require_safe(forced=intent.forced or intent.is_back)
        if rollout.gateway.running_version() is None:
            raise UsageError(f"no gateway answers at {rollout.gateway.place}", rollout.hint)
        rollout.gateway.install(proposal.rendered)
        rollout.grow_grants(proposal.running, proposal.table)
        entry = _journaled(rollout, _entry(rollout, proposal, intent), content, started=started)
        kept = applied(rollout.folder.history.entries())[-_KEPT_VERSIONS:]
        rollout.gateway.prune({each.after.version for each in kept})
        return entry


def _entry(rollout: Rollout, proposal: Proposal, intent: Intent) -> HistoryEntry:
    # A way back needs no evidence, and is not held up by reading it.
    moved = [change.name for change in proposal.plan.moves if change.towards_fastapi]
    after = Point(version=proposal.rendered.version, routes=rollout.folder.keep(proposal.content))
    entry = rollout.next_entry(proposal.plan, after)
    return replace(
        entry,
        time=_now_text(),
        who=operator(),
        command=intent.command,
        reason=intent.reason,
        returns_to=intent.returns_to,
        before=entry.before and replace(entry.before, version=rollout.gateway.current() or ""),
        forced=() if intent.is_back else proposal.unsafe,
        evidence={name: known.as_json() for name, known in rollout.evidence(moved).items()},
    )


def _record_start(rollout: Rollout, command: str) -> None:
    """Record the routes file as applied where the gateway was started with it, and not by an apply."""
    if started := rollout.unrecorded_start():
        rollout.folder.keep(rollout.file_content())
        rollout.folder.history.append(replace(started, time=_now_text(), who=operator(), command=command))


def _journaled(rollout: Rollout, entry: HistoryEntry, content: bytes, *, started: float) -> HistoryEntry:
    """Switch to the installed version of `entry` as a transaction; returns the entry as it was recorded."""
    journal = Journal(entry=entry, file_before=rollout.folder.keep(rollout.file_content()))
    rollout.folder.journal_open(journal)
    try:
        _switch(rollout, entry.after.version, content)
    except BaseException as error:
        failed = _failed(rollout, journal, replace(entry, seconds=_since(started)), error)
        if isinstance(error, StranglerError | OSError):
            raise failed from error
        _LOG.info("%s", failed)
        raise
    entry = replace(entry, seconds=_since(started))
    rollout.folder.history.append(entry)
    rollout.folder.journal_close()
    return entry


def _switch(rollout: Rollout, version: str, content: bytes) -> None:
    if rollout.file_content() != content:
        write_durably(rollout.routes_file, content)
    rollout.gateway.take_up(version)
    rollout.gateway.wait_until_running(version)


def _failed(rollout: Rollout, journal: Journal, entry: HistoryEntry, error: BaseException) -> FailedError:
    """Restore, record the failure, and give the error; where the restore fails, the journal stays for the next call."""
    reason = str(error).rstrip(".") or type(error).__name__
    try:
        _restore(rollout, journal)
    except (StranglerError, OSError) as second:
        return FailedError(
            f"{reason}; and what ran before isn't back yet ({str(second).rstrip('.')})",
            "fix that, then run strangler apply, which restores it",
        )
    rollout.folder.history.append(replace(entry, outcome=ApplyOutcome.FAILED, error=reason))
    rollout.folder.journal_close()
    return FailedError(f"{reason}; what ran before runs again, and {rollout.routes_file.name} is as it was.")


def _take_back(rollout: Rollout) -> HistoryEntry | None:
    """Restore what ran before an interrupted apply, and return that; None where there was none.

    :raises FailedError: it can't be restored yet; the next call tries again.
    """
    journal = rollout.folder.journal_read()
    if journal is None:
        return None
    interrupted = None
    if not any(entry.number == journal.entry.number for entry in rollout.folder.history.entries()):
        _restore(rollout, journal)
        interrupted = journal.interrupted
        rollout.folder.history.append(interrupted)
        _LOG.info("%s: what ran before was restored", journal.interruption)
    rollout.folder.journal_close()
    return interrupted


def _restore(rollout: Rollout, journal: Journal) -> None:
    """Restore the routes file and nginx's version that the journal recorded."""
    _restore_file(rollout, journal)
    before = journal.entry.before
    if before is None or not before.version:
        return
    if rollout.gateway.running_version() is None:
        rollout.gateway.activate(before.version)
        return
    # Also where the earlier version answers: nginx may not have read the version of the failed apply yet.
    rollout.gateway.take_up(before.version)
    rollout.gateway.wait_until_running(before.version)


def _restore_file(rollout: Rollout, journal: Journal) -> None:
    found = rollout.routes_file.read_bytes() if rollout.routes_file.exists() else b""
    digest = rollout.folder.keep(found)
    if digest == journal.file_before:
        return
    if digest != journal.entry.after.routes:
        kept = rollout.folder.set_aside(found)
        _LOG.info("%s was edited since then: the edits are kept as %s", rollout.routes_file.name, kept)
    write_durably(rollout.routes_file, rollout.folder.state(journal.file_before))


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def _now_text() -> str:
    return utc_now().isoformat().replace("+00:00", "Z")
