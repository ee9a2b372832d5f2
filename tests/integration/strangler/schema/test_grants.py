"""FastAPI's role on a real PostgreSQL: what it may do, what it is refused, and how that follows the routes."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from fastapi_app.consumer import CONSUMER_FILE
from shared_schema.consumer.consumer import Consumer, Feature, load_consumer
from shared_schema.consumer.privileges import Right, rights_wanted
from strangler.errors import FailedError
from strangler.schema.grants import apply_grants, require_tables, writing_features
from strangler.schema.guard.replay import replay_statements
from tests.databases import PASSWORD, OwnDatabase, migrated_database
from tests.rights import rights_of, rights_tried, sequences_of
from tests.shared_stack import StackAddresses

# Databases and roles belong to the run's server: each worker has its own.
NAME = f"grants_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
ROLE = f"{NAME}_fastapi"
READABLE = ("users", "posts", "tags", "blog_post_tags", "token_blacklist_outstandingtoken")
FORBIDDEN = ("django_session", "django_migrations")


CONSUMER = load_consumer(CONSUMER_FILE)
# Whether every feature of the API may write. The admin may once FastAPI answers its path, and not before.
READ_ONLY, WRITING = False, True


@pytest.fixture(scope="module")
def database(stack: StackAddresses) -> Iterator[OwnDatabase]:
    with migrated_database(admin_dsn=stack.admin_dsn, name=NAME) as database:
        yield database


def grant(
    database: OwnDatabase,
    writing: bool,
    *,
    password: str = PASSWORD,
    consumer: Consumer = CONSUMER,
    owner_dsn: str = "",
    keep: bool = False,
) -> None:
    dsn = owner_dsn or database.owner_dsn
    writers = consumer.features.keys() - {"admin"} if writing else ()
    apply_grants(owner_dsn=dsn, role=ROLE, password=password, consumer=consumer, writers=writers, keep=keep)


@pytest.fixture
def read_only(database: OwnDatabase) -> OwnDatabase:
    grant(database, READ_ONLY)
    return database


@pytest.fixture
def writing(database: OwnDatabase) -> Iterator[OwnDatabase]:
    grant(database, WRITING)
    yield database
    grant(database, READ_ONLY)


def attempt(database: OwnDatabase, statement: str) -> str:
    """ "done", or the first words of PostgreSQL's refusal; nothing is kept."""
    with psycopg.connect(database.dsn(ROLE)) as connection:
        try:
            connection.execute(sql.SQL(statement))  # type: ignore[arg-type] # a statement of this file
        except psycopg.Error as error:
            return str(error).splitlines()[0]
        finally:
            connection.rollback()
    return "done"


def privileges(database: OwnDatabase) -> list[tuple[str, ...]]:
    """Every table and column privilege of the role."""
    with psycopg.connect(database.superuser_dsn) as connection:
        return connection.execute(
            "SELECT table_name, privilege_type, '' FROM information_schema.role_table_grants WHERE grantee = %(role)s "
            "UNION SELECT table_name, privilege_type, column_name FROM information_schema.role_column_grants "
            "WHERE grantee = %(role)s "
            "UNION SELECT object_name, privilege_type, '' FROM information_schema.role_usage_grants "
            "WHERE grantee = %(role)s ORDER BY 1, 2, 3",
            {"role": ROLE},
        ).fetchall()


@pytest.mark.parametrize("granted", ["read_only", "writing"])
def test_the_role_can_do_what_its_features_say_and_nothing_else(granted: str, request: pytest.FixtureRequest) -> None:
    """PostgreSQL's own answer, and what it does, for every column and table of the database."""
    database: OwnDatabase = request.getfixturevalue(granted)
    wanted = set(rights_wanted(CONSUMER, writers=CONSUMER.features.keys() - {"admin"} if granted == "writing" else ()))
    assert rights_of(database.superuser_dsn, ROLE) == wanted
    assert rights_tried(database.superuser_dsn, database.dsn(ROLE)) == wanted
    assert sequences_of(database.superuser_dsn, ROLE) == []


def test_every_statement_of_the_consumers_file_works_with_its_values(writing: OwnDatabase) -> None:
    apply_grants(
        owner_dsn=writing.owner_dsn, role=ROLE, password=PASSWORD, consumer=CONSUMER, writers=CONSUMER.features
    )
    with psycopg.connect(writing.dsn(ROLE), autocommit=True) as connection:
        tried = replay_statements(connection, CONSUMER)
    assert {str(name): found for name, found in tried.items() if not found.works} == {}
    assert len(tried) > 200


