"""Ready only while the tables are as needed; without a database every endpoint says so, and no secret is logged."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import event

from shared_schema.drift.consumer import LIVE
from shared_schema.refusals import AWAY, CONFLICT, FULL, READ_ONLY, Refusal
from strangler_fastapi.db import engine as database
from strangler_fastapi.db.engine import Database
from tests.databases import PASSWORD, OwnDatabase, changed
from tests.integration.fastapi_app.conftest import Start
from tests.integration.fastapi_app.refusals import check_no_secret, check_refused
from tests.integration.fastapi_app.running import ALICE, TOKENS, USER_HASH, USER_PASSWORD, Running, bearer, until
from tests.integration.fastapi_app.wire import Wire

ORDINARY = (
    *(("GET", "/feed/"), ("GET", "/posts/"), ("HEAD", "/posts/1/"), ("GET", "/users/me/"), ("GET", "/tags/1/")),
    *(("OPTIONS", "/posts/1/"), ("POST", "/posts/"), ("POST", "/auth/token/"), ("POST", "/auth/token/refresh/")),
)
REFRESH = TOKENS.encode(TOKENS.new_refresh(ALICE, datetime.now(UTC), password_hash=USER_HASH))
BODY = {"username": "alice", "password": USER_PASSWORD, "refresh": REFRESH, "title": "x", "content": "x"}


HIDE = "ALTER SCHEMA public RENAME TO away; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC"
SHOW = "DROP SCHEMA public; ALTER SCHEMA away RENAME TO public"


@pytest.fixture
async def wire(own_database: OwnDatabase) -> AsyncIterator[Wire]:
    parts = conninfo_to_dict(own_database.admin_dsn)
    async with Wire.to(str(parts["host"]), int(str(parts["port"]))) as wire:
        yield wire


@asynccontextmanager
async def over(start: Start, wire: Wire, own: OwnDatabase, role: str) -> AsyncIterator[Running]:
    address = f"postgresql://{role}:{PASSWORD.replace(' ', '%20').replace(',', '%2C')}@127.0.0.1:{wire.port}"
    async with start(own, url=f"{address}/{own.name}") as running:
        yield running


async def test_it_waits_for_the_tables_and_becomes_ready_by_itself(
    start: Start, own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_RETRY_SECONDS", 0.02)
    missing = f"Table auth_group is missing (needed by admin): {LIVE}."
    async with contextlib.AsyncExitStack() as stack:
        with changed(own_database, HIDE, SHOW):
            running = await stack.enter_async_context(start(own_database, ready=False))
            assert check_refused(await running.client.get("/health/ready")) == missing
            await _until_checked(running, times=4)
            assert running.app.state.database.problem == missing
            for method, path in ORDINARY:
                assert check_refused(await running.client.request(method, path, json=BODY)) in ("", missing)
            assert (await running.client.get("/health/live")).status_code == 200
        await until(lambda: running.client.get("/feed/"), 200)
        assert (await running.client.get("/health/ready")).json() == {"status": "ok"}
        reported = [line["message"] for line in running.log_lines if line["logger"] == "strangler_fastapi.db.engine"]
        assert reported == [f"not ready: {missing}", "ready: the tables are reflected"]


async def test_rights_that_only_the_admin_needs_may_be_withheld(
    start: Start, own_database: OwnDatabase, template: OwnDatabase
) -> None:
    role = f"{template.name}_fastapi"
    with psycopg.connect(own_database.owner_dsn, autocommit=True) as owner:
        owner.execute(f"REVOKE ALL ON auth_group, auth_permission FROM {role}")
        async with start(own_database) as running:
            assert (await running.client.get("/health/ready")).json() == {"status": "ok"}
            owner.execute(f"REVOKE ALL ON tags FROM {role}")
            assert "tags" in check_refused(await running.client.get("/health/ready"))


async def test_the_first_request_of_a_new_worker_finds_the_tables_checked(
    start: Start, own_database: OwnDatabase
) -> None:
    async with start(own_database, ready=False) as running:
        assert running.app.state.database.problem is None
        assert (await running.client.get("/feed/")).status_code == 200


async def test_a_database_that_hangs_keeps_no_service_from_starting(
    start: Start, own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(Database, "check", _hangs)
    async with start(own_database, ready=False) as running:
        assert check_refused(await running.client.get("/feed/")) == "The database was not checked yet."


@pytest.mark.parametrize("refused", [True, False], ids=["refused", "broken off"])
async def test_without_a_database_every_endpoint_says_so_and_recovers(
    start: Start, own_database: OwnDatabase, template: OwnDatabase, wire: Wire, refused: bool
) -> None:
    async with over(start, wire, own_database, f"{template.name}_fastapi") as running:
        client, headers = running.client, bearer(ALICE)
        await asyncio.gather(*(client.get("/feed/") for _ in range(5)))
        await wire.cut(refuse=refused)
        for method, path in ORDINARY:
            sentence = check_refused(await client.request(method, path, json=BODY, headers=headers))
            assert sentence in ("", "The database does not answer: try again in a few seconds.")
        sentence = check_refused(await client.get("/health/ready"))
        refusals = [line for line in running.log_lines if line["logger"] == "strangler_fastapi.drf.http.handlers"]
        assert len(refusals) == len(ORDINARY)
        assert all(re.fullmatch(r"answered 503: \w+Error: .+", line["message"]) for line in refusals)
        # Two kinds of error at the most: of a connection that was open, and of one that could not be had.
        assert 1 <= sum("exception" in line for line in refusals) <= 2
        assert sentence.startswith("The database does not answer (")
        assert sentence.endswith("): start it, or fix FASTAPI_DATABASE_URL.")
        assert running.in_use == 0
        await wire.repair()
        for method, path in ORDINARY[:5]:
            assert (await client.request(method, path, headers=headers)).status_code == 200
        assert (await client.get("/health/ready")).status_code == 200
    check_no_secret(running, headers["Authorization"])


async def test_a_service_whose_connections_are_all_taken_is_busy_and_not_unready(
    start: Start, own_database: OwnDatabase
) -> None:
    async with start(own_database, pool_max=1) as running, running.engine.connect():
        assert running.in_use == 1
        async with asyncio.timeout(2):
            assert (await running.client.get("/health/ready")).status_code == 200


async def test_while_all_connections_are_at_work_a_probe_waits_for_no_check(
    start: Start, own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start(own_database, pool_max=1) as running:
        pool: Any = running.engine.pool
        await pool.begin_turn()
        monkeypatch.setattr(Database, "check", _hangs)
        assert (await running.client.get("/health/ready")).status_code == 200
        monkeypatch.setattr(database, "_KNOWN_SECONDS", 0.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(running.client.get("/health/ready"), 0.5)
        pool.end_turn()


async def test_connections_that_died_unused_cost_no_request(
    start: Start, own_database: OwnDatabase, template: OwnDatabase, wire: Wire
) -> None:
    """PostgreSQL was restarted in a quiet minute: the pool holds dead connections, and no client hears of it."""
    async with over(start, wire, own_database, f"{template.name}_fastapi") as running:
        pooled: set[Any] = set()
        event.listen(running.engine.sync_engine, "checkout", lambda taken, *_: pooled.add(taken.driver_connection))
        await asyncio.gather(*(running.client.get("/feed/") for _ in range(8)))
        assert len(pooled) > 1
        await wire.cut(refuse=False)
        await wire.repair()
        async with asyncio.timeout(20):
            while not all(connection.is_closed() for connection in pooled):  # noqa: ASYNC110 - the driver has no event
                await asyncio.sleep(0.01)
        responses = await asyncio.gather(*(running.client.get("/feed/") for _ in range(8)))
    assert [response.status_code for response in responses] == [200] * 8


TRIGGER = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;" + "".join(
    f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse();"
    for table in ("token_blacklist_outstandingtoken", "users")
)


async def test_a_row_that_the_database_refuses_is_not_logged(start: Start, own_database: OwnDatabase) -> None:
    """The error is, with its traceback; neither SQLAlchemy nor PostgreSQL may bring the row's values along."""
    carol = {"username": "carol", "email": "carol@private.example", "password": USER_PASSWORD}
    async with start(own_database) as running:
        with changed(own_database, TRIGGER, "DROP FUNCTION refuse CASCADE"):
            assert (await running.client.post("/auth/token/", json=BODY)).status_code == 500
            assert (await running.client.post("/users/", json=carol)).status_code == 500
    assert running.log.getvalue().count("unforeseen error") == 2
    check_no_secret(running, "carol@private.example", "argon2$argon2id", "eyJ")


