"""FastAPI with asyncpg by hand: endpoints with a dependency each for the pool and the caller, SQL, dictionaries.

What it leaves out: pages, filters, orders, other methods and errors in DRF's words. Answers are JSON of Pydantic's
serialiser without a `response_model`, which would cost as much again.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from pydantic_core import to_json

from tests.bench.peers import shared


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with shared.pooled() as app.state.pool:
        yield


app = FastAPI(lifespan=_lifespan)


async def _pool(request: Request) -> asyncpg.Pool:
    return request.app.state.pool


Pool = Annotated[asyncpg.Pool, Depends(_pool)]


async def _caller(pool: Pool, authorization: Annotated[str, Header()]) -> int:
    try:
        return await shared.caller(pool, authorization)
    except shared.Refused:
        raise HTTPException(401) from None


Caller = Annotated[int, Depends(_caller)]


@app.get(f"{shared.PREFIX}/posts/")
async def posts_list(request: Request, pool: Pool, caller: Caller) -> Response:
    """The caller's newest posts."""
    return _json(await shared.own_list(pool, caller, request.headers["host"]))


@app.get(f"{shared.PREFIX}/posts/{{pk}}/")
async def posts_retrieve(pk: int, pool: Pool, caller: Caller) -> Response:
    """One of the caller's posts."""
    found = await shared.detail(pool, caller, pk)
    if found is None:
        raise HTTPException(404)
    return _json(found)


def _json(content: Any) -> Response:
    return Response(to_json(content), media_type="application/json")


if __name__ == "__main__":
    shared.serve(app)
