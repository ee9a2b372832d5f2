"""Writes of posts; each leaves the commit to the endpoint, which answers only after it."""

from collections.abc import Sequence

from sqlalchemy import Table, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from fastapi_app.posts.queries import POSTS
from fastapi_app.sessions import RequestSession
from fastapi_app.tags.service import tag_ensure
from shared_schema.contract import django_defaults
from shared_schema.deletion import delete_rows
from shared_schema.models import Post, PostTag


async def post_create(
    *,
    session: RequestSession,
    author_id: int,
    title: str,
    content: str,
    published: bool = False,
    tags: Sequence[str] = (),
) -> int:
    """Writes a post and returns its id; tags are names, and unknown ones are created."""
    row = django_defaults("posts") | {
        "author_id": author_id,
        "title": title,
        "content": content,
        "published": published,
    }
    post_id: int = (await session.execute(insert(_table(Post)).values(row).returning(Post.id))).scalar_one()
    await _tags_add(session, post_id, await tag_ensure(session=session, names=tags))
    return post_id


async def post_update(
    *, session: RequestSession, post_id: int, tags: Sequence[str] | None = None, **columns: str | bool
) -> None:
    """Changes what is given: `title`, `content`, `published`; an empty sequence takes all tags away.

    Raises:
        NotFound: the post was deleted meanwhile.
    """
    if columns:
        changed = update(_table(Post)).where(Post.id == post_id).values(columns).returning(Post.id)
        if (await session.execute(changed)).first() is None:
            raise POSTS.absent()
    if tags is not None:
        await _tags_set(session, post_id, tags)


async def post_publish(*, session: RequestSession, post_id: int) -> None:
    """Publishes a post; a published one stays as it is."""
    await post_update(session=session, post_id=post_id, published=True)


async def post_delete(*, session: RequestSession, post_id: int) -> None:
    """Removes a post and what hangs on it."""
    await delete_rows(session, "posts", [post_id])


async def _tags_set(session: RequestSession, post_id: int, names: Sequence[str]) -> None:
    """Makes these the post's tags; links that stay keep their rows, as Django's `set` does."""
    wanted = await tag_ensure(session=session, names=names)
    linked = set((await session.execute(select(PostTag.tag_id).where(PostTag.post_id == post_id))).scalars())
    if gone := linked - set(wanted):
        await session.execute(delete(_table(PostTag)).where(PostTag.post_id == post_id, PostTag.tag_id.in_(gone)))
    await _tags_add(session, post_id, [tag_id for tag_id in wanted if tag_id not in linked])


async def _tags_add(session: RequestSession, post_id: int, tag_ids: Sequence[int]) -> None:
    if tag_ids:
        links = [{"post_id": post_id, "tag_id": tag_id} for tag_id in tag_ids]
        await session.execute(insert(_table(PostTag)).values(links).on_conflict_do_nothing())


def _table(model: type[Post | PostTag]) -> Table:
    return model.__table__
