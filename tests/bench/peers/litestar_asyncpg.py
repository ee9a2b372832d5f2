"""Litestar with asyncpg: handlers with dependencies for the pool and the caller; msgspec writes the JSON.

What it leaves out: pages, filters, orders, other methods and errors in DRF's words.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from litestar import Litestar, Request, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import NotAuthorizedException, NotFoundException

from tests.bench.peers import shared


@asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncIterator[None]:
    async with shared.pooled() as app.state.pool:
        yield


async def _pool(state: State) -> asyncpg.Pool:
    return state.pool


async def _caller(request: Request[Any, Any, State], pool: asyncpg.Pool) -> int:
    try:
        return await shared.caller(pool, request.headers.get("authorization", ""))
    except shared.Refused:
        raise NotAuthorizedException from None


@get(f"{shared.PREFIX}/posts/")
async def posts_list(request: Request[Any, Any, State], pool: asyncpg.Pool, caller: int) -> dict[str, Any]:
    """The caller's newest posts."""
    return await shared.own_list(pool, caller, request.headers["host"])


@get(f"{shared.PREFIX}/posts/{{pk:int}}/")
async def posts_retrieve(pk: int, pool: asyncpg.Pool, caller: int) -> dict[str, Any]:
    """One of the caller's posts."""
    found = await shared.detail(pool, caller, pk)
    if found is None:
        raise NotFoundException
    return found


app = Litestar(
    [posts_list, posts_retrieve],
    lifespan=[_lifespan],
    dependencies={"pool": Provide(_pool), "caller": Provide(_caller)},
    openapi_config=None,
    signature_types=[asyncpg.Pool],
)


if __name__ == "__main__":
    shared.serve(app)
