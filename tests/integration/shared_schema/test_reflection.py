"""Tables reflected from a real PostgreSQL: what they lack is named, and the mapped classes give typed rows."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, make_url

from fastapi_app.consumer import CONSUMER_FILE
from fastapi_app.models import BLOG
from shared_schema.catalog_reading import read_catalog
from shared_schema.consumer.consumer import load_consumer
from shared_schema.drift.consumer import LIVE, consumer_mismatches
from shared_schema.drift.contract import contract_mismatches
from shared_schema.drift.privileges import denied_mismatches
from strangler.schema.grants import apply_grants
from strangler.settings import base_environment
from tests.databases import PASSWORD, OwnDatabase, changed, migrated_database
from tests.example import ROOT
from tests.shared_stack import StackAddresses

# Databases and roles belong to the run's server: each worker has its own.
NAME = f"reflection_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
ROLE = f"{NAME}_fastapi"
# In a process of its own: classes are mapped once and for all, here onto a database that is dropped afterwards.
TYPED_ROWS = """
import sys
from datetime import datetime
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session, joinedload
from fastapi_app.models import BLOG, Post, Tag, User
engine = create_engine(sys.argv[1])
with engine.connect() as connection:
    metadata = BLOG.reflect(connection)
BLOG.map(metadata)
BLOG.map(metadata)  # a second call changes nothing
with Session(engine) as session:
    post = session.scalars(select(Post).options(joinedload(Post.author), joinedload(Post.tags))).unique().one()
    assert (post.title, post.published, type(post.id)) == ("Title", True, int), vars(post)
    assert isinstance(post.created_at, datetime) and post.created_at.tzinfo is not None, post.created_at
    assert isinstance(post.author, User) and post.author.last_login is None, vars(post.author)
    assert [(type(tag), tag.name) for tag in post.tags] == [(Tag, "new")], post.tags
    try:
        post.author.posts
    except Exception as error:
        assert "lazy='raise'" in str(error), error
    else:
        raise AssertionError("a relation was loaded by itself")
"""


@pytest.fixture(scope="module")
def database(stack: StackAddresses) -> Iterator[OwnDatabase]:
    with migrated_database(admin_dsn=stack.admin_dsn, name=NAME) as database:
        apply_grants(
            owner_dsn=database.owner_dsn,
            role=ROLE,
            password=PASSWORD,
            consumer=load_consumer(CONSUMER_FILE),
        )
        yield database


@pytest.fixture
def engine(database: OwnDatabase) -> Iterator[Engine]:
    """The database as FastAPI's role."""
    engine = create_engine(make_url(database.dsn(ROLE)).set(drivername="postgresql+psycopg"))
    yield engine
    engine.dispose()


def mismatches(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        catalog, consumer = read_catalog(connection), load_consumer(CONSUMER_FILE)
        found = consumer_mismatches(consumer, catalog) + denied_mismatches(connection, consumer, catalog)
        return [str(each) for each in found]


def test_only_the_mapped_tables_are_reflected(engine: Engine) -> None:
    with engine.connect() as connection:
        assert set(BLOG.reflect(connection).tables) == {cls.__tablename__ for cls in BLOG.classes}


def test_djangos_tables_are_what_the_service_needs_and_the_contract_says(engine: Engine) -> None:
    assert mismatches(engine) == []
    with engine.connect() as connection:
        assert contract_mismatches(BLOG.contract, read_catalog(connection)) == []


@pytest.mark.parametrize(
    ("change", "back", "sentence"),
    [
        (
            "ALTER TABLE posts RENAME title TO headline",
            "ALTER TABLE posts RENAME headline TO title",
            f"Column posts.title is missing (needed by admin, feed, posts, users): {LIVE}.",
        ),
        (
            "ALTER TABLE users ALTER is_staff TYPE text",
            "ALTER TABLE users ALTER is_staff TYPE boolean USING is_staff::boolean",
            "Column users.is_staff holds str (text) where bool is needed "
            f"(needed by admin, auth, events, feed, posts, tags, users): {LIVE}.",
        ),
        (
            "ALTER TABLE users ALTER created_at TYPE date",
            "ALTER TABLE users ALTER created_at TYPE timestamptz",
            "Column users.created_at holds date (date) where datetime is needed "
            f"(needed by admin, feed, posts, users): {LIVE}.",
        ),
        (
            "ALTER TABLE tags ALTER name DROP NOT NULL",
            "ALTER TABLE tags ALTER name SET NOT NULL",
            "Column tags.name may be null where a value is needed "
            f"(needed by admin, feed, posts, tags, users): {LIVE}.",
        ),
        (
            "ALTER TABLE token_blacklist_blacklistedtoken RENAME TO gone",
            "ALTER TABLE gone RENAME TO token_blacklist_blacklistedtoken",
            f"Table token_blacklist_blacklistedtoken is missing (needed by auth): {LIVE}.",
        ),
        (
            "REVOKE SELECT ON tags FROM {role}",
            "GRANT SELECT ON tags TO {role}",
            "Role {role} may not read table tags: run `strangler grant`.",
        ),
    ],
)
def test_what_is_missing_or_different_is_named(
    change: str, back: str, sentence: str, database: OwnDatabase, engine: Engine
) -> None:
    with changed(database, change.format(role=ROLE), back.format(role=ROLE)):
        assert sentence.format(role=ROLE) in mismatches(engine)
    assert mismatches(engine) == []


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("ALTER TABLE posts ALTER title TYPE text", "ALTER TABLE posts ALTER title TYPE varchar(200)"),
        ("ALTER TABLE tags ALTER id TYPE integer", "ALTER TABLE tags ALTER id TYPE bigint"),
        ("ALTER TABLE posts ADD of_no_interest inet", "ALTER TABLE posts DROP of_no_interest"),
        (
            "ALTER TABLE token_blacklist_outstandingtoken ALTER created_at SET NOT NULL",
            "ALTER TABLE token_blacklist_outstandingtoken ALTER created_at DROP NOT NULL",
        ),
    ],
)
def test_a_change_that_harms_nobody_is_none(change: str, back: str, database: OwnDatabase, engine: Engine) -> None:
    with changed(database, change, back):
        assert mismatches(engine) == []


def test_mapped_classes_give_typed_rows(database: OwnDatabase) -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute(
            "INSERT INTO users (id, username, email, password, first_name, last_name, is_active, is_staff,"
            " is_superuser, date_joined, created_at)"
            " VALUES (1, 'a', 'a@b.c', '!', '', '', true, false, false, now(), now())"
        )
        connection.execute(
            "INSERT INTO posts (id, title, content, published, created_at, author_id)"
            " VALUES (1, 'Title', 'x', true, now(), 1)"
        )
        connection.execute("INSERT INTO tags (id, name) VALUES (1, 'new')")
        connection.execute("INSERT INTO blog_post_tags (post_id, tag_id) VALUES (1, 1)")
    try:
        # As the owner: an entity has all columns, and the service never asks for so much.
        url = database.owner_dsn.replace("postgresql:", "postgresql+psycopg:")
        result = subprocess.run(  # noqa: S603 - the text above
            [sys.executable, "-c", TYPED_ROWS, url],
            cwd=ROOT,
            env=base_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
    finally:
        with psycopg.connect(database.owner_dsn) as connection:
            connection.execute("TRUNCATE users, tags CASCADE")
