"""Waits for replicas that are behind, so that the backfill doesn't fill their disk, or the primary's, with its log."""

import logging
import time
from dataclasses import dataclass
from typing import Final

import psycopg

from strangler.errors import FailedError
from strangler.handover.execution import Commands

_LOG: Final = logging.getLogger(__name__)
_MEGABYTE: Final = 1 << 20
_POLL_SECONDS: Final = 0.2
# A role that may not see how far a replica is has NULL there.
_BEHIND: Final = """
    SELECT coalesce(nullif(application_name, ''), 'process ' || pid),
        pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint
    FROM pg_stat_replication ORDER BY 2 DESC NULLS LAST LIMIT 1
"""


@dataclass(frozen=True, kw_only=True)
class ReplicaPatience:
    """How many bytes of PostgreSQL's log a replica may be behind, and how many seconds it gets to catch up."""

    bytes: int = 64 * _MEGABYTE
    seconds: float = 60.0


def replicas_wait(connection: psycopg.Connection, patience: ReplicaPatience, commands: Commands) -> None:
    """Wait until every replica has replayed the log but for some; those that aren't connected don't count.

    :raises FailedError: one is behind for too long; the next call goes on.
    """
    deadline, is_said = time.monotonic() + patience.seconds, False
    while behind := _behind(connection, patience):
        name, size = behind
        if time.monotonic() > deadline:
            raise FailedError(
                f"the replica {name} has been {size // _MEGABYTE:,} MB behind for {patience.seconds:g} s",
                commands.hint("let it catch up"),
            )
        if not is_said:
            _LOG.info("waiting for the replica %s, which is %s MB behind", name, f"{size // _MEGABYTE:,}")
            is_said = True
        time.sleep(_POLL_SECONDS)


def _behind(connection: psycopg.Connection, patience: ReplicaPatience) -> tuple[str, int] | None:
    row = connection.execute(_BEHIND).fetchone()
    return None if row is None or row[1] is None or row[1] <= patience.bytes else (row[0], row[1])
