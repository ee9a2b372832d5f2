"""The faults: each is brought about, lasts for its time, and is over when its function returns."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from threading import Event
from typing import Final

import psutil
import psycopg

from strangler.local.account import account_for_postgres
from tests.checkouts import Checkout
from tests.torture.disk import Disk
from tests.torture.failover import failed_over, paired_stack
from tests.torture.load import Client, Ledger
from tests.torture.stack import TorturedStack, tortured_stack

PREFIXES: Final = ("/api", "/api/v2")
SECONDS: Final = 10.0
_TAKEN_SECONDS: Final = 0.2
_DEPLOYED_REQUESTS: Final = 20_000
_MOVED: Final = ("feed.list", "posts.create")
# The function is replaced and not dropped, which would wait for the statements, and have the reads wait for itself.
_FUNCTION: Final = """
    CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep({}); RETURN NEW; END'
"""
_TRIGGER: Final = "CREATE OR REPLACE TRIGGER slow BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION slow()"
# A megabyte of log.
_BULK: Final = "INSERT INTO bulk SELECT repeat(number::text, 20) FROM generate_series(10000, 20000) AS number"
_END_ALL: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> 'taker'
"""


def _clients(reads: tuple[str, ...], blocked: tuple[str, ...] = ()) -> tuple[Client, ...]:
    """Readers and writers of both versions; `blocked` are reads of what the fault holds back."""
    return tuple(
        Client(kind=kind, path=prefix + path, number=2)
        for prefix in PREFIXES
        for kind, paths in (("read", reads), ("write", ("/posts/",)), ("blocked", blocked))
        for path in paths
    )


ALL: Final = _clients(("/feed/", "/users/me/"))
# Who reads other tables than posts, and who reads posts.
APART: Final = _clients(("/tags/",), blocked=("/feed/",))


def plain_stack() -> AbstractContextManager[TorturedStack]:
    """Everything in one place, as `make up` starts it."""
    return tortured_stack(TorturedStack)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault.

    Attributes:
        words: the fault as the table says it.
        happens: brings it about and returns when it is over; what a service does by itself afterwards is its recovery.
        clients: who asks meanwhile.
        stack: starts the stack that it is brought upon; faults that follow each other share one.
    """

    words: str
    happens: Callable[[TorturedStack, Ledger], None]
    clients: tuple[Client, ...] = ALL
    stack: Callable[[], AbstractContextManager[TorturedStack]] = plain_stack


def _killed(service: str) -> Callable[[TorturedStack, Ledger], None]:
    def happens(stack: TorturedStack, _ledger: Ledger) -> None:
        stack.process(service).kill()

    return happens


def _all_killed(service: str) -> Callable[[TorturedStack, Ledger], None]:
    """Its main process first, which would start others in the place of its workers."""

    def happens(stack: TorturedStack, _ledger: Ledger) -> None:
        main = stack.process(service)
        for process in (main, *main.children(recursive=True)):
            process.kill()

    return happens


def _worker_killed(service: str) -> Callable[[TorturedStack, Ledger], None]:
    def happens(stack: TorturedStack, _ledger: Ledger) -> None:
        stack.process(service).children()[-1].kill()

    return happens


def _postgres_restarted(stack: TorturedStack, _ledger: Ledger) -> None:
    """PostgreSQL's fast shutdown, as at an update."""
    stack.process("postgres").send_signal(signal.SIGINT)


def _postgres_stopped(stack: TorturedStack, _ledger: Ledger) -> None:
    main = stack.process("postgres")
    with stopped([main, *main.children(recursive=True)]):
        time.sleep(SECONDS)


@contextmanager
def stopped(processes: list[psutil.Process]) -> Iterator[None]:
    """Processes that hang: the kernel still takes what is sent to them."""
    with ExitStack() as going_on:
        for process in processes:
            process.suspend()
            going_on.callback(process.resume)
        yield


def _table_locked(stack: TorturedStack, _ledger: Ledger) -> None:
    with psycopg.connect(stack.admin_dsn) as connection:
        connection.execute("LOCK TABLE posts IN ACCESS EXCLUSIVE MODE")
        time.sleep(SECONDS)


def _statements_slow(stack: TorturedStack, _ledger: Ledger) -> None:
    """Each insert takes longer than any statement may."""
    with psycopg.connect(stack.admin_dsn, autocommit=True) as connection:
        connection.execute(_FUNCTION.format(60))
        connection.execute(_TRIGGER)
        time.sleep(SECONDS)
        connection.execute(_FUNCTION.format(0))


def _connections_taken(stack: TorturedStack, _ledger: Ledger) -> None:
    """Every connection that a role may have is taken, and both stacks lose theirs."""
    with ExitStack() as taken, psycopg.connect(stack.admin_dsn, autocommit=True) as admin:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            admin.execute(_END_ALL)
            with suppress(psycopg.OperationalError):
                while True:
                    taken.enter_context(psycopg.connect(stack.owner_dsn, application_name="taker"))
            time.sleep(_TAKEN_SECONDS)


@contextmanager
def _small_disks(checkout: Checkout) -> Iterator[None]:
    """The logs have a disk of their own, and there is one more."""
    with ExitStack() as mounted:
        for disk in _disks(checkout):
            mounted.enter_context(_mounted(disk, "size=32m"))
        yield


def _disks(checkout: Checkout) -> tuple[Disk, Disk]:
    return Disk(checkout.state.logs), Disk(checkout.path / "tables")


def small_disk_stack() -> AbstractContextManager[TorturedStack]:
    """Everything in one place, with disks that can be filled."""
    return tortured_stack(TorturedStack, around=_small_disks)


