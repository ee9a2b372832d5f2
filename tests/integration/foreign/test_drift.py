"""The foreign project's live tables against its contract: no false alarm, and each change is named once."""

import pytest
from sqlalchemy import Connection, text

from shared_schema.catalog_reading import read_catalog, read_fingerprint
from shared_schema.consumer.consumer import Consumer, Feature, Need
from shared_schema.contract.contract import Contract
from shared_schema.drift.consumer import consumer_mismatches, contract_consumer_mismatches
from shared_schema.drift.contract import contract_mismatches
from shared_schema.drift.privileges import denied_mismatches
from shared_schema.mapping import needed_columns
from tests.foreign.consumer import LIBRARY

EITHER = "run the Django migrations, or export the contract if they have run."
STRAY = "export the contract if a migration made it, else drop it."


def sentences(connection: Connection, contract: Contract) -> list[str]:
    return [str(found) for found in contract_mismatches(contract, read_catalog(connection))]


@pytest.fixture(scope="module")
def consumer() -> Consumer:
    """A service that reads whatever its classes name."""
    columns = {cls.__table_key__: needed_columns(cls) for cls in LIBRARY.classes}
    needs = {
        table: {
            name: Need(type=getattr(kind, "__name__", "Any"), nullable=null) for name, (kind, null) in named.items()
        }
        for table, named in columns.items()
    }
    reads = {table: tuple(named) for table, named in columns.items()}
    return Consumer(features={"library": Feature(reads=reads)}, needs=needs)


def test_a_service_beside_django_finds_what_it_needs(
    foreign_connection: Connection, foreign_contract: Contract, consumer: Consumer
) -> None:
    catalog = read_catalog(foreign_connection)
    assert consumer_mismatches(consumer, catalog) == contract_consumer_mismatches(consumer, foreign_contract) == []
    assert denied_mismatches(foreign_connection, consumer, catalog) == []


def test_what_it_needs_is_named_where_names_need_quotes(foreign_connection: Connection, consumer: Consumer) -> None:
    for change in (
        'ALTER TABLE "Order Items" DROP COLUMN "Off, in parts of 100"',
        "ALTER TABLE audit.entries ALTER object_id TYPE integer USING 0",
        "DROP VIEW books_popularity",
    ):
        foreign_connection.execute(text(change))
    found = consumer_mismatches(consumer, read_catalog(foreign_connection))
    assert [str(each).partition(" (needed by library)")[0] for each in found] == [
        "Column Order Items.Off, in parts of 100 is missing",
        "Column audit.entries.object_id holds int (integer) where str is needed",
        "Table books_popularity is missing",
    ]
    assert {(each.table, each.column) for each in found} == {
        ("Order Items", "Off, in parts of 100"),
        ("audit.entries", "object_id"),
        ("books_popularity", None),
    }


def test_what_a_role_may_not_read_is_named_in_another_schema(
    foreign_connection: Connection, consumer: Consumer
) -> None:
    catalog = read_catalog(foreign_connection)
    denied = denied_mismatches(foreign_connection, consumer, catalog, role="pg_monitor")
    assert {each.table for each in denied} == {cls.__table_key__ for cls in LIBRARY.classes}
    assert "Role pg_monitor may not read table audit.entries: run `strangler grant`." in map(str, denied)
    foreign_connection.execute(
        text("GRANT USAGE ON SCHEMA audit TO pg_monitor; GRANT SELECT (id) ON audit.entries_seen_by TO pg_monitor")
    )
    denied = denied_mismatches(foreign_connection, consumer, catalog, role="pg_monitor")
    assert [each.column for each in denied if each.table == "audit.entries_seen_by"] == ["entry_id", "member_id"]
    (missing,) = denied_mismatches(foreign_connection, consumer, catalog, role="nobody here")
    assert str(missing) == "Role nobody here is missing: run `strangler grant`."


def test_a_fingerprint_tells_each_table_by_its_schema(foreign_connection: Connection, consumer: Consumer) -> None:
    before = read_fingerprint(foreign_connection, consumer.tables)
    foreign_connection.execute(text("CREATE SCHEMA other CREATE TABLE entries (id int); CREATE TABLE odd (id int)"))
    assert read_fingerprint(foreign_connection, consumer.tables) == before
    for change in (
        "ALTER TABLE audit.entries ADD more int",
        'ALTER TABLE "Order Items" ALTER "select" DROP NOT NULL',
        "GRANT SELECT ON lending_wish TO pg_monitor",
        "CREATE OR REPLACE VIEW books_popularity AS SELECT item_id, loans, 1 AS more FROM books_popularity_of",
    ):
        foreign_connection.execute(text(_with_the_view(foreign_connection, change)))
        after = read_fingerprint(foreign_connection, consumer.tables)
        assert after != before
        before = after


