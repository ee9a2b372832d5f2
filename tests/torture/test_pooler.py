"""`make test-torture`: FastAPI behind a PgBouncer in transaction mode, of which Debian has a package."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from strangler.local.ports import port_free_pick
from tests.torture.faults import ALL
from tests.torture.load import load
from tests.torture.stack import TorturedStack, tortured_stack

pytestmark = [pytest.mark.torture, pytest.mark.xdist_group("torture")]

SECONDS = 20.0
# Fewer than there are clients: each transaction may get another server.
SERVERS = 3
ROLE = "strangler_fastapi"


@contextmanager
def pgbouncer(stack: TorturedStack, *, port: int) -> Iterator[None]:
    """A PgBouncer on `port`, which knows the role's password; clients need none."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None, "apt-get install pgbouncer"
    password, upstream = stack.postgres.secret_store.get("fastapi_password"), stack.checkout.ports["POSTGRES_PORT"]
    with tempfile.TemporaryDirectory(prefix="strangler pooler ") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "users.txt").write_text(f'"{ROLE}" "{password}"\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\nstrangler = host=127.0.0.1 port={upstream} dbname=strangler\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
            f"auth_file = {folder}/users.txt\npool_mode = transaction\ndefault_pool_size = {SERVERS}\n"
        )
        user = pwd.getpwnam("nobody").pw_name if os.getuid() == 0 else None
        process = subprocess.Popen(  # noqa: S603 - PgBouncer itself
            [program, "-q", str(folder / "pgbouncer.ini")], user=user, stdout=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + 10
            while not _listens(port):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def stack() -> Iterator[TorturedStack]:
    port = port_free_pick()
    url = f"postgresql://{ROLE}@127.0.0.1:{port}/strangler"
    with (
        tortured_stack(TorturedStack, FASTAPI_POOLER_URL=url, REPORT_SQL="0") as stack,
        pgbouncer(stack, port=port),
    ):
        yield stack


async def test_no_request_fails_and_no_write_is_lost(stack: TorturedStack) -> None:
    async with load(stack.url, ALL, token=stack.token()) as ledger:
        await asyncio.sleep(SECONDS)
    assert [each for each in ledger.outcomes if each.failed] == []
    assert len(ledger.acknowledged) > 0
    assert stack.compare(ledger) == (0, 0)


def test_requests_are_the_poolers_and_leave_nothing_behind_at_its_servers(stack: TorturedStack) -> None:
    with psycopg.connect(stack.admin_dsn) as connection:
        rows = connection.execute(
            "SELECT application_name, count(*) FROM pg_stat_activity WHERE usename = %s GROUP BY 1", [ROLE]
        ).fetchall()
    assert 1 <= dict(rows)["fastapi_app"] - 2 <= SERVERS, rows


def test_both_stacks_answer_alike(stack: TorturedStack) -> None:
    stack.strangler("cases", "generate")
    done = stack.strangler("compare")
    assert "equal: " in done.stdout, done.stdout + done.stderr