@pytest.mark.parametrize(
    ("state", "refusal"), [("53100", FULL), ("53300", AWAY), ("40001", CONFLICT), ("25006", READ_ONLY)]
)
async def test_what_passes_is_said_and_nothing_of_postgresqls(
    start: Start, own_database: OwnDatabase, state: str, refusal: Refusal
) -> None:
    trigger = TRIGGER.replace("RAISE 'refused'", f"RAISE 'no space in /var/lib' USING ERRCODE = '{state}'")
    async with start(own_database) as running:
        with changed(own_database, trigger, "DROP FUNCTION refuse CASCADE"):
            answer = await running.client.post("/auth/token/", json=BODY)
    assert check_refused(answer) == refusal.detail
    assert answer.headers["Retry-After"] == str(refusal.retry_after)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_database_that_takes_no_connections_is_away(
    start: Start, own_database: OwnDatabase, method: str
) -> None:
    """As it does while it starts or stops, it answers each attempt with an error."""
    full, open_again = (f'ALTER DATABASE "{own_database.name}" CONNECTION LIMIT {most}' for most in (0, -1))
    async with start(own_database) as running:
        running.app.state.database.renew()
        with changed(own_database, full, open_again):
            answer = await running.client.request(method, "/posts/", headers=bearer(ALICE), json=BODY)
    assert check_refused(answer) == AWAY.detail
    assert "unforeseen error" not in running.log.getvalue()


async def _hangs(_database: Database) -> str | None:
    await asyncio.Event().wait()
    return None


async def _until_checked(running: Running, *, times: int) -> None:
    """Until the application has asked the database that often."""
    of_app: Database = running.app.state.database
    check, asked = of_app.check, asyncio.Semaphore(0)

    async def noted() -> str | None:
        problem = await check()
        asked.release()
        return problem

    of_app.check = noted  # type: ignore[method-assign] # watched from outside
    async with asyncio.timeout(20):
        for _ in range(times):
            await asked.acquire()
