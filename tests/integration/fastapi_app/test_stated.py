"""What each feature sends while the case files are asked is what it states, no more and no less."""

import base64
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import Executable, event, select
from sqlalchemy.ext.asyncio import AsyncEngine

from fastapi_app.consumer import CONSUMER_FILE
from fastapi_app.events import queries as events
from fastapi_app.events.batch import Position
from fastapi_app.models import User
from shared_schema.consumer.consumer import Feature, load_consumer
from shared_schema.consumer.usage import Usage, usage_of
from strangler.compare.case import Case, ScenarioStep
from strangler.compare.cases.case_files import scenarios_from_files
from strangler.compare.writes.variables import Variables, case_filled, variables_save
from strangler_fastapi.auth.token_tables import TokenTables
from strangler_fastapi.db import query
from strangler_fastapi.db.query import Rows
from tests.databases import OwnDatabase, cloned_database
from tests.example import ROOT, load_routes
from tests.integration.fastapi_app.browsing import Browser
from tests.integration.fastapi_app.conftest import Start, one_loop
from tests.integration.fastapi_app.running import ADMIN, ALICE, BOB, GONE, USER_HASH, USER_PASSWORD, Running, bearer

pytestmark = [pytest.mark.long, one_loop]
SCENARIOS = scenarios_from_files(ROOT / "tests" / "cases", load_routes(ROOT / "nginx" / "routes.toml"))
CALLERS = {"admin": ADMIN, "alice": ALICE, "bob": BOB, "gone": GONE}

WEAK = f"pbkdf2_sha256$1$salt${base64.b64encode(hashlib.pbkdf2_hmac('sha256', b'weak', b'salt', 1)).decode()}"
GROUP = 77
USER_FORM = {"username": "sample", "email": "sample@example.com", "password": USER_PASSWORD, "is_active": "on"}
# By the table: what is said of a new row, and what it is changed to.
ADMIN_FORMS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("tags", {"name": "sample"}, {"name": "another"}),
    ("auth_group", {"name": "sample", "permissions": ["1", "2"]}, {"name": "another", "permissions": ["2", "3"]}),
    (
        "posts",
        {"title": "sample", "content": "text", "author": str(ALICE), "tags": ["1"]},
        {"title": "another", "content": "text", "author": str(BOB), "tags": ["2"]},
    ),
    ("users", USER_FORM, USER_FORM | {"user_permissions": ["1"], "groups": [str(GROUP)]}),
]


# Whose request is asked; nobody's where the service asks PostgreSQL's catalogs for itself.
asked: ContextVar[str] = ContextVar("asked", default="")


class Sent:
    """What every statement used, by the feature that sent it."""

    def __init__(self) -> None:
        self.used: dict[str, Usage] = defaultdict(Usage)
        self._known: dict[Hashable, Usage] = {}

    def rows(self, feature: str, rows: Rows) -> None:
        # What a statement uses follows from its structure; to ask for each is slow.
        known = self._known.get(rows.key)
        if known is None:
            known = self._known[rows.key] = usage_of(rows.build())
        self.used[feature] |= known

    def statement(self, _connection: Any, statement: Any, *_: Any) -> None:
        if feature := asked.get():
            self.used[feature] |= usage_of(statement)

    def beyond(self, stated: dict[str, Usage]) -> list[str]:
        """A sentence for each column that a feature used and doesn't state."""
        found = []
        for feature, used in sorted(self.used.items()):
            rest = used - stated[feature]
            for verb, columns in (("reads", rest.reads), ("inserts", rest.inserts), ("updates", rest.updates)):
                found += [f"{feature} {verb} {table}.{name}" for table in columns for name in sorted(columns[table])]
            found += [f"{feature} deletes from {table}" for table in sorted(rest.deletes)]
        return found


