"""Writes of users."""

from fastapi_app.models import BLOG
from fastapi_app.users import queries
from fastapi_app.users.queries import USERS
from shared_schema.contract.deletion import delete_rows
from strangler_fastapi.auth.hashing import hash_off_loop
from strangler_fastapi.db.session import RequestSession


async def user_create(*, session: RequestSession, username: str, email: str, password: str) -> int:
    """Registers somebody and returns the id; the password is stored as a hash."""
    row = {"username": username, "email": email, "password": await _hashed(session, password)}
    user_id: int = (await session.execute(queries.user_insert(row))).scalar_one()
    return user_id


async def user_update(*, session: RequestSession, user_id: int, password: str | None = None, **columns: str) -> None:
    """Changes what is given: `username`, `email`, `password`.

    Raises:
        NotFound: the user was deleted meanwhile.
    """
    if password is not None:
        columns["password"] = await _hashed(session, password)
    if not columns:
        return
    if (await session.execute(queries.user_change(user_id, columns))).first() is None:
        raise USERS.not_found()


async def user_delete(*, session: RequestSession, user_id: int) -> None:
    """Removes a user with all posts; the user's outstanding tokens stay, without an owner."""
    await delete_rows(session, "users", [user_id], contract=BLOG.contract)


async def _hashed(session: RequestSession, password: str) -> str:
    # A hash takes a tenth of a second: the connection goes back to the pool meanwhile. Nothing was written yet.
    await session.release()
    return await hash_off_loop(password)
