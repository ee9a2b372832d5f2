"""Commands about users."""

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import func, select

from fastapi_app.models import Post, User
from fastapi_app.users import queries
from fastapi_app.users.serializers import USER_SERIALIZER
from strangler_fastapi.auth.hashing import hash_off_loop
from strangler_fastapi.auth.password_validation import password_problems
from strangler_fastapi.commands import CommandError
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.fields.fields import Scope

COLUMNS: Final = ("username", "posts", "published", "drafts")


async def superuser_create(session: RequestSession, *, username: str, email: str, password: str) -> str:
    """Adds somebody who may do everything; returns the name as it is stored.

    Raises:
        ValidationFailed: a value is refused, as by the API.
    """
    given = {"username": username, "email": email, "password": password}
    row = await USER_SERIALIZER.validate(given, Scope(session))
    row |= {"password": await hash_off_loop(row["password"]), "is_staff": True, "is_superuser": True}
    await session.execute(queries.user_insert(row))
    return str(row["username"])


async def password_change(session: RequestSession, *, username: str, password: str) -> None:
    """Gives a user another password; tokens that were issued for the old one are no longer accepted.

    Raises:
        CommandError: there is no such user, or the password is refused.
    """
    statement = select(User.id, User.email).where(User.username == username)
    found = (await session.execute(statement)).first()
    if found is None:
        raise CommandError(f"There is no user {username}.")
    if problems := password_problems(password, username=username, email=found.email):
        raise CommandError(" ".join(problems))
    await session.execute(queries.user_change(found.id, {"password": await hash_off_loop(password)}))


async def user_stats(session: RequestSession, *, limit: int | None) -> list[tuple[Any, ...]]:
    """Each user's name with how many posts, published ones and drafts; the most productive first."""
    posts = func.count(Post.id)
    published = func.count(Post.id).filter(Post.published)
    statement = (
        select(User.username, posts, published, posts - published)
        .join_from(User, Post, Post.author_id == User.id, isouter=True)
        .group_by(User.id, User.username)
        .order_by(posts.desc(), User.id)
        .limit(limit)
    )
    return [tuple(row) for row in await session.execute(statement)]


def stats_text(rows: Sequence[tuple[Any, ...]], *, as_json: bool) -> str:
    """The counts as a JSON list, or as lines with tabs."""
    if as_json:
        return json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows], ensure_ascii=False)
    return "\n".join("\t".join(map(str, row)) for row in (COLUMNS, *rows))
