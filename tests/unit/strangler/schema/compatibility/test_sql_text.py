"""What is read from the text of a statement: which values an INSERT gives, what ON CONFLICT goes by, what a `*` is."""

import pytest

from strangler.schema.compatibility.sql_text import (
    Insert,
    OnConflict,
    conflicts_of,
    inserts_of,
    takes_all_columns,
    words,
)
from tests.catalogs import statement


@pytest.mark.parametrize(
    ("sql", "values", "expected"),
    [
        ("INSERT INTO posts (id, title) VALUES ($1, $2)", (1, "x"), [Insert("posts", frozenset({"id", "title"}))]),
        (
            'INSERT INTO "Odd ""name""" ("order", "A") VALUES ($1::VARCHAR, $2)',
            ("x", 1),
            [Insert('Odd "name"', frozenset({"order", "A"}))],
        ),
        ("insert into Other.Posts as p (Id) values (1)", (), [Insert("other.posts", frozenset({"id"}))]),
        ("INSERT INTO public.posts (id) VALUES (1)", (), [Insert("posts", frozenset({"id"}))]),
        ("INSERT INTO posts VALUES (1, 2)", (), [Insert("posts", None)]),
        ("INSERT INTO posts SELECT * FROM old", (), [Insert("posts", None)]),
        ("INSERT INTO posts DEFAULT VALUES", (), [Insert("posts", frozenset())]),
        ("INSERT INTO posts (a, b) VALUES (DEFAULT, 2)", (), [Insert("posts", frozenset({"b"}))]),
        (
            "INSERT INTO posts (a, b) OVERRIDING SYSTEM VALUE VALUES (NULL::int, f(1, NULL))",
            (),
            [Insert("posts", frozenset({"a", "b"}), frozenset({"a"}))],
        ),
        (
            "INSERT INTO posts (a, b, c) VALUES ($1, $2::TEXT, $2 || 'x'), (1, $1, '(,)')",
            (1, None),
            [Insert("posts", frozenset({"a", "b", "c"}), frozenset({"b"}))],
        ),
        (
            "INSERT INTO posts (a) SELECT p0::INT FROM (VALUES ($1)) AS x (p0)",
            (None,),
            [Insert("posts", frozenset({"a"}))],
        ),
        (
            "WITH made AS (INSERT INTO a (x) VALUES (1) RETURNING x) INSERT INTO b (y) SELECT x FROM made",
            (),
            [Insert("a", frozenset({"x"})), Insert("b", frozenset({"y"}))],
        ),
        ("-- INSERT INTO a (x)\nSELECT 'INSERT INTO b (y)' /* INSERT INTO c (z) */", (), []),
    ],
)
def test_inserts(sql: str, values: tuple[object, ...], expected: list[Insert]) -> None:
    assert [*inserts_of(statement(sql, *values))] == expected


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("", []),
        (" ON CONFLICT DO NOTHING", [OnConflict()]),
        (" ON CONFLICT (a, b) DO NOTHING", [OnConflict(columns=frozenset({"a", "b"}))]),
        (" ON CONFLICT (lower(a)) DO NOTHING", [OnConflict()]),
        (' ON CONFLICT ON CONSTRAINT "One" DO NOTHING', [OnConflict(constraint="One")]),
    ],
)
def test_conflicts(clause: str, expected: list[OnConflict]) -> None:
    assert [*conflicts_of(statement("INSERT INTO a (a, b) VALUES (1, 2)" + clause))] == expected  # noqa: S608 - it is sent nowhere


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM a", True),
        ("SELECT a.id, b.* FROM a, b", True),
        ("SELECT id, * FROM a", True),
        ("INSERT INTO a (x) VALUES (1) RETURNING *", True),
        ("SELECT a.id FROM a NATURAL JOIN b", True),
        ("SELECT count(*), a.x * 2 FROM a", False),
        ("SELECT '*', \"natural\" FROM a", False),
    ],
)
def test_stars(sql: str, expected: bool) -> None:
    assert takes_all_columns(words(sql)) is expected
