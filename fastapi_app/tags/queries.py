"""Reads of tags."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from fastapi_app.drf.filtering import Params, ordering, primary_key, search_condition
from fastapi_app.reads import Shape
from shared_schema.models import PostTag, Tag


@cache
def post_count() -> ColumnElement[int]:
    """How many posts bear a tag, drafts included."""
    links = select(func.count()).select_from(PostTag).where(PostTag.tag_id == Tag.id)
    return links.correlate(Tag).scalar_subquery()


@cache
def tag_shape() -> Shape:
    """A tag and how many posts bear it."""
    return Shape({"id": Tag.id, "name": Tag.name, "post_count": post_count()})


def tag_list(params: Params) -> Select[Any]:
    """All tags that the search leaves, in the order asked for."""
    terms = ordering(params, {"name": Tag.name, "post_count": post_count()}, key=Tag.id, default=("name",))
    return tag_shape().select().where(*search_condition(params, (Tag.name,))).order_by(*terms)


def tag_find(params: Params, *, pk: str) -> Select[Any]:
    """The id of one tag, if the search leaves it."""
    return select(Tag.id).where(*search_condition(params, (Tag.name,)), primary_key(Tag.id, pk))


def tag_get(params: Params, *, pk: str) -> Select[Any]:
    """One tag, if the search leaves it."""
    return tag_shape().select().where(*search_condition(params, (Tag.name,)), primary_key(Tag.id, pk))
