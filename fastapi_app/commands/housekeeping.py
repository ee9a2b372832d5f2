"""Commands that delete what nobody needs any more."""

from datetime import datetime

from sqlalchemy import func, select

from fastapi_app.auth.accounts import TOKEN_TABLES
from fastapi_app.models import BLOG, Post
from shared_schema.contract.deletion import delete_rows
from strangler_fastapi.db.session import RequestSession


async def drafts_prune(session: RequestSession, *, before: datetime, dry_run: bool = False) -> int:
    """Deletes the drafts that were written before a time, or only counts them; returns their number."""
    old = ~Post.published & (Post.created_at < before)
    if dry_run:
        return int((await session.execute(select(func.count()).select_from(Post).where(old))).scalar_one())
    keys = (await session.execute(select(Post.id).where(old).order_by(Post.id))).scalars().all()
    await delete_rows(session, "posts", keys, contract=BLOG.contract)
    return len(keys)


async def tokens_flush(session: RequestSession, *, now: datetime) -> int:
    """Deletes the refresh tokens that have expired, blacklisted or not; returns their number."""
    issued = TOKEN_TABLES.outstanding
    statement = select(issued.id).where(issued.expires_at <= now).order_by(issued.id)
    keys = (await session.execute(statement)).scalars().all()
    await delete_rows(session, issued.__tablename__, keys, contract=BLOG.contract)
    return len(keys)