def _log_disk_full(stack: TorturedStack, _ledger: Ledger) -> None:
    with _disks(stack.checkout)[0].full():
        time.sleep(SECONDS)


def _tables_disk_full(stack: TorturedStack, _ledger: Ledger) -> None:
    """The posts move to that disk before; what PostgreSQL notes down of its work has another."""
    disk = _disks(stack.checkout)[1]
    _hand_over(disk.path)
    with psycopg.connect(stack.admin_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{disk.path}'".encode())
        connection.execute("ALTER TABLE posts SET TABLESPACE small")
    with disk.full():
        time.sleep(SECONDS)


@contextmanager
def small_wal_stack() -> Iterator[TorturedStack]:
    """Everything in one place, and PostgreSQL's write-ahead log on a disk of its own."""
    with tortured_stack(TorturedStack) as stack:
        stack.strangler("down")
        log = stack.postgres.data_dir / "pg_wal"
        with _mounted(_wal_disk(stack.checkout), "size=192m") as disk:
            shutil.copytree(log, disk.path, dirs_exist_ok=True)
            shutil.rmtree(log)
            log.symlink_to(disk.path)
            _hand_over(disk.path)
            stack.strangler("up", "--detach")
            try:
                yield stack
            finally:
                stack.strangler("down")


def _wal_disk(checkout: Checkout) -> Disk:
    return Disk(checkout.path / "wal")


@contextmanager
def _mounted(disk: Disk, *options: str) -> Iterator[Disk]:
    disk.path.mkdir(parents=True)
    disk.mount(*options)
    try:
        yield disk
    finally:
        disk.unmount()


def _hand_over(folder: Path) -> None:
    account = account_for_postgres()
    assert account is not None, "run this as root, who may mount"
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.uid, account.gid)


def _wal_disk_full(stack: TorturedStack, _ledger: Ledger) -> None:
    """It fills within two seconds, while one who writes much goes on for as long as PostgreSQL takes it."""
    over = Event()

    def write() -> None:
        while not over.wait(_TAKEN_SECONDS):
            with suppress(psycopg.Error), psycopg.connect(stack.admin_dsn, autocommit=True) as connection:
                while not over.is_set():
                    connection.execute(_BULK)

    with psycopg.connect(stack.admin_dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE bulk (text text)")
    with ThreadPoolExecutor(1) as threads:
        writes = threads.submit(write)
        try:
            with _wal_disk(stack.checkout).full(seconds=2.0):
                time.sleep(SECONDS)
        finally:
            over.set()
        writes.result()


def _deployed(stack: TorturedStack, ledger: Ledger) -> None:
    """Both stacks, again and again, until there were requests enough."""
    while len(ledger.outcomes) < _DEPLOYED_REQUESTS:
        stack.strangler("deploy", "fastapi")
        stack.strangler("deploy", "django")


def _deployed_while_moving(stack: TorturedStack, ledger: Ledger) -> None:
    """The same, while a read and a write move to FastAPI and back without a pause."""
    over = Event()

    def move() -> None:
        for stage in cycle(("migrated", "parallel")):
            if over.is_set() and stage == "migrated":
                return
            stack.strangler("switch", *_MOVED, "--to", stage, "--yes", "--force", "--reason", "torture")

    with ThreadPoolExecutor(1) as threads:
        moves = threads.submit(move)
        try:
            _deployed(stack, ledger)
        finally:
            over.set()
        moves.result()


FAULTS: Final = {
    "postgres-killed": Fault(words="PostgreSQL's main process is killed", happens=_killed("postgres")),
    "postgres-restarted": Fault(words="PostgreSQL is restarted", happens=_postgres_restarted),
    "postgres-stopped": Fault(words="PostgreSQL hangs for 10 s (SIGSTOP)", happens=_postgres_stopped),
    "table-locked": Fault(words="a table is locked for 10 s (ACCESS EXCLUSIVE)", happens=_table_locked, clients=APART),
    "statements-slow": Fault(words="each insert takes 60 s, for 10 s", happens=_statements_slow),
    "connections-taken": Fault(words="every connection is taken for 10 s", happens=_connections_taken),
    "django-killed": Fault(words="Django's main process is killed", happens=_killed("django")),
    "django-worker-killed": Fault(words="a worker of Django is killed", happens=_worker_killed("django")),
    "fastapi-killed": Fault(words="FastAPI's main process is killed", happens=_killed("fastapi")),
    "fastapi-all-killed": Fault(words="all processes of FastAPI are killed", happens=_all_killed("fastapi")),
    "fastapi-worker-killed": Fault(words="a worker of FastAPI is killed", happens=_worker_killed("fastapi")),
    "nginx-killed": Fault(words="nginx's main process is killed", happens=_killed("nginx")),
    "fail-over": Fault(
        words="PostgreSQL's primary is lost, and its standby promoted", happens=failed_over, stack=paired_stack
    ),
    "log-disk-full": Fault(
        words="the disk of the logs is full for 10 s", happens=_log_disk_full, stack=small_disk_stack
    ),
    "tables-disk-full": Fault(
        words="the disk of a table is full for 10 s", happens=_tables_disk_full, stack=small_disk_stack
    ),
    "wal-disk-full": Fault(
        words="the disk of PostgreSQL's write-ahead log is full for 10 s",
        happens=_wal_disk_full,
        stack=small_wal_stack,
    ),
    "deploys": Fault(words="both stacks are deployed, until 20,000 requests", happens=_deployed),
    "deploys-and-moves": Fault(
        words="both stacks are deployed while routes move, until 20,000 requests", happens=_deployed_while_moving
    ),
}
