"""One apply as a transaction: a journal first, then the changes; a failure or a crash leads back to what ran before."""

import time
from dataclasses import replace

from strangler.errors import FailedError, StranglerError
from strangler.gateway.interface import running_version, wait_until_running
from strangler.rollout.atomic_write import write_durably
from strangler.rollout.history import Entry, Outcome
from strangler.rollout.state_dir import Journal
from strangler.rollout.target import Target


def apply_journaled(target: Target, entry: Entry, content: bytes, *, started: float) -> Entry:
    """Make the installed version of `entry` the one that answers, and `content` the routes file.

    Returns the entry as it was recorded. `started` is when the call began, by the monotonic clock.

    :raises FailedError: it failed; what ran before runs again.
    """
    journal = Journal(
        number=entry.number,
        time=entry.time,
        who=entry.who,
        command=entry.command,
        before=entry.before,
        after=entry.after,
        file_before=target.folder.keep(target.file_content()),
        file_after=entry.after.routes,
    )
    target.folder.journal_open(journal)
    try:
        _switch(target, entry.after.version, content)
    except BaseException as error:
        failed = _taken_back(target, journal, replace(entry, seconds=_since(started)), error)
        if isinstance(error, StranglerError | OSError):
            raise failed from error
        raise
    entry = replace(entry, seconds=_since(started))
    target.folder.history.append(entry)
    target.folder.journal_close()
    return entry


def apply_recover(target: Target) -> Entry | None:
    """Restore what ran before an interrupted apply, and return that; None where there was none.

    :raises FailedError: it can't be brought back yet; the next call tries again.
    """
    journal = target.folder.journal_read()
    if journal is None:
        return None
    interrupted = None
    if not any(entry.number == journal.number for entry in target.folder.history.entries()):
        _restore(target, journal)
        interrupted = journal.as_entry()
        target.folder.history.append(interrupted)
        target.tell(
            f"{journal.command!r} by {journal.who} was interrupted at {journal.time}: what ran before was restored"
        )
    target.folder.journal_close()
    return interrupted


def _switch(target: Target, version: str, content: bytes) -> None:
    if target.file_content() != content:
        write_durably(target.routes_file, content)
    target.gateway.take_up(version)
    wait_until_running(target.gateway.url, version)


def _taken_back(target: Target, journal: Journal, entry: Entry, error: BaseException) -> FailedError:
    """Restore, record the failure, and say both; a journal that can't be worked off stays for the next call."""
    reason = str(error).rstrip(".") or type(error).__name__
    try:
        _restore(target, journal)
    except (StranglerError, OSError) as second:
        return FailedError(
            f"{reason}; and what ran before isn't back yet ({str(second).rstrip('.')}): fix that, "
            "then strangler apply restores it."
        )
    target.folder.history.append(replace(entry, outcome=Outcome.FAILED, error=reason))
    target.folder.journal_close()
    return FailedError(f"{reason}; what ran before runs again, and {target.routes_file.name} is as it was.")


def _restore(target: Target, journal: Journal) -> None:
    """Put back the routes file and nginx's version as the journal found them."""
    _restore_file(target, journal)
    if journal.before is None or not journal.before.version:
        return
    if running_version(target.gateway.url) is None:
        target.gateway.activate(journal.before.version)
        return
    # Also where the version of before answers: nginx may not have read yet what the failed apply told it to.
    target.gateway.take_up(journal.before.version)
    wait_until_running(target.gateway.url, journal.before.version)


def _restore_file(target: Target, journal: Journal) -> None:
    found = target.routes_file.read_bytes() if target.routes_file.exists() else b""
    digest = target.folder.keep(found)
    if digest == journal.file_before:
        return
    if digest != journal.file_after:
        target.tell(
            f"{target.routes_file.name} was changed meanwhile: that is kept as {target.folder.set_aside(found)}"
        )
    write_durably(target.routes_file, target.folder.state(journal.file_before))


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
