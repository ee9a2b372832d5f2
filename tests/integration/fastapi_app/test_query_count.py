"""How many statements a request costs: as many for a hundred rows as for one."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.databases import OwnDatabase
from tests.integration.fastapi_app.conftest import Start, one_loop
from tests.integration.fastapi_app.running import ALICE, BOB, POSTS, Running, Statements, bearer

pytestmark = one_loop


# What the caller costs, and what the answer costs; a page is counted in the same trip.
LISTS = {
    "/feed/": 1,
    "/feed/highlights/": 1,
    "/posts/": 2,
    "/posts/recent/": 2,
    "/users/": 2,
    "/users/active/?min_posts=0": 2,
    "/users/2/posts/": 3,
    "/tags/": 1,
}
# How often a list's statements count, all together: the items of all pages, and the posts of each author or user.
COUNTS = {
    "/feed/": 2,
    "/feed/?page=last": 2,
    "/feed/?search=content": 2,
    "/feed/?cursor=": 1,
    "/feed/?view=minimal": 1,
    # The author's posts are those of the list.
    "/posts/": 1,
    "/posts/?published=true": 2,
    "/users/2/posts/": 1,
    "/users/3/posts/": 2,
    "/users/": 2,
    # The posts of every user for the filter, the users that it leaves, and for the page what it shows of them.
    "/users/active/?min_posts=0": 3,
    "/users/active/?min_posts=0&ordering=-post_count": 3,
    "/tags/": 2,
}
DETAILS = {"/posts/1/": 2, "/users/me/": 2, "/users/3/": 2, "/tags/1/": 1}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(start: Start, database: OwnDatabase) -> AsyncIterator[Running]:
    """One connection: what each asks once, about types of the database, comes before anything is counted."""
    async with start(database, pool_max=1) as running:
        yield running


@pytest.fixture(scope="module")
def seen(running: Running) -> Statements:
    return Statements(running.engine)


async def ask(running: Running, seen: Statements, path: str, user_id: int) -> tuple[httpx.Response, list[str]]:
    headers = {} if path.startswith(("/feed", "/tags")) else bearer(user_id)
    await running.client.get(path, headers=headers)
    seen.clear()
    response = await running.client.get(path, headers=headers)
    assert response.status_code == 200, response.text
    return response, [*seen]


@pytest.mark.parametrize(("path", "counts"), COUNTS.items())
async def test_a_list_counts_nothing_twice(running: Running, seen: Statements, path: str, counts: int) -> None:
    response, statements = await ask(running, seen, path, ALICE)
    assert response.json()["results"]
    assert sum(statement.count("count(") for statement in statements) == counts, "\n".join(statements)


@pytest.mark.parametrize(("path", "most"), LISTS.items())
async def test_a_list_of_many_costs_as_many_statements_as_a_list_of_one(
    running: Running, seen: Statements, path: str, most: int
) -> None:
    glue = "&" if "?" in path else "?"
    many, for_many = await ask(running, seen, f"{path}{glue}page_size=100&limit=50", ALICE)
    _, for_one = await ask(running, seen, f"{path}{glue}page_size=1&limit=1", BOB)
    rows = many.json()
    assert len(rows if isinstance(rows, list) else rows["results"]) > 1
    assert len(for_many) == len(for_one) <= most, "\n".join(for_many)


@pytest.mark.parametrize(("path", "most"), DETAILS.items())
async def test_one_thing_costs_one_statement_beyond_the_caller(
    running: Running, seen: Statements, path: str, most: int
) -> None:
    _, counted = await ask(running, seen, path, ALICE)
    assert 0 < len(counted) <= most, "\n".join(counted)


async def test_a_page_of_all_posts_holds_them(running: Running, seen: Statements) -> None:
    response, _ = await ask(running, seen, "/posts/?page_size=100", ALICE)
    assert response.json()["count"] == len(response.json()["results"]) == POSTS


@pytest.mark.parametrize("path", ["/posts/", "/posts/1/", "/feed/", "/tags/"])
async def test_a_new_connection_is_asked_for_no_types(running: Running, seen: Statements, path: str) -> None:
    """The driver asks for those that it doesn't know by heart, in three statements: arrays of varchar are of them."""
    await running.engine.dispose()
    seen.clear()
    assert (await running.client.get(path, headers=bearer(ALICE))).status_code == 200
    assert not [statement for statement in seen if "pg_" in statement]
