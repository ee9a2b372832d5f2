"""Each change that breaks a running service is named, and each that doesn't is not: no cry of wolf."""

from dataclasses import replace

import pytest

from shared_schema.catalog import Catalog, CatalogTable, CatalogType
from shared_schema.consumer.consumer import Consumer, Feature, Need
from strangler.schema.compatibility import find_breaks
from strangler.schema.compatibility.breaks import BreakKind
from tests.catalogs import (
    adding,
    catalog,
    check,
    column,
    consumer,
    index,
    key,
    table,
    unique,
    with_columns,
    without,
)

NO_FUNCTION = "CREATE TRIGGER t {} ON public.posts FOR EACH ROW EXECUTE FUNCTION f()\nO\nbegin return new; end"
USERS = table("users", {"username": column("character varying(150)")}, **unique("users_name", "username"))
TAGS = table("tags", {"name": column("character varying(50)"), "colour": column("text?"), "rank": column("integer")})
EVENTS = table("events", {"kind": column("text"), "post_id": column("bigint")})
POSTS = table(
    "posts",
    {
        "title": column("character varying(200)"),
        "content": column("text"),
        "score": column("integer"),
        "price": column("numeric(10,2)"),
        "status": column("text", default="'draft'::text"),
        "note": column("character varying(50)?"),
        "mood": column("mood?"),
        "labels": column("character varying(20)[]?"),
        "author_id": column("bigint"),
        "slug": column("character varying(50)?"),
        "area": column("integer?", generated=True, expression="(score * 2)"),
    },
    constraints=(key("posts_author", "author_id", "users"), check("positive", "CHECK ((score >= 0))", "score")),
)
MOOD = {"mood": CatalogType("enum", ("calm", "glad"))}
BEFORE = catalog(USERS, replace(TAGS, oid=1), EVENTS, replace(POSTS, oid=1), types=MOOD, database="one")
READS = ("id", "title", "content", "score", "price", "status", "note", "mood", "labels", "area")
CONSUMER = consumer(
    posts=Feature(
        reads={"posts": READS},
        inserts={"posts": ("title", "content", "score", "price", "author_id", "slug")},
        updates={"posts": ("title", "note")},
        deletes=("posts",),
    ),
    tags=Feature(reads={"tags": ("id", "name", "rank")}),
    needs={"posts": {"note": Need(type="str", nullable=True), "title": Need(type="str", nullable=False)}},
)


def changed(**columns: object) -> Catalog:
    """The schema with other columns of posts."""
    return with_tables(with_columns(POSTS, **columns))  # type: ignore[arg-type] # columns, by name


def with_tables(*tables: CatalogTable, types: dict[str, CatalogType] = MOOD) -> Catalog:
    return Catalog({**BEFORE.tables, **{each.name: each for each in tables}}, types=types)


def dropped(*names: str) -> Catalog:
    return Catalog({name: each for name, each in BEFORE.tables.items() if name not in names}, types=MOOD)


def kinds(before: Catalog, after: Catalog, user: Consumer) -> set[tuple[str, str | None, str]]:
    return {(found.table, found.column, found.kind) for found in find_breaks(before, after, user)}


