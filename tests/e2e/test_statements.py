"""The number of statements that each stack reports is what PostgreSQL says in its log of all statements."""

import itertools
import json
import re
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from shared_schema.server_timing import RequestStatements
from strangler.compare.case import Case
from strangler.compare.client.client import Limits, SideClient, TimedResponse
from strangler.compare.client.sides import sides_local
from strangler.deployment.local_stack import LocalStack
from strangler.local.ports import port_free_pick
from tests.example import example_settings

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("own stack")]

SECONDS = 30
JSON = (("Content-Type", "application/json"),)
# How each stack names itself to PostgreSQL; Django doesn't.
APPLICATIONS = {"django": "[unknown]", "fastapi": "fastapi_app"}
STATEMENT = re.compile(r"^(.+?)\|LOG:  (?:statement|execute [^:]+): (.+)$", flags=re.MULTILINE)
POST = b'{"title": "a", "content": "b", "tags": ["one", "two"]}'
CASES = {
    "list": Case(method="GET", target="/posts/?page_size=5"),
    "detail": Case(method="GET", target="/tags/1/"),
    "absent": Case(method="GET", target="/posts/999999/"),
    "create": Case(method="POST", target="/posts/", headers=JSON, body=POST),
    "invalid": Case(method="POST", target="/posts/", headers=JSON, body=b"{}"),
    "unknown": Case(method="GET", target="/nope/"),
}


class Log:
    """PostgreSQL's log of all statements, from now on."""

    def __init__(self, stack: LocalStack, connection: psycopg.Connection) -> None:
        self._file = stack.folder.logs / "postgres.log"
        self._connection = connection
        self._marks = (f"mark {number}" for number in itertools.count())
        self._read = 0
        self._connection.execute("ALTER SYSTEM SET log_line_prefix = '%a|'")
        self._connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        self._connection.execute("SELECT pg_reload_conf()")
        self.read()

    def read(self) -> list[tuple[str, str]]:
        """What was sent since it was read last: the application and the statement."""
        mark = next(self._marks)
        deadline = time.monotonic() + SECONDS
        while f"'{mark}'" not in (text := self._file.read_text()):
            assert time.monotonic() < deadline, text[-2000:]
            self._connection.execute(f"SELECT '{mark}'".encode())
        found = STATEMENT.findall(text)
        since, self._read = self._read, len(found)
        return found[since:]


@pytest.fixture(scope="module")
def own() -> Iterator[LocalStack]:
    ports = {f"{name}_port": port_free_pick() for name in ("proxy", "django", "fastapi", "postgres")}
    settings = example_settings(django_workers=1, fastapi_workers=1, **ports)
    # Not in pytest's own folder: each pytest that starts takes back the search bit that PostgreSQL's account needs.
    with (
        tempfile.TemporaryDirectory(prefix="strangler statements ") as folder,
        LocalStack(settings, state_dir=Path(folder), durable=False) as stack,
    ):
        yield stack


@pytest.fixture(scope="module")
def log(own: LocalStack) -> Iterator[Log]:
    with psycopg.connect(own.admin_dsn, autocommit=True, application_name="the test") as connection:
        yield Log(own, connection)


@pytest.fixture(params=["django", "fastapi"])
async def client(request: pytest.FixtureRequest, own: LocalStack) -> AsyncIterator[SideClient]:
    (side,) = [side for side in sides_local(own.settings) if side.name == request.param]
    async with SideClient(side, Limits(concurrency=1, timeout=SECONDS, body_bytes=1_000_000)) as client:
        yield client


async def sign_in(client: SideClient, own: LocalStack) -> TimedResponse:
    body = json.dumps({"username": "alice", "password": own.settings.demo_password}).encode()
    return await client.send(Case(method="POST", target="/auth/token/", headers=JSON, body=body))


def sent(log: Log, client: SideClient) -> list[str]:
    """What the side's stack sent since the log was read last, and counts."""
    name = APPLICATIONS[client.side.name]
    return [statement for application, statement in log.read() if application == name and counts(statement)]


def counts(statement: str) -> bool:
    """Whether it is of the statements that are counted."""
    statements = RequestStatements()
    statements.add(statement)
    return statements.number == 1


async def test_the_comparison_is_reported_what_postgresql_saw(own: LocalStack, log: Log, client: SideClient) -> None:
    # What a process asks once, and a connection, comes first.
    await sign_in(client, own)
    log.read()
    signed_in = await sign_in(client, own)
    assert signed_in.statements == len(seen := sent(log, client)), seen
    assert signed_in.statements > 1

    credentials = (("Authorization", f"Bearer {json.loads(signed_in.answer.body)['access']}"),)
    for name, case in CASES.items():
        await client.send(case, credentials=credentials)
        log.read()
        asked = await client.send(case, credentials=credentials)
        seen = sent(log, client)
        assert asked.statements == len(seen), (name, asked.answer.text, seen)
        assert (name == "unknown") == (not seen), name
