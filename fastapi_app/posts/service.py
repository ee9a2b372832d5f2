"""Writes of posts."""

from collections.abc import Sequence

from fastapi_app.models import BLOG
from fastapi_app.posts import queries
from fastapi_app.posts.queries import POSTS
from fastapi_app.tags.service import tag_ensure
from shared_schema.contract.deletion import delete_rows
from strangler_fastapi.db.query import fetch, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.criteria import Criteria


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
    row = {
        "author_id": author_id,
        "title": title,
        "content": content,
        "published": published,
    }
    added = await fetch(session, queries.post_insert(row, tags))
    post_id: int = added[0]["id"]
    known = {each["name"] for each in added}
    unknown = [name for name in tags if name not in known]
    await _tags_add(session, post_id, await tag_ensure(session=session, names=unknown))
    return post_id


async def post_update(
    *, session: RequestSession, post_id: int, tags: Sequence[str] | None = None, **columns: str | bool
) -> None:
    """Changes what is given: `title`, `content`, `published`; an empty sequence takes all tags away.

    Raises:
        NotFound: the post was deleted meanwhile.
    """
    if columns and await fetch_value(session, queries.post_change(post_id, columns)) is None:
        raise POSTS.not_found()
    if tags is not None:
        await _tags_set(session, post_id, await tag_ensure(session=session, names=tags))


async def post_publish(*, session: RequestSession, criteria: Criteria) -> None:
    """Publishes the post that meets `criteria`; a published one stays as it is.

    Raises:
        NotFound: there is none.
    """
    if await fetch_value(session, queries.post_publish(criteria)) is None:
        raise POSTS.not_found()


async def post_delete(*, session: RequestSession, post_id: int) -> None:
    """Removes a post and what hangs on it."""
    await delete_rows(session, "posts", [post_id], contract=BLOG.contract)


async def _tags_set(session: RequestSession, post_id: int, wanted: Sequence[int]) -> None:
    """Makes these the post's tags; links that stay keep their rows, as Django's `set` does."""
    linked = {row[0] for row in await fetch(session, queries.tags_linked(post_id))}
    if gone := linked - set(wanted):
        await fetch(session, queries.tags_unlink(post_id, sorted(gone)))
    await _tags_add(session, post_id, [tag_id for tag_id in wanted if tag_id not in linked])


async def _tags_add(session: RequestSession, post_id: int, tag_ids: Sequence[int]) -> None:
    if tag_ids:
        await fetch(session, queries.tags_link(post_id, tag_ids))
