"""What the contract says against what a catalog says, one difference after another."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from shared_schema.catalog import Catalog, CatalogColumn, CatalogConstraint, CatalogIndex, CatalogTable, CatalogType
from shared_schema.contract.contract import Contract
from shared_schema.drift.contract import contract_mismatches
from shared_schema.drift.mismatch import EITHER, MIGRATE, STRAY

BOOKS: dict[str, Any] = {
    "name": "books",
    "model": "library.Book",
    "columns": {
        "id": {
            "field": "id",
            "kind": "AutoField",
            "type": "integer",
            "null": False,
            "primary_key": True,
            "unique": True,
            "identity": "by default",
        },
        "title": {"field": "title", "kind": "CharField", "type": "character varying(200)", "null": False},
        "isbn": {"field": "isbn", "kind": "CharField", "type": "character(13)", "null": True, "unique": True},
        "rank": {"field": "rank", "kind": "IntegerField", "type": "integer", "null": False, "db_default": "7"},
        "pages": {"field": "pages", "kind": "PositiveIntegerField", "type": "integer", "null": False},
        "author_id": {
            "field": "author",
            "kind": "ForeignKey",
            "type": "bigint",
            "null": False,
            "references": {"table": "people", "column": "id", "on_delete": "CASCADE"},
        },
    },
    "indexes": [
        {"columns": ["author_id"]},
        {"name": "books_newest", "columns": ["rank DESC", "title"]},
        {"name": "books_by_title", "definition": "upper(title)"},
    ],
    "constraints": [
        {"kind": "unique", "columns": ["author_id", "title"]},
        {"kind": "unique", "name": "books_first", "columns": ["author_id"], "definition": "WHERE rank = 1"},
        {"kind": "check", "name": "books_rank", "columns": ["rank"], "definition": "rank > 0"},
    ],
}
PEOPLE: dict[str, Any] = {
    "name": "people",
    "model": "library.Person",
    "columns": {"id": {"field": "id", "kind": "BigAutoField", "type": "bigint", "null": False, "primary_key": True}},
}


def index(name: str, *columns: str, **facts: Any) -> CatalogIndex:
    return CatalogIndex(name=name, columns=columns, definition="", **facts)


def unique(name: str, *columns: str, **facts: Any) -> CatalogIndex:
    return index(name, *columns, unique=True, **facts)


def constraint(kind: str, name: str, *columns: str, **facts: Any) -> CatalogConstraint:
    return CatalogConstraint(name=name, kind=kind, columns=columns, definition="", **facts)


REFERENCE = constraint("foreign key", "r", "author_id", target="people", target_columns=("id",), deferrable=True)
CONSTRAINTS = (
    constraint("primary key", "books_pkey", "id"),
    REFERENCE,
    constraint("check", "books_rank", "rank"),
    constraint("check", "books_pages_check", "pages"),
)
INDEXES = (
    unique("books_pkey", "id", constrains=True),
    unique("books_isbn_key", "isbn"),
    unique("books_uniq", "title", "author_id"),
    unique("books_first", "author_id", partial=True),
    index("books_author_1a2b", "author_id"),
    index("books_isbn_1a2b_like", "isbn"),
    index("books_newest_of_old", "rank DESC", "title"),
    index("books_by_title", "upper(title)"),
)
LIVE = CatalogTable(
    name="books",
    schema="public",
    kind="table",
    columns={
        "id": CatalogColumn("integer", nullable=False, identity="by default"),
        "title": CatalogColumn("character varying(200)", nullable=False),
        "isbn": CatalogColumn("character(13)", nullable=True),
        "rank": CatalogColumn("integer", nullable=False, default="7"),
        "pages": CatalogColumn("integer", nullable=False),
        "author_id": CatalogColumn("bigint", nullable=False),
    },
    constraints=CONSTRAINTS,
    indexes=INDEXES,
)
LIVE_PEOPLE = CatalogTable(
    name="people",
    schema="public",
    kind="table",
    columns={"id": CatalogColumn("bigint", nullable=False)},
    constraints=(constraint("primary key", "people_pkey", "id"),),
    indexes=(unique("people_pkey", "id", constrains=True),),
)


def contract_of(**tables: Mapping[str, Any]) -> Contract:
    return Contract.model_validate({"format": 2, "tables": {"books": BOOKS, "people": PEOPLE} | tables})


def sentences(live: CatalogTable = LIVE, contract: Contract | None = None, **others: CatalogTable) -> list[str]:
    catalog = Catalog({"books": live, "people": LIVE_PEOPLE} | others)
    return [str(found) for found in contract_mismatches(contract or contract_of(), catalog)]


def with_column(name: str, **facts: Any) -> CatalogTable:
    return replace(LIVE, columns={**LIVE.columns, name: replace(LIVE.columns[name], **facts)})


def with_index(name: str, /, **facts: Any) -> CatalogTable:
    return replace(LIVE, indexes=[replace(each, **facts) if each.name == name else each for each in INDEXES])


def without_index(name: str) -> CatalogTable:
    return replace(LIVE, indexes=[each for each in INDEXES if each.name != name])


def with_reference(**facts: Any) -> CatalogTable:
    return replace(LIVE, constraints=[c if c is not REFERENCE else replace(c, **facts) for c in CONSTRAINTS])


def without(*kinds: str) -> CatalogTable:
    return replace(LIVE, constraints=[each for each in CONSTRAINTS if each.kind not in kinds])


def test_a_migrated_database_is_what_the_contract_says() -> None:
    assert sentences() == []


@pytest.mark.parametrize(
    ("live", "column", "says"),
    [
        (
            with_column("title", type="text"),
            "title",
            "Column books.title is text where the contract says character varying(200)",
        ),
        (
            with_column("title", nullable=True),
            "title",
            "Column books.title may be null in the database, where the contract says it may not",
        ),
        (
            with_column("isbn", nullable=False),
            "isbn",
            "Column books.isbn may not be null in the database, where the contract lets it be",
        ),
        (
            with_column("rank", default=None),
            "rank",
            "Column books.rank has no default in the database, where the contract says 7",
        ),
        (
            with_column("id", identity=None),
            "id",
            "Column books.id is no identity where the contract says an identity by default",
        ),
        (
            with_column("id", identity="always"),
            "id",
            "Column books.id is an identity always where the contract says an identity by default",
        ),
        (
            with_column("pages", generated=True),
            "pages",
            "Column books.pages is computed by the database, unlike in the contract",
        ),
        (without("foreign key"), "author_id", "Column books.author_id has no foreign key to people (id)"),
        (
            with_reference(target="users"),
            "author_id",
            "Column books.author_id points at users (id) where the contract says people (id)",
        ),
        (
            with_reference(deferrable=False),
            "author_id",
            "Column books.author_id has a foreign key that is checked at once, where Django's are checked when a "
            "transaction ends",
        ),
        (
            with_reference(validated=False),
            "author_id",
            "Column books.author_id has a foreign key that is not validated, so that rows may point nowhere",
        ),
        (without_index("books_isbn_key"), "isbn", "Table books has no unique key on (isbn)"),
        (without_index("books_uniq"), None, "Table books has no unique key on (author_id, title)"),
        (without_index("books_first"), None, "Table books has no unique key named books_first"),
        (without("primary key"), None, "Table books has no primary key where the contract says the primary key (id)"),
        (
            replace(LIVE, constraints=[c for c in CONSTRAINTS if c.name != "books_rank"]),
            None,
            "Table books has no check books_rank",
        ),
        (without_index("books_author_1a2b"), None, "Table books has no index on (author_id)"),
        (without_index("books_newest_of_old"), None, "Table books has no index books_newest on (rank DESC, title)"),
        (without_index("books_by_title"), None, "Table books has no index books_by_title"),
        (with_index("books_author_1a2b", method="hash"), None, "Table books has no index on (author_id)"),
        (with_index("books_author_1a2b", partial=True), None, "Table books has no index on (author_id)"),
        (
            with_index("books_newest_of_old", name="books_newest", columns=("rank", "title")),
            None,
            "Index books_newest of table books is a btree on (rank, title) where the contract says a btree on "
            "(rank DESC, title)",
        ),
    ],
)
def test_what_the_database_has_otherwise_is_named(live: CatalogTable, column: str | None, says: str) -> None:
    (found,) = [
        each
        for each in contract_mismatches(contract_of(), Catalog({"books": live, "people": LIVE_PEOPLE}))
        # Without its constraint the index of a primary key is one more unique key.
        if "books_pkey" not in str(each)
    ]
    assert (str(found), found.table, found.column) == (f"{says}: {EITHER}.", "books", column)


@pytest.mark.parametrize(
    ("live", "column", "says"),
    [
        (
            replace(LIVE, columns={**LIVE.columns, "extra": CatalogColumn("text", nullable=True)}),
            "extra",
            "Column books.extra is in the database and not in the contract",
        ),
        (
            replace(LIVE, indexes=[*INDEXES, unique("odd", "pages")]),
            None,
            "Table books has the unique key odd (pages), and the contract knows of none",
        ),
        (
            replace(LIVE, constraints=[*CONSTRAINTS, constraint("check", "odd", "title")]),
            None,
            "Table books has the check odd, and the contract knows of none",
        ),
        (
            replace(
                LIVE,
                constraints=[
                    *CONSTRAINTS,
                    constraint("foreign key", "odd", "pages", target="people", target_columns=("id",)),
                ],
            ),
            "pages",
            "Column books.pages points at people (id), unlike in the contract",
        ),
        (
            replace(
                LIVE,
                constraints=[
                    *CONSTRAINTS,
                    constraint("foreign key", "odd", "pages", "rank", target="people", target_columns=("id", "no")),
                ],
            ),
            None,
            "Table books has a foreign key on (pages, rank) that points at people (id, no), "
            "and the contract knows of none",
        ),
    ],
)
def test_what_only_the_database_has_is_named(live: CatalogTable, column: str | None, says: str) -> None:
    (found,) = contract_mismatches(contract_of(), Catalog({"books": live, "people": LIVE_PEOPLE}))
    assert (str(found), found.column) == (f"{says}: {STRAY}.", column)


def test_what_is_missing_is_named() -> None:
    columns = {name: column for name, column in LIVE.columns.items() if name != "pages"}
    assert sentences(replace(LIVE, columns=columns)) == [f"Column books.pages is missing: {EITHER}."]
    (found,) = contract_mismatches(contract_of(), Catalog({"people": LIVE_PEOPLE}))
    assert (str(found), found.table) == (f"Table books is missing: {MIGRATE}.", "books")
    assert sentences(replace(LIVE, kind="view")) == [f"Table books is a view in the database: {MIGRATE}."]


def test_an_index_that_could_not_be_made_is_named() -> None:
    says = "Index books_by_title of table books is not valid, since it could not be made while the table was used"
    assert sentences(with_index("books_by_title", valid=False)) == [f"{says}: {EITHER}."]


@pytest.mark.parametrize(
    "live",
    [
        with_column("id", identity=None, default="nextval('books_id_seq'::regclass)"),
        with_column("title", type="CHARACTER VARYING(200)"),
        with_column("isbn", type="extra.character(13)"),
        with_column("pages", default="0"),
        replace(LIVE, indexes=[*INDEXES, index("faster", "pages", "rank")]),
    ],
    ids=["serial", "case", "type of a schema", "default that Django doesn't know", "index that Django doesn't know"],
)
def test_what_serves_as_well_is_no_mismatch(live: CatalogTable) -> None:
    assert sentences(live) == []


def test_a_table_of_nobody_is_named_unless_it_is_anothers() -> None:
    odd = replace(LIVE_PEOPLE, name="odd")
    assert sentences(odd=odd) == [f"Table odd is in the database and not in the contract: {STRAY}."]
    assert sentences(django_migrations=odd) == []
    assert sentences(odd=replace(odd, kind="view")) == []
    assert sentences(odd=replace(odd, schema="elsewhere")) == []
    assert sentences(odd=replace(odd, part_of="postgis")) == []


def test_what_django_does_not_manage_is_held_to_its_columns() -> None:
    contract = contract_of(books=BOOKS | {"managed": False})
    view = CatalogTable(
        name="books",
        schema="public",
        kind="view",
        columns={
            name: replace(column, nullable=True, identity=None, default=None) for name, column in LIVE.columns.items()
        },
    )
    assert sentences(view, contract) == []
    wider = {**view.columns, "id": CatalogColumn("bigint", nullable=True), "more": CatalogColumn("text", nullable=True)}
    assert sentences(replace(view, columns=wider), contract) == []
    other = {**view.columns, "id": CatalogColumn("text", nullable=True)}
    assert sentences(replace(view, columns=other), contract) == [
        f"Column books.id is text where the contract says integer: {EITHER}."
    ]
    (missing,) = contract_mismatches(contract, Catalog({"people": LIVE_PEOPLE}))
    assert "Django doesn't manage it" in str(missing)


@pytest.mark.parametrize(("column", "differs"), [("title", False), ("id", True)])
def test_an_enum_is_text_where_django_does_not_manage_the_table(column: str, differs: bool) -> None:
    live = replace(LIVE, columns={**LIVE.columns, column: replace(LIVE.columns[column], type="kinds")})
    catalog = Catalog({"books": live, "people": LIVE_PEOPLE}, types={"kinds": CatalogType(kind="enum", parts=("one",))})
    found = contract_mismatches(contract_of(books=BOOKS | {"managed": False}), catalog)
    assert [mismatch.column for mismatch in found] == ([column] if differs else [])
    assert "is kinds" in str(contract_mismatches(contract_of(books=BOOKS), catalog)[0])


def test_ids_of_m2m_tables_may_be_wider() -> None:
    live = replace(LIVE_PEOPLE, columns={"id": CatalogColumn("integer", nullable=False)})
    assert len(sentences(people=live)) == 1
    assert sentences(people=live, contract=contract_of(people=PEOPLE | {"auto_created": True})) == []


def test_another_schema_is_another_table() -> None:
    contract = contract_of(**{"audit.books": BOOKS | {"schema_name": "audit"}})
    assert sentences(contract=contract) == [f"Table audit.books is missing: {MIGRATE}."]
    assert sentences(contract=contract, **{"audit.books": replace(LIVE, schema="audit")}) == []
