"""The stack that is tortured: a checkout of its own, kept by `strangler up` as its operator would have it."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Final, TypeVar

import httpx
import psutil
import psycopg

from strangler.errors import FailedError
from strangler.local.postgres import DATABASE, PostgresServer
from strangler.local.postgres_cluster import SUPERUSER
from strangler.local.secret_store import SecretStore
from tests.checkouts import Checkout
from tests.example import ROOT
from tests.torture.load import Ledger

# Where the logs of the last run stay.
LOGS: Final = ROOT / ".run" / "torture"
ALICE: Final = {"username": "alice", "password": "strangler-demo"}
# A start is 2.5 s of a core, of which a busy machine gives a twentieth.
_REPLACED_SECONDS: Final = 240.0
_WRITTEN: Final = "SELECT title, count(*) FROM posts WHERE starts_with(title, %s) GROUP BY title"


class TorturedStack:
    """Both stacks behind nginx, every route at stage parallel, so that FastAPI writes below v2."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.url = f"http://127.0.0.1:{checkout.ports['PROXY_PORT']}"
        folder = checkout.state.path
        self.postgres = PostgresServer(
            data_dir=folder / "postgres",
            secret_store=SecretStore(folder / "secrets"),
            port=checkout.ports["POSTGRES_PORT"],
            log_path=folder / "logs" / "postgres.log",
        )

    @property
    def admin_dsn(self) -> str:
        """The database as PostgreSQL's superuser."""
        password = self.postgres.secret_store.get("postgres_password")
        return self.postgres.dsn(database=DATABASE, user=SUPERUSER, password=password)

    @property
    def owner_dsn(self) -> str:
        """The database as the role that owns the tables."""
        return self.postgres.owner_dsn()

    def token(self) -> str:
        """An access token of alice; a connection that the last fault has broken while it was idle is a 503 once."""
        deadline = time.monotonic() + _REPLACED_SECONDS
        while True:
            answer = httpx.post(f"{self.url}/api/auth/token/", json=ALICE, timeout=30)
            if not answer.is_server_error or time.monotonic() > deadline:
                return str(answer.raise_for_status().json()["access"])
            time.sleep(0.1)

    def process(self, service: str) -> psutil.Process:
        """The main process of a service, once there is one: after a fault it may be replaced while its workers serve.

        :raises FailedError: it doesn't run.
        """
        deadline = time.monotonic() + _REPLACED_SECONDS
        while (process := self._own(service)) is None:
            if time.monotonic() > deadline:
                raise FailedError(f"{service} doesn't run")
            time.sleep(0.1)
        return process

    def _own(self, service: str) -> psutil.Process | None:
        """The process that listens where the settings say, unless nginx sends its requests elsewhere."""
        running = self.checkout.running()
        return None if service in running.elsewhere else running.services[service].find()

    def strangler(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """A command of the operator's.

        :raises FailedError: it ended with another code than 0.
        """
        done = self.checkout.strangler(*arguments, **environment)
        if done.returncode:
            raise FailedError(f"strangler {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done

    def compare(self, ledger: Ledger) -> tuple[int, int]:
        """How many acknowledged writes the database doesn't have, and how many it has twice."""
        with psycopg.connect(self.admin_dsn, connect_timeout=10) as connection:
            written = dict(connection.execute(_WRITTEN, [ledger.run]).fetchall())
        missing = sum(title not in written for title in ledger.acknowledged)
        return missing, sum(number > 1 for number in written.values())


_Stack = TypeVar("_Stack", bound=TorturedStack)


@contextmanager
def state_folder() -> Iterator[Path]:
    """A folder of a run's own that PostgreSQL's account may enter."""
    # Not in pytest's own folder: each pytest that starts takes back the search bit that PostgreSQL's account needs.
    with tempfile.TemporaryDirectory(prefix="strangler torture ") as folder:
        yield Path(folder)


@contextmanager
def tortured_stack(
    kind: type[_Stack],
    *,
    prepare: bool = False,
    around: Callable[[Checkout], AbstractContextManager[object]] = nullcontext,
    **settings: str,
) -> Iterator[_Stack]:
    """The stack, with these settings in its `.env` besides its ports; with `prepare` in a database of somebody else's.

    `around` is entered before it is started, and left once it has ended.

    :raises FailedError: it doesn't start.
    """
    with state_folder() as folder, ExitStack() as entered:
        checkout = Checkout(folder)
        entered.enter_context(around(checkout))
        _replace(checkout.path / "nginx" / "routes.toml", 'stage = "legacy"', 'stage = "parallel"')
        if prepare:
            _replace(checkout.path / "strangler.toml", "prepare = false", "prepare = true")
        with (checkout.path / ".env").open("a") as environment:
            environment.writelines(f"{name}={value}\n" for name, value in settings.items())
        stack = kind(checkout)
        stack.strangler("up", "--detach")
        if prepare:
            stack.strangler("manage", "seed", "--demo")
        try:
            yield stack
        finally:
            checkout.strangler("down")
            shutil.copytree(checkout.state.logs, LOGS, dirs_exist_ok=True)


def _replace(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
