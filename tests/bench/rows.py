"""The rows that are measured on: 20,000 posts of 200 users, kept between runs, and put back before each load."""

import datetime as dt
import json
from collections.abc import Iterator
from itertools import cycle
from typing import Final
from uuid import uuid4

import jwt
import psycopg

from shared_schema.tokens import ACCESS, REFRESH, revoke_claim_value
from tests.bench.wrk import Request

USERS: Final = 200
POSTS: Final = 20_000
TAGS_PER_POST: Final = 3
# What a load writes bears this title, so that it differs from what was seeded.
_TITLE: Final = "bench: written under load"
_CONTENT: Final = "A paragraph such as people write, of about the length of a seeded one. " * 4
# Longer than any run.
_LIFETIME: Final = dt.timedelta(days=1)


class Rows:
    """The database of the benchmark as the owner of its tables, and the requests that its rows allow for.

    `admin` is a superuser's connection to the same server; `password` is what every user signs in with.
    """

    def __init__(
        self, owner: psycopg.Connection, admin: psycopg.Connection, *, jwt_signing_key: str, password: str
    ) -> None:
        self._owner = owner
        self._admin = admin
        self._key = jwt_signing_key
        self._password = password

    def missing(self) -> tuple[int, int]:
        """How many users and posts are still to be seeded."""
        self.restore()
        users, posts = self._count("SELECT count(*) FROM users"), self._count("SELECT count(*) FROM posts")
        return max(0, USERS - users), max(0, POSTS - posts)

    def sign_in_all(self) -> None:
        """Give every user the demo users' password: seeded users have none, and each hash would take 50 ms."""
        self._owner.execute(
            "UPDATE users SET password = alice.password FROM users alice WHERE alice.username = 'alice'"
        )

    def restore(self) -> None:
        """Remove what loads have written, dead rows too, and have the server write out what it has in memory."""
        # One statement sees one state: a stack may still be writing what the load before asked of it.
        self._owner.execute(
            "WITH gone AS (DELETE FROM posts WHERE title = %s RETURNING id) "
            "DELETE FROM blog_post_tags WHERE post_id IN (SELECT id FROM gone)",
            [_TITLE],
        )
        self._owner.execute("TRUNCATE token_blacklist_outstandingtoken, token_blacklist_blacklistedtoken")
        self._owner.execute("VACUUM ANALYZE users, posts, blog_post_tags")
        self._admin.execute("CHECKPOINT")

    def posts_written(self) -> int:
        """The posts that loads have created."""
        return self._count("SELECT count(*) FROM posts WHERE title = %s", _TITLE)

    def posts_published(self) -> int:
        """The drafts of `publishes` that are drafts no longer."""
        return self._count("SELECT count(*) FROM posts WHERE title = %s AND published", _TITLE)

    def tokens_issued(self) -> int:
        """The refresh tokens that have a row."""
        return self._count("SELECT count(*) FROM token_blacklist_outstandingtoken")

    def tokens_ended(self) -> int:
        """The refresh tokens that are blacklisted."""
        return self._count("SELECT count(*) FROM token_blacklist_blacklistedtoken")

    def own_lists(self, _number: int) -> Iterator[Request]:
        """Each user's own posts."""
        for user in self._user_ids():
            yield Request(path="/posts/", token=self._access(user))

    def feeds(self, _number: int) -> Iterator[Request]:
        """Everybody's posts, asked by nobody in particular."""
        yield Request(path="/feed/")

    def tags(self, _number: int) -> Iterator[Request]:
        """The first page of tags, asked by nobody in particular."""
        yield Request(path="/tags/")

    def details(self, _number: int) -> Iterator[Request]:
        """Every tenth post, each asked by its author, but for those whose author is inactive."""
        tokens = {user: self._access(user) for user in self._user_ids()}
        posts = "SELECT id, author_id FROM posts WHERE title <> %s AND id %% 10 = 0 AND author_id = ANY(%s) ORDER BY id"
        for post, author in self._owner.execute(posts, [_TITLE, list(tokens)]):
            yield Request(path=f"/posts/{post}/", token=tokens[author])

    def creates(self, _number: int) -> Iterator[Request]:
        """A post of each user with three tags that are there already."""
        names = [name for (name,) in self._owner.execute("SELECT name FROM tags ORDER BY id")]
        for position, user in enumerate(self._user_ids()):
            tags = [names[(position + step) % len(names)] for step in range(TAGS_PER_POST)]
            body = {"title": _TITLE, "content": _CONTENT, "published": True, "tags": tags}
            yield Request(path="/posts/", token=self._access(user), body=json.dumps(body))

    def publishes(self, number: int) -> Iterator[Request]:
        """So many drafts, which are written now, each published by its author; the authors take turns."""
        users = self._user_ids()
        tokens = [self._access(user) for user in users]
        drafts = """
            INSERT INTO posts (title, content, author_id, created_at, published)
            SELECT %s, %s, (%s::bigint[])[1 + n %% %s], now(), false FROM generate_series(0, %s) AS n RETURNING id
        """
        written = self._owner.execute(drafts, [_TITLE, _CONTENT, users, len(users), number - 1])
        self._owner.execute("ANALYZE posts")
        for (post,), token in zip(written, cycle(tokens), strict=False):
            yield Request(path=f"/posts/{post}/publish/", token=token)

    def obtains(self, _number: int) -> Iterator[Request]:
        """Each user signs in."""
        for (name,) in self._owner.execute("SELECT username FROM users ORDER BY id"):
            yield Request(path="/auth/token/", body=json.dumps({"username": name, "password": self._password}))

    def refreshes(self, number: int) -> Iterator[Request]:
        """So many refresh tokens, each with the row that issuing it would have written; the users take turns."""
        now = dt.datetime.now(dt.UTC)
        issued = [(user, uuid4().hex) for user, _ in zip(cycle(self._user_ids()), range(number), strict=False)]
        rows = [(user, jti, self._token(REFRESH, user, jti), now, now + _LIFETIME) for user, jti in issued]
        columns = "user_id, jti, token, created_at, expires_at"
        with (
            self._owner.cursor() as cursor,
            cursor.copy(f"COPY token_blacklist_outstandingtoken ({columns}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)
        for _user, _jti, token, *_times in rows:
            yield Request(path="/auth/token/refresh/", body=json.dumps({"refresh": token}))

    def _user_ids(self) -> list[int]:
        return [user for (user,) in self._owner.execute("SELECT id FROM users WHERE is_active ORDER BY id")]

    def _access(self, user: int) -> str:
        return self._token(ACCESS, user, uuid4().hex)

    def _token(self, kind: str, user: int, jti: str) -> str:
        now = dt.datetime.now(dt.UTC)
        times = {"exp": now + _LIFETIME, "iat": now}
        claims = {"token_type": kind, **times, "jti": jti, "user_id": str(user), **self._revoke_claim(user)}
        return jwt.encode(claims, self._key, algorithm="HS256")

    def _revoke_claim(self, user: int) -> dict[str, str]:
        row = self._owner.execute("SELECT password FROM users WHERE id = %s", (user,)).fetchone()
        return {"hash_password": revoke_claim_value(row[0] if row else "")}

    def _count(self, query: str, *arguments: str) -> int:
        row = self._owner.execute(query, arguments).fetchone()
        assert row is not None, "count(*) always gives a row"
        number: int = row[0]
        return number
