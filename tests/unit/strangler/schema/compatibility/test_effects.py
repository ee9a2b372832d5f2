"""What a statement does on, and what only its text says: neither is overlooked."""

from dataclasses import replace

import pytest

from shared_schema.catalog import Catalog, CatalogConstraint, CatalogTable
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
    statement,
    table,
    unique,
    with_columns,
    without,
)

USERS = table("users", {"name": column("text")}, **unique("one_name", "name"))
POSTS = table(
    "posts", {"author": column("bigint"), "title": column("text?")}, constraints=(key("k", "author", "users"),)
)
LIKES = table("likes", {"post": column("bigint?"), "kind": column("text?")})
STRICT = " ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED"
DELETES = consumer(users=Feature(deletes=("users",)))


def kinds(before: Catalog, after: Catalog, user: Consumer) -> list[tuple[str, str | None, str]]:
    return [(found.table, found.column, found.kind) for found in find_breaks(before, after, user)]


def with_key(holder: CatalogTable, columns: str, target: str, extra: str) -> CatalogTable:
    return adding(without(holder, "k"), constraints=(key("k", columns, target, extra),))


def test_a_delete_goes_on_where_keys_cascade() -> None:
    posts = with_key(POSTS, "author", "users", " ON DELETE CASCADE")
    before = catalog(USERS, posts, LIKES)
    after = catalog(USERS, posts, with_key(LIKES, "post", "posts", ""))
    assert kinds(before, after, DELETES) == [("posts", None, BreakKind.NEW_CONSTRAINT)]


def test_a_key_that_sets_null_writes_it() -> None:
    likes = with_key(LIKES, "post", "users", " ON DELETE SET NULL")
    after = catalog(USERS, with_columns(likes, post=column("bigint")))
    assert kinds(catalog(USERS, likes), after, DELETES) == [("likes", "post", BreakKind.MAY_NOT_BE_NULL)]


def test_a_key_that_sets_the_default_needs_it() -> None:
    likes = with_columns(
        with_key(LIKES, "post", "users", " ON DELETE SET DEFAULT"), post=column("bigint?", default="1")
    )
    after = catalog(USERS, with_columns(likes, post=column("bigint?")))
    assert kinds(catalog(USERS, likes), after, DELETES) == [("likes", "post", BreakKind.DEFAULT_GONE)]


def test_another_action_on_delete() -> None:
    before = catalog(USERS, with_key(POSTS, "author", "users", " ON DELETE CASCADE"))
    for after in (catalog(USERS, POSTS), catalog(USERS, without(POSTS, "k"))):
        assert kinds(before, after, DELETES) == [("users", None, BreakKind.FOREIGN_KEY_CHANGED)]
        assert kinds(before, after, consumer(users=Feature(reads={"users": ("name",)}))) == []
    assert kinds(before, catalog(USERS), DELETES) == []  # gone with its table


def test_a_key_that_is_checked_sooner_refuses_a_delete() -> None:
    later, soon, now, strict = (
        with_key(POSTS, "author", "users", extra)
        for extra in (" DEFERRABLE INITIALLY DEFERRED", " DEFERRABLE", " ON UPDATE NO ACTION", STRICT)
    )
    changed = [("users", None, BreakKind.FOREIGN_KEY_CHANGED)]
    for before, after, expected in (
        (later, now, changed),
        (later, soon, changed),
        (later, strict, changed),
        (now, later, []),
        (later, later, []),
    ):
        assert kinds(catalog(USERS, before), catalog(USERS, after), DELETES) == expected


def test_a_key_that_points_elsewhere_refuses_a_delete_there() -> None:
    before, after = catalog(USERS, LIKES, POSTS), catalog(USERS, LIKES, with_key(POSTS, "author", "likes", ""))
    there = consumer(likes=Feature(deletes=("likes",)))
    assert kinds(before, after, there) == [("likes", None, BreakKind.FOREIGN_KEY_CHANGED)]
    assert kinds(before, after, DELETES) == []


def test_a_key_that_points_elsewhere_does_nothing_on_here() -> None:
    before = catalog(USERS, LIKES, with_key(POSTS, "author", "users", " ON DELETE CASCADE"))
    after = catalog(USERS, LIKES, with_key(POSTS, "author", "likes", " ON DELETE CASCADE"))
    assert kinds(before, after, DELETES) == [("users", None, BreakKind.FOREIGN_KEY_CHANGED)]


