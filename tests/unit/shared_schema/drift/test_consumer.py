"""What a service's features need against what a catalog says."""

from dataclasses import replace
from typing import Any

import pytest

from fastapi_app.consumer import CONSUMER_FILE
from fastapi_app.models import BLOG
from shared_schema.catalog import Catalog, CatalogColumn, CatalogTable, CatalogType
from shared_schema.consumer.consumer import Consumer, Feature, Need, load_consumer
from shared_schema.contract.contract import Contract
from shared_schema.drift.consumer import LIVE, WRITTEN, consumer_mismatches, contract_consumer_mismatches

CONSUMER = Consumer(
    features={
        "shelf": Feature(reads={"books": ("id", "title", "facts"), "seen": ("at",)}),
        "desk": Feature(
            reads={"books": ("id",)},
            inserts={"books": ("title", "facts")},
            updates={"books": ("title",)},
            deletes=("books",),
        ),
    },
    needs={
        "books": {
            "id": Need(type="int", nullable=False),
            "title": Need(type="str", nullable=False),
            "facts": Need(type="dict[str, Any]", nullable=True),
        },
        "seen": {"at": Need(type="datetime", nullable=False)},
    },
)
BOOKS = CatalogTable(
    name="books",
    schema="public",
    kind="table",
    columns={
        "id": CatalogColumn("bigint", nullable=False, identity="by default"),
        "title": CatalogColumn("character varying(200)", nullable=False),
        "facts": CatalogColumn("jsonb", nullable=True),
        "rank": CatalogColumn("integer", nullable=False, default="0"),
        "of_no_interest": CatalogColumn("inet", nullable=True),
    },
)
SEEN = CatalogTable(
    name="seen",
    schema="public",
    kind="view",
    columns={"at": CatalogColumn("timestamp(3) with time zone", nullable=True)},
)


def with_column(name: str, **facts: Any) -> CatalogTable:
    column = replace(BOOKS.columns.get(name, CatalogColumn("text", nullable=False)), **facts)
    return replace(BOOKS, columns={**BOOKS.columns, name: column})


def found(books: CatalogTable = BOOKS, types: dict[str, CatalogType] | None = None) -> list[tuple[str | None, str]]:
    catalog = Catalog({"books": books, "seen": SEEN}, types=types or {})
    return [(each.column, str(each)) for each in consumer_mismatches(CONSUMER, catalog)]


def test_what_is_needed_is_there() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("books", "column", "says"),
    [
        (
            replace(BOOKS, columns={name: column for name, column in BOOKS.columns.items() if name != "title"}),
            "title",
            "Column books.title is missing (needed by desk, shelf)",
        ),
        (
            with_column("title", type="integer"),
            "title",
            "Column books.title holds int (integer) where str is needed (needed by desk, shelf)",
        ),
        (
            with_column("title", type="text[]"),
            "title",
            "Column books.title holds list (text[]) where str is needed (needed by desk, shelf)",
        ),
        (
            with_column("title", nullable=True),
            "title",
            "Column books.title may be null where a value is needed (needed by desk, shelf)",
        ),
        (
            with_column("facts", generated=True),
            "facts",
            "Column books.facts takes only the values that PostgreSQL gives it (needed by desk, shelf)",
        ),
    ],
)
def test_what_differs_is_named_with_who_needs_it(books: CatalogTable, column: str, says: str) -> None:
    assert found(books) == [(column, f"{says}: {LIVE}.")]


def test_a_missing_table_is_named() -> None:
    (missing,) = consumer_mismatches(CONSUMER, Catalog({"seen": SEEN}))
    assert (missing.table, missing.column) == ("books", None)
    assert str(missing) == f"Table books is missing (needed by desk, shelf): {LIVE}."


def test_a_column_that_an_insert_must_give_is_named() -> None:
    ((column, sentence),) = found(with_column("isbn"))
    assert column == "isbn"
    assert sentence == (
        "Column books.isbn must be given a value, and FastAPI inserts rows without one (in desk): "
        "give it a db_default, or deploy the FastAPI that does without it."
    )
    for filled in ({"default": "''::text"}, {"identity": "by default"}, {"generated": True}, {"nullable": True}):
        assert found(with_column("isbn", **filled)) == []


@pytest.mark.parametrize(
    "books",
    [
        with_column("title", type="text"),
        with_column("title", type="citext"),
        with_column("id", type="smallint"),
        with_column("facts", nullable=False),
        with_column("facts", type="tsvector"),
        with_column("of_no_interest", type="text"),
    ],
)
def test_what_serves_as_well_is_no_mismatch(books: CatalogTable) -> None:
    assert found(books) == []


def test_types_that_somebody_made_hold_what_they_are_made_of() -> None:
    types = {
        "mood": CatalogType("enum", ("glad",)),
        "short": CatalogType("domain", ("character varying(9)", "CHECK (true)")),
        "number": CatalogType("domain", ("integer",)),
    }
    assert found(with_column("title", type="mood"), types) == found(with_column("title", type="short"), types) == []
    ((_, sentence),) = found(with_column("title", type="number"), types)
    assert "holds int (number) where str is needed" in sentence


def test_the_contract_is_held_to_the_same() -> None:
    column = {"field": "x", "kind": "X", "null": False}
    tables = {
        "books": {
            "name": "books",
            "model": "a.Book",
            "columns": {
                "id": column | {"type": "integer", "identity": "by default"},
                "title": column | {"type": "text"},
                "facts": column | {"type": "jsonb"},
                "rank": column | {"type": "integer", "db_default": "0"},
            },
        },
        "seen": {
            "name": "seen",
            "model": "a.Seen",
            "managed": False,
            "columns": {"at": column | {"type": "timestamp with time zone", "null": True}},
        },
    }
    contract = Contract.model_validate({"format": 2, "tables": tables})
    assert contract_consumer_mismatches(CONSUMER, contract) == []
    del tables["books"]["columns"]["title"]  # type: ignore[attr-defined] # a dict of the above
    (missing,) = contract_consumer_mismatches(CONSUMER, Contract.model_validate({"format": 2, "tables": tables}))
    assert str(missing) == f"Column books.title is missing (needed by desk, shelf): {WRITTEN}."


def test_every_mapped_class_stands_for_a_table_that_a_feature_needs() -> None:
    """Else its table could be missing, and the classes not be mapped, without a mismatch that says so."""
    assert {cls.__table_key__ for cls in BLOG.classes} <= load_consumer(CONSUMER_FILE).tables
