"""Mapped objects: nothing is loaded by itself, what is loaded eagerly is there, and each response model takes it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import make_url, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import selectinload

from fastapi_app.models import BLOG, Post, Tag, User
from fastapi_app.posts.serializers import POST_MINIMAL_SERIALIZER, POST_SERIALIZER
from fastapi_app.tags.serializers import TAG_SERIALIZER
from fastapi_app.users.serializers import ME_SERIALIZER, USER_SERIALIZER
from strangler_fastapi.drf.serializers import Serializer
from tests.databases import OwnDatabase
from tests.integration.fastapi_app.conftest import one_loop
from tests.integration.fastapi_app.running import ALICE, BOB, POSTS, Running


@pytest_asyncio.fixture(loop_scope="module")
async def owner_engine(running: Running, database: OwnDatabase) -> AsyncIterator[AsyncEngine]:  # noqa: ARG001 - maps the classes
    """As the tables' owner: whole objects have columns that the service never asks for, and may not."""
    engine = create_async_engine(make_url(database.owner_dsn).set(drivername="postgresql+asyncpg"))
    yield engine
    await engine.dispose()


SERIALIZERS = (USER_SERIALIZER, ME_SERIALIZER, POST_SERIALIZER, POST_MINIMAL_SERIALIZER, TAG_SERIALIZER)


@one_loop
async def test_a_relation_is_never_loaded_by_itself(owner_engine: AsyncEngine) -> None:
    async with AsyncSession(owner_engine) as session:
        user = (await session.execute(select(User).where(User.id == ALICE))).scalar_one()
        with pytest.raises(InvalidRequestError, match="lazy='raise'"):
            _ = user.posts
        post = (await session.execute(select(Post).where(Post.author_id == BOB))).scalar_one()
        for relation in ("author", "tags"):
            with pytest.raises(InvalidRequestError, match="lazy='raise'"):
                getattr(post, relation)


@one_loop
async def test_every_relation_is_mapped_so(running: Running) -> None:  # noqa: ARG001 - the classes are mapped at its start
    relations = [relation for cls in BLOG.classes for relation in cls.__mapper__.relationships]
    assert len(relations) >= 4
    assert {relation.lazy for relation in relations} == {"raise"}


@one_loop
async def test_what_is_loaded_eagerly_is_there(owner_engine: AsyncEngine) -> None:
    async with AsyncSession(owner_engine) as session:
        statement = select(User).options(selectinload(User.posts).selectinload(Post.tags)).where(User.id == ALICE)
        user = (await session.execute(statement)).scalar_one()
    assert len(user.posts) == POSTS
    assert {tag.name for post in user.posts for tag in post.tags} == {"garden", "trees"}


@one_loop
@pytest.mark.parametrize("serializer", SERIALIZERS, ids=lambda serializer: serializer.name)
async def test_a_response_model_takes_a_mapped_object(owner_engine: AsyncEngine, serializer: Serializer) -> None:
    model = serializer.response_model
    async with AsyncSession(owner_engine) as session:
        found = await _load(session, serializer)
    read = model.model_validate(found)
    assert set(model.model_fields) == read.model_fields_set
    assert all(getattr(read, name) is not None for name in model.model_fields)


def test_a_response_model_takes_only_what_has_its_attributes() -> None:
    class Row:
        id, username, display_name, post_count = 1, "alice", "@alice", 3
        created_at = datetime(2025, 1, 1, tzinfo=UTC)

    assert USER_SERIALIZER.response_model.model_validate(Row()).username == "alice"
    Row.created_at = None  # type: ignore[assignment] # what a nullable column would hold
    with pytest.raises(ValueError, match="created_at"):
        USER_SERIALIZER.response_model.model_validate(Row())


async def _load(session: AsyncSession, serializer: Serializer) -> Any:
    """An object for a serializer, with what answers compute in SQL set beside its columns."""
    if serializer in (POST_SERIALIZER, POST_MINIMAL_SERIALIZER):
        statement = select(Post).options(selectinload(Post.author), selectinload(Post.tags)).limit(1)
        post = (await session.execute(statement)).scalar_one()
        if serializer is POST_MINIMAL_SERIALIZER:
            return post
        return _Named(post, author=_counted(post.author), tags=[tag.name for tag in post.tags])
    kind = Tag if serializer is TAG_SERIALIZER else User
    found = (await session.execute(select(kind).options(selectinload(kind.posts)).limit(1))).scalar_one()
    return _counted(found)


def _counted(found: Any) -> Any:
    return _Named(found, post_count=len(found.posts) if "posts" in vars(found) else 0, display_name="@")


class _Named:
    """A mapped object with further attributes, or with others in their place."""

    def __init__(self, found: Any, **attributes: Any) -> None:
        self._found = found
        vars(self).update(attributes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, name)