BREAKS: dict[str, tuple[Catalog, str, str | None, BreakKind]] = {
    "a table that is dropped": (dropped("posts"), "posts", None, BreakKind.TABLE_GONE),
    "a table that is renamed": (
        replace(BEFORE, tables={**dropped("tags").tables, "labels": replace(TAGS, name="labels")}),
        "tags",
        None,
        BreakKind.TABLE_GONE,
    ),
    "a table that is moved": (
        replace(BEFORE, tables={**dropped("tags").tables, "old.tags": replace(TAGS, schema="old")}),
        "tags",
        None,
        BreakKind.TABLE_GONE,
    ),
    "a table that is a view now": (
        with_tables(replace(TAGS, kind="view", definition="SELECT 1")),
        "tags",
        None,
        BreakKind.TABLE_CHANGED,
    ),
    "a table that is partitioned now": (
        with_tables(replace(POSTS, kind="partitioned table")),
        "posts",
        None,
        BreakKind.TABLE_CHANGED,
    ),
    "rows that are hidden": (with_tables(replace(TAGS, row_security=True)), "tags", None, BreakKind.TABLE_CHANGED),
    "a column that is read and dropped": (changed(status=None), "posts", "status", BreakKind.COLUMN_GONE),
    "a column that is written and dropped": (changed(slug=None), "posts", "slug", BreakKind.COLUMN_GONE),
    "a column that is renamed": (
        changed(title=None, headline=column("character varying(200)")),
        "posts",
        "title",
        BreakKind.COLUMN_GONE,
    ),
    "another Python type": (changed(score=column("numeric(5,0)")), "posts", "score", BreakKind.TYPE_CHANGED),
    "another text": (changed(price=column("numeric(12,3)")), "posts", "price", BreakKind.TYPE_CHANGED),
    "a list": (changed(note=column("character varying(50)[]?")), "posts", "note", BreakKind.TYPE_CHANGED),
    "a list of another type": (changed(labels=column("text[]?")), "posts", "labels", BreakKind.TYPE_CHANGED),
    "a label that is gone": (
        with_tables(types={"mood": CatalogType("enum", ("calm",))}),
        "posts",
        "mood",
        BreakKind.TYPE_CHANGED,
    ),
    "a written type that is another": (changed(slug=column("uuid?")), "posts", "slug", BreakKind.TYPE_CHANGED),
    "a shorter text": (changed(title=column("character varying(100)")), "posts", "title", BreakKind.NARROWED),
    "a text that has a limit now": (
        changed(content=column("character varying(9000)")),
        "posts",
        "content",
        BreakKind.NARROWED,
    ),
    "a smaller integer": (
        with_tables(with_columns(TAGS, rank=column("smallint"))),
        "tags",
        "rank",
        BreakKind.NARROWED,
    ),
    "fewer digits": (changed(price=column("numeric(8,2)")), "posts", "price", BreakKind.NARROWED),
    "an index that takes no long values": (
        with_tables(adding(POSTS, indexes=(index("long", "content"),))),
        "posts",
        "content",
        BreakKind.NARROWED,
    ),
    "another collation": (
        changed(title=column("character varying(200)", collation='"de-x-icu"')),
        "posts",
        "title",
        BreakKind.COLLATION_CHANGED,
    ),
    "a read column that may be null": (
        changed(title=column("character varying(200)?")),
        "posts",
        "title",
        BreakKind.MAY_BE_NULL,
    ),
    "a read column that may be null, of which nothing is known": (
        changed(status=column("text?", default="'draft'::text")),
        "posts",
        "status",
        BreakKind.MAY_BE_NULL,
    ),
    "an updated column that may not be null": (
        changed(note=column("character varying(50)")),
        "posts",
        "note",
        BreakKind.MAY_NOT_BE_NULL,
    ),
    "an inserted column that may not be null": (
        changed(slug=column("character varying(50)")),
        "posts",
        "slug",
        BreakKind.MAY_NOT_BE_NULL,
    ),
    "a column that an INSERT leaves out and may not be null": (
        changed(mood=column("mood")),
        "posts",
        "mood",
        BreakKind.MUST_BE_GIVEN,
    ),
    "a new column that must be given": (changed(kind=column("text")), "posts", "kind", BreakKind.MUST_BE_GIVEN),
    "a new column whose default is NULL": (
        changed(kind=column("text", default="NULL::text")),
        "posts",
        "kind",
        BreakKind.MUST_BE_GIVEN,
    ),
    "a default that is gone": (changed(status=column("text")), "posts", "status", BreakKind.DEFAULT_GONE),
    "a default that is too long for a shorter text": (
        with_tables(with_columns(POSTS, status=column("character varying(4)", default="'draft'::text"))),
        "posts",
        "status",
        BreakKind.MUST_BE_GIVEN,
    ),
    "a new default that is too large": (
        changed(extra=column("smallint?", default="40000")),
        "posts",
        "extra",
        BreakKind.MUST_BE_GIVEN,
    ),
    "a new default with too many digits": (
        changed(extra=column("numeric(4,2)?", default="'100.5'::numeric")),
        "posts",
        "extra",
        BreakKind.MUST_BE_GIVEN,
    ),
    "names that were exchanged": (
        replace(
            with_tables(with_columns(replace(POSTS, oid=1), note=column("character varying(50)?", place=4))),
            database="one",
        ),
        "posts",
        "note",
        BreakKind.COLUMN_GONE,
    ),
    "a table that was made anew": (
        replace(with_tables(replace(TAGS, oid=2)), database="one"),
        "tags",
        None,
        BreakKind.TABLE_CHANGED,
    ),
    "a NOT NULL that old rows don't obey": (
        changed(labels=column("character varying(20)[]", validated=False, default="'{}'")),
        "posts",
        "labels",
        BreakKind.MAY_NOT_BE_NULL,
    ),
    "an identity that is gone": (changed(id=column("bigint")), "posts", "id", BreakKind.DEFAULT_GONE),
    "an identity that is a constant now": (
        changed(id=column("bigint", default="1")),
        "posts",
        "id",
        BreakKind.DEFAULT_GONE,
    ),
    "an identity that counts anew": (
        changed(id=column("bigint", default="nextval('fresh'::regclass)")),
        "posts",
        "id",
        BreakKind.DEFAULT_GONE,
    ),
    "an inserted column that is generated now": (
        changed(slug=column("character varying(50)?", generated=True, expression="title")),
        "posts",
        "slug",
        BreakKind.NOT_WRITABLE,
    ),
    "an inserted column that is PostgreSQL's identity now": (
        changed(author_id=column("bigint", identity="always")),
        "posts",
        "author_id",
        BreakKind.NOT_WRITABLE,
    ),
    "a generated column that is another": (
        changed(area=column("integer?", generated=True, expression="(score * 3)")),
        "posts",
        "area",
        BreakKind.VALUE_CHANGED,
    ),
    "a new check": (
        with_tables(adding(POSTS, constraints=(check("short", "CHECK ((length(title) < 9))", "title"),))),
        "posts",
        None,
        BreakKind.NEW_CONSTRAINT,
    ),
    "a changed check": (
        with_tables(
            adding(without(POSTS, "positive"), constraints=(check("positive", "CHECK ((score > 0))", "score"),))
        ),
        "posts",
        None,
        BreakKind.NEW_CONSTRAINT,
    ),
    "a new column's check that NULL fails": (
        with_tables(
            adding(
                with_columns(POSTS, extra=column("text?")),
                constraints=(check("there", "CHECK ((extra IS NOT NULL))", "extra"),),
            )
        ),
        "posts",
        None,
        BreakKind.NEW_CONSTRAINT,
    ),
    "a new unique constraint": (
        with_tables(adding(POSTS, **unique("one_title", "title"))),
        "posts",
        None,
        BreakKind.NEW_CONSTRAINT,
    ),
    "a new unique index of an expression": (
        with_tables(adding(POSTS, indexes=(index("one", "lower((title)::text)", unique=True),))),
        "posts",
        None,
        BreakKind.NEW_CONSTRAINT,
    ),
    "a new column that has one value and is unique": (
        with_tables(adding(with_columns(POSTS, extra=column("integer", default="3")), **unique("one", "extra"))),
        "posts",
        None,
        BreakKind.NEW_CONSTRAINT,
    ),
    "a new exclusion": (
        with_tables(
            adding(
                POSTS, constraints=(replace(check("x", "EXCLUDE USING gist (slug WITH =)", "slug"), kind="exclusion"),)
            )
        ),
        "posts",
        None,
        BreakKind.NEW_CONSTRAINT,
    ),
    "a new foreign key of a column that is written": (
        with_tables(adding(POSTS, constraints=(key("posts_slug", "slug", "tags"),))),
        "posts",
        None,
        BreakKind.NEW_CONSTRAINT,
    ),
    "a new column that points by default": (
        with_tables(
            adding(
                with_columns(POSTS, tag_id=column("bigint", default="1")),
                constraints=(key("posts_tag", "tag_id", "tags"),),
            )
        ),
        "posts",
        None,
        BreakKind.NEW_CONSTRAINT,
    ),
    "a new table that points at rows that are deleted": (
        with_tables(
            table("likes", {"post_id": column("bigint")}, constraints=(key("likes_post", "post_id", "posts"),))
        ),
        "posts",
        None,
        BreakKind.NEW_CONSTRAINT,
    ),
    "a foreign key that is checked at once": (
        with_tables(adding(without(POSTS, "posts_author"), constraints=(key("now", "author_id", "users", ""),))),
        "posts",
        None,
        BreakKind.FOREIGN_KEY_CHANGED,
    ),
    "a foreign key that points elsewhere": (
        with_tables(adding(without(POSTS, "posts_author"), constraints=(key("posts_author", "author_id", "tags"),))),
        "posts",
        None,
        BreakKind.FOREIGN_KEY_CHANGED,
    ),
    "a new trigger": (
        with_tables(replace(POSTS, triggers={"t": NO_FUNCTION.format("BEFORE INSERT")})),
        "posts",
        None,
        BreakKind.TRIGGER_CHANGED,
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_is_named(name: str) -> None:
    after, *where, kind = BREAKS[name]
    assert (*where, kind) in kinds(BEFORE, after, CONSUMER)


HARMLESS = {
    "nothing": BEFORE,
    "a new table": with_tables(
        table("likes", {"user_id": column("bigint")}, constraints=(key("k", "user_id", "users"),))
    ),
    "a new column that may be null": changed(extra=column("text?")),
    "a new column with a default": changed(extra=column("text", default="'x'::text")),
    "a new column that is generated": changed(extra=column("text", generated=True, expression="title")),
    "a new column that counts": changed(extra=column("bigint", identity="always")),
    "a new column that points and may be null": with_tables(
        adding(with_columns(POSTS, tag_id=column("bigint?")), constraints=(key("posts_tag", "tag_id", "tags"),))
    ),
    "a new column that is unique and may be null": with_tables(
        adding(with_columns(POSTS, extra=column("text?")), **unique("one", "extra"))
    ),
    "a new column that is unique and given by PostgreSQL": with_tables(
        adding(with_columns(POSTS, extra=column("uuid", default="gen_random_uuid()")), **unique("one", "extra"))
    ),
    "a new column of positive integers": with_tables(
        adding(with_columns(POSTS, n=column("integer?")), constraints=(check("n", "CHECK ((n >= 0))", "n"),))
    ),
    "a new column of positive integers with a default": with_tables(
        adding(
            with_columns(POSTS, n=column("integer", default="3")), constraints=(check("n", "CHECK ((n >= 0))", "n"),)
        )
    ),
    "a longer text": changed(title=column("character varying(300)")),
    "a text without a limit": changed(title=column("text")),
    "a larger integer": changed(score=column("bigint")),
    "more digits": changed(price=column("numeric(12,2)")),
    "longer texts in a list": changed(labels=column("character varying(40)[]?")),
    "a new label": with_tables(types={"mood": CatalogType("enum", ("calm", "wild", "glad"))}),
    "a shorter text that is only read": with_tables(with_columns(TAGS, name=column("character varying(20)"))),
    "NOT NULL on a column that is only read": with_tables(with_columns(TAGS, colour=column("text"))),
    "a column of no interest that is gone": with_tables(with_columns(TAGS, colour=None)),
    "a table of no interest that is gone": dropped("events"),
    "a read column that may be null as is known": changed(note=column("text?")),
    "another default that fits": changed(
        extra=column("numeric(4,2)?", default="99.5"), other=column("integer?", default="'-5'::integer")
    ),
    "another default": changed(status=column("text", default="'new'::text")),
    "a new index": with_tables(adding(POSTS, indexes=(index("i", "title, score DESC"),))),
    "a new index of a long text by an expression": with_tables(adding(POSTS, indexes=(index("i", "md5(content)"),))),
    "a check that is dropped": with_tables(without(POSTS, "positive")),
    "a check that is renamed": with_tables(
        adding(without(POSTS, "positive"), constraints=(check("other", "CHECK ((score >= 0))", "score"),))
    ),
    "a check that is not enforced": with_tables(
        adding(POSTS, constraints=(check("c", "CHECK ((score > 9)) NOT ENFORCED", "score"),))
    ),
    "a check of a table that is only read": with_tables(
        adding(TAGS, constraints=(check("c", "CHECK ((rank > 9))", "rank"),))
    ),
    "a unique constraint of a table that is only read": with_tables(adding(TAGS, **unique("one_name", "name"))),
    "a unique constraint that another implies": with_tables(adding(POSTS, **unique("both", "id, title"))),
    "a foreign key that is dropped": with_tables(without(POSTS, "posts_author")),
    "a foreign key that is validated": with_tables(
        adding(without(POSTS, "posts_author"), constraints=(key("posts_author", "author_id", "users"),))
    ),
    "a trigger of a table that is only read": with_tables(
        replace(TAGS, triggers={"t": NO_FUNCTION.format("BEFORE INSERT")})
    ),
    "a trigger of a table of no interest": with_tables(
        replace(EVENTS, triggers={"t": NO_FUNCTION.format("BEFORE INSERT")})
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_breaks_nothing_is_called_safe(name: str) -> None:
    assert [str(found) for found in find_breaks(BEFORE, HARMLESS[name], CONSUMER)] == []


def test_numbers_of_another_database_say_nothing() -> None:
    after = replace(with_tables(replace(TAGS, oid=2)), database="another")
    assert find_breaks(BEFORE, after, CONSUMER) == []


def test_what_is_needed_and_never_was_is_named() -> None:
    user = consumer(odd=Feature(reads={"tags": ("size",), "odd": ("id",)}))
    assert kinds(BEFORE, BEFORE, user) == {
        ("odd", None, BreakKind.TABLE_GONE),
        ("tags", "size", BreakKind.COLUMN_GONE),
    }
