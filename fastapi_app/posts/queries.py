"""Reads of posts, each in one statement: author, author's post count and tags come along."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from fastapi_app.drf.filtering import (
    Params,
    Reader,
    boolean_filter,
    datetime_filter,
    filter_conditions,
    ordering,
    primary_key,
    search_condition,
    text_filter,
)
from fastapi_app.reads import Shape
from fastapi_app.users.queries import user_shape
from shared_schema.models import Post, PostTag, Tag, User

HIGHLIGHTED_AUTHOR = "admin"
HIGHLIGHTS = 10
_NEWEST = ("-created_at", "-id")


@cache
def post_shape() -> Shape:
    """A post, its author within."""
    names = select(func.array_agg(aggregate_order_by(Tag.name, Tag.name))).join(PostTag, PostTag.tag_id == Tag.id)
    tags = func.coalesce(names.where(PostTag.post_id == Post.id).correlate(Post).scalar_subquery(), [])
    return Shape(
        {
            "id": Post.id,
            "title": Post.title,
            "content": Post.content,
            "author": user_shape(),
            "tags": tags,
            "published": Post.published,
            "created_at": Post.created_at,
        }
    )


@cache
def post_minimal_shape() -> Shape:
    """A post for lists that know their authors."""
    return Shape({"id": Post.id, "title": Post.title, "author_id": Post.author_id})


def post_shape_for(params: Params) -> Shape:
    """The shape that `?view=` asks for."""
    return post_minimal_shape() if params.get("view") == "minimal" else post_shape()


def post_list_own(params: Params, *, user_id: int) -> Select[Any]:
    """The user's own posts that the filters leave, drafts included."""
    return _filtered(params, post_filters()).where(Post.author_id == user_id)


def post_get_own(params: Params, *, user_id: int, pk: str) -> Select[Any]:
    """One of the user's own posts, if the filters leave it."""
    return post_list_own(params, user_id=user_id).where(primary_key(Post.id, pk))


def post_find_own(params: Params, *, user_id: int, pk: str) -> Select[Any]:
    """The id of one of the user's own posts, if the filters leave it."""
    return select(Post.id).where(
        *_conditions(params, post_filters()), Post.author_id == user_id, primary_key(Post.id, pk)
    )


def post_get(*, post_id: int) -> Select[Any]:
    """One post, whosoever it is."""
    return post_shape().select().join(User, User.id == Post.author_id).where(Post.id == post_id)


def post_list_recent(params: Params, *, user_id: int, limit: int) -> Select[Any]:
    """The user's newest posts; no filter applies."""
    return _newest(params).where(Post.author_id == user_id).limit(limit)


def post_list_of_user(params: Params, *, author_id: int, viewer_id: int) -> Select[Any]:
    """The author's posts that the viewer may see: the published ones, and to the author all of them."""
    rows = _filtered(params, post_filters()).where(Post.author_id == author_id)
    return rows if author_id == viewer_id else rows.where(Post.published)


def post_list_published(params: Params) -> Select[Any]:
    """Everybody's published posts that the filters leave."""
    return _filtered(params, feed_filters()).where(Post.published)


def post_list_highlights(params: Params) -> Select[Any]:
    """The newest posts that are published or by `admin`; no filter applies."""
    by_admin = Post.author_id.in_(select(User.id).where(User.username == HIGHLIGHTED_AUTHOR))
    return _newest(params).where(or_(Post.published, by_admin)).limit(HIGHLIGHTS)


@cache
def post_filters() -> dict[str, Reader]:
    """What narrows every list of posts."""
    return {
        "published": boolean_filter(Post.published),
        "tag": text_filter(_has_tag),
        "created_after": datetime_filter(lambda moment: Post.created_at >= moment),
        "created_before": datetime_filter(lambda moment: Post.created_at <= moment),
    }


@cache
def feed_filters() -> dict[str, Reader]:
    """What narrows the feed."""
    return {**post_filters(), "author": text_filter(_is_by)}


def _has_tag(name: str) -> ColumnElement[bool]:
    links = select(PostTag.post_id).join(Tag, Tag.id == PostTag.tag_id)
    return Post.id.in_(links.where(Tag.name == name))


def _is_by(username: str) -> ColumnElement[bool]:
    return Post.author_id.in_(select(User.id).where(User.username == username))


def _filtered(params: Params, filters: dict[str, Reader]) -> Select[Any]:
    allowed = {"created_at": Post.created_at, "title": Post.title, "id": Post.id}
    terms = ordering(params, allowed, key=Post.id, default=_NEWEST)
    return _from(params).where(*_conditions(params, filters)).order_by(*terms)


def _conditions(params: Params, filters: dict[str, Reader]) -> list[ColumnElement[bool]]:
    return [*filter_conditions(params, filters), *search_condition(params, (Post.title, Post.content))]


def _newest(params: Params) -> Select[Any]:
    return _from(params).order_by(Post.created_at.desc(), Post.id.desc())


def _from(params: Params) -> Select[Any]:
    shape = post_shape_for(params)
    rows = shape.select().select_from(Post)
    return rows if shape is post_minimal_shape() else rows.join(User, User.id == Post.author_id)
