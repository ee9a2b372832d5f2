"""PostgreSQL refuses writes while its disk is nearly full, and serves reads: without room for its log it would end."""

import logging
import os
import re
from contextlib import suppress
from typing import Final

from strangler.local.apart import run_apart
from strangler.local.keeper import Keeper
from strangler.local.postgres import PostgresServer

_MB: Final = 2**20
# Three files of PostgreSQL's log (`wal_segment_size`): what is under way goes on, and a checkpoint has room.
CLOSED_BELOW: Final = 48 * _MB
OPEN_FROM: Final = 64 * _MB
_SETTING: Final = "default_transaction_read_only"
# Means what `on` does, which is what a person writes: what somebody else has set stays.
_CLOSED: Final = "yes"
_BY_PERSON: Final = frozenset(("on", "true", "1"))
_SET: Final = re.compile(rf"^{_SETTING} = '(.*)'$", re.MULTILINE)
_PATIENCE_SECONDS: Final = 2
_LOG = logging.getLogger(__name__)


class DiskGuard:
    """Watches the disks of one server's data and log.

    PostgreSQL ends as a whole where it can't write its log, and can't start again. A setting that it takes while it
    runs has it refuse writes (SQLSTATE 25006), which both stacks answer with 503 and `Retry-After`.

    Args:
        server: the server.
        keeper: who keeps it running, and is told to try again once there is room.
    """

    def __init__(self, server: PostgresServer, keeper: Keeper) -> None:
        self._server = server
        self._keeper = keeper
        # None once it isn't known, since PostgreSQL has ended in between: then the next look sets it either way.
        self._is_closed: bool | None = self._found() == _CLOSED
        self._was_full = False

    @property
    def problem(self) -> str:
        """Why writes are refused, as a sentence for a person; empty while they are not."""
        if not self._is_closed:
            return ""
        full = f"the disk of {self._server.data_dir} or of its pg_wal has less than {CLOSED_BELOW // _MB} MB left"
        return f"PostgreSQL refuses writes, since {full}: it takes them again by itself from {OPEN_FROM // _MB} MB"

    def step(self) -> bool:
        """Look once; gives whether it begins or ends to refuse writes. Where it doesn't answer, the next look tries."""
        try:
            space = self._space()
        except OSError:
            return False
        is_closed = space < (OPEN_FROM if self._is_closed else CLOSED_BELOW)
        if self._was_full and not is_closed and self._keeper.child is None:
            # Without room it could not start, and its pauses have grown.
            self._keeper.ask_restart()
        self._was_full = is_closed
        if is_closed is self._is_closed or self._keeper.child is None:
            return False
        is_changed = self._set(is_closed)
        if is_changed is None:
            self._is_closed = None
            return False
        # Where a person refuses writes, the next look sees whether they still do.
        self._is_closed = is_closed if is_changed or not is_closed else None
        if is_changed:
            _LOG.warning("%s", self.problem or f"PostgreSQL takes writes again: its disk has {space // _MB} MB left")
        return is_changed

    def _found(self) -> str:
        """What `ALTER SYSTEM` has set, a person or a guard: it outlives both, and the server; empty for nothing."""
        try:
            settings = (self._server.data_dir / "postgresql.auto.conf").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        found = _SET.findall(settings)
        return str(found[-1]) if found else ""

    def _space(self) -> int:
        """Bytes that are left on the fuller of both disks, of those that give a size: tmpfs without a limit doesn't.

        :raises OSError: they can't be looked at.
        """
        disks = [os.statvfs(self._server.data_dir / folder) for folder in (".", "pg_wal")]
        return min((each.f_bavail * each.f_frsize for each in disks if each.f_blocks), default=OPEN_FROM)

    def _set(self, is_closed: bool) -> bool | None:
        """Have it refuse writes or take them; gives whether that is a change: what a person refuses stays refused.

        None where it doesn't answer.
        """
        found = self._found()
        if found in _BY_PERSON if is_closed else found != _CLOSED:
            return False
        # The supervisor does without psycopg for days.
        return True if run_apart(lambda: self._is_told(is_closed)) else None

    def _is_told(self, is_closed: bool) -> bool:
        """Set it; gives whether PostgreSQL answered."""
        import psycopg

        try:
            with psycopg.connect(
                self._server.admin_dsn,
                autocommit=True,
                connect_timeout=_PATIENCE_SECONDS,
                options=f"-c {_SETTING}=off -c statement_timeout={_PATIENCE_SECONDS}s",
            ) as connection:
                change = f"SET {_SETTING} = {_CLOSED}" if is_closed else f"RESET {_SETTING}"
                connection.execute(f"ALTER SYSTEM {change}")
                connection.execute("SELECT pg_reload_conf()")
                if is_closed:
                    # It frees what of the log is not needed any more, and goes on where it takes longer.
                    with suppress(psycopg.errors.QueryCanceled):
                        connection.execute("CHECKPOINT")
        except psycopg.Error:
            return False
        return True
