"""What a service needs of the database, by its statements, whatever the driver; PostgreSQL grants exactly that."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from shared_schema.consumer.consumer import Consumer, load_consumer
from strangler.schema.grants import apply_grants
from strangler.schema.guard.replay import replay_statements
from strangler.schema.recording.consumer import RecordedService
from strangler.schema.recording.rights import RightsReader
from strangler.schema.recording.wire import Relay, SeenStatement, Target
from tests.checkouts import tool_run
from tests.databases import PASSWORD, OwnDatabase, migrated_database
from tests.shared_stack import StackAddresses

NAME = f"record_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
ROLE = f"{NAME}_service"
# A service that knows nothing of the tool.
SERVICE = """
import asyncio, os
from sqlalchemy import MetaData, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import create_async_engine

async def main():
    engine = create_async_engine(os.environ["SHOP_DATABASE"])
    tables = MetaData()
    async with engine.connect() as connection:
        await connection.run_sync(lambda sync: tables.reflect(sync, only=["tags", "posts", "blog_post_tags"]))
        tags, posts, links = (tables.tables[name] for name in ("tags", "posts", "blog_post_tags"))
        linked = select(links.c.id).where(links.c.tag_id == tags.c.id).exists()
        await connection.execute(select(tags.c.id, tags.c.name).where(linked, tags.c.name != "of somebody"))
        await connection.execute(insert(tags).values(name="of somebody").returning(tags.c.id))
        await connection.execute(update(posts).where(posts.c.id == 1).values(title="of somebody"))
        await connection.execute(delete(links).where(links.c.post_id == 1))
        await connection.rollback()
    await engine.dispose()

