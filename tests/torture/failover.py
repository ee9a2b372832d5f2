"""The stack on two servers: a primary, and a standby that PostgreSQL's own streaming keeps equal."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from strangler.local.postgres import DATABASE, OWNER, PostgresServer
from tests.servers import server_in, standby_of
from tests.torture.load import Ledger
from tests.torture.stack import TorturedStack, state_folder, tortured_stack

# A write is acknowledged once the standby has it, so that none is lost with the primary.
_SYNCHRONOUS: Final = ("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")


class PairedStack(TorturedStack):
    """The stack with an address of both servers (`target_session_attrs=read-write`)."""

    primary: PostgresServer
    standby: PostgresServer

    def fail_over(self) -> None:
        """End the primary as a lost machine ends, and promote the standby as PostgreSQL does it."""
        child = self.primary.child
        assert child is not None
        os.killpg(child.pid, signal.SIGKILL)
        with psycopg.connect(self.standby.admin_dsn, autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")
        self.postgres = self.standby


def failed_over(stack: TorturedStack, _ledger: Ledger) -> None:
    """The primary is gone; over once the standby is the primary."""
    assert isinstance(stack, PairedStack)
    stack.fail_over()


@contextmanager
def paired_stack() -> Iterator[PairedStack]:
    """Both servers and the stack on them.

    :raises FailedError: something doesn't start.
    """
    with state_folder() as folder, _servers(folder) as (primary, standby):
        password = primary.secret_store.get("owner_password")
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in (primary, standby))
        address = f"postgresql://{OWNER}:{password}@{hosts}/{DATABASE}?target_session_attrs=read-write"
        with tortured_stack(PairedStack, prepare=True, DATABASE_URL=address) as stack:
            stack.primary, stack.standby, stack.postgres = primary, standby, primary
            yield stack


@contextmanager
def _servers(folder: Path) -> Iterator[tuple[PostgresServer, PostgresServer]]:
    with server_in(folder, "first") as primary:
        primary.database_ensure()
        with standby_of(primary, folder, "second") as standby:
            with psycopg.connect(primary.admin_dsn, autocommit=True) as connection:
                for statement in _SYNCHRONOUS:
                    connection.execute(statement)
            yield primary, standby
