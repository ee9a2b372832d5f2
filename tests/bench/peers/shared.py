"""What the peers that speak to asyncpg share: settings, the check of a token, and statements."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Final

import asyncpg
import jwt
import uvicorn

from shared_schema.tokens import ACCESS, revoke_claim_value

DATABASE_URL: Final = os.environ["PEER_DATABASE_URL"]
PORT: Final = int(os.environ["PEER_PORT"])
KEY: Final = os.environ["PEER_JWT_KEY"]
PREFIX: Final = "/api/v2"
PAGE_SIZE: Final = 20
POOL: Final = 10

ACCOUNT: Final = "SELECT id, is_active, password FROM users WHERE id = $1"
COUNT: Final = "SELECT count(*) FROM posts WHERE author_id = $1"
_POSTS: Final = """
SELECT p.id, p.title, p.content, p.published, p.created_at,
    u.id AS author_id, u.username, u.created_at AS joined_at,
    ARRAY(
        SELECT t.name::text FROM tags t JOIN blog_post_tags l ON l.tag_id = t.id WHERE l.post_id = p.id ORDER BY t.name
    ) AS tags
FROM posts p JOIN users u ON u.id = p.author_id
"""
OWN_LIST: Final = f"{_POSTS} WHERE p.author_id = $1 ORDER BY p.created_at DESC, p.id DESC LIMIT {PAGE_SIZE}"
DETAIL: Final = f"{_POSTS} WHERE p.author_id = $1 AND p.id = $2"


class Refused(Exception):
    """Nobody whose request is answered."""


@lru_cache(maxsize=4096)
def claims(token: str) -> dict[str, Any]:
    """What a good access token says, verified once, as v2 does.

    :raises Refused: it is none.
    """
    try:
        payload: dict[str, Any] = jwt.decode(token, KEY, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise Refused from None
    if payload["token_type"] != ACCESS:
        raise Refused
    return payload


async def caller(pool: asyncpg.Pool, authorization: str) -> int:
    """The id of an active account whose password is still that of its token.

    :raises Refused: there is none.
    """
    payload = claims(authorization.removeprefix("Bearer "))
    account = await pool.fetchrow(ACCOUNT, int(payload["user_id"]))
    if account is None or not account["is_active"]:
        raise Refused
    if payload["hash_password"] != revoke_claim_value(account["password"]):
        raise Refused
    return int(account["id"])


def post(row: asyncpg.Record, post_count: int) -> dict[str, Any]:
    """A post as v2 shows it."""
    return {
        "id": row["id"],
        "title": row["title"],
        "content": row["content"],
        "author": {
            "id": row["author_id"],
            "username": row["username"],
            "display_name": f"@{row['username']}",
            "created_at": row["joined_at"],
            "post_count": post_count,
        },
        "tags": row["tags"],
        "published": row["published"],
        "created_at": row["created_at"],
    }


def page(host: str, count: int, results: list[dict[str, Any]]) -> dict[str, Any]:
    """DRF's envelope of the first page."""
    further = f"http://{host}{PREFIX}/posts/?page=2" if count > PAGE_SIZE else None
    return {"count": count, "next": further, "previous": None, "results": results}


async def own_list(pool: asyncpg.Pool, user: int, host: str) -> dict[str, Any]:
    """The caller's newest posts."""
    rows, count = await pool.fetch(OWN_LIST, user), await pool.fetchval(COUNT, user)
    return page(host, count, [post(row, count) for row in rows])


async def detail(pool: asyncpg.Pool, user: int, post_id: int) -> dict[str, Any] | None:
    """One of the caller's posts."""
    row = await pool.fetchrow(DETAIL, user, post_id)
    return None if row is None else post(row, await pool.fetchval(COUNT, user))


@asynccontextmanager
async def pooled() -> AsyncIterator[asyncpg.Pool]:
    """The driver's own pool."""
    async with asyncpg.create_pool(DATABASE_URL, min_size=POOL, max_size=POOL) as pool:
        yield pool


def serve(app: Any) -> None:
    """One process of uvicorn, set as v2's."""
    uvicorn.run(app, host="127.0.0.1", port=PORT, access_log=False, server_header=False, log_level="warning")
