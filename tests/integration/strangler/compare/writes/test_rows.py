"""Rows of any project's tables: which new ones are the same, and what differs, by PostgreSQL's own word."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from strangler.compare.redaction import Masker
from strangler.compare.writes.changes import ChangeReader, Originals
from strangler.compare.writes.id_mapping import Clock, IdMapping
from strangler.compare.writes.rows import RowComparison
from strangler.compare.writes.tables import tables_of
from strangler.databases.connections import dsn_to
from strangler.local.databases import database_drop
from tests.shared_stack import StackAddresses

NAME = f"rows_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
TABLES = """
    CREATE TABLE node (id bigserial PRIMARY KEY, parent_id bigint REFERENCES node, name text, t text);
    CREATE TABLE pair (a int, b int, note text, PRIMARY KEY (a, b));
    CREATE TABLE ticket (key uuid PRIMARY KEY, node_id bigint REFERENCES node, made timestamptz, data jsonb);
    CREATE TABLE keyless (a int, "b ""b" text);
    CREATE TABLE hen (id serial PRIMARY KEY, egg_id int);
    CREATE TABLE egg (id serial PRIMARY KEY, hen_id int REFERENCES hen DEFERRABLE INITIALLY DEFERRED);
    ALTER TABLE hen ADD FOREIGN KEY (egg_id) REFERENCES egg DEFERRABLE INITIALLY DEFERRED;
    CREATE TABLE part (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE part_old PARTITION OF part FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
    CREATE TABLE part_new PARTITION OF part FOR VALUES FROM ('2024-01-01') TO (MAXVALUE);
    CREATE SCHEMA "Other";
    CREATE TABLE "Other"."Thing" ("Id" serial PRIMARY KEY, secret_key text, price numeric);
    CREATE VIEW names AS SELECT name FROM node;
    INSERT INTO node (name) SELECT 'n' || n FROM generate_series(1, 5) AS n;
    INSERT INTO pair SELECT n, n, 'x' FROM generate_series(1, 5) AS n;
    INSERT INTO keyless VALUES (1, 'x'), (1, 'x');
    INSERT INTO part VALUES (1, '2023-01-01'), (2, '2025-01-01');
"""


class Pair:
    """Two copies that are written to with SQL."""

    def __init__(self, connections: list[psycopg.Connection], readings: list[psycopg.Connection]) -> None:
        tables = tables_of(readings[1])
        originals = Originals(readings[0])
        self._readers = [ChangeReader(connection, tables, originals) for connection in readings[1:]]
        ((began,),) = readings[1].execute("SELECT clock_timestamp()").fetchall()
        self._roles = IdMapping(Clock(began, slack=30))
        self._rows = RowComparison(tables, originals, self._roles)
        self._connections = connections
        self._step = 0

    def play(self, left: str, right: str) -> list[tuple[str, str, str | None, str | None]]:
        """The differences after a statement on each side: row, column, and both values."""
        self._step += 1
        for connection, statement in zip(self._connections, (left, right), strict=True):
            connection.execute(statement)  # type: ignore[arg-type]
        changes = [reader.read() for reader in self._readers]
        found = self._rows.compare(self._step, changes[0], changes[1], masker=Masker())
        return [(each.row, each.column, each.left, each.right) for each in found]

    def play_refused(self, statement: str) -> list[tuple[str, str, str | None, str | None]]:
        """The differences after a statement that each side's database refuses to commit."""
        with ExitStack() as refusing:
            for reader in self._readers:
                refusing.enter_context(reader.commits_refused())
            for connection in self._connections:
                with pytest.raises(psycopg.errors.DiskFull):
                    connection.execute(statement)  # type: ignore[arg-type]
        return self.play("SELECT 1", "SELECT 1")


@pytest.fixture(scope="module")
def template(stack: StackAddresses) -> Iterator[str]:
    name = f"{NAME}_original"
    database_drop(admin_dsn=stack.admin_dsn, name=name)
    with psycopg.connect(stack.admin_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    with psycopg.connect(dsn_to(stack.admin_dsn, name), autocommit=True) as connection:
        connection.execute(TABLES)
    yield name
    database_drop(admin_dsn=stack.admin_dsn, name=name)


@pytest.fixture
def pair(stack: StackAddresses, template: str) -> Iterator[Pair]:
    names = [f"{NAME}_{side}" for side in ("left", "right")]
    with ExitStack() as exits:
        with psycopg.connect(stack.admin_dsn, autocommit=True) as admin:
            for name in names:
                database_drop(admin_dsn=stack.admin_dsn, name=name)
                exits.callback(database_drop, admin_dsn=stack.admin_dsn, name=name)
                admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[arg-type]

        def connect(name: str) -> psycopg.Connection:
            return exits.enter_context(psycopg.connect(dsn_to(stack.admin_dsn, name), autocommit=True))

        yield Pair([connect(name) for name in names], [connect(name) for name in (template, *names)])


def test_each_table_is_read_once_and_those_pointed_to_come_first(stack: StackAddresses, template: str) -> None:
    with psycopg.connect(dsn_to(stack.admin_dsn, template)) as connection:
        tables = tables_of(connection)
    names = [table.shown for table in tables]
    assert sorted(names) == ["Other.Thing", "egg", "hen", "keyless", "node", "pair", "part", "ticket"]
    assert names.index("node") < names.index("ticket")


def test_the_same_writes_leave_no_difference_whatever_their_ids(pair: Pair) -> None:
    assert pair.play("SELECT 1", "SELECT nextval('node_id_seq'), nextval('hen_id_seq'), nextval('hen_id_seq')") == []
    insert = "INSERT INTO node (name, t) VALUES {}, {}"
    assert pair.play(insert.format("('a', 'x')", "('b', 'y')"), insert.format("('b', 'y')", "('a', 'x')")) == []
    child = "INSERT INTO node (name, parent_id) SELECT 'child', id FROM node WHERE name = 'a'"
    assert pair.play(child, child) == []
    ticket = (
        "INSERT INTO ticket SELECT gen_random_uuid(), id, now(), jsonb_build_object('n', id) FROM node WHERE name = 'b'"
    )
    assert pair.play(ticket, ticket) == []
    laid = "INSERT INTO egg (hen_id) VALUES (currval('hen_id_seq')) RETURNING id"
    circle = f"WITH e AS ({laid}) INSERT INTO hen SELECT currval('hen_id_seq'), id FROM e"  # noqa: S608 - as above
    skip = "SELECT nextval('hen_id_seq'), nextval('egg_id_seq'), nextval('egg_id_seq')"
    assert pair.play(f"{skip}; {circle}", circle) == []
    assert pair.play("UPDATE pair SET note = note", "SELECT 1") == [], "rewritten as it was"


def test_a_row_of_before_is_reported_by_its_key(pair: Pair) -> None:
    assert pair.play("UPDATE pair SET note = 'y' WHERE a = 2", "SELECT 1") == [("pair: a 2, b 2", "note", '"y"', '"x"')]
    assert pair.play("SELECT 1", "DELETE FROM pair WHERE a IN (2, 3)") == [
        ("pair: a 2, b 2", "", 'a 2, b 2, note "y"', None),
        ("pair: a 3, b 3", "", 'a 3, b 3, note "x"', None),
    ]
    assert pair.play("DELETE FROM pair WHERE a IN (2, 3)", "SELECT 1") == []
    assert pair.play("INSERT INTO pair VALUES (3, 3, 'x')", "SELECT 1") == [
        ("pair: a 3, b 3", "", 'a 3, b 3, note "x"', None)
    ]
    assert pair.play("SELECT 1", "DELETE FROM part WHERE id = 1") == [
        ("part: id 1, day 2023-01-01", "", "id 1, day 2023-01-01", None)
    ]


def test_a_child_of_another_parent_is_a_difference(pair: Pair) -> None:
    both = "INSERT INTO node (name) VALUES ('a'), ('b')"
    assert pair.play(both, both) == []
    child = "INSERT INTO node (name, parent_id) SELECT 'child', id FROM node WHERE name = '{}'"
    assert pair.play(child.format("a"), child.format("b")) == [
        ("node: the one of step 2", "parent_id", "6 (node: the one of step 1)", "7 (node: number 2 of step 1)")
    ]


def test_values_are_compared_by_their_text_and_secrets_are_masked(pair: Pair) -> None:
    insert = 'INSERT INTO "Other"."Thing" (secret_key, price) VALUES (\'{}\', {})'
    both = insert.format("one", "1.0")
    assert pair.play(both, both) == []
    change = 'UPDATE "Other"."Thing" SET secret_key = \'{}\', price = {}'
    thing = "Other.Thing: the one of step 1"
    assert pair.play(change.format("one", "2.0"), change.format("two", "2.00")) == [
        (thing, "secret_key", "***", "***"),
        (thing, "price", "2.0", "2.00"),
    ]
    assert pair.play("SELECT 1", "SELECT 1") == [], "reported once"
    assert pair.play("SELECT 1", change.format("two", "NULL")) == [(thing, "price", "2.0", "null")]
    assert pair.play("SELECT 1", 'DELETE FROM "Other"."Thing"') == [
        (thing, "", "Id 1, secret_key ***, price 2.0", None)
    ]


def test_rows_without_a_key_are_counted_and_compared_by_what_they_say(pair: Pair) -> None:
    both = "INSERT INTO keyless VALUES (2, 'y'), (3, 'z')"
    assert pair.play(both, both) == []
    assert pair.play("SELECT 1", "DELETE FROM keyless WHERE ctid = '(0,1)'") == [
        ("keyless: all rows", "", "4 rows", "3 rows")
    ]
    assert pair.play('UPDATE keyless SET "b ""b" = \'w\' WHERE a = 2', "SELECT 1") == [
        ("keyless: the one of step 1", "", None, 'a 2, b "b "y"'),
        ("keyless: the one of step 3", "", 'a 2, b "b "w"', None),
    ]


def test_a_time_is_now_on_both_sides_or_a_difference(pair: Pair) -> None:
    insert = "INSERT INTO ticket VALUES (gen_random_uuid(), 1, now() + interval '{}', '{{\"at\": 1}}')"
    assert pair.play(insert.format("0"), insert.format("0")) == []
    ((row, column, _left, _right),) = pair.play(insert.format("0"), insert.format("1 hour"))
    assert (row, column) == ("ticket: the one of step 2", "made")


def test_what_a_database_refuses_to_commit_is_not_there_and_what_comes_after_it_is(pair: Pair) -> None:
    assert pair.play_refused("INSERT INTO node (name) VALUES ('lost')") == []
    assert pair.play_refused("UPDATE pair SET note = 'lost'") == []
    # The sequences have gone on, and nothing refuses any more.
    assert pair.play("INSERT INTO node (name) VALUES ('a')", "INSERT INTO node (name) VALUES ('a')") == []
    assert pair.play("UPDATE node SET name = 'b' WHERE name = 'a'", "SELECT 1") == [
        ("node: the one of step 3", "name", '"b"', '"a"')
    ]


def test_a_table_that_was_left_alone_is_compared_again_once_another_row_is_mapped(pair: Pair) -> None:
    alone = "INSERT INTO ticket (key, data) VALUES (gen_random_uuid(), '{{\"node_id\": {}}}')"
    assert pair.play("INSERT INTO node (id, name) VALUES (50, 'a')", "SELECT 1") != []
    # It names a row that the other side has under another id, which is known only once that is there.
    assert pair.play(alone.format(50), alone.format(60)) != []
    assert pair.play("SELECT 1", "INSERT INTO node (id, name) VALUES (60, 'a')") == []
    assert pair.play("SELECT 1", "SELECT 1") == []
