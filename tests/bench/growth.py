"""`make bench-growth`: what v2's reads cost as the tables grow. Exit codes: 0 measured, 2 wrong usage, 4 failed.

The application runs in this process over a database of generated rows, one size after the other, and gets one request
at a time: what is measured is a request without network, alone on its PostgreSQL.
"""

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from statistics import median
from typing import Annotated, Final

import httpx
import psycopg
import typer
from pydantic import SecretStr
from pydantic_core import to_json

from fastapi_app.config import Settings
from fastapi_app.main import create_app
from fastapi_app.models import BLOG
from shared_schema.passwords import hash_password
from strangler.cli.output import logged_show, say
from strangler.errors import FailedError
from strangler.local.process import StopSignals
from strangler_fastapi.auth.tokens import Tokens
from tests.bench.command import bench_run
from tests.bench.stack import bench_stack
from tests.databases import OwnDatabase, migrated_database

_KEY: Final = "the key of a benchmark, which nobody else's tokens are signed with"
_REQUESTS: Final = 9
_START_SECONDS: Final = 30
# A fiftieth as many users as posts. The first one has a twentieth of all posts. The triggers that note events are left
# out: they keep the newest 100,000, whatever is there.
_FILL: Final = """
SET session_replication_role = replica;
INSERT INTO users (username, email, password, is_staff, is_active, is_superuser, first_name, last_name, date_joined,
    created_at)
SELECT 'user' || n, 'user' || n || '@example.com', %(password)s, false, true, false, '', '', now(), now()
FROM generate_series(1, %(posts)s / 50) n;
INSERT INTO tags (name) SELECT 'tag ' || n FROM generate_series(1, 100) n;
INSERT INTO posts (title, content, author_id, published, created_at)
SELECT 'Post ' || n, repeat(md5(n::text) || ' ', 10), CASE WHEN n %% 20 = 1 THEN 1 ELSE n %% (%(posts)s / 50) + 1 END,
    n %% 5 > 0, timestamptz '2024-01-01' + n * interval '1 second'
FROM generate_series(1, %(posts)s) n;
INSERT INTO blog_post_tags (post_id, tag_id) SELECT n, n %% 100 + 1 FROM generate_series(1, %(posts)s) n;
"""
_READS: Final = {
    "feed": "feed/",
    "feed, last page": "feed/?page=last",
    "feed, by cursor, first page": "feed/?cursor=",
    "feed, by cursor, in the middle": "feed/?cursor=MIDDLE",
    "feed, a word that one post has": f"feed/?search={hashlib.md5(b'3', usedforsecurity=False).hexdigest()}",
    "own list": "posts/",
    "own list, drafts": "posts/?published=false",
    "users": "users/",
    "users, active": "users/active/?min_posts=10",
    "users, active, busiest first": "users/active/?min_posts=10&ordering=-post_count",
}


async def measure(database: OwnDatabase, posts: int) -> dict[str, float]:
    """Milliseconds of each read, the median of several requests."""
    async with _client(database) as client:
        middle = await _cursor(client, f"feed/?page={posts * 4 // 5 // 40}")
        return {name: await _median_ms(client, path.replace("MIDDLE", middle)) for name, path in _READS.items()}


async def _cursor(client: httpx.AsyncClient, page: str) -> str:
    """The cursor of what comes after a page by number."""
    last = (await client.get(page)).json()["results"][-1]
    text = to_json([["-created_at", "-id"], [last["created_at"], last["id"]], False])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


async def _median_ms(client: httpx.AsyncClient, path: str) -> float:
    """Of requests after two that warm up: the second of each statement is prepared."""
    times = []
    for _ in range(_REQUESTS + 2):
        started = time.perf_counter()
        answer = await client.get(path)
        times.append(time.perf_counter() - started)
        if answer.status_code != httpx.codes.OK:
            raise FailedError(f"{path} was answered {answer.status_code}: {answer.text[:200]}")
    return median(times[2:]) * 1000


@asynccontextmanager
async def _client(database: OwnDatabase) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        fastapi_database_url=database.owner_dsn,
        jwt_signing_key=SecretStr(_KEY),
        allowed_hosts="growth",
        log_level="warning",
        statement_timeout=0,
    )
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    url = "http://growth/api/v2/"
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=url, headers=_bearer(database), timeout=None) as client,  # noqa: S113 - a slow answer is what is measured
    ):
        deadline = time.monotonic() + _START_SECONDS
        while (await client.get("health/ready")).status_code != httpx.codes.OK:
            if time.monotonic() > deadline:
                raise FailedError("FastAPI did not become ready")
        yield client


def _bearer(database: OwnDatabase) -> dict[str, str]:
    tokens, now = Tokens(_KEY, BLOG.contract.token_settings), datetime.now(UTC)
    with psycopg.connect(database.owner_dsn) as connection:
        stored = connection.execute("SELECT password FROM users WHERE id = 1").fetchone()
    refresh = tokens.new_refresh(1, now, password_hash=str(stored and stored[0]))
    return {"Authorization": f"Bearer {tokens.encode(tokens.access_of(refresh, now))}"}


def fill(database: OwnDatabase, posts: int) -> None:
    """Makes the rows, and leaves the tables as autovacuum would."""
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        psycopg.ClientCursor(connection).execute(_FILL, {"posts": posts, "password": hash_password("a benchmark's")})
        connection.execute("VACUUM (ANALYZE)")


def bench(
    posts: Annotated[list[int], typer.Option(min=1000, help="So many posts; several times for several sizes.")] = [  # noqa: B006 - typer's own way, never changed
        10_000,
        1_000_000,
    ],
) -> None:
    """Measure each read over each number of posts."""
    with StopSignals() as signals:
        logged_show()
        with bench_stack(workers=1, check=signals.check) as stack:
            found = [_measured(stack.admin_dsn, number) for number in posts]
    say("milliseconds with " + ", ".join(f"{number:,}" for number in posts) + " posts")
    for name in _READS:
        say(f"{name}: " + ", ".join(f"{times[name]:.1f}" for times in found))


def _measured(admin_dsn: str, posts: int) -> dict[str, float]:
    with migrated_database(admin_dsn=admin_dsn, name=f"growth_{posts}") as database:
        fill(database, posts)
        return asyncio.run(measure(database, posts))


if __name__ == "__main__":
    bench_run(bench, name="bench-growth")
