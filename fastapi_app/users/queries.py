"""Reads of users. `post_count` is a subquery: PostgreSQL then counts for the rows of the page alone."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select

from fastapi_app.drf.filtering import Params, ordering, primary_key, search_condition
from fastapi_app.reads import Shape
from shared_schema.models import Post, User


@cache
def post_count() -> ColumnElement[int]:
    """How many posts a user has, drafts included."""
    posts = select(func.count()).select_from(Post).where(Post.author_id == User.id)
    return posts.correlate(User).scalar_subquery()


@cache
def user_shape() -> Shape:
    """A user as everybody sees it."""
    return Shape(
        {
            "id": User.id,
            "username": User.username,
            "display_name": literal("@").concat(User.username),
            "created_at": User.created_at,
            "post_count": post_count(),
        }
    )


@cache
def me_shape() -> Shape:
    """A user as the user sees it."""
    return Shape(
        {
            "id": User.id,
            "username": User.username,
            "email": User.email,
            "display_name": literal("@").concat(User.username),
            "created_at": User.created_at,
            "post_count": post_count(),
        }
    )


def user_list(params: Params) -> Select[Any]:
    """All users that the search leaves, in the order asked for."""
    allowed = {"id": User.id, "username": User.username, "created_at": User.created_at, "post_count": post_count()}
    terms = ordering(params, allowed, key=User.id, default=("id",))
    return user_shape().select().where(*search_condition(params, (User.username,))).order_by(*terms)


def user_list_active(params: Params, *, min_posts: int) -> Select[Any]:
    """The users with at least `min_posts` posts, drafts included."""
    return user_list(params).where(post_count() >= min_posts)


def user_get(params: Params, *, pk: str) -> Select[Any]:
    """One user, if the search leaves it."""
    conditions = search_condition(params, (User.username,))
    return user_shape().select().where(*conditions, primary_key(User.id, pk))


def user_find(params: Params, *, pk: str) -> Select[Any]:
    """The id of one user, if the search leaves it."""
    return select(User.id).where(*search_condition(params, (User.username,)), primary_key(User.id, pk))


def me_get(*, user_id: int) -> Select[Any]:
    """The caller."""
    return me_shape().select().where(User.id == user_id)
