"""The same writes on both stacks: equal where they are, and each planted fault named by its table and column."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from strangler.compare.comparison import CaseOutcome
from strangler.compare.writes.play import PlayedStep
from strangler.compare.writes.tables import tables_of
from strangler.databases.connections import Source
from tests.shared_stack import StackAddresses
from tests.write_plays import POSTS, databases_like, own_source, playing

pytestmark = pytest.mark.long

NAME = f"plays_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"

USERS = """
[[case]]
post = "/users/"
json = { username = "stranger", email = "stranger@example.com", password = "correct horse battery" }

[[case]]
post = "/users/"
json = { username = "newcomer", email = "newcomer@example.com", password = "correct horse battery" }
save = { user = "$.id" }

[[case]]
post = "/auth/token/"
json = { username = "newcomer", password = "correct horse battery" }
save = { access = "$.access", refresh = "$.refresh" }

[[case]]
post = "/posts/"
headers = { Authorization = "Bearer {access}" }
form = { title = "mine", content = "c", tags = ["x1", "x2"] }

[[case]]
post = "/auth/token/refresh/"
json = { refresh = "{refresh}" }

[[case]]
post = "/auth/token/blacklist/"
json = { refresh = "{refresh}" }

[[case]]
patch = "/users/me/"
headers = { Authorization = "Bearer {access}" }
json = { username = "renamed" }

[[case]]
as = ["admin"]
delete = "/users/{user}/"
"""

# Each acts in the right-hand copy alone.
FAULTS = {
    "a tag of a new post is lost": """
        BEFORE INSERT ON blog_post_tags AS $$ BEGIN
            RETURN CASE WHEN NEW.tag_id = (SELECT id FROM tags WHERE name = 'zeta') THEN NULL ELSE NEW END; END $$""",
    "a time is two hours late": """
        BEFORE INSERT ON posts AS $$ BEGIN NEW.created_at := NEW.created_at + interval '2 hours'; RETURN NEW; END $$""",
    "a change is not written": """
        BEFORE UPDATE OF published ON posts AS $$ BEGIN NEW.published := OLD.published; RETURN NEW; END $$""",
    "the last login is not written": """
        BEFORE UPDATE ON users AS $$ BEGIN NEW.last_login := OLD.last_login; RETURN NEW; END $$""",
    "a hash is weaker": """
        BEFORE INSERT ON users AS $$ BEGIN
            NEW.password := CASE NEW.username WHEN 'stranger' THEN replace(NEW.password, 't=2', 't=1')
            ELSE NEW.password END; RETURN NEW; END $$""",
    "tokens go with their user": """
        AFTER UPDATE OF user_id ON token_blacklist_outstandingtoken AS $$ BEGIN
            DELETE FROM token_blacklist_blacklistedtoken WHERE token_id = NEW.id;
            DELETE FROM token_blacklist_outstandingtoken WHERE id = NEW.id; RETURN NULL; END $$""",
    "a row too many": """
        AFTER DELETE ON posts AS $$ BEGIN
            INSERT INTO django_session VALUES ('key', 'data', now()); RETURN OLD; END $$""",
}

# In which step, counted from 0: the table, the column, and the row's part.
FOUND = [
    (0, "users", "last_login", "users: id 2"),
    (0, "posts", "created_at", "posts: the one of step 1"),
    (0, "blog_post_tags", "", "blog_post_tags: number 3 of step 1"),
    (2, "users", "last_login", "users: id 3"),
    (5, "post_events", "", "post_events: the one of step 6"),
    (5, "posts", "published", "posts: the one of step 1"),
    (7, "django_session", "", "django_session: the one of step 8"),
    (7, "post_events", "was_published", "post_events: the one of step 8"),
    (8, "users", "password", "users: the one of step 1"),
    (10, "users", "last_login", "users: the one of step 2"),
    (11, "posts", "created_at", "posts: the one of step 4"),
    (15, "users", "last_login", "users: id 1"),
    (15, "django_session", "", "django_session: the one of step 8"),
    (15, "token_blacklist_outstandingtoken", "", "token_blacklist_outstandingtoken: the one of step 3"),
    (15, "token_blacklist_outstandingtoken", "", "token_blacklist_outstandingtoken: the one of step 5"),
    (15, "token_blacklist_blacklistedtoken", "", "token_blacklist_blacklistedtoken: the one of step 5"),
]


@pytest.fixture
def source(stack: StackAddresses) -> Iterator[Source]:
    with own_source(stack, NAME) as source:
        yield source


def digest(source: Source) -> dict[str, object]:
    """Every row of the real database, and where its sequences stand."""
    with psycopg.connect(source.admin_dsn) as connection:
        found: dict[str, object] = {
            table.full_name: connection.execute(
                f"SELECT count(*), sum(hashtextextended(t::text || t.xmin::text, 0)) FROM {table.full_name} AS t"  # type: ignore[arg-type] # noqa: S608 - names of the catalogue
            ).fetchone()
            for table in tables_of(connection)
        }
        sequences = "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2"
        return found | {"sequences": connection.execute(sequences).fetchall()}


def visitors(source: Source) -> set[str]:
    """Who has a session in the real database."""
    with psycopg.connect(source.admin_dsn) as connection:
        # Autovacuum comes when it likes.
        query = """SELECT application_name FROM pg_stat_activity
            WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
        return {name for (name,) in connection.execute(query, (source.name,)).fetchall()}


