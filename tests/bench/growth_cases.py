"""The requests that both stacks are sent as the tables grow: every endpoint that Django has, read and written.

What writes is a chain, in which each step uses the answer of the one before, and whose end puts the rows back.
"""

import base64
import hashlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic_core import to_json

from tests.bench.growth_rows import AUTHOR, OTHER, PASSWORD, STAFF, TAGS, GrowthRows

_NEWEST: Final = ["-created_at", "-id"]
_PAGE: Final = 20
# What is written is found by nobody else's search.
_TITLE: Final = "Written by a benchmark"
_CONTENT: Final = "A paragraph such as people write, of about the length of a generated one. " * 4


@dataclass(frozen=True, kw_only=True)
class Step:
    """One request.

    `route` is its endpoint's name in `nginx/routes.toml`, `path` is below a stack's prefix, `user` sends it, nobody
    where that is None. Where v1 has no such request, `path_of_v1` is the one that is answered with the same rows.
    """

    name: str
    route: str
    path: str
    method: str = "GET"
    user: int | None = None
    body: dict[str, Any] | None = None
    path_of_v1: str = ""

    @property
    def of_v1(self) -> "Step":
        """What v1 is sent."""
        return replace(self, path=self.path_of_v1 or self.path)


Chain = Generator[Step, Any, None]
"""Yields each step, and is sent its answer."""
Answers = Callable[[str, int | None], Any]
"""What v2 answers, of a path and who sends it."""


def reads(rows: GrowthRows, answers: Answers) -> list[Step]:
    """Every read."""
    return [
        *_of_feed(rows, answers),
        *_of_author(rows, answers),
        *_of_users(rows),
        Step(name="tags", route="tags.list", path="/tags/"),
        Step(name="tags, last page", route="tags.list", path="/tags/?page=last"),
        Step(name="tags, most used first", route="tags.list", path="/tags/?ordering=-post_count"),
        Step(name="tags, search", route="tags.list", path=f"/tags/?search={TAGS // 2}"),
        Step(name="tag", route="tags.retrieve", path="/tags/7/"),
    ]


