"""Runs actions on the live database, one transaction each, forward or back, also after a kill."""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import psycopg

from strangler.databases.connections import reason_of
from strangler.errors import FailedError
from strangler.handover.journal import ActionJournal, Pending
from strangler.handover.steps import Action, Work, quoted

Journal = TypeVar("Journal", bound=ActionJournal)
Result = TypeVar("Result")

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


@dataclass(frozen=True)
class Commands:
    """What an operator types to go on, and to take back, if there is such a command."""

    forward: str
    back: str = ""

    def hint(self, first: str) -> str:
        """What to do first, and then."""
        return f"{first} and run {self.forward} again" + (f", or take back with {self.back}" if self.back else "")


HANDOVER: Final = Commands("strangler handover apply", "strangler handover rollback")


def execute(
    connection: psycopg.Connection,
    journal: Journal,
    write: Callable[[Journal], None],
    *,
    upto: int | None = None,
    patience: LockPatience | None = None,
    perform: Callable[[Work], None] = lambda _work: None,
    commands: Commands = HANDOVER,
) -> Journal:
    """Go on in the journal's direction: to its end, or with `upto` until so many actions are committed.

    `connection` commits each statement by itself; `write` has the journal on the disk when it returns; `perform` does
    an action's work. Returns the journal as it stands at the end.

    :raises FailedError: a lock doesn't come, or PostgreSQL refuses; what was committed is in the journal.
    """
    journal = settle(connection, journal)
    forward = journal.direction == "forward"
    end = upto if upto is not None else len(journal.actions) if forward else 0
    while (journal.done < end) if forward else (journal.done > end):
        action = journal.actions[journal.done if forward else journal.done - 1]
        after = journal.done + 1 if forward else journal.done - 1
        statements = action.statements if forward else action.undo
        if action.work is not None and forward:
            perform(action.work)
        if statements:
            run = _Run(connection, action, statements, patience or LockPatience(), commands)
            if action.concurrently:
                run.each()
            else:
                run.commit(partial(_write_pending, journal, after, write))
        journal = journal.at(after)
        if action.work is not None or action.concurrently:
            write(journal)  # PostgreSQL has no transaction of it to ask for
    write(journal)
    return journal


def _write_pending(journal: Journal, done_after: int, write: Callable[[Journal], None], transaction: int) -> None:
    write(journal.at(journal.done, pending=Pending(transaction=transaction, done_after=done_after)))


def lock_retried(
    connection: psycopg.Connection,
    attempt: Callable[[], Result],
    *,
    tables: Sequence[str],
    patience: LockPatience,
    commands: Commands = HANDOVER,
) -> Result:
    """What `attempt` returns, tried until the lock comes; `tables` are SQL, the first one stands in sentences.

    :raises FailedError: the lock doesn't come, and who holds it; or PostgreSQL refuses.
    """
    wait = _FIRST_WAIT
    for tried in range(1, patience.tries + 1):
        try:
            return attempt()
        except _RETRIED as error:
            if tried == patience.tries:
                raise _no_lock(connection, tables, patience, commands) from error
            _LOG.info("%s is locked by others, trying again in %.1f s", tables[0], wait)
            time.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 - no secret
            wait = min(2 * wait, _LONGEST_WAIT)
        except psycopg.Error as error:
            raise FailedError(
                f"PostgreSQL refuses a step on {tables[0]} ({reason_of(error)})",
                commands.hint("fix that"),
            ) from error
    raise AssertionError("patience has one try at least")


def _no_lock(
    connection: psycopg.Connection, tables: Sequence[str], patience: LockPatience, commands: Commands
) -> FailedError:
    row = connection.execute(_HOLDERS, (list(tables),)).fetchone()
    table, holder = (row[0], f" by process {row[1]}") if row else (tables[0], "")
    tries = f"{patience.tries} {'try' if patience.tries == 1 else 'tries'}"
    return FailedError(
        f"{table} stayed locked{holder}, through {tries} of {patience.timeout:g} s",
        commands.hint("end that transaction"),
    )


def settle(connection: psycopg.Connection, journal: Journal) -> Journal:
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


@dataclass(frozen=True)
class _Run:
    """One action's statements, in one direction."""

    connection: psycopg.Connection
    action: Action
    statements: tuple[str, ...]
    patience: LockPatience
    commands: Commands

    def commit(self, before_commit: Callable[[int], None]) -> None:
        """All in one transaction."""
        self._retried(partial(self._try, before_commit), self.patience)

    def each(self) -> None:
        """Each by itself. Nobody waits behind it, so that one try may last as long as all of a transaction's."""
        patience = LockPatience(timeout=self.patience.timeout * self.patience.tries, tries=1)
        try:
            self.connection.execute(f"SET lock_timeout = {_milliseconds(patience)}".encode())
            self.connection.execute("SET statement_timeout = 0")
            for statement in self.statements:
                self._retried(partial(self.connection.execute, statement.encode()), patience)
        finally:
            if not self.connection.broken:
                self.connection.execute("RESET lock_timeout")
                self.connection.execute("RESET statement_timeout")

    def _retried(self, attempt: Callable[[], object], patience: LockPatience) -> None:
        keys = [key for key in (self.action.table, self.action.target) if key]
        tables = [quoted(*key.split(".", 1)) for key in keys]
        lock_retried(self.connection, attempt, tables=tables, patience=patience, commands=self.commands)

    def _try(self, before_commit: Callable[[int], None]) -> None:
        with self.connection.transaction():
            self.connection.execute(f"SET LOCAL lock_timeout = {_milliseconds(self.patience)}".encode())
            # A validation reads the whole table, beside other reads and writes.
            self.connection.execute("SET LOCAL statement_timeout = 0")
            for statement in self.statements:
                self.connection.execute(statement.encode())
            ((number,),) = self.connection.execute("SELECT pg_current_xact_id()::text").fetchall()
            before_commit(int(number))


def _milliseconds(patience: LockPatience) -> int:
    return max(1, round(patience.timeout * 1000))