def test_a_second_key_of_the_same_column() -> None:
    before = catalog(USERS, POSTS, LIKES)
    after = catalog(USERS, adding(POSTS, constraints=(key("second", "author", "likes"),)), LIKES)
    user = consumer(posts=Feature(inserts={"posts": ("author",)}))
    assert kinds(before, after, user) == [("posts", None, BreakKind.NEW_CONSTRAINT)]


def test_an_update_of_what_is_pointed_at() -> None:
    user = consumer(users=Feature(updates={"users": ("id",)}))
    assert kinds(catalog(USERS, without(POSTS, "k")), catalog(USERS, POSTS), user) == [
        ("users", None, BreakKind.NEW_CONSTRAINT)
    ]
    assert (
        kinds(
            catalog(USERS, without(POSTS, "k")),
            catalog(USERS, POSTS),
            consumer(users=Feature(updates={"users": ("name",)})),
        )
        == []
    )


def test_an_update_goes_on_where_keys_cascade() -> None:
    before = catalog(USERS, with_key(POSTS, "author", "users", " ON UPDATE CASCADE"))
    after = catalog(USERS, with_columns(before.tables["posts"], author=column("integer")))
    user = consumer(users=Feature(updates={"users": ("id",)}))
    assert kinds(before, after, user) == [("posts", "author", BreakKind.NARROWED)]


def test_a_write_goes_on_through_triggers() -> None:
    body = "begin insert into likes (kind) values ('new'); return null; end"
    trigger = f"CREATE TRIGGER t AFTER INSERT ON public.posts FOR EACH ROW EXECUTE FUNCTION f()\nO\n{body}"
    posts = replace(POSTS, triggers={"t": trigger})
    inserts = consumer(posts=Feature(inserts={"posts": ("author",)}))
    before = catalog(USERS, posts, LIKES)
    after = catalog(USERS, posts, with_columns(LIKES, post=column("bigint"), kind=None))
    assert kinds(before, after, inserts) == [
        ("likes", "kind", BreakKind.COLUMN_GONE),
        ("likes", "post", BreakKind.MUST_BE_GIVEN),
    ]
    assert kinds(before, after, consumer(posts=Feature(updates={"posts": ("title",)}))) == []
    assert kinds(before, catalog(USERS, POSTS, LIKES), inserts) == [("posts", None, BreakKind.TRIGGER_CHANGED)]


def test_a_view_shows_the_tables_below_it() -> None:
    view = replace(
        table("named", {}), columns={"who": column("text?")}, kind="view", definition="SELECT name AS who FROM users"
    )
    user = consumer(named=Feature(reads={"named": ("who",)}))
    before = catalog(USERS, view)
    assert kinds(before, catalog(USERS, replace(view, definition="SELECT 'x'")), user) == [
        ("named", None, BreakKind.TABLE_CHANGED)
    ]
    assert kinds(before, catalog(with_columns(USERS, name=column("text?")), view), user) == [
        ("users", "name", BreakKind.MAY_BE_NULL)
    ]


def sending(sql: str, *values: object, **columns: object) -> Consumer:
    return consumer(one=Feature(**columns, statements=(statement(sql, *values),)))  # type: ignore[arg-type] # by kind


def test_each_insert_counts_not_all_together() -> None:
    both = consumer(
        one=Feature(
            inserts={"likes": ("post", "kind")},
            statements=(
                statement("INSERT INTO likes (post, kind) VALUES ($1, $2)", 1, "x"),
                statement("INSERT INTO likes (post) VALUES ($1)", 1),
            ),
        ),
        needs={"likes": {"kind": Need(type="str", nullable=False)}},
    )
    after = catalog(with_columns(LIKES, kind=column("text")))
    assert kinds(catalog(LIKES), after, both) == [("likes", "kind", BreakKind.MUST_BE_GIVEN)]


def test_what_is_never_null_may_not_be() -> None:
    needs = {"likes": {"kind": Need(type="str", nullable=False)}}
    sql = "INSERT INTO likes (kind) VALUES ($1)"
    after = catalog(with_columns(LIKES, kind=column("text")))
    for value, expected in (("x", []), (None, [("likes", "kind", BreakKind.MAY_NOT_BE_NULL)])):
        user = Consumer(features=sending(sql, value, inserts={"likes": ("kind",)}).features, needs=needs)
        assert kinds(catalog(LIKES), after, user) == expected


