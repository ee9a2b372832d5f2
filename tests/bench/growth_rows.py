"""Databases of generated rows, of any size, and who asks for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

from fastapi_app.models import BLOG
from shared_schema.passwords import hash_password
from strangler_fastapi.auth.tokens import Tokens
from tests.databases import OwnDatabase, granted_database

PASSWORD: Final = "of whoever signs in for a benchmark"
# Their ids. The first one wrote a twentieth of all posts, anybody else about fifty.
AUTHOR, OTHER, STAFF = 1, 2, 3
TAGS: Final = 100
_POSTS_OF_A_USER: Final = 50
_BEGIN: Final = datetime(2024, 1, 1, tzinfo=UTC)
# A fifth of the posts are drafts; a second lies between two. The triggers that note events are left out: they keep
# the newest 100,000, whatever is there.
_FILL: Final = """
SET session_replication_role = replica;
INSERT INTO users (username, email, password, is_staff, is_active, is_superuser, first_name, last_name, date_joined,
    created_at)
SELECT 'user' || n, 'user' || n || '@example.com', %(password)s, n = %(staff)s, true, false, '', '', now(), now()
FROM generate_series(1, %(users)s) n;
INSERT INTO tags (name) SELECT 'tag ' || n FROM generate_series(1, %(tags)s) n;
INSERT INTO posts (title, content, author_id, published, created_at)
SELECT 'Post ' || n, repeat(md5(n::text) || ' ', 10),
    CASE WHEN n %% 20 = 1 THEN %(author)s ELSE n %% %(users)s + 1 END, n %% 5 > 0, %(begin)s + n * interval '1 second'
FROM generate_series(1, %(posts)s) n;
INSERT INTO blog_post_tags (post_id, tag_id) SELECT n, n %% %(tags)s + 1 FROM generate_series(1, %(posts)s) n;
"""


@dataclass(frozen=True, kw_only=True)
class GrowthRows:
    """A database with so many posts, and the key that tokens of its users are signed with."""

    database: OwnDatabase
    posts: int
    jwt_signing_key: str

    @property
    def users(self) -> int:
        """How many users it has."""
        return self.posts // _POSTS_OF_A_USER

    def created_at(self, post: int) -> str:
        """When a post was written."""
        return (_BEGIN + timedelta(seconds=post)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def access(self, user: int) -> str:
        """An access token, good for as long as those of a sign-in."""
        tokens, now = Tokens(self.jwt_signing_key, BLOG.contract.token_settings), datetime.now(UTC)
        with psycopg.connect(self.database.owner_dsn) as connection:
            stored = connection.execute("SELECT password FROM users WHERE id = %s", (user,)).fetchone()
        refresh = tokens.new_refresh(user, now, password_hash=str(stored and stored[0]))
        return tokens.encode(tokens.access_of(refresh, now))


@contextmanager
def growth_rows(*, admin_dsn: str, posts: int, jwt_signing_key: str) -> Iterator[GrowthRows]:
    """Makes the rows, and leaves the tables as autovacuum would; all is dropped at the end."""
    with granted_database(admin_dsn=admin_dsn, name=f"growth_{posts}") as database:
        rows = GrowthRows(database=database, posts=posts, jwt_signing_key=jwt_signing_key)
        values = {"posts": posts, "users": rows.users, "tags": TAGS, "author": AUTHOR, "staff": STAFF, "begin": _BEGIN}
        with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
            psycopg.ClientCursor(connection).execute(_FILL, values | {"password": hash_password(PASSWORD)})
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")
        yield rows