@pytest.mark.parametrize("table", READABLE)
def test_the_mapped_tables_are_readable(table: str, read_only: OwnDatabase) -> None:
    assert attempt(read_only, f"SELECT count(*) FROM {table}") == "done"  # noqa: S608 - a name of this file


@pytest.mark.parametrize("table", FORBIDDEN)
@pytest.mark.parametrize("granted", ["read_only", "writing"])
def test_djangos_own_tables_are_not(table: str, granted: str, request: pytest.FixtureRequest) -> None:
    database: OwnDatabase = request.getfixturevalue(granted)
    refusal = attempt(database, f"SELECT * FROM {table}")  # noqa: S608 - a name of this file
    assert refusal == f"permission denied for table {table}"


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("CREATE TABLE mine (id int)", "permission denied for schema public"),
        ("CREATE VIEW mine AS SELECT 1", "permission denied for schema public"),
        ("CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", "permission denied for schema public"),
        ("CREATE TEMPORARY TABLE mine (id int)", "permission denied to create temporary tables in database "),
        ("SELECT lo_creat(-1)", "permission denied for function lo_creat"),
        ("SELECT lo_create(0)", "permission denied for function lo_create"),
        ("SELECT lo_from_bytea(0, 'mine')", "permission denied for function lo_from_bytea"),
        ("CREATE SCHEMA mine", "permission denied for database "),
        ("CREATE ROLE mine", "permission denied to create role"),
        ("CREATE EXTENSION hstore", "permission denied to create extension"),
        ("ALTER TABLE posts ADD COLUMN mine int", "must be owner of table posts"),
        ("ALTER TABLE posts RENAME TO mine", "must be owner of table posts"),
        ("CREATE INDEX mine ON posts (title)", "must be owner of table posts"),
        ("DROP TABLE posts", "must be owner of table posts"),
        ("TRUNCATE posts CASCADE", "permission denied for table posts"),
        ("ALTER ROLE {role} SUPERUSER", "permission denied to alter role"),
    ],
)
@pytest.mark.parametrize("granted", ["read_only", "writing"])
def test_no_definition_can_be_changed(
    statement: str, refusal: str, granted: str, request: pytest.FixtureRequest
) -> None:
    assert attempt(request.getfixturevalue(granted), statement.format(role=ROLE)).startswith(refusal)


WRITES = [
    ("UPDATE users SET password = ''", True),
    ("UPDATE users SET last_login = NULL", True),
    ("UPDATE users SET is_staff = true", False),
    ("UPDATE users SET is_superuser = true", False),
    ("UPDATE users SET id = 2", False),
    ("INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id) SELECT now(), 1 WHERE false", True),
    ("INSERT INTO token_blacklist_outstandingtoken (jti, token, expires_at) VALUES ('a', 'b', now())", True),
    ("UPDATE token_blacklist_blacklistedtoken SET token_id = 1", False),
    ("INSERT INTO django_admin_log (action_flag) SELECT 1 WHERE false", False),
]


@pytest.mark.parametrize(("statement", "allowed"), WRITES)
def test_only_what_a_moved_write_route_needs_can_be_written(
    statement: str, allowed: bool, writing: OwnDatabase
) -> None:
    found = attempt(writing, statement)
    assert (found == "done") is allowed, found
    if not allowed:
        assert found.startswith("permission denied for table")


@pytest.mark.parametrize("statement", [statement for statement, _ in WRITES])
def test_nothing_can_be_written_before_and_after(statement: str, database: OwnDatabase) -> None:
    for writing in (READ_ONLY, WRITING, READ_ONLY):
        grant(database, writing)
        if not writing:
            assert attempt(database, statement).startswith("permission denied for table")


def test_a_feature_whose_write_route_has_not_moved_writes_nothing(database: OwnDatabase) -> None:
    """A sign-in that has moved is no right to delete a user."""
    writers = writing_features({"auth.token", "tags.create"}, CONSUMER)
    assert writers == {"auth", "tags"}
    apply_grants(owner_dsn=database.owner_dsn, role=ROLE, password=PASSWORD, consumer=CONSUMER, writers=writers)
    wanted = set(rights_wanted(CONSUMER, writers=writers))
    assert rights_tried(database.superuser_dsn, database.dsn(ROLE)) == wanted
    assert Right("users", "UPDATE", "last_login") in wanted
    assert Right("tags", "DELETE", "") in wanted
    assert not {Right("users", "DELETE", ""), Right("posts", "INSERT", "title")} & wanted
    grant(database, READ_ONLY)