@contextmanager
def recording(engine: AsyncEngine) -> Iterator[Sent]:
    sent, compiled, built, as_sent = Sent(), query._statement, query._built, query.as_sent

    def of_feature(rows: Rows) -> object:
        if feature := asked.get():
            sent.rows(feature, rows)
        return compiled(rows)

    def of_values(statement: Executable) -> object:
        sent.statement(None, statement)
        return built(statement)

    def of_events(rows: Rows) -> tuple[str, list[Any]]:
        sent.rows("events", rows)
        return as_sent(rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(query, "_statement", of_feature)
        patch.setattr(query, "_built", of_values)
        patch.setattr(events, "as_sent", of_events)
        event.listen(engine.sync_engine, "before_execute", sent.statement)
        try:
            yield sent
        finally:
            event.remove(engine.sync_engine, "before_execute", sent.statement)


@pytest.fixture
def written(template: OwnDatabase) -> Iterator[OwnDatabase]:
    """A database to write to."""
    with cloned_database(template, f"{template.name}_stated") as database:
        yield database


@pytest_asyncio.fixture(loop_scope="module")
async def played(start: Start, written: OwnDatabase) -> AsyncIterator[Running]:
    async with start(written) as running:
        yield running


async def play(running: Running, owner_dsn: str) -> None:
    """Asks all that the case files hold, and of events what a stream would."""
    for scenario in SCENARIOS:
        variables: Variables = {}
        for step in scenario.steps:
            await _ask(running.client, step, case_filled(step.case, variables), variables)
    await _sign_in_with_a_weak_hash(running, owner_dsn)
    asked.set("events")
    await running.client.head("/events/", headers=bearer(ALICE))
    listener = running.app.state.events.listener
    await listener.visible(user_id=ALICE, after=await listener.find(0), up_to=Position(2**60, 1))
    async with listener._used() as connection:
        assert await events.users_active(connection, [ALICE, GONE]) == {ALICE}
    asked.set("admin")
    await _use_the_admin(running, owner_dsn)


async def _sign_in_with_a_weak_hash(running: Running, owner_dsn: str) -> None:
    """As Django's before it knew Argon2: a better one is stored."""
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("UPDATE users SET password = %s WHERE id = %s", (WEAK, BOB))
    asked.set("auth")
    response = await running.client.post("/auth/token/", json={"username": "bob", "password": "weak"})
    assert response.status_code == 200, response.text


async def _use_the_admin(running: Running, owner_dsn: str) -> None:
    """As a superuser adds, changes and deletes a row of each table, and as one of less rights looks at a list."""
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("UPDATE users SET is_superuser = true, password = %s WHERE id = %s", (WEAK, ADMIN))
        connection.execute("UPDATE users SET is_staff = true, password = %s WHERE id = %s", (USER_HASH, BOB))
        connection.execute("INSERT INTO auth_group (id, name) VALUES (%s, 'of nobody yet')", (GROUP,))
    other = Browser(running.app)
    assert (await other.sign_in("nobody")).status_code == 400
    assert (await other.sign_in("bob")).status_code == 303
    assert (await other.get("/posts/list")).status_code == 403
    browser = Browser(running.app)
    assert (await browser.sign_in("admin", "weak")).status_code == 303
    for table, first, second in ADMIN_FORMS:
        answer = await browser.post(f"/{table}/create", **first, _continue_editing="1")
        key = answer.headers["location"].rpartition("=")[2]
        assert (await browser.post(f"/{table}/edit", params={"pk": key}, **second)).status_code == 303
        assert (await browser.get(f"/{table}/list", q="sample")).status_code == 200
        assert (await browser.act(table, "delete", int(key))).status_code == 200
    for table in ("auth_permission", "django_admin_log"):
        assert (await browser.get(f"/{table}/list")).status_code == 200


async def _ask(client: httpx.AsyncClient, step: ScenarioStep, case: Case, variables: Variables) -> None:
    asked.set(case.target.split("?")[0].split("/")[1])
    credentials = bearer(CALLERS[case.caller]) if case.caller in CALLERS else {}
    response = await client.request(
        case.method, case.target, content=case.body, headers={**dict(case.headers), **credentials}
    )
    assert response.status_code < 500, response.text
    variables_save(step, SimpleNamespace(text=response.text), variables)  # type: ignore[arg-type] # all it reads


def stated() -> dict[str, Usage]:
    return defaultdict(
        Usage, {name: _usage(feature) for name, feature in load_consumer(CONSUMER_FILE).features.items()}
    )


def _usage(feature: Feature) -> Usage:
    reads_, inserts, updates = (
        {table: frozenset(names) for table, names in columns.items()}
        for columns in (feature.reads, feature.inserts, feature.updates)
    )
    return Usage(reads_, inserts, updates, frozenset(feature.deletes))


async def test_features_send_what_they_state_and_state_what_they_send(played: Running, written: OwnDatabase) -> None:
    with recording(played.engine) as sent:
        await play(played, written.owner_dsn)
    assert sent.beyond(stated()) == []
    everything = Sent()
    everything.used = stated()
    assert everything.beyond(sent.used) == []


async def test_a_feature_that_reads_one_more_column_is_named(played: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the role may read, since another feature does: PostgreSQL has nothing against it."""
    columns = (User.id, User.is_active, User.is_staff, User.password)
    one_more = Rows("one more", lambda: select(*columns).where(User.email == "alice@example.com"), {})
    monkeypatch.setattr(TokenTables, "account_by_id", lambda _tables, _key: one_more)
    with recording(played.engine) as sent:
        asked.set("tags")
        assert (await played.client.get("/tags/", headers=bearer(ALICE))).status_code == 200
    assert sent.beyond(stated()) == ["tags reads users.email"]