def test_a_migrated_database_is_what_the_contract_says(
    foreign_connection: Connection, foreign_contract: Contract
) -> None:
    assert sentences(foreign_connection, foreign_contract) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            "ALTER TABLE audit.entries DROP COLUMN verb",
            f"Column audit.entries.verb is missing: {EITHER}",
        ),
        (
            'ALTER TABLE "Order Items" RENAME "Unit Price" TO price',
            f"Column Order Items.Unit Price is missing: {EITHER}",
        ),
        (
            "ALTER TABLE books_book ADD extra text",
            f"Column books_book.extra is in the database and not in the contract: {STRAY}",
        ),
        (
            "ALTER TABLE books_item ALTER keywords TYPE text[]",
            f"Column books_item.keywords is text[] where the contract says character varying(30)[]: {EITHER}",
        ),
        (
            "ALTER TABLE books_item ALTER price DROP NOT NULL",
            f"Column books_item.price may be null in the database, where the contract says it may not: {EITHER}",
        ),
        (
            "ALTER TABLE audit.entries ALTER verb DROP DEFAULT",
            f"Column audit.entries.verb has no default in the database, where the contract says 'saw': {EITHER}",
        ),
        (
            "ALTER TABLE books_book ALTER spine DROP EXPRESSION",
            f"Column books_book.spine is not computed by the database, unlike in the contract: {EITHER}",
        ),
        (
            'ALTER TABLE books_language ALTER name TYPE character varying(50) COLLATE "POSIX"',
            f"Column books_language.name sorts by POSIX where the contract says C: {EITHER}",
        ),
        (
            "ALTER TABLE lending_wish DROP CONSTRAINT wish_once",
            f"Table lending_wish has no unique key on (member_id, item_id): {EITHER}",
        ),
        (
            "DROP INDEX publisher_name_any_case",
            f"Table books_publisher has no unique key named publisher_name_any_case: {EITHER}",
        ),
        (
            "ALTER TABLE books_item DROP CONSTRAINT item_price",
            f"Table books_item has no check item_price: {EITHER}",
        ),
        (
            "ALTER TABLE lending_shelf DROP CONSTRAINT shelf_places",
            f"Table lending_shelf has no exclusion constraint shelf_places: {EITHER}",
        ),
        (
            "DROP INDEX item_keywords",
            f"Table books_item has no index item_keywords on (keywords): {EITHER}",
        ),
        (
            "DROP INDEX item_in_print",
            f"Table books_item has no index item_in_print on (language_id): {EITHER}",
        ),
        (
            "DROP INDEX item_newest; CREATE INDEX item_newest ON books_item (created_at, title)",
            "Index item_newest of table books_item is a btree on (created_at, title) where the contract says a btree "
            f"on (created_at DESC, title): {EITHER}",
        ),
        (
            "CREATE UNIQUE INDEX once ON lending_copy (shelf_id)",
            f"Table lending_copy has the unique key once (shelf_id), and the contract knows of none: {STRAY}",
        ),
        (
            "ALTER TABLE lending_branch ADD CONSTRAINT loud CHECK (phone <> 'none')",
            f"Table lending_branch has the check loud, and the contract knows of none: {STRAY}",
        ),
        (
            "ALTER TABLE lending_reading ADD FOREIGN KEY (item_id) REFERENCES books_item",
            f"Column lending_reading.item_id points at books_item (id), unlike in the contract: {STRAY}",
        ),
        (
            "CREATE TABLE odd (id int)",
            f"Table odd is in the database and not in the contract: {STRAY}",
        ),
        (
            "DROP VIEW books_popularity",
            "Table books_popularity is missing: Django doesn't manage it, so make it by hand or in a migration's "
            "RunSQL.",
        ),
        (
            'ALTER TABLE legacy_accounts RENAME "Owner" TO owner',
            f"Column legacy_accounts.Owner is missing: {EITHER}",
        ),
    ],
)
def test_each_change_is_named_once(
    change: str, sentence: str, foreign_connection: Connection, foreign_contract: Contract
) -> None:
    foreign_connection.execute(text(change))
    found = sentences(foreign_connection, foreign_contract)
    if "RENAME" in change and "legacy" not in change:
        found = [each for each in found if " is in the database and not in the contract" not in each]
    assert found == [sentence]


def test_a_foreign_key_is_named_by_its_column(foreign_connection: Connection, foreign_contract: Contract) -> None:
    query = """
        SELECT conname FROM pg_constraint
        WHERE conrelid = 'lending_loan'::regclass AND contype = 'f' AND conname LIKE '%member%'
    """
    name = foreign_connection.execute(text(query)).scalar_one()
    foreign_connection.execute(text(f'ALTER TABLE lending_loan DROP CONSTRAINT "{name}"'))
    assert sentences(foreign_connection, foreign_contract) == [
        f"Column lending_loan.member_id has no foreign key to lending_member (card): {EITHER}"
    ]


@pytest.mark.parametrize(
    "change",
    [
        "CREATE INDEX faster ON books_item (rank)",
        "ALTER TABLE books_item ALTER condition SET DEFAULT 'new'",
        "CREATE VIEW everything AS SELECT * FROM books_item",
        "CREATE SCHEMA other CREATE TABLE things (id int)",
        "ALTER TABLE lending_wish RENAME CONSTRAINT wish_once TO wish_twice",
        'ALTER INDEX "Order Items Price" RENAME TO cheap',
        'ALTER TABLE legacy_accounts ADD more int, ALTER "Owner" TYPE text',
        "CREATE OR REPLACE VIEW books_popularity AS SELECT item_id, loans, 1 AS more FROM books_popularity_of",
    ],
)
def test_what_harms_nobody_is_no_mismatch(
    change: str, foreign_connection: Connection, foreign_contract: Contract
) -> None:
    foreign_connection.execute(text(_with_the_view(foreign_connection, change)))
    assert sentences(foreign_connection, foreign_contract) == []


def _with_the_view(connection: Connection, change: str) -> str:
    """The statement with what the view shows in place of `books_popularity_of`."""
    definition = connection.execute(text("SELECT pg_get_viewdef(to_regclass('books_popularity'))")).scalar_one()
    return change.replace("books_popularity_of", f"({(definition or '').rstrip(';')}) AS known")