def test_what_on_conflict_goes_by() -> None:
    insert = "INSERT INTO users (name) VALUES ($1) ON CONFLICT "
    before, after = catalog(USERS), catalog(without(USERS, "one_name"))
    gone = [("users", None, BreakKind.UNIQUE_GONE)]
    for clause, expected in (
        ("DO NOTHING", gone),
        ("(name) DO NOTHING", gone),
        ("ON CONSTRAINT one_name DO NOTHING", gone),
        ("(id) DO NOTHING", []),
    ):
        assert kinds(before, after, sending(insert + clause, "x", inserts={"users": ("name",)})) == expected
    assert kinds(before, after, consumer(users=Feature(inserts={"users": ("name",)}))) == []


def test_another_unique_index_serves_on_conflict() -> None:
    user = sending(
        "INSERT INTO users (name) VALUES ($1) ON CONFLICT (name) DO NOTHING", "x", inserts={"users": ("name",)}
    )
    bare = without(USERS, "one_name")
    gone = [("users", None, BreakKind.UNIQUE_GONE)]
    assert kinds(catalog(USERS), catalog(adding(bare, indexes=(index("other", "name", unique=True),))), user) == []
    assert kinds(catalog(USERS), catalog(adding(bare, **unique("later", "name", deferrable=True))), user) == gone
    partial = index("some", "name", unique=True, extra=" WHERE (id > 3)", partial=True)
    assert kinds(catalog(USERS), catalog(adding(bare, indexes=(partial,))), user) == gone


def test_a_unique_constraint_that_is_checked_sooner() -> None:
    user = consumer(users=Feature(updates={"users": ("name",)}))
    bare = without(USERS, "one_name")
    later = adding(bare, **unique("one_name", "name", deferrable=True))
    assert kinds(catalog(later), catalog(USERS), user) == [("users", None, BreakKind.NEW_CONSTRAINT)]
    assert kinds(catalog(USERS), catalog(later), user) == []


def test_a_statement_that_takes_all_columns() -> None:
    after = catalog(with_columns(LIKES, extra=column("text?")))
    star = sending("SELECT * FROM likes", reads={"likes": ("id", "post", "kind")})
    named = sending("SELECT likes.id FROM likes", reads={"likes": ("id",)})
    assert kinds(catalog(LIKES), after, star) == [("likes", "extra", BreakKind.COLUMN_ADDED)]
    assert kinds(catalog(LIKES), after, named) == []


def test_a_larger_integer_below_a_sum_or_a_recursive_query() -> None:
    before = catalog(with_columns(LIKES, post=column("integer?")))
    reads = {"likes": ("post",)}
    for sql in ("SELECT sum(post) FROM likes", "WITH RECURSIVE r AS (SELECT post FROM likes) SELECT post FROM r"):
        assert kinds(before, catalog(LIKES), sending(sql, reads=reads)) == [("likes", "post", BreakKind.TYPE_CHANGED)]
    assert kinds(before, catalog(LIKES), sending("SELECT max(post) FROM likes", reads=reads)) == []


def test_rows_that_are_grouped_by_a_key() -> None:
    keyless = replace(LIKES, constraints=())
    reads = {"likes": ("id", "post")}
    grouped = sending("SELECT id, post, count(*) FROM likes GROUP BY id", reads=reads)
    assert kinds(catalog(LIKES), catalog(keyless), grouped) == [("likes", None, BreakKind.UNIQUE_GONE)]
    assert kinds(catalog(LIKES), catalog(keyless), sending("SELECT id FROM likes", reads=reads)) == []


def test_a_sentence_says_what_for_whom_and_the_hint() -> None:
    users = consumer(**{name: Feature(reads={"users": ("name",)}) for name in "edcba"})
    (found,) = find_breaks(catalog(USERS), catalog(with_columns(USERS, name=None, title=column("text"))), users)
    assert found.features == ("a", "b", "c", "d", "e")
    assert str(found) == (
        "Column users.name no longer exists (is it users.title now?); a, b, c and 2 more would break:"
        " keep it until no running version needs it."
    )


