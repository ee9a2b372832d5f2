"""Runs the actions of a handover on the live database, one transaction each, forward or back, also after a kill."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import psycopg

from strangler.databases.connections import reason_of
from strangler.errors import FailedError
from strangler.handover.journal import HandoverJournal, Pending
from strangler.handover.steps import Action, quoted

_LOG: Final = logging.getLogger(__name__)
# Waits between tries: 0.1 s, doubled up to this many, each shortened by chance so that two don't meet again.
_LONGEST_WAIT: Final = 5.0
_FIRST_WAIT: Final = 0.1
_STATUS: Final = "SELECT pg_xact_status(%s::text::xid8)"
_POLL_SECONDS: Final = 0.1
_POLLS: Final = 100
_RETRIED: Final = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
# Those who hold a lock on one of the tables, the longest transaction first.
_HOLDERS: Final = """
    SELECT relation::regclass::text,
        format('%%s, %%s, for %%s s', pid, coalesce(nullif(application_name, ''), usename, backend_type),
            coalesce(round(extract(epoch FROM clock_timestamp() - xact_start)), 0))
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE relation = ANY (SELECT to_regclass(name)::oid FROM unnest(%s::text[]) AS name)
    AND granted AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 1
"""


@dataclass(frozen=True, kw_only=True)
class LockPatience:
    """How long one try waits for a lock, in seconds, and how many tries there are.

    Whoever comes behind a waiting ALTER TABLE waits too, so that one try is short.
    """

    timeout: float = 1.0
    tries: int = 15


def execute(
    connection: psycopg.Connection,
    journal: HandoverJournal,
    write: Callable[[HandoverJournal], None],
    *,
    upto: int | None = None,
    patience: LockPatience | None = None,
) -> HandoverJournal:
    """Go on in the journal's direction: to its end, or with `upto` until so many actions are committed.

    `connection` commits each statement by itself; `write` has the journal on the disk when it returns. Returns the
    journal as it stands at the end.

    :raises FailedError: a lock doesn't come, or PostgreSQL refuses; what was committed is in the journal.
    """
    journal = settle(connection, journal)
    forward = journal.direction == "forward"
    end = upto if upto is not None else len(journal.actions) if forward else 0
    while (journal.done < end) if forward else (journal.done > end):
        action = journal.actions[journal.done if forward else journal.done - 1]
        after = journal.done + 1 if forward else journal.done - 1
        statements = action.statements if forward else action.undo
        if statements:
            run = _Transaction(connection, action, statements, patience or LockPatience())
            run.commit(partial(_write_pending, journal, after, write))
        journal = journal.at(after)
    write(journal)
    return journal


def _write_pending(
    journal: HandoverJournal, done_after: int, write: Callable[[HandoverJournal], None], transaction: int
) -> None:
    write(journal.at(journal.done, pending=Pending(transaction=transaction, done_after=done_after)))


def settle(connection: psycopg.Connection, journal: HandoverJournal) -> HandoverJournal:
    """The journal without `pending`: PostgreSQL knows whether that transaction was committed.

    :raises FailedError: it is still under way, or too long ago.
    """
    if (pending := journal.pending) is None:
        return journal
    for _ in range(_POLLS):
        try:
            row = connection.execute(_STATUS, (pending.transaction,)).fetchone()
        except psycopg.errors.InvalidParameterValue:  # in the future: the server was restored from a backup
            row = (None,)
        status = row[0] if row else None
        if status != "in progress":
            break
        time.sleep(_POLL_SECONDS)
    if status == "committed":
        return journal.at(pending.done_after)
    if status == "aborted":
        return journal.at(journal.done)
    if status == "in progress":
        raise FailedError("the last transaction of the interrupted run is still under way", "end it, and try again")
    raise FailedError(
        "PostgreSQL no longer knows whether the last transaction was committed",
        "restore database and state folder from backups of the same time",
    )


class _Transaction:
    """One action's transaction, tried until the lock comes."""

    def __init__(
        self, connection: psycopg.Connection, action: Action, statements: tuple[str, ...], patience: LockPatience
    ) -> None:
        self._connection = connection
        self._action = action
        self._statements = statements
        self._patience = patience

    def commit(self, before_commit: Callable[[int], None]) -> None:
        wait = _FIRST_WAIT
        for tried in range(1, self._patience.tries + 1):
            try:
                self._try(before_commit)
            except _RETRIED as error:
                if tried == self._patience.tries:
                    raise self._no_lock() from error
                _LOG.info("%s is locked by others, trying again in %.1f s", self._action.table, wait)
                time.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 - no secret
                wait = min(2 * wait, _LONGEST_WAIT)
            except psycopg.Error as error:
                raise FailedError(
                    f"PostgreSQL refuses a step on {self._action.table} ({reason_of(error)})",
                    "fix that and run strangler handover apply again, or take back with strangler handover rollback",
                ) from error
            else:
                return

    def _try(self, before_commit: Callable[[int], None]) -> None:
        with self._connection.transaction():
            milliseconds = max(1, round(self._patience.timeout * 1000))
            self._connection.execute(f"SET LOCAL lock_timeout = {milliseconds}".encode())
            # A validation reads the whole table, beside other reads and writes.
            self._connection.execute("SET LOCAL statement_timeout = 0")
            for statement in self._statements:
                self._connection.execute(statement.encode())
            ((number,),) = self._connection.execute("SELECT pg_current_xact_id()::text").fetchall()
            before_commit(int(number))

    def _no_lock(self) -> FailedError:
        tables = [quoted(*key.split(".", 1)) for key in (self._action.table, self._action.target) if key]
        row = self._connection.execute(_HOLDERS, (tables,)).fetchone()
        table, holder = (row[0], f" by process {row[1]}") if row else (self._action.table, "")
        patience = f"{self._patience.tries} tries of {self._patience.timeout:g} s"
        return FailedError(
            f"{table} stayed locked{holder}, through {patience}",
            "end that transaction and run strangler handover apply again, or strangler handover rollback",
        )