def test_granting_again_changes_nothing(database: OwnDatabase) -> None:
    for writing in (WRITING, READ_ONLY):
        grant(database, writing)
        before = privileges(database)
        assert before
        grant(database, writing)
        assert privileges(database) == before


def test_rights_that_the_consumer_does_not_need_are_revoked(database: OwnDatabase) -> None:
    grant(database, READ_ONLY)
    before = privileges(database)
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute(f"GRANT ALL ON posts, django_session TO {ROLE}")
        connection.execute(f"GRANT UPDATE (is_staff), REFERENCES (id) ON users TO {ROLE}")
        connection.execute(f"GRANT USAGE ON SEQUENCE posts_id_seq TO {ROLE}")
    assert privileges(database) != before
    grant(database, READ_ONLY)
    assert privileges(database) == before


def test_rights_on_columns_go_with_those_on_their_table(database: OwnDatabase) -> None:
    """What an earlier consumer needed and this one doesn't is no longer granted."""
    once = Consumer(features={"old": Feature(reads={"users": ("last_name",)}, updates={"posts": ("author_id",)})})
    grant(database, WRITING, consumer=once)
    assert rights_of(database.superuser_dsn, ROLE) == {
        Right("users", "SELECT", "last_name"),
        Right("posts", "UPDATE", "author_id"),
    }
    grant(database, READ_ONLY)
    assert rights_of(database.superuser_dsn, ROLE) == set(rights_wanted(CONSUMER))


def test_rights_of_another_version_are_kept_on_request(database: OwnDatabase) -> None:
    once = Consumer(features={"old": Feature(reads={"users": ("last_name",)})})
    grant(database, READ_ONLY, consumer=once)
    grant(database, READ_ONLY, keep=True)
    both = {Right("users", "SELECT", "last_name"), *rights_wanted(CONSUMER)}
    assert rights_of(database.superuser_dsn, ROLE) == both
    grant(database, READ_ONLY)
    assert rights_of(database.superuser_dsn, ROLE) < both


def test_a_schema_that_is_no_longer_needed_is_closed(database: OwnDatabase) -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute('CREATE SCHEMA "old books"')
        connection.execute('CREATE TABLE "old books"."Shelf ""A""" ("The Id" serial, "per%cent" text)')
    shelf = '"old books"."Shelf ""A"""'
    reading = f'SELECT "per%cent" FROM {shelf}'  # noqa: S608 - a name of this test
    key = 'old books.Shelf "A"'
    try:
        feature = Feature(reads={key: ("per%cent",)}, inserts={key: ("per%cent",)}, deletes=(key,))
        grant(database, WRITING, consumer=Consumer(features={"shelves": feature}))
        assert attempt(database, reading) == "done"
        assert attempt(database, f"INSERT INTO {shelf} (\"per%cent\") VALUES ('a')") == "done"  # noqa: S608 - the same
        assert attempt(database, f'SELECT "The Id" FROM {shelf}').startswith("permission denied")  # noqa: S608 - the same
        grant(database, READ_ONLY)
        assert attempt(database, reading) == "permission denied for schema old books"
    finally:
        with psycopg.connect(database.owner_dsn) as connection:
            connection.execute('DROP SCHEMA "old books" CASCADE')


def test_a_missing_column_is_reported_and_nothing_is_changed(database: OwnDatabase) -> None:
    grant(database, READ_ONLY)
    before = privileges(database)
    ahead = Consumer(features={"new": Feature(reads={"users": ("nickname",)})})
    with pytest.raises(FailedError, match=r'\(column "nickname" of relation "users" does not exist\): migrate'):
        grant(database, READ_ONLY, consumer=ahead)
    assert privileges(database) == before


def test_a_table_of_another_owner_is_skipped(database: OwnDatabase) -> None:
    """An extension that a superuser has installed brings tables which the owner may not even revoke on."""
    with psycopg.connect(database.superuser_dsn) as connection:
        connection.execute("CREATE TABLE of_an_extension (id int)")
    try:
        grant(database, WRITING)
        assert attempt(database, "SELECT * FROM of_an_extension").startswith("permission denied")
    finally:
        with psycopg.connect(database.superuser_dsn) as connection:
            connection.execute("DROP TABLE of_an_extension")
        grant(database, READ_ONLY)


