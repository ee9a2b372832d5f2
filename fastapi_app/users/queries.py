"""Reads of users. `post_count` is a subquery: PostgreSQL then counts for the rows of the page alone."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Executable,
    Select,
    Text,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.sql.selectable import LateralFromClause

from fastapi_app.models import Post, User
from strangler_fastapi.db.query import Rows, Shape
from strangler_fastapi.drf.criteria import Criteria, Criterion, equals, primary_key
from strangler_fastapi.drf.filters.filtering import Params, ordering_terms
from strangler_fastapi.drf.filters.search import search_criteria
from strangler_fastapi.drf.pagination.listing import Listing

# Constants are written into the statement: a parameter less to send, and a plan that PostgreSQL can keep.
AT: ColumnElement[str] = literal_column("'@'", Text)


def _posts_counted() -> Select[int]:
    posts = select(func.count().label("post_count")).select_from(Post).where(Post.author_id == User.id)
    return posts.correlate(User)


@cache
def post_count() -> ColumnElement[int]:
    """How many posts a user has, drafts included."""
    return _posts_counted().scalar_subquery()


@cache
def _posts_of_each() -> LateralFromClause:
    """`post_count` as a table beside `users`: what filters and orders by it counts once, and not for each."""
    return _posts_counted().lateral("posts_of_each")


def _user_shape(posts: ColumnElement[int]) -> Shape:
    return Shape(
        {
            "id": User.id,
            "username": User.username,
            "display_name": AT.concat(User.username),
            "created_at": User.created_at,
            "post_count": posts,
        }
    )


@cache
def user_shape() -> Shape:
    """A user as everybody sees it."""
    return _user_shape(post_count())


@cache
def _active_shape() -> Shape:
    return _user_shape(_posts_of_each().c.post_count)


@cache
def me_shape() -> Shape:
    """A user as the user sees it: with the e-mail."""
    return Shape(
        {
            "id": User.id,
            "username": User.username,
            "email": User.email,
            "display_name": AT.concat(User.username),
            "created_at": User.created_at,
            "post_count": post_count(),
        }
    )


_ORDERINGS: dict[str, Callable[[], Any]] = {
    "id": lambda: User.id,
    "username": lambda: User.username,
    "created_at": lambda: User.created_at,
    "post_count": post_count,
}


DEFAULT = ("id",)


def _items(shape: Shape, page: CTE) -> Select[Any]:
    return select(*shape.columns).join_from(User, page, page.c.id == User.id)


def _active_items(page: CTE) -> Select[Any]:
    return _items(_active_shape(), page).join(_posts_of_each(), true())


USERS = Listing("users", "User", lambda: User.id, _ORDERINGS, user_shape, lambda page: _items(user_shape(), page))
ACTIVE = Listing(
    "users active",
    "User",
    lambda: User.id,
    {**_ORDERINGS, "post_count": lambda: _posts_of_each().c.post_count},
    _active_shape,
    _active_items,
)
ME = Listing("me", "User", lambda: User.id, _ORDERINGS, me_shape, lambda page: _items(me_shape(), page))


def user_terms(params: Params) -> tuple[str, ...]:
    """The order that `?ordering=` asks for."""
    return ordering_terms(params, _ORDERINGS, DEFAULT)


def user_criteria(params: Params) -> Criteria:
    """What `?search=` leaves."""
    return search_criteria(params, lambda: (User.username,))


def user_active_criteria(params: Params, *, min_posts: int) -> Criteria:
    """Users with at least `min_posts` posts, drafts included: for `ACTIVE`."""

    def clause() -> ColumnElement[bool]:
        return _posts_of_each().c.post_count >= bindparam("min_posts")

    return (*user_criteria(params), Criterion("min_posts", clause, {"min_posts": min_posts}, scans=True))


def user_pk_criteria(params: Params, *, pk: str) -> Criteria:
    """The user that a path names, if the search leaves it.

    Raises:
        NotFound: the path names no number.
    """
    return (*user_criteria(params), primary_key(lambda: User.id, pk))


def user_id_criteria(user_id: int) -> Criteria:
    """The user with this id."""
    return (equals("pk", lambda: User.id, user_id),)


def user_ranks(caller_id: int, user_id: int) -> Rows:
    """What decides whether one user may change another, of both: `id`, `is_staff`, `is_superuser`."""

    def build() -> Executable:
        chosen = or_(User.id == bindparam("caller"), User.id == bindparam("user"))
        return select(User.id, User.is_staff, User.is_superuser).where(chosen)

    return Rows("user ranks", build, {"caller": caller_id, "user": user_id})


def user_insert(row: Mapping[str, Any]) -> Executable:
    """Adds a user of these columns; returns the id."""
    return insert(User.__table__).values(row).returning(User.id)


def user_change(user_id: int, columns: Mapping[str, Any]) -> Executable:
    """Changes these columns; returns the id, none where there is no such user."""
    return update(User.__table__).where(User.id == user_id).values(columns).returning(User.id)


def user_stored(user_id: int | None) -> Executable:
    """What a new password may not resemble, and the old one's hash: `username`, `email`, `password`."""
    return select(User.username, User.email, User.password).where(User.id == user_id)