async def test_both_stacks_write_the_same_and_the_real_database_stays_as_it_is(source: Source, tmp_path: Path) -> None:
    before = digest(source)
    played = []
    async with playing(source, tmp_path, posts=POSTS, users=USERS) as steps:
        async for step in steps:
            assert visitors(source) == {"strangler"}
            played.append(step)
    for step in played:
        assert step.result is not None, step.skipped
        assert (step.case.target, step.result.outcome, step.result.found) == (step.case.target, CaseOutcome.EQUAL, ())
        assert step.rows == ()
        assert step.result.left is not None
    statuses = [step.result.left.answer.status for step in played if step.result and step.result.left]
    assert statuses == [201, 200, 404, 401, 200, 200, 404, 204, 201, 201, 200, 201, 200, 401, 200, 204]
    taken = [status < 300 and not step.case.safe for status, step in zip(statuses, played, strict=True)]
    assert [step.has_written for step in played] == taken
    assert digest(source) == before
    assert databases_like(source.admin_dsn, source.name) == []
    assert not [child for child in psutil.Process().children() if "gunicorn" in " ".join(child.cmdline())]


async def test_a_case_file_states_how_many_processes_each_side_has(source: Source, tmp_path: Path) -> None:
    case = """
        workers = 3

        [[case]]
        as = ["alice"]
        post = "/tags/"
        json = { name = "raced" }
        together = 8

        [[case]]
        as = ["alice"]
        get = "/tags/?search=raced"
    """
    counts = []
    async with playing(source, tmp_path, many=case) as steps:
        async for step in steps:
            assert step.result is not None
            assert (step.result.outcome, step.rows) == (CaseOutcome.EQUAL, ())
            mains = [each for each in psutil.Process().children() if {"gunicorn", "fastapi_app"} & {*each.cmdline()}]
            counts.append([len(each.children()) >= 3 for each in mains])
    assert counts == [[True, True]] * 2


async def test_each_fault_is_named_where_it_first_shows(source: Source, tmp_path: Path) -> None:
    with psycopg.connect(source.owner_dsn) as connection:
        for number, fault in enumerate(FAULTS.values()):
            event, _, body = fault.partition(" AS $$ ")
            condition = "IF current_database() NOT LIKE '%\\_compare\\_right%' THEN RETURN coalesce(NEW, OLD); END IF;"
            guarded = body.replace("BEGIN", f"BEGIN {condition}", 1)
            connection.execute(
                f"CREATE FUNCTION fault_{number}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ {guarded};"  # type: ignore[arg-type]
            )
            connection.execute(
                f"CREATE TRIGGER fault_{number} {event} FOR EACH ROW EXECUTE FUNCTION fault_{number}()"  # type: ignore[arg-type]
            )
    async with playing(source, tmp_path, posts=POSTS, users=USERS) as steps:
        played = [step async for step in steps]
    found = [(number, row.table, row.column, row.row) for number, step in enumerate(played) for row in step.rows]
    assert found == FOUND
    assert places(played[0]) == ["$.tags[*]", "$.created_at"]
    shown = next(row for step in played for row in step.rows if row.column == "password")
    assert (shown.left, shown.right) == tuple(f"argon2$argon2id$v=19$m=102400,t={t},p=8$***$***" for t in (2, 1))


def places(step: PlayedStep) -> list[str]:
    assert step.result is not None
    return [each.pattern for each in step.result.found]
