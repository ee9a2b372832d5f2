"""Statements about tags."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import CTE, ColumnElement, Executable, Select, Text, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from fastapi_app.models import PostTag, Tag
from strangler_fastapi.db.query import Rows, Shape
from strangler_fastapi.drf.criteria import Criteria, equals, primary_key
from strangler_fastapi.drf.filtering import Params, ordering_terms, search_criteria
from strangler_fastapi.drf.listing import Listing


@cache
def post_count() -> ColumnElement[int]:
    """How many posts bear a tag, drafts included."""
    links = select(func.count()).select_from(PostTag).where(PostTag.tag_id == Tag.id)
    return links.correlate(Tag).scalar_subquery()


@cache
def tag_shape() -> Shape:
    """A tag and how many posts bear it."""
    return Shape({"id": Tag.id, "name": Tag.name, "post_count": post_count()})


_ORDERINGS: dict[str, Callable[[], Any]] = {"name": lambda: Tag.name, "post_count": post_count}


DEFAULT = ("name",)


def _items(page: CTE) -> Select[Any]:
    return select(*tag_shape().columns).join_from(Tag, page, page.c.id == Tag.id)


TAGS = Listing("tags", "Tag", lambda: Tag.id, _ORDERINGS, tag_shape, _items)


def tag_terms(params: Params) -> tuple[str, ...]:
    """The order that `?ordering=` asks for."""
    return ordering_terms(params, _ORDERINGS, DEFAULT)


def tag_criteria(params: Params) -> Criteria:
    """What `?search=` leaves."""
    return search_criteria(params, lambda: (Tag.name,))


def tag_pk_criteria(params: Params, *, pk: str) -> Criteria:
    """The tag that a path names, if the search leaves it.

    Raises:
        NotFound: the path names no number.
    """
    return (*tag_criteria(params), primary_key(lambda: Tag.id, pk))


def tag_id_criteria(tag_id: int) -> Criteria:
    """The tag with this id."""
    return (equals("pk", lambda: Tag.id, tag_id),)


def tags_named(names: Sequence[str]) -> Rows:
    """The tags of these names: `id`, `name`."""

    def build() -> Executable:
        given = bindparam("names", type_=ARRAY(Text))
        return select(Tag.id, Tag.name).where(Tag.name == func.any(given)).order_by(Tag.id)

    return Rows("tags named", build, {"names": list(names)})


def tags_insert(names: Sequence[str]) -> Rows:
    """Adds tags of these names; those that another request added meanwhile are left alone."""

    def build() -> Executable:
        given = select(func.unnest(bindparam("names", type_=ARRAY(Text))))
        return insert(Tag.__table__).from_select([Tag.__table__.c.name], given).on_conflict_do_nothing()

    return Rows("tags insert", build, {"names": list(names)})


def tag_insert(name: str) -> Executable:
    """Adds a tag; returns its id."""
    return insert(Tag.__table__).values(name=name).returning(Tag.id)


def tag_rename(tag_id: int, name: str) -> Executable:
    """Renames a tag; returns its id, none where there is no such tag."""
    return update(Tag.__table__).where(Tag.id == tag_id).values(name=name).returning(Tag.id)
