"""A page by position costs the same wherever it begins, and holds what the whole order has there."""

import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, Select, Table, Text, select
from sqlalchemy.orm import registry

from strangler_fastapi.db.query import Shape, as_sent
from strangler_fastapi.drf.pagination.cursors import cursor_rows
from strangler_fastapi.drf.pagination.listing import Listing
from tests.databases import empty_database
from tests.shared_stack import StackAddresses

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROWS = 20_000
# Moments come thrice, ranks in twenties and a fifth of them null, names with each letter's case.
TABLE = """
CREATE TABLE grown (id bigint PRIMARY KEY, made_at timestamptz NOT NULL, rank integer, name text NOT NULL);
INSERT INTO grown SELECT n, timestamptz '2026-01-01' + n / 3 * interval '1 second',
    CASE WHEN n % 5 > 0 THEN n * 7919 % 1000 END, CASE WHEN n % 2 > 0 THEN 'a' ELSE 'B' END || n / 4
    FROM generate_series(1, 20000) n;
CREATE INDEX ON grown (made_at DESC, id DESC);
CREATE INDEX ON grown (rank, id);
CREATE INDEX ON grown (name, id DESC);
ANALYZE grown;
CREATE TABLE few (LIKE grown);
INSERT INTO few SELECT n, timestamptz '2026-01-01' + n % 3 * interval '1 second',
    CASE WHEN n % 4 > 0 THEN n % 2 END, CASE WHEN n % 5 > 1 THEN 'a' ELSE 'B' END FROM generate_series(1, 40) n;
"""
NAMES = ("made_at", "rank", "name")
COLUMNS = {"id": BigInteger, "made_at": DateTime(timezone=True), "rank": Integer, "name": Text}


def listing_of(name: str, *, reads_rows: bool = False) -> Listing:
    class Item:
        pass

    columns: list[Column[Any]] = [
        Column(name, kind, primary_key=name == "id", nullable=name == "rank") for name, kind in COLUMNS.items()
    ]
    registry().map_imperatively(Item, Table(name, MetaData(), *columns))
    item: Any = Item
    orderings = {name: lambda name=name: getattr(item, name) for name in NAMES}

    def items(page: Any) -> Select[Any]:
        return select(item.id).join_from(item, page, page.c.id == item.id)

    def items_of_rows(page: Any) -> Select[Any]:
        return select(page.c.id, page.c.name)

    def shape() -> Shape:
        return Shape({"id": item.id})

    if reads_rows:
        return Listing(name, "Item", lambda: item.id, orderings, shape, items_of_rows, row=lambda: (item.name,))
    return Listing(name, "Item", lambda: item.id, orderings, shape, items)


GROWN, FEW, GROWN_ROWS, FEW_ROWS = (
    listing_of(name, reads_rows=rows) for rows in (False, True) for name in ("grown", "few")
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def connection(stack: StackAddresses, worker_id: str) -> AsyncIterator[asyncpg.Connection]:
    with empty_database(admin_dsn=stack.admin_dsn, name=f"positions_{worker_id}") as database:
        connection = await asyncpg.connect(database.owner_dsn)
        await connection.execute(TABLE)
        yield connection
        await connection.close()


def in_order(table: str, terms: tuple[str, ...]) -> str:
    columns = ", ".join(term.removeprefix("-") for term in terms)
    order = ", ".join(f"{term.removeprefix('-')} {'DESC' if term[0] == '-' else 'ASC'}" for term in terms)
    return f"SELECT {columns} FROM {table} ORDER BY {order}"  # noqa: S608 - all of it is ours


def scans(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [*([plan] if "Scan" in plan["Node Type"] else ()), *itertools.chain(*map(scans, plan.get("Plans", ())))]


@pytest.mark.parametrize("listing", [GROWN, GROWN_ROWS], ids=["keys", "rows"])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    "terms", [("-made_at", "-id"), ("made_at", "-id"), ("rank", "id"), ("-rank", "-id"), ("name", "-id")], ids=" ".join
)
async def test_a_deep_page_is_read_off_the_index(
    connection: asyncpg.Connection, terms: tuple[str, ...], backwards: bool, listing: Listing
) -> None:
    for depth in (ROWS // 2, ROWS - 60):
        marks = await connection.fetchrow(f"{in_order('grown', terms)} OFFSET {depth} LIMIT 1")
        assert marks is not None
        statement, values = as_sent(cursor_rows(listing, (), terms, 20, marks=[*marks], backwards=backwards))
        explained = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *values)
        for scan in scans(json.loads(explained)[0]["Plan"]):
            # A place's own few rows may come by a bitmap.
            assert "Index Cond" in scan or "Recheck Cond" in scan, scan
            # The page's, and perhaps those of a range that is small by another index: never all that lie before.
            assert scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) < ROWS / 40, scan


ORDERS = [
    (*(f"{sign}{name}" for sign, name in zip(signs, names, strict=False)), last)
    for names in (("made_at",), ("rank",), ("rank", "name"), ("made_at", "rank"))
    for signs in itertools.product(("", "-"), repeat=len(names))
    for last in ("id", "-id")
]


@pytest.mark.parametrize("terms", ORDERS, ids=" ".join)
async def test_what_comes_after_and_before_any_row_is_what_the_order_says(
    connection: asyncpg.Connection, terms: tuple[str, ...]
) -> None:
    rows = await connection.fetch(in_order("few", terms))
    keys = [row["id"] for row in rows]
    for place, row in enumerate(rows):
        for backwards in (False, True):
            statement, values = as_sent(cursor_rows(FEW, (), terms, 5, marks=[*row], backwards=backwards))
            found = [item[0] for item in await connection.fetch(statement, *values)]
            expected = keys[:place][::-1] if backwards else keys[place + 1 :]
            assert found == expected[:6], (row, backwards)


@pytest.mark.parametrize("terms", ORDERS, ids=" ".join)
async def test_rows_that_are_read_once_come_in_the_same_order_with_the_same_marks(
    connection: asyncpg.Connection, terms: tuple[str, ...]
) -> None:
    rows = await connection.fetch(in_order("few", terms))
    names = dict(await connection.fetch("SELECT id, name FROM few"))
    for row in rows[::7]:
        statement, values = as_sent(FEW_ROWS.rows((), terms, limit=5, after=[*row], marked=True))
        after = rows[rows.index(row) + 1 :][:5]
        found = await connection.fetch(statement, *values)
        assert [tuple(item) for item in found] == [(each["id"], names[each["id"]], *each) for each in after]