def _of_feed(rows: GrowthRows, answers: Answers) -> list[Step]:
    published = rows.posts * 4 // 5
    middle = published // _PAGE // 2
    word = hashlib.md5(b"3", usedforsecurity=False).hexdigest()
    moment = rows.created_at(rows.posts // 2)
    paths = {
        "feed": "",
        "feed, page in the middle": f"?page={middle}",
        "feed, last page": "?page=last",
        "feed, page of 100": "?page_size=100",
        "feed, short form": "?view=minimal",
        "feed, oldest first": "?ordering=created_at",
        "feed, by title": "?ordering=title",
        "feed, of a tag": "?tag=tag%207",
        "feed, of an author": "?author=user7",
        "feed, since a moment": f"?created_after={moment}",
        "feed, until a moment": f"?created_before={moment}",
        "feed, a word that one post has": f"?search={word}",
        "feed, a word that all posts have": "?search=post",
    }
    steps = [Step(name=name, route="feed.list", path=f"/feed/{query}") for name, query in paths.items()]
    first = Step(name="feed, by cursor", route="feed.list", path="/feed/?cursor=", path_of_v1="/feed/")
    return [
        *steps,
        first,
        _after(middle - 1, replace(first, name="feed, by cursor, in the middle"), answers),
        Step(name="feed, highlights", route="feed.highlights", path="/feed/highlights/"),
    ]


def _of_author(rows: GrowthRows, answers: Answers) -> list[Step]:
    """What the author of a twentieth of all posts asks for."""
    middle = rows.posts // 20 // _PAGE // 2
    paths = {
        "own list": "",
        "own list, page in the middle": f"?page={middle}",
        "own list, last page": "?page=last",
        "own list, short form": "?view=minimal",
        "own list, by title": "?ordering=title",
        "own list, drafts": "?published=false",
        "own list, of a tag": "?tag=tag%202",
        "own list, search": "?search=post%201",
    }
    steps = [Step(name=name, route="posts.list", path=f"/posts/{query}", user=AUTHOR) for name, query in paths.items()]
    cursor = Step(
        name="own list, by cursor", route="posts.list", path="/posts/?cursor=", path_of_v1="/posts/", user=AUTHOR
    )
    return [
        *steps,
        cursor,
        _after(middle - 1, replace(cursor, name="own list, by cursor, in the middle"), answers),
        Step(name="own list of fifty posts", route="posts.list", path="/posts/", user=OTHER),
        Step(name="own newest posts", route="posts.recent", path="/posts/recent/", user=AUTHOR),
        Step(name="detail", route="posts.retrieve", path="/posts/21/", user=AUTHOR),
        Step(name="posts of a user", route="users.posts", path=f"/users/{AUTHOR}/posts/", user=OTHER),
    ]


def _after(page: int, first: Step, answers: Answers) -> Step:
    """The page that comes after one by number; v1 is asked for its number."""
    path = first.path_of_v1
    last = answers(f"{path}?page={page}", first.user)["results"][-1]
    text = to_json([_NEWEST, [last["created_at"], last["id"]], False])
    cursor = base64.urlsafe_b64encode(text).decode().rstrip("=")
    return replace(first, path=f"{path}?cursor={cursor}", path_of_v1=f"{path}?page={page + 1}")


def _of_users(rows: GrowthRows) -> list[Step]:
    paths = {
        ("users", "users.list"): "",
        ("users, page in the middle", "users.list"): f"?page={rows.users // _PAGE // 2}",
        ("users, last page", "users.list"): "?page=last",
        ("users, by name", "users.list"): "?ordering=username",
        ("users, busiest first", "users.list"): "?ordering=-post_count",
        ("users, search", "users.list"): "?search=user19",
        ("users, active", "users.active"): "active/?min_posts=10",
        ("users, active, busiest first", "users.active"): "active/?min_posts=10&ordering=-post_count",
        ("user", "users.retrieve"): f"{AUTHOR}/",
        ("caller", "users.me"): "me/",
    }
    return [Step(name=name, route=route, path=f"/users/{end}", user=OTHER) for (name, route), end in paths.items()]


def chains(rows: GrowthRows) -> list[Callable[[], Chain]]:
    """Everything that writes."""
    return [lambda: _life_of_a_post(rows), _life_of_a_tag, _life_of_a_user, _tokens]


def _life_of_a_post(rows: GrowthRows) -> Chain:
    tags = [f"tag {number}" for number in (1, 2, 3)]
    body = {"title": _TITLE, "content": _CONTENT, "tags": tags, "published": False}
    post = yield Step(name="create a post", route="posts.create", path="/posts/", method="POST", user=AUTHOR, body=body)
    path = f"/posts/{post['id']}/"
    replaced = body | {"tags": ["tag 3", "tag 4"]}
    yield Step(name="replace a post", route="posts.update", path=path, method="PUT", user=AUTHOR, body=replaced)
    title = {"title": f"{_TITLE}, {rows.posts}"}
    yield Step(name="change a post's title", route="posts.update", path=path, method="PATCH", user=AUTHOR, body=title)
    yield Step(name="publish a post", route="posts.publish", path=f"{path}publish/", method="POST", user=AUTHOR)
    yield Step(name="delete a post", route="posts.delete", path=path, method="DELETE", user=AUTHOR)


def _life_of_a_tag() -> Chain:
    name = {"name": "a benchmark's"}
    tag = yield Step(name="create a tag", route="tags.create", path="/tags/", method="POST", user=STAFF, body=name)
    path = f"/tags/{tag['id']}/"
    renamed = {"name": "a benchmark's, renamed"}
    yield Step(name="rename a tag", route="tags.update", path=path, method="PATCH", user=STAFF, body=renamed)
    yield Step(name="delete a tag", route="tags.delete", path=path, method="DELETE", user=STAFF)


def _life_of_a_user() -> Chain:
    body = {"username": "newcomer", "email": "newcomer@example.com", "password": PASSWORD}
    user = yield Step(name="register", route="users.create", path="/users/", method="POST", body=body)
    path = f"/users/{user['id']}/"
    renamed = {"username": "newcomer2"}
    yield Step(name="rename a user", route="users.update", path=path, method="PATCH", user=STAFF, body=renamed)
    own = {"email": "newcomer2@example.com"}
    yield Step(
        name="change the own e-mail", route="users.me_update", path="/users/me/", method="PATCH", user=OTHER, body=own
    )
    yield Step(name="delete a user", route="users.delete", path=path, method="DELETE", user=STAFF)


def _tokens() -> Chain:
    login = {"username": f"user{OTHER}", "password": PASSWORD}
    pair = yield Step(name="sign in", route="auth.token", path="/auth/token/", method="POST", body=login)
    access = {"token": pair["access"]}
    yield Step(name="verify a token", route="auth.verify", path="/auth/token/verify/", method="POST", body=access)
    refresh = {"refresh": pair["refresh"]}
    newer = yield Step(
        name="refresh a token", route="auth.refresh", path="/auth/token/refresh/", method="POST", body=refresh
    )
    ended = {"refresh": newer["refresh"]}
    yield Step(name="end a token", route="auth.blacklist", path="/auth/token/blacklist/", method="POST", body=ended)