asyncio.run(main())
"""
PROJECT = """
name = "shop"
api = { v1 = "/api", v2 = "/api/v2" }
files = { routes = "routes.toml", contract = "contract.json", consumer = "consumer.json" }
django = { address = "http://127.0.0.1:1", health = "/up" }
fastapi = { address = "http://127.0.0.1:2", health = "/ready" }
database = { fastapi_role = "ROLE" }
"""


@pytest.fixture(scope="module")
def database(stack: StackAddresses) -> Iterator[OwnDatabase]:
    with migrated_database(admin_dsn=stack.admin_dsn, name=NAME) as database:
        yield database


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "strangler.toml").write_text(PROJECT.replace("ROLE", ROLE))
    (tmp_path / "service.py").write_text(SERVICE)
    return tmp_path


def record(project: Path, database: OwnDatabase, *words: str, code: int = 0) -> str:
    url = database.owner_dsn.replace("postgresql:", "postgresql+asyncpg:")
    given = ("schema", "record", "--variable", "SHOP_DATABASE", *words)
    return tool_run(project, *given, code=code, SHOP_DATABASE=url)


def recorded(database: OwnDatabase, *statements: SeenStatement) -> RecordedService:
    service = RecordedService()
    with psycopg.connect(database.owner_dsn, autocommit=True) as connection:
        reader = RightsReader.on(connection)
        for statement in statements:
            service.add(statement, reader)
    return service


def test_a_service_of_sqlalchemy_is_granted_what_it_was_seen_to_need(project: Path, database: OwnDatabase) -> None:
    printed = record(project, database, "--", sys.executable, "service.py")
    assert printed.startswith("consumer.json: 4 statements of shop, 3 tables"), printed
    text = (project / "consumer.json").read_text()
    assert "of somebody" not in text
    consumer = load_consumer(project / "consumer.json")
    shop = consumer.features["shop"]
    assert shop.reads == {"blog_post_tags": ("id", "post_id", "tag_id"), "posts": ("id",), "tags": ("id", "name")}
    assert shop.inserts == {"tags": ("name",)}
    assert shop.updates == {"posts": ("title",)}
    assert shop.deletes == ("blog_post_tags",)
    assert consumer.needs["tags"]["name"].model_dump() == {"type": "str", "nullable": False}
    # Each statement is allowed with that, and none without.
    apply_grants(owner_dsn=database.owner_dsn, role=ROLE, password=PASSWORD, consumer=consumer, writers=["shop"])
    with psycopg.connect(database.dsn(ROLE)) as connection:
        replayed = replay_statements(connection, consumer)
    assert [each.wrong or each.refused for each in replayed.values()] == [""] * 4
    smaller = shop.model_copy(update={"reads": {"tags": ("id",)}})
    lacking = consumer.model_copy(update={"features": {"shop": smaller}})
    apply_grants(owner_dsn=database.owner_dsn, role=ROLE, password=PASSWORD, consumer=lacking, writers=["shop"])
    with psycopg.connect(database.dsn(ROLE)) as connection:
        replayed = replay_statements(connection, consumer)
    assert any("permission denied" in each.refused for each in replayed.values())


def test_a_second_recording_adds_to_the_first_and_a_fresh_one_does_not(project: Path, database: OwnDatabase) -> None:
    record(project, database, "--", sys.executable, "service.py")
    once = (project / "consumer.json").read_text()
    code = (
        SERVICE.partition("        tags, posts")[0]
        + "        await connection.execute(select(text('content')).select_from(text('posts')))\n"
    )
    (project / "other.py").write_text(f"{code}\nasyncio.run(main())\n")
    record(project, database, "--", sys.executable, "other.py")
    both = load_consumer(project / "consumer.json").features["shop"]
    assert both.reads["posts"] == ("content", "id")
    assert both.inserts == {"tags": ("name",)}
    record(project, database, "--fresh", "--", sys.executable, "service.py")
    assert (project / "consumer.json").read_text() == once


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (
            ("--", sys.executable, "-c", "raise SystemExit(3)"),
            4,
            "the command ended with code 3, so nothing was written",
        ),
        (("--", sys.executable, "-c", "pass"), 4, "no statement about a table was seen"),
        (("--", "./nowhere"), 2, "./nowhere can't be started"),
        (("--variable", "NO_SUCH", "--", "true"), 2, "NO_SUCH is not set"),
    ],
)
def test_nothing_is_written_of_a_command_that_fails(
    words: tuple[str, ...], code: int, sentence: str, project: Path, database: OwnDatabase
) -> None:
    assert sentence in record(project, database, *words, code=code)
    assert not (project / "consumer.json").exists()


@pytest.mark.parametrize(
    ("text", "reads", "writes"),
    [
        ("SELECT count(*) FROM tags", {"tags": {"id"}}, {}),
        ("SELECT t FROM tags t", {"tags": {"id", "name"}}, {}),
        ("SELECT 1 FROM posts WHERE id = $1 FOR UPDATE", {"posts": {"id"}}, {"posts": {"id"}}),
        (
            "WITH found AS (SELECT tag_id FROM blog_post_tags) UPDATE tags SET name = $1 FROM found WHERE id = tag_id",
            {"blog_post_tags": {"tag_id"}, "tags": {"id"}},
            {"tags": {"name"}},
        ),
        (
            "INSERT INTO tags (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = excluded.name",
            {"tags": {"name"}},
            {"tags": {"name"}},
        ),
    ],
)
def test_postgresql_itself_says_which_columns_a_statement_uses(
    text: str, reads: dict[str, set[str]], writes: dict[str, set[str]], database: OwnDatabase
) -> None:
    usage = recorded(database, SeenStatement(text, prepared=True)).usage
    with psycopg.connect(database.owner_dsn) as connection:
        columns = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'tags'::regclass AND attnum > 0 AND NOT attisdropped"
        ).fetchall()
    wanted = {"tags": {name for (name,) in columns}} if text.startswith("SELECT t ") else reads
    read = {table: set(names) for table, names in usage.reads.items()}
    assert {table: read.get(table, set()) & names for table, names in wanted.items()} == wanted
    assert {table: set(names) for table, names in usage.updates.items()} == writes


def test_values_in_a_text_and_texts_that_nobody_knows_are_not_kept(database: OwnDatabase) -> None:
    service = recorded(
        database,
        SeenStatement("SELECT id FROM tags WHERE name = 'of somebody'", prepared=False),
        SeenStatement("SELECT nothing FROM nowhere", prepared=True),
        SeenStatement("BEGIN", prepared=False),
        SeenStatement("SELECT relname FROM pg_class", prepared=False),
    )
    consumer: Consumer = service.consumer("shop", None)
    assert consumer.features["shop"].reads == {"tags": ("id", "name")}
    assert consumer.features["shop"].statements == ()
    assert service.with_values == 1
    assert service.unread == {"SELECT nothing FROM nowhere": 'ERROR:  relation "nowhere" does not exist'}


def test_the_relay_passes_on_everything_and_ends_with_its_connections(database: OwnDatabase) -> None:
    seen: list[SeenStatement] = []

    async def main() -> list[int]:
        async with Relay(Target.of(database.owner_dsn), seen.append) as relay:
            dsn = relay.dsn(database.owner_dsn)
            connections = [await psycopg.AsyncConnection.connect(dsn, sslmode="prefer") for _ in range(3)]
            large = "x" * 300_000
            answers = [await one.execute("SELECT length(%s), %s", (large, large)) for one in connections]
            rows = [await answer.fetchone() for answer in answers]
            cancelled = asyncio.create_task(connections[0].execute("SELECT pg_sleep(60)"))
            while not any("pg_sleep" in each.text for each in seen):
                await asyncio.wait({cancelled}, timeout=0.01)
            await connections[0].cancel_safe()
            with pytest.raises(psycopg.errors.QueryCanceled):
                await cancelled
            await connections[1].close()
        # The others ended with the relay.
        for one in connections:
            with pytest.raises(psycopg.OperationalError):
                await one.execute("SELECT 1")
            await one.close()
        return [row[0] for row in rows if row and row[1] == large]

    assert asyncio.run(main()) == [300_000] * 3
    assert SeenStatement("SELECT length($1), $2", prepared=True) in seen


def test_an_address_that_is_none_is_one_sentence() -> None:
    assert Target.of("postgresql+asyncpg://a:b@db.example/x") == Target("db.example", 5432)
