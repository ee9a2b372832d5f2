"""FastAPI with SQLAlchemy's ORM, as the tutorials of both have it: mapped classes, a session, a `response_model`.

What it leaves out: filters, orders, other methods and errors in DRF's words.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, ForeignKey, Select, Table, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship, selectinload

from shared_schema.tokens import revoke_claim_value
from tests.bench.peers import shared


class Base(DeclarativeBase):
    """Of all tables."""


_LINKS = Table(
    "blog_post_tags",
    Base.metadata,
    Column("post_id", ForeignKey("posts.id"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id"), primary_key=True),
)


class User(Base):
    """An account."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str]
    password: Mapped[str]
    is_active: Mapped[bool]
    created_at: Mapped[datetime]


class Tag(Base):
    """What a post is about."""

    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Post(Base):
    """What a user wrote."""

    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    content: Mapped[str]
    published: Mapped[bool]
    created_at: Mapped[datetime]
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    author: Mapped[User] = relationship()
    tags: Mapped[list[Tag]] = relationship(secondary=_LINKS, order_by=Tag.name)


class Author(BaseModel):
    """A post's author."""

    id: int
    username: str
    display_name: str
    created_at: datetime
    post_count: int


class Item(BaseModel):
    """A post."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    content: str
    author: Author
    tags: list[str]
    published: bool
    created_at: datetime


class Page(BaseModel):
    """The first page of a list."""

    count: int
    next: str | None
    previous: str | None
    results: list[Item]


_url = shared.DATABASE_URL.replace("postgresql://", "postgresql+asyncpg://")
_sessions = async_sessionmaker(create_async_engine(_url, pool_size=shared.POOL, max_overflow=0), expire_on_commit=False)
app = FastAPI()


async def _session() -> AsyncIterator[AsyncSession]:
    async with _sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(_session)]


async def _caller(session: Session, authorization: Annotated[str, Header()]) -> User:
    try:
        payload = shared.claims(authorization.removeprefix("Bearer "))
    except shared.Refused:
        raise HTTPException(401) from None
    user = await session.get(User, int(payload["user_id"]))
    if user is None or not user.is_active or payload["hash_password"] != revoke_claim_value(user.password):
        raise HTTPException(401)
    return user


Caller = Annotated[User, Depends(_caller)]


@app.get(f"{shared.PREFIX}/posts/")
async def posts_list(request: Request, session: Session, caller: Caller) -> Page:
    """The caller's newest posts."""
    posts = _posts(caller).order_by(Post.created_at.desc(), Post.id.desc()).limit(shared.PAGE_SIZE)
    found, count = (await session.scalars(posts)).all(), await _count(session, caller)
    return Page(**shared.page(request.headers["host"], count, [_item(post, count) for post in found]))


@app.get(f"{shared.PREFIX}/posts/{{pk}}/")
async def posts_retrieve(pk: int, session: Session, caller: Caller) -> Item:
    """One of the caller's posts."""
    post = (await session.scalars(_posts(caller).where(Post.id == pk))).one_or_none()
    if post is None:
        raise HTTPException(404)
    return Item(**_item(post, await _count(session, caller)))


def _posts(caller: User) -> Select[tuple[Post]]:
    return select(Post).where(Post.author_id == caller.id).options(joinedload(Post.author), selectinload(Post.tags))


async def _count(session: AsyncSession, caller: User) -> int:
    posts = select(func.count()).select_from(Post).where(Post.author_id == caller.id)
    return (await session.scalars(posts)).one()


def _item(post: Post, count: int) -> dict[str, Any]:
    author = post.author
    shown = Author(
        id=author.id,
        username=author.username,
        display_name=f"@{author.username}",
        created_at=author.created_at,
        post_count=count,
    )
    names = [tag.name for tag in post.tags]
    own = {name: getattr(post, name) for name in ("id", "title", "content", "published", "created_at")}
    return {**own, "author": shown, "tags": names}


if __name__ == "__main__":
    shared.serve(app)
