"""Where tables differ from what the mapped classes need."""

import pytest
from sqlalchemy import Boolean, Column, DateTime, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, INET, TSVECTOR
from sqlalchemy.orm import Mapped
from sqlalchemy.types import TypeEngine

from shared_schema.drift import find_mismatches
from shared_schema.mapping import Mapping, Reflected, needed_columns
from shared_schema.models import BLOG, OutstandingToken, Post, PostTag, User

MEND = "run the Django migrations or adapt shared_schema/models.py."
TYPES: dict[type, type[TypeEngine[object]]] = {int: Integer, str: String, bool: Boolean}


def column(name: str, python_type: type, *, nullable: bool) -> Column[object]:
    return Column(name, TYPES.get(python_type, DateTime), nullable=nullable)


@pytest.fixture
def metadata() -> MetaData:
    """The tables just as they are needed."""
    metadata = MetaData()
    for cls in BLOG.classes:
        needed = needed_columns(cls).items()
        Table(cls.__tablename__, metadata, *(column(name, kind, nullable=null) for name, (kind, null) in needed))
    return metadata


def replace(metadata: MetaData, table: str, *columns: Column[object]) -> None:
    """The table with these columns in place of their namesakes."""
    Table(table, metadata, *columns, extend_existing=True)


def sentences(metadata: MetaData) -> list[str]:
    return [str(mismatch) for mismatch in find_mismatches(BLOG, metadata)]


def test_the_annotations_are_what_is_needed() -> None:
    needed = needed_columns(OutstandingToken)
    assert needed["id"] == (int, False)
    assert needed["user_id"] == (int, True)
    assert set(needed) == {"id", "user_id", "jti", "token", "created_at", "expires_at"}


def test_a_relation_is_no_column() -> None:
    assert {"author", "tags", "posts"}.isdisjoint(needed_columns(Post).keys() | needed_columns(User).keys())


def test_tables_that_hold_what_is_needed_do_not_differ(metadata: MetaData) -> None:
    assert sentences(metadata) == []


def test_a_missing_table_is_named(metadata: MetaData) -> None:
    metadata.remove(metadata.tables["tags"])
    (mismatch,) = find_mismatches(BLOG, metadata)
    assert (mismatch.table, mismatch.column) == ("tags", None)
    assert str(mismatch) == "Table tags is missing: run the Django migrations."


def test_a_missing_column_is_named(metadata: MetaData) -> None:
    names = [name for name in needed_columns(PostTag) if name != "tag_id"]
    metadata.remove(metadata.tables["blog_post_tags"])
    Table("blog_post_tags", metadata, *(Column(name, Integer, nullable=False) for name in names))
    (mismatch,) = find_mismatches(BLOG, metadata)
    assert (mismatch.table, mismatch.column) == ("blog_post_tags", "tag_id")
    assert str(mismatch) == f"Column blog_post_tags.tag_id is missing: {MEND}"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            Column("published", Integer, nullable=False),
            f"Column posts.published holds int (INTEGER) where bool is needed: {MEND}",
        ),
        (
            Column("author_id", Text, nullable=False),
            f"Column posts.author_id holds str (TEXT) where int is needed: {MEND}",
        ),
        (Column("title", Text), f"Column posts.title may be null where a value is needed: {MEND}"),
    ],
)
def test_a_changed_column_is_named_with_what_it_holds(
    changed: Column[object], sentence: str, metadata: MetaData
) -> None:
    replace(metadata, "posts", changed)
    assert sentences(metadata) == [sentence]


def test_what_serves_as_well_is_no_mismatch(metadata: MetaData) -> None:
    replace(
        metadata,
        "token_blacklist_outstandingtoken",
        Column("created_at", DateTime, nullable=False),  # may be null for all we care
        Column("token", TSVECTOR, nullable=False),  # SQLAlchemy names no Python type for it
        Column("of_no_interest", Integer),
    )
    assert sentences(metadata) == []


def test_every_mismatch_is_found(metadata: MetaData) -> None:
    metadata.remove(metadata.tables["users"])
    replace(metadata, "posts", Column("title", Integer), Column("content", Integer))
    assert len(sentences(metadata)) == 3


def test_a_class_of_another_project_is_checked_like_ours() -> None:
    class Base(Reflected):
        __mapping__ = Mapping()

    class Invoice(Base):
        __tablename__ = "invoices"
        lines: Mapped[list[str]]
        address: Mapped[str | None]

    mapping = Base.__mapping__
    assert mapping.classes == [Invoice]
    (missing,) = find_mismatches(mapping, MetaData())
    assert str(missing) == "Table invoices is missing: run the Django migrations."
    metadata = MetaData()
    Table("invoices", metadata, Column("lines", ARRAY(Text), nullable=False), Column("address", INET))
    assert find_mismatches(mapping, metadata) == []
