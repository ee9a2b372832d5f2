"""Goes over the rows of a table beside its readers and writers: fills a column, and compares two."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg

from strangler.databases.connections import reason_of
from strangler.errors import FailedError, many
from strangler.handover.execution import Commands, LockPatience, lock_retried
from strangler.handover.steps import Work
from strangler.modernise.replicas import ReplicaPatience
from strangler.rollout.atomic_write import write_durably

_Result = TypeVar("_Result")
_LOG: Final = logging.getLogger(__name__)
# Rows of a chunk, as PostgreSQL estimates them: 20 ms of work, and that long are its rows locked.
CHUNK_ROWS: Final = 1_000
_REPORT_SECONDS: Final = 5.0
_KEEP_SECONDS: Final = 0.5
_SHOWN: Final = 10
# How long a row that others have locked is waited for.
_ROW_SECONDS: Final = 60.0
# A side of a comparison that has none.
_NOTHING: Final = "NULL"
_SIZE: Final = """
    SELECT pg_relation_size(oid) / current_setting('block_size')::bigint, greatest(reltuples, 0)::bigint, relpages
    FROM pg_class WHERE oid = to_regclass(%s)
"""
_HOLDER: Final = """
    SELECT format('process %%s, %%s, for %%s s', pid, coalesce(nullif(application_name, ''), usename, backend_type),
        round(extract(epoch FROM clock_timestamp() - xact_start)))
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE relation = to_regclass(%s) AND mode IN ('RowShareLock', 'RowExclusiveLock') AND granted
    AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 1
"""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How many rows a chunk has, how many seconds pass between two, and how far behind replicas may be."""

    rows: int = CHUNK_ROWS
    pause: float = 0.01
    replicas: ReplicaPatience = field(default_factory=ReplicaPatience)


@dataclass(frozen=True, kw_only=True)
class Chunks:
    """A table's blocks in ranges of `step`. Rows behind `blocks`, the end at the start, come under the trigger."""

    blocks: int
    step: int

    def after(self, first: int) -> Iterator[tuple[int, str]]:
        """Each range from a block on: where it ends, and the condition for its rows."""
        for begin in range(first, max(self.blocks, 1), self.step):
            end = begin + self.step
            # The last one is open: a short table grows while it is read.
            upper = f" AND ctid < '({end},0)'::tid" if end < self.blocks else ""
            yield end, f"ctid >= '({begin},0)'::tid{upper}"


@dataclass(frozen=True, kw_only=True)
class RowReport:
    """What a pass over a table has found: rows, the digest of a side, the first rows that differ and their number."""

    rows: int = 0
    digest: str = "0"
    differing: int = 0
    keys: tuple[str, ...] = ()


