"""The limit: one ASGI function, one statement, and a body that PostgreSQL has written as JSON. No framework.

What it leaves out: all that isn't asked for here, such as pages, filters, orders, other methods, errors in DRF's words.
"""

from typing import Any

import asyncpg

from shared_schema.tokens import revoke_claim_value
from tests.bench.peers.shared import PAGE_SIZE, PREFIX, Refused, claims, pooled, serve

_TIME = """to_char({0} AT TIME ZONE 'UTC', CASE WHEN extract(microseconds FROM {0})::int % 1000000 = 0
    THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END)"""
_POST = f"""
SELECT p.id, p.title, p.content, author_row AS author,
    ARRAY(SELECT t.name FROM tags t JOIN blog_post_tags l ON l.tag_id = t.id WHERE l.post_id = p.id ORDER BY t.name)
        AS tags,
    p.published, {_TIME.format("p.created_at")} AS created_at
FROM posts p, (
    SELECT u.id, u.username, '@' || u.username AS display_name, {_TIME.format("u.created_at")} AS created_at,
        m.post_count
) AS author_row(id, username, display_name, created_at, post_count)
WHERE p.author_id = u.id
"""  # noqa: S608 - constants of this file
# Of each account: is_active, password, how many posts, and the JSON.
_OWN_LIST = f"""
SELECT u.is_active, u.password, m.post_count, (
    SELECT array_to_json(array_agg(row_to_json(item)))::text
    FROM ({_POST} ORDER BY p.created_at DESC, p.id DESC LIMIT {PAGE_SIZE}) AS item
)
FROM users u, LATERAL (SELECT count(*) AS post_count FROM posts WHERE author_id = u.id) AS m WHERE u.id = $1
"""  # noqa: S608 - as above
_DETAIL = f"""
SELECT u.is_active, u.password, m.post_count, (SELECT row_to_json(item)::text FROM ({_POST} AND p.id = $2) AS item)
FROM users u, LATERAL (SELECT count(*) AS post_count FROM posts WHERE author_id = u.id) AS m WHERE u.id = $1
"""  # noqa: S608 - as above
_POSTS = f"{PREFIX}/posts/"


class Limit:
    """The ASGI application."""

    def __init__(self) -> None:
        self._pool: asyncpg.Pool | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers a request, or runs from start to end."""
        if scope["type"] == "lifespan":
            await receive()
            async with pooled() as self._pool:
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        try:
            status, body = 200, await self._body(scope)
        except Refused:
            status, body = 401, b"{}"
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _body(self, scope: Any) -> bytes:
        assert self._pool is not None
        headers = dict(scope["headers"])
        payload = claims(headers.get(b"authorization", b"").decode("latin-1").removeprefix("Bearer "))
        user, named = int(payload["user_id"]), scope["path"].removeprefix(_POSTS).rstrip("/")
        arguments = (_DETAIL, user, int(named)) if named else (_OWN_LIST, user)
        row = await self._pool.fetchrow(*arguments)
        if row is None or not row[0] or payload["hash_password"] != revoke_claim_value(row[1]):
            raise Refused
        if named:
            return str(row[3]).encode()
        further = f'"http://{headers[b"host"].decode()}{_POSTS}?page=2"' if row[2] > PAGE_SIZE else "null"
        return f'{{"count":{row[2]},"next":{further},"previous":null,"results":{row[3] or "[]"}}}'.encode()


if __name__ == "__main__":
    serve(Limit())
