"""A service beside the foreign project: what it needs is derived, its role may do that, and nothing else."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Connection

from shared_schema.catalog import table_key
from shared_schema.catalog_reading import read_catalog
from shared_schema.consumer.consumer import Consumer
from shared_schema.consumer.privileges import Right, rights_wanted
from shared_schema.contract.contract import Contract
from shared_schema.contract.tables import contract_metadata
from shared_schema.drift.consumer import consumer_mismatches, contract_consumer_mismatches
from strangler.schema.grants import apply_grants
from strangler.schema.guard.replay import replay_statements
from tests.databases import PASSWORD, OwnDatabase
from tests.foreign.consumer import LIBRARY
from tests.rights import rights_of, rights_tried, sequences_of

VIEW = "books_popularity"


@pytest.fixture
def role(foreign: OwnDatabase) -> Iterator[str]:
    name = f"{foreign.name}_service"
    yield name
    with psycopg.connect(foreign.superuser_dsn) as connection:
        connection.execute(f"DROP OWNED BY {name}")
        connection.execute(f"DROP ROLE {name}")


def grant(foreign: OwnDatabase, role: str, consumer: Consumer, *, writing: bool) -> None:
    writers = consumer.features if writing else ()
    apply_grants(owner_dsn=foreign.owner_dsn, role=role, password=PASSWORD, consumer=consumer, writers=writers)


@pytest.mark.parametrize("writing", [False, True], ids=["reading", "writing"])
def test_the_role_may_do_what_the_statements_say_and_nothing_else(
    foreign: OwnDatabase, role: str, stated: Consumer, writing: bool
) -> None:
    grant(foreign, role, stated, writing=writing)
    wanted = set(rights_wanted(stated, writers=stated.features if writing else ()))
    assert rights_of(foreign.superuser_dsn, role) == wanted
    assert sequences_of(foreign.superuser_dsn, role) == []
    # To write to a view of several tables is refused whatever the rights are.
    tried = rights_tried(foreign.superuser_dsn, foreign.dsn(role))
    assert {right for right in tried if right.table != VIEW} == {right for right in wanted if right.table != VIEW}


def test_every_statement_works_as_that_role(foreign: OwnDatabase, role: str, stated: Consumer) -> None:
    grant(foreign, role, stated, writing=True)
    with psycopg.connect(foreign.dsn(role), autocommit=True) as connection:
        tried = replay_statements(connection, stated)
    assert {str(key): found for key, found in tried.items() if not found.works} == {}
    assert len(tried) > 60


def test_names_that_need_quotes_other_schemas_and_views_are_reported_apart(stated: Consumer) -> None:
    assert stated.features["orders"].reads == {"Order Items": ("Off, in parts of 100", "Unit Price", "id")}
    assert stated.features["orders"].inserts["Order Items"] == ("Off, in parts of 100", "Unit Price", "select")
    assert stated.features["audit"].reads["audit.entries_seen_by"] == ("entry_id",)
    assert stated.features["items"].reads[VIEW] == ("item_id", "loans")
    assert VIEW not in stated.deletes()
    rights = set(rights_wanted(stated, writers=stated.features))
    assert {Right("lending_copy", "UPDATE", "id"), Right("books_publisher", "UPDATE", "name")} <= rights


def test_what_the_classes_need_is_in_the_database_and_in_the_contract(
    foreign_connection: Connection, foreign_contract: Contract, stated: Consumer
) -> None:
    assert consumer_mismatches(stated, read_catalog(foreign_connection)) == []
    assert contract_consumer_mismatches(stated, foreign_contract) == []
    assert stated.needs["books_item"]["facts"].type == "dict[str, Any]"
    assert stated.needs["books_item"]["publisher_id"].nullable


def test_the_contracts_tables_are_those_that_reflection_gives(
    foreign_connection: Connection, foreign_contract: Contract
) -> None:
    made = {table_key(table.schema, table.name): table for table in contract_metadata(foreign_contract).tables.values()}
    reflected = LIBRARY.reflect(foreign_connection)
    assert len(reflected.tables) == len(LIBRARY.classes)
    for table in reflected.tables.values():
        own = made[table_key(table.schema, table.name)]
        assert {name: repr(column.type) for name, column in own.columns.items()} == {
            name: repr(column.type) for name, column in table.columns.items()
        }
        if table.name != VIEW:
            assert {*own.primary_key.columns.keys()} == {*table.primary_key.columns.keys()}
        assert {name for name, column in own.columns.items() if column.identity} == {
            name for name, column in table.columns.items() if column.identity
        }