def test_a_serial_column_of_an_old_project_can_be_inserted_into(database: OwnDatabase) -> None:
    """Before Django 4.1 ids were serial, whose sequence asks for a right of its own."""
    table = "token_blacklist_blacklistedtoken"
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute(f"ALTER TABLE {table} ALTER id DROP IDENTITY")
        connection.execute(f"CREATE SEQUENCE old_seq OWNED BY {table}.id")
        connection.execute(f"ALTER TABLE {table} ALTER id SET DEFAULT nextval('old_seq')")
    try:
        grant(database, WRITING)
        with psycopg.connect(database.dsn(ROLE)) as connection:
            connection.execute("SET CONSTRAINTS ALL DEFERRED")
            connection.execute(f"INSERT INTO {table} (blacklisted_at, token_id) VALUES (now(), 1)")  # noqa: S608 - ours
            connection.rollback()
        grant(database, READ_ONLY)
        assert attempt(database, "SELECT nextval('old_seq')") == "permission denied for sequence old_seq"
    finally:
        with psycopg.connect(database.owner_dsn) as connection:
            connection.execute(f"ALTER TABLE {table} ALTER id DROP DEFAULT")
            connection.execute("DROP SEQUENCE old_seq")
            connection.execute(f"ALTER TABLE {table} ALTER id ADD GENERATED BY DEFAULT AS IDENTITY")


def test_a_changed_password_is_set_and_limits_hold(database: OwnDatabase) -> None:
    grant(database, READ_ONLY, password="another password")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(database.dsn(ROLE))
    with psycopg.connect(database.dsn(ROLE, "another password")) as connection:
        for setting, value in (("statement_timeout", "30s"), ("idle_in_transaction_session_timeout", "1min")):
            assert connection.execute(f"SHOW {setting}").fetchone() == (value,)  # type: ignore[call-overload]
    grant(database, READ_ONLY)
    assert attempt(database, "SELECT 1") == "done"


def test_a_refusal_is_one_sentence_and_nothing_is_changed(database: OwnDatabase, stack: StackAddresses) -> None:
    grant(database, WRITING)
    before = privileges(database)
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute("ALTER TABLE tags RENAME TO labels")
    try:
        with pytest.raises(FailedError) as caught:
            grant(database, READ_ONLY)
    finally:
        with psycopg.connect(database.owner_dsn) as connection:
            connection.execute("ALTER TABLE labels RENAME TO tags")
    hint = "migrate, and let DATABASE_URL name the tables' owner."
    assert str(caught.value) == f'Role {ROLE} can\'t be given its grants (relation "tags" does not exist): {hint}'
    assert privileges(database) == before
    with pytest.raises(FailedError, match=r" \(table auth_group has another owner\): migrate, and let DATABASE_URL"):
        grant(database, WRITING, owner_dsn=database.dsn(ROLE))
    unreachable = stack.admin_dsn.replace("postgres:", "postgres:wrong")
    with pytest.raises(FailedError, match=r"can't be given its grants \(.*password authentication failed") as caught:
        grant(database, WRITING, owner_dsn=unreachable)
    assert "wrong" not in str(caught.value)


def test_the_running_service_has_the_role_of_the_deployed_routes(stack: StackAddresses) -> None:
    with psycopg.connect(stack.fastapi_dsn) as connection:
        assert connection.execute("SELECT current_user::text").fetchone() == ("strangler_fastapi",)
        assert connection.execute("SELECT count(*) > 0 FROM posts").fetchone() == (True,)
        for statement in ("CREATE TABLE mine (id int)", "DROP TABLE posts", "SELECT * FROM django_session"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(sql.SQL(statement))  # type: ignore[arg-type] # a statement of this file


def test_tables_with_pending_migrations_are_refused(database: OwnDatabase) -> None:
    """simplejwt's migrations replace a `jti` of another type, and the grants on it go with it."""
    require_tables(database.owner_dsn, CONSUMER)
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute("ALTER TABLE token_blacklist_outstandingtoken RENAME jti TO jti_hex")
        owner.execute("ALTER TABLE token_blacklist_outstandingtoken ADD jti uuid NOT NULL DEFAULT gen_random_uuid()")
        try:
            with pytest.raises(FailedError, match=r"token_blacklist_outstandingtoken\.jti"):
                require_tables(database.owner_dsn, CONSUMER)
        finally:
            owner.execute("ALTER TABLE token_blacklist_outstandingtoken DROP jti")
            owner.execute("ALTER TABLE token_blacklist_outstandingtoken RENAME jti_hex TO jti")
