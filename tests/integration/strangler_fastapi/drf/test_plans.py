"""By which plan PostgreSQL runs what a list reads, and how it counts what a search finds."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import BigInteger, Column, MetaData, Select, Table, Text
from sqlalchemy import select as sql_select
from sqlalchemy.orm import registry

from strangler_fastapi.db import plans, query
from strangler_fastapi.db.query import Shape, as_sent
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.criteria import Criteria, Criterion, equals
from strangler_fastapi.drf.filters.search import search_criteria
from strangler_fastapi.drf.pagination.listing import Listing
from tests.databases import empty_database
from tests.shared_stack import StackAddresses

pytestmark = pytest.mark.asyncio(loop_scope="module")

# A tenth of the rows is one author's, each other one has two. Every title has "word", three have "rare".
TABLE = """
CREATE TABLE written (id bigint PRIMARY KEY, author bigint NOT NULL, title text NOT NULL);
INSERT INTO written SELECT n, CASE WHEN n % 10 = 0 THEN 0 ELSE 1 + n / 2 END,
    'word ' || n || CASE WHEN n % 1000 = 7 THEN ' rare' ELSE '' END FROM generate_series(1, 3000) n;
CREATE INDEX ON written (author);
ANALYZE written;
"""
TERMS = ("-id",)


class Row:
    pass


_COLUMNS = (Column("id", BigInteger, primary_key=True), Column("author", BigInteger), Column("title", Text))
registry().map_imperatively(Row, Table("written", MetaData(), *_COLUMNS))
ROW: Any = Row


def _items(page: Any) -> Select[Any]:
    return sql_select(ROW.id).join_from(ROW, page, page.c.id == ROW.id)


LISTING = Listing("written", "Row", lambda: ROW.id, {}, lambda: SHAPE, _items)
SHAPE = Shape({"id": ROW.id})


def _items_of_rows(page: Any) -> Select[Any]:
    return sql_select(page.c.id)


LISTING_OF_ROWS = Listing(
    "rows written", "Row", lambda: ROW.id, {}, lambda: SHAPE, _items_of_rows, row=lambda: [ROW.title]
)


def by(author: int) -> Criteria:
    return (equals("author", lambda: ROW.author, author),)


def having(word: str, *others: Criterion) -> Criteria:
    return (*search_criteria({"search": word}, lambda: (ROW.title,)), *others)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def connection(stack: StackAddresses, worker_id: str) -> AsyncIterator[asyncpg.Connection]:
    with empty_database(admin_dsn=stack.admin_dsn, name=f"plans_{worker_id}") as database:
        connection = await asyncpg.connect(database.owner_dsn)
        await connection.execute(TABLE)
        yield connection
        await connection.close()


@pytest.fixture
def session(connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> RequestSession:
    """A session that reads by the connection, and no statement that was run before."""
    monkeypatch.setattr(query, "_compiled", type(query._compiled)())

    async def driver() -> asyncpg.Connection:
        return connection

    return cast("RequestSession", SimpleNamespace(driver=driver))


@pytest.fixture
def everything_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "_SLOW_SECONDS", 0.0)


async def kept_runs(connection: asyncpg.Connection, text: str) -> int:
    """How often the statement that is kept was run by a plan for its values, and by one for any."""
    runs = "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement = $1"
    return await connection.fetchval(runs, text) or 0


async def test_a_quick_statement_is_prepared_once(session: RequestSession, connection: asyncpg.Connection) -> None:
    text, _ = as_sent(LISTING.rows(by(0), TERMS, limit=5))
    before = await kept_runs(connection, text)
    for author in range(7):
        await LISTING.fetch(session, by(author), TERMS, limit=5)
    assert await kept_runs(connection, text) == before + 7


@pytest.mark.usefixtures("everything_is_slow")
async def test_a_slow_one_is_planned_for_its_values(session: RequestSession, connection: asyncpg.Connection) -> None:
    text, _ = as_sent(LISTING.rows(by(0), TERMS, limit=6))
    first = await LISTING.fetch(session, by(0), TERMS, limit=6)
    assert await kept_runs(connection, text) == 1
    assert await LISTING.fetch(session, by(0), TERMS, limit=6) == first
    assert await LISTING.fetch(session, by(2), TERMS, limit=6) == [{"id": 3}, {"id": 2}]
    assert await kept_runs(connection, text) == 1


@pytest.mark.usefixtures("everything_is_slow")
@pytest.mark.parametrize("listing", [LISTING, LISTING_OF_ROWS], ids=["keys", "rows"])
@pytest.mark.parametrize(
    ("criteria", "apart"),
    [
        (having("word"), True),
        (having("word", *by(0)), True),
        (having("rare"), False),
        (having("word", *by(2)), False),
        (having("nothing"), False),
    ],
)
async def test_what_is_common_is_counted_apart_from_the_page_and_counted_right(
    session: RequestSession, criteria: Criteria, listing: Listing, *, apart: bool
) -> None:
    together = await listing.fetch_page(session, criteria, TERMS, limit=5, offset=1)
    assert together == await LISTING.fetch_page(session, criteria, TERMS, limit=5, offset=1)
    assert await listing.fetch_page(session, criteria, TERMS, limit=5, offset=1) == together
    assert any("apart" in key[-1] for key in query._compiled) is apart
