"""Demo data and bulk data: the rows that Django's `seed` makes, by the same draws."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update
from sqlalchemy import text as sql

from fastapi_app.models import User
from fastapi_app.tags.service import tag_ensure
from fastapi_app.users import queries
from sample_data.demo import (
    ARCHIVED_SQL,
    DEMO_NAMES,
    DEMO_OTHERS,
    DEMO_POSTS,
    NEWEST,
    PUBLISHED_SHARE,
    SPAN,
    STAFF_NAME,
    TAGS_PER_POST_MAX,
)
from strangler_fastapi.auth.hashing import hash_off_loop
from strangler_fastapi.commands import CommandError
from strangler_fastapi.db.session import RequestSession

if TYPE_CHECKING:
    from sample_data.text import SampleText

_BATCH = 5000


def sample_text(seed: int) -> "SampleText":
    """What draws texts.

    Raises:
        CommandError: the library that makes them is not installed.
    """
    try:
        # Here, since only this command needs it.
        from sample_data.text import SampleText
    except ImportError:
        raise CommandError("Faker is not installed: pip install faker, or bring rows by a backup.") from None
    return SampleText(seed=seed)


async def demo_seed(session: RequestSession, *, text: "SampleText", password: str) -> bool:
    """Makes the demo users, some others and their posts; False where every demo user is there already."""
    known = set((await session.execute(select(User.username).where(User.username.in_(DEMO_NAMES)))).scalars())
    missing = [name for name in DEMO_NAMES if name not in known]
    if not missing:
        return False
    begin = NEWEST - SPAN
    for name in missing:
        row = {"username": name, "email": f"{name}@example.com", "password": await hash_off_loop(password)}
        staff = dict.fromkeys(("is_staff", "is_superuser"), name == STAFF_NAME)
        await session.execute(queries.user_insert(row | staff | {"date_joined": begin, "created_at": begin}))
    await users_seed(session, number=DEMO_OTHERS, text=text)
    # One of them is inactive, so that comparisons can ask as such a user.
    last = select(func.max(User.id)).scalar_subquery()
    await session.execute(update(User.__table__).where(User.id == last).values(is_active=False))
    # Half of the posts are the demo users' own, so that whoever signs in has pages of them.
    await posts_seed(session, number=DEMO_POSTS // 2, text=text, authors=DEMO_NAMES)
    await posts_seed(session, number=DEMO_POSTS // 2, text=text)
    await session.execute(_ARCHIVED)
    await session.execute(_ANALYZE)
    return True


async def users_seed(session: RequestSession, *, number: int, text: "SampleText") -> None:
    """Adds users who can't sign in: a password that begins with `!` is none (Django's `make_password(None)`)."""
    unusable = f"!{secrets.token_hex(20)}"
    last = (await session.execute(select(func.max(User.id)))).scalar() or 0
    for start in range(last + 1, last + 1 + number, _BATCH):
        rows = []
        for position in range(start, min(start + _BATCH, last + 1 + number)):
            name, joined = text.username(number=position), NEWEST - SPAN * text.random.random()
            row = {"username": name, "email": f"user{position}@example.org", "password": unusable}
            rows.append(row | {"date_joined": joined, "created_at": joined})
        await session.execute(insert(User.__table__), rows)


async def posts_seed(session: RequestSession, *, number: int, text: "SampleText", authors: Sequence[str] = ()) -> None:
    """Adds posts of all users or of the named ones, with tags, the older first, by COPY.

    Raises:
        CommandError: there is no user to write them.
    """
    users = select(User.id).where(User.username.in_(authors)) if authors else select(User.id)
    author_ids = list((await session.execute(users.order_by(User.id))).scalars())
    if not author_ids:
        raise CommandError("There is nobody to write the posts: add --users or --demo.")
    tags = sorted(await tag_ensure(session=session, names=text.tag_names))
    times = sorted(NEWEST - SPAN * text.random.random() for _ in range(number))
    for start in range(0, number, _BATCH):
        await _posts_copy(session, times[start : start + _BATCH], authors=author_ids, tags=tags, text=text)
    await session.execute(_ANALYZE)


async def _posts_copy(
    session: RequestSession,
    times: Sequence[datetime],
    *,
    authors: Sequence[int],
    tags: Sequence[int],
    text: "SampleText",
) -> None:
    keys = (await session.execute(_IDS, {"number": len(times)})).scalars().all()
    rows = [_post_row(key, created_at, authors=authors, text=text) for key, created_at in zip(keys, times, strict=True)]
    links = [
        (row[0], tag) for row in rows for tag in text.random.sample(tags, k=text.random.randint(0, TAGS_PER_POST_MAX))
    ]
    driver = await session.driver()
    names = ("id", "title", "content", "author_id", "created_at", "published")
    await driver.copy_records_to_table("posts", records=rows, columns=names)
    await driver.copy_records_to_table("blog_post_tags", records=links, columns=("post_id", "tag_id"))


def _post_row(key: int, created_at: datetime, *, authors: Sequence[int], text: "SampleText") -> tuple[Any, ...]:
    title, content = text.post()
    author = text.random.choice(authors)
    return key, title, content, author, created_at, text.random.random() < PUBLISHED_SHARE


_IDS = sql("SELECT nextval(pg_get_serial_sequence('posts', 'id')) FROM generate_series(1, :number)")
_ARCHIVED = sql(ARCHIVED_SQL)
# The planner would take the tables for empty until autovacuum comes round.
_ANALYZE = sql("ANALYZE users, posts, tags, blog_post_tags")