def test_a_trigger_counts_for_what_fires_it() -> None:
    def trigger(events: str, body: str = "begin return new; end") -> str:
        return f"CREATE TRIGGER t BEFORE {events} ON public.likes FOR EACH ROW EXECUTE FUNCTION f()\nO\n{body}"

    changed = [("likes", None, BreakKind.TRIGGER_CHANGED)]
    deletes, inserts = consumer(a=Feature(deletes=("likes",))), consumer(a=Feature(inserts={"likes": ("kind",)}))
    on = {events: catalog(replace(LIKES, triggers={"t": trigger(events)})) for events in ("DELETE", "INSERT OR UPDATE")}
    assert kinds(catalog(LIKES), on["DELETE"], deletes) == changed
    assert kinds(catalog(LIKES), on["DELETE"], inserts) == []
    assert kinds(on["DELETE"], on["INSERT OR UPDATE"], deletes) == changed
    assert kinds(on["DELETE"], on["INSERT OR UPDATE"], inserts) == changed
    other = catalog(replace(LIKES, triggers={"t": trigger("DELETE", "begin raise 'no'; end")}))
    assert kinds(on["DELETE"], other, deletes) == changed
    rule = catalog(replace(LIKES, triggers={"r": "CREATE RULE r AS\n ON DELETE TO likes DO INSTEAD NOTHING;"}))
    assert kinds(catalog(LIKES), rule, inserts) == changed
    for before, after, words in (
        (catalog(LIKES), on["DELETE"], "a new trigger t"),
        (on["DELETE"], catalog(LIKES), "no longer the trigger t"),
        (on["DELETE"], other, "a changed trigger t"),
    ):
        (found,) = find_breaks(before, after, deletes)
        assert words in str(found)


@pytest.mark.parametrize(
    ("constraint", "breaks"),
    [
        (check("c", "CHECK ((post > 3))", "post"), False),
        (check("c", "CHECK ((kind <> 'x'::text))", "kind"), True),
        (check("c", "CHECK ((post > 3)) NOT VALID", "post", validated=False), True),
        (check("c", "CHECK ((double > 3))", "double"), True),
        (check("c", "CHECK (fine(likes.*))"), True),
        (replace(check("c", "EXCLUDE USING gist (post WITH =)", "post"), kind="exclusion"), True),
    ],
)
def test_an_update_meets_a_new_constraint(constraint: CatalogConstraint, breaks: bool) -> None:
    before = with_columns(LIKES, double=column("bigint?", generated=True, expression="(post * 2)"))
    user = consumer(likes=Feature(updates={"likes": ("kind",)}))
    found = kinds(catalog(before), catalog(adding(before, constraints=(constraint,))), user)
    assert found == ([("likes", None, BreakKind.NEW_CONSTRAINT)] if breaks else [])


@pytest.mark.parametrize(
    ("definition", "default", "breaks"),
    [
        ("CHECK ((n >= 0))", "3", False),
        ("CHECK ((n >= 0))", "'-1'::integer", True),
        ("CHECK ((n > 5))", "3", True),
        ("CHECK ((n > 5))", None, False),
        ("CHECK ((COALESCE(n, 0) > 5))", None, True),
    ],
)
def test_a_new_column_is_checked_by_its_default(definition: str, default: str | None, breaks: bool) -> None:
    after = adding(
        with_columns(LIKES, n=column("integer?", default=default)), constraints=(check("c", definition, "n"),)
    )
    user = consumer(likes=Feature(inserts={"likes": ("kind",)}))
    assert kinds(catalog(LIKES), catalog(after), user) == (
        [("likes", None, BreakKind.NEW_CONSTRAINT)] if breaks else []
    )


def test_one_null_is_enough_to_be_unique() -> None:
    columns = {"a": column("text?"), "b": column("text", default="'x'::text")}
    user = consumer(likes=Feature(inserts={"likes": ("kind",)}))
    after = adding(with_columns(LIKES, **columns), **unique("both", "a, b"))
    assert kinds(catalog(LIKES), catalog(after), user) == []
    equal = adding(
        with_columns(LIKES, **columns), indexes=(index("both", "a, b", unique=True, extra=" NULLS NOT DISTINCT"),)
    )
    assert kinds(catalog(LIKES), catalog(equal), user) == [("likes", None, BreakKind.NEW_CONSTRAINT)]
