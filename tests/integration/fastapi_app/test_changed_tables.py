"""The tables change under the running application: readiness says what, and what still works goes on."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared_schema.drift.consumer import LIVE
from strangler_fastapi.db import engine as database
from tests.databases import OwnDatabase, changed
from tests.integration.fastapi_app.conftest import Start
from tests.integration.fastapi_app.refusals import check_no_secret, check_refused
from tests.integration.fastapi_app.running import ALICE, USER_PASSWORD, Running, bearer, until

RENAME = "ALTER TABLE posts RENAME title TO headline"
RENAME_BACK = "ALTER TABLE posts RENAME headline TO title"
NO_TITLE = f"Column posts.title is missing (needed by admin, feed, posts, users): {LIVE}."
AS_ALICE = bearer(ALICE)


@pytest.fixture
async def running(start: Start, own_database: OwnDatabase) -> AsyncIterator[Running]:
    async with start(own_database) as running:
        yield running


def reported(running: Running) -> list[str]:
    return [line["message"] for line in running.log_lines if line["logger"] == "strangler_fastapi.db.engine"]


@pytest.mark.parametrize(
    ("change", "back", "sentence"),
    [
        (
            "ALTER TABLE posts RENAME TO articles",
            "ALTER TABLE articles RENAME TO posts",
            f"Table posts is missing (needed by admin, feed, posts, users): {LIVE}.",
        ),
        (RENAME, RENAME_BACK, NO_TITLE),
        (
            "ALTER TABLE users ALTER is_staff TYPE text",
            "ALTER TABLE users ALTER is_staff TYPE boolean USING is_staff::boolean",
            "Column users.is_staff holds str (text) where bool is needed "
            f"(needed by admin, auth, events, feed, posts, tags, users): {LIVE}.",
        ),
        (
            "ALTER TABLE tags ALTER name DROP NOT NULL",
            "ALTER TABLE tags ALTER name SET NOT NULL",
            "Column tags.name may be null where a value is needed "
            f"(needed by admin, feed, posts, tags, users): {LIVE}.",
        ),
        (
            "ALTER TABLE tags ADD colour text NOT NULL DEFAULT ''; ALTER TABLE tags ALTER colour DROP DEFAULT",
            "ALTER TABLE tags DROP colour",
            "Column tags.colour must be given a value, and FastAPI inserts rows without one (in admin, posts, tags): "
            "give it a db_default, or deploy the FastAPI that does without it.",
        ),
    ],
    ids=["table", "column", "type", "null", "must be given"],
)
async def test_readiness_names_what_is_wrong(
    running: Running, own_database: OwnDatabase, change: str, back: str, sentence: str
) -> None:
    with changed(own_database, change, back):
        assert check_refused(await running.client.get("/health/ready")) == sentence
        assert check_refused(await running.client.get("/health/ready")) == sentence
        assert (await running.client.get("/health/live")).status_code == 200
    assert (await running.client.get("/health/ready")).status_code == 200
    assert reported(running) == [
        "ready: the tables are reflected",
        f"not ready: {sentence}",
        "ready: the tables are as needed again",
    ]


@pytest.mark.parametrize(
    ("take", "give", "what"),
    [
        ("REVOKE SELECT ON tags FROM {role}", "GRANT SELECT ON tags TO {role}", "table tags"),
        (
            "REVOKE SELECT ON tags FROM {role}; GRANT SELECT (id) ON tags TO {role}",
            "GRANT SELECT ON tags TO {role}",
            "column tags.name",
        ),
        (
            "REVOKE USAGE ON SCHEMA public FROM {role}; REVOKE USAGE ON SCHEMA public FROM PUBLIC",
            "GRANT USAGE ON SCHEMA public TO {role}; GRANT USAGE ON SCHEMA public TO PUBLIC",
            "table blog_post_tags",
        ),
    ],
    ids=["table", "column", "schema"],
)
async def test_what_may_not_be_read_is_named(
    start: Start, own_database: OwnDatabase, template: OwnDatabase, take: str, give: str, what: str
) -> None:
    role = f"{template.name}_fastapi"
    columns = "REVOKE SELECT (id, name) ON tags FROM {role};" if "tags" in take else ""
    async with start(own_database) as running:
        with changed(own_database, columns.format(role=role) + take.format(role=role), give.format(role=role)):
            sentence = check_refused(await running.client.get("/health/ready"))
        assert (await running.client.get("/health/ready")).status_code == 200
    assert sentence == f"Role {role} may not read {what}: run `strangler grant`."


async def test_what_needs_the_column_is_refused_and_the_rest_goes_on(
    running: Running, own_database: OwnDatabase
) -> None:
    client = running.client
    body = {"title": "New", "content": "x"}
    with changed(own_database, RENAME, RENAME_BACK):
        for method, path in (("GET", "/feed/"), ("GET", "/posts/1/"), ("HEAD", "/posts/"), ("POST", "/posts/")):
            sentence = check_refused(await client.request(method, path, json=body, headers=AS_ALICE))
            assert sentence in ("", NO_TITLE)
        for path in ("/users/me/", "/tags/"):
            assert (await client.get(path, headers=AS_ALICE)).status_code == 200
        token = await client.post("/auth/token/", json={"username": "alice", "password": USER_PASSWORD})
        assert token.status_code == 200
    for path in ("/feed/", "/posts/1/"):
        assert (await client.get(path, headers=AS_ALICE)).status_code == 200
    assert (await client.post("/posts/", json=body, headers=AS_ALICE)).status_code == 201
    assert running.in_use == 0
    # Nobody had to ask readiness for it to be known; that it works again, the next request for readiness tells.
    assert reported(running) == ["ready: the tables are reflected", f"not ready: {NO_TITLE}"]


async def test_a_column_that_an_insert_must_give_is_named_to_who_inserts(
    running: Running, own_database: OwnDatabase
) -> None:
    add = "ALTER TABLE users ADD phone text NOT NULL DEFAULT ''; ALTER TABLE users ALTER phone DROP DEFAULT"
    carol = {"username": "carol", "email": "carol@private.example", "password": USER_PASSWORD}
    with changed(own_database, add, "ALTER TABLE users DROP phone"):
        sentence = check_refused(await running.client.post("/users/", json=carol))
        assert sentence.startswith("Column users.phone must be given a value, ")
        assert (await running.client.get("/users/me/", headers=AS_ALICE)).status_code == 200
    assert (await running.client.post("/users/", json=carol)).status_code == 201
    check_no_secret(running, "carol@private.example", "argon2$argon2id")


async def test_a_column_of_another_type_is_named(running: Running, own_database: OwnDatabase) -> None:
    """The driver itself refuses the value, before PostgreSQL is asked."""
    change = "ALTER TABLE posts ALTER content TYPE integer USING 0"
    with changed(own_database, change, "ALTER TABLE posts ALTER content TYPE text"):
        body = {"title": "New", "content": "x"}
        sentence = check_refused(await running.client.post("/posts/", json=body, headers=AS_ALICE))
        assert sentence.startswith("Column posts.content holds int (integer) where str is needed ")


async def test_a_change_is_known_without_a_request(
    start: Start, own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_WATCH_SECONDS", 0.05)
    monkeypatch.setattr(database, "_RETRY_SECONDS", 0.05)
    async with start(own_database) as running:
        with changed(own_database, RENAME, RENAME_BACK):
            await _until_reported(running, 2)
        await _until_reported(running, 3)
    assert reported(running) == [
        "ready: the tables are reflected",
        f"not ready: {NO_TITLE}",
        "ready: the tables are as needed again",
    ]


async def test_readiness_looks_at_the_tables_only_when_they_have_changed(
    running: Running, own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    read = database.read_catalog
    monkeypatch.setattr(database, "read_catalog", lambda connection: looked.append(1) or read(connection))
    for _ in range(3):
        assert (await running.client.get("/health/ready")).status_code == 200
    assert looked == []
    with changed(own_database, "ALTER TABLE posts ADD subtitle text", "ALTER TABLE posts DROP subtitle"):
        for _ in range(3):
            assert (await running.client.get("/health/ready")).status_code == 200
        assert looked == [1]
    with changed(own_database, "CREATE TABLE odd (id int)", "DROP TABLE odd"):
        await until(lambda: running.client.get("/health/ready"), 200)
    assert looked == [1, 1]
    assert reported(running) == ["ready: the tables are reflected"]


async def _until_reported(running: Running, times: int) -> None:
    async with asyncio.timeout(20):
        while len(reported(running)) < times:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)
