"""Writes of tags."""

from collections.abc import Sequence

from fastapi_app.models import BLOG
from fastapi_app.tags import queries
from fastapi_app.tags.queries import TAGS
from shared_schema.contract.deletion import delete_rows
from strangler_fastapi.db.query import fetch
from strangler_fastapi.db.session import RequestSession


async def tag_create(*, session: RequestSession, name: str) -> int:
    """Adds a tag and returns its id."""
    tag_id: int = (await session.execute(queries.tag_insert(name))).scalar_one()
    return tag_id


async def tag_update(*, session: RequestSession, tag_id: int, name: str | None = None) -> None:
    """Renames a tag, on all of its posts; None leaves the name as it is.

    Raises:
        NotFound: the tag was deleted meanwhile.
    """
    if name is None:
        return
    if (await session.execute(queries.tag_rename(tag_id, name))).first() is None:
        raise TAGS.not_found()


async def tag_delete(*, session: RequestSession, tag_id: int) -> None:
    """Removes a tag from all posts and for good."""
    await delete_rows(session, "tags", [tag_id], contract=BLOG.contract)


async def tag_ensure(*, session: RequestSession, names: Sequence[str]) -> list[int]:
    """The ids of the tags of these names, created where there are none yet, by whomever first."""
    if not names:
        return []
    tags = await fetch(session, queries.tags_named(names))
    known = {row["name"] for row in tags}
    unknown = [name for name in names if name not in known]
    if unknown:
        await fetch(session, queries.tags_insert(unknown))
        tags = await fetch(session, queries.tags_named(names))
    return [row["id"] for row in tags]