@dataclass(kw_only=True)
class RowPass:
    """Passes over tables through a connection that commits each statement; `kept` remembers how far the backfill is.

    `wait` is called behind each chunk of it, and may raise a FailedError.
    """

    connection: psycopg.Connection
    kept: Path
    patience: LockPatience
    commands: Commands
    throttle: Pace = field(default_factory=Pace)
    wait: Callable[[], None] = lambda: None

    def backfill(self, work: Work) -> int:
        """Give every row its value, from where an interrupted pass was; returns the number of rows that got one.

        A chunk waits for nobody while it holds rows: those that others have locked are left for its next round, so
        that no writer of the service is ever the one that a deadlock ends.

        :raises FailedError: PostgreSQL refuses, a row stays locked, or `wait` ends it; the next call goes on.
        """
        chunks = self._chunks(work.table)
        first = self._read(work, chunks)
        done, reported, written = 0, time.monotonic(), time.monotonic()
        for end, within in chunks.after(first):
            done += self._chunk(work, within)
            now = time.monotonic()
            if now - written > _KEEP_SECONDS:
                write_durably(self.kept, json.dumps({"work": repr(work), "block": end, "of": chunks.blocks}).encode())
                written = now
            if now - reported > _REPORT_SECONDS:
                share = min(100, 100 * end // max(chunks.blocks, 1))
                _LOG.info("%s: %d %%, %s filled", work.name, share, many(done, "row"))
                reported = now
            self.wait()
            time.sleep(self.throttle.pause)
        self.kept.unlink(missing_ok=True)
        _LOG.info("%s: %s filled", work.name, many(done, "row"))
        return done

    def compare(self, work: Work) -> RowReport:
        """Whether the two `sides` are one value in every row, by a digest of each for every chunk.

        :raises FailedError: PostgreSQL refuses.
        """
        first, second = work.sides or (_NOTHING, _NOTHING)
        found = RowReport()
        for _end, within in self._chunks(work.table).after(0):
            query = (
                f"SELECT count(*), {_digest(first)}, {_digest(second)}, count(*) FILTER (WHERE {work.condition}) "  # noqa: S608 - made of quoted names
                f"FROM {work.table} WHERE {within}"
            )
            ((rows, one, other, differing),) = self._fetch(work, query)
            keys: list[str] = []
            if (one != other or differing) and len(found.keys) < _SHOWN:
                named = (
                    f"SELECT concat_ws(', ', {work.columns}) FROM {work.table} "  # noqa: S608 - as above
                    f"WHERE {within} AND ({work.condition}) ORDER BY {work.columns} LIMIT {_SHOWN - len(found.keys)}"
                )
                keys = [str(key) for (key,) in self._fetch(work, named)]
            found = RowReport(
                rows=found.rows + rows,
                digest=str(int(found.digest) + int(other)),
                differing=found.differing + differing,
                keys=(*found.keys, *keys),
            )
            time.sleep(self.throttle.pause)
        return found

    def _chunk(self, work: Work, within: str) -> int:
        wanted = f"SELECT ctid FROM {work.table} WHERE {within} AND ({work.condition}) FOR NO KEY UPDATE SKIP LOCKED"  # noqa: S608 - as above
        update = f"UPDATE {work.table} SET {work.assignment} WHERE ctid = ANY (ARRAY({wanted}))"  # noqa: S608 - as above
        left = f"SELECT EXISTS (SELECT FROM {work.table} WHERE {within} AND ({work.condition}))"  # noqa: S608 - as above
        done, deadline = 0, time.monotonic() + _ROW_SECONDS
        while True:
            done += self._in_transaction(work, lambda: self.connection.execute(update.encode()).rowcount)
            if self._fetch(work, left) == [(False,)]:
                return done
            if time.monotonic() > deadline:
                raise self._row_locked(work)
            time.sleep(max(self.throttle.pause, 0.05))

    def _fetch(self, work: Work, query: str) -> list[tuple[Any, ...]]:
        return self._in_transaction(work, lambda: self.connection.execute(query.encode()).fetchall())

    def _in_transaction(self, work: Work, run: Callable[[], _Result]) -> _Result:
        return lock_retried(
            self.connection,
            partial(self._try, run),
            tables=[work.table],
            patience=self.patience,
            commands=self.commands,
        )

    def _try(self, run: Callable[[], _Result]) -> _Result:
        with self.connection.transaction():
            milliseconds = max(1, round(self.patience.timeout * 1000))
            self.connection.execute(f"SET LOCAL lock_timeout = {milliseconds}".encode())
            self.connection.execute("SET LOCAL statement_timeout = 0")
            return run()

    def _chunks(self, table: str) -> Chunks:
        try:
            row = self.connection.execute(_SIZE, (table,)).fetchone()
        except psycopg.Error as error:
            raise FailedError(f"{table} can't be read ({reason_of(error)}).") from error
        if row is None:
            raise FailedError(f"{table} is gone", self.commands.hint("restore it"))
        blocks, rows, pages = row
        # As full as it was when it was analyzed; 50 rows to a block where it never was.
        density = rows / pages if pages and rows else 50.0
        return Chunks(blocks=blocks, step=max(1, round(self.throttle.rows / max(density, 0.1))))

    def _read(self, work: Work, chunks: Chunks) -> int:
        """The block at which an interrupted pass of the same work goes on."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(self.kept.read_bytes())
            if kept["work"] == repr(work) and 0 < int(kept["block"]) < chunks.blocks:
                _LOG.info("%s: going on at block %d of %d", work.name, kept["block"], chunks.blocks)
                return int(kept["block"])
        return 0

    def _row_locked(self, work: Work) -> FailedError:
        row = self.connection.execute(_HOLDER, (work.table,)).fetchone()
        holder = f" by {row[0]}" if row else ""
        return FailedError(
            f"a row of {work.table} stayed locked{holder}",
            self.commands.hint("end that transaction"),
        )


def _digest(expression: str) -> str:
    """A sum of hashes, which doesn't depend on the order of the rows; NULL has a hash of its own."""
    return f"coalesce(sum(hashtextextended(coalesce('=' || ({expression})::text, ''), 0)), 0)::text"
