"""Statements about users who sign in, and about refresh tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Insert, Select, Update, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from fastapi_app.reads import Rows, fetch
from fastapi_app.sessions import RequestSession
from shared_schema.models import BlacklistedToken, OutstandingToken, User

_BIGGEST_KEY = 2**63 - 1


@dataclass(frozen=True)
class Account:
    """Who asks."""

    id: int
    username: str
    is_active: bool
    is_staff: bool


def account_by_name(username: str) -> Select[int, str, bool]:
    """The account with exactly this username."""
    return select(User.id, User.password, User.is_active).where(User.username == username)


async def account_by_id(
    session: RequestSession,
    user_id: Any,  # noqa: ANN401 - whatever the claim holds
) -> Account | None:
    """The account that a token's claim names; a claim that can't be a key names none."""
    try:
        key = int(user_id)
    except (TypeError, ValueError, OverflowError):
        return None
    if abs(key) > _BIGGEST_KEY:
        return None
    found = await fetch(session, Rows("account by id", _account_by_id, {"id": key}))
    return Account(*found[0]) if found else None


def _account_by_id() -> Select[Any]:
    columns: list[Any] = [User.id, User.username, User.is_active, User.is_staff]
    return select(*columns).where(User.id == bindparam("id"))


def set_last_login(user_id: int, now: datetime) -> Update:
    """Notes a sign-in."""
    return update(User).where(User.id == user_id).values(last_login=now)


def set_password(user_id: int, encoded: str) -> Update:
    """Stores another hash of the same password."""
    return update(User).where(User.id == user_id).values(password=encoded)


def is_blacklisted(jti: object) -> Select[Any]:
    """Rows if the token with this id is blacklisted."""
    tokens = select(BlacklistedToken.id).join(OutstandingToken, OutstandingToken.id == BlacklistedToken.token_id)
    return tokens.where(OutstandingToken.jti == jti).limit(1)


def outstanding_id(jti: str) -> Select[Any]:
    """The row of an issued refresh token."""
    return select(OutstandingToken.id).where(OutstandingToken.jti == jti)


def add_outstanding(*, user_id: int | None, jti: str, token: str, created_at: datetime, expires_at: datetime) -> Insert:
    """Notes a refresh token as issued; one that is noted already stays as it is."""
    row = {"user_id": user_id, "jti": jti, "token": token, "created_at": created_at, "expires_at": expires_at}
    return insert(OutstandingToken).values(row).on_conflict_do_nothing(index_elements=["jti"])


def add_blacklisted(token_id: int, now: datetime) -> Any:  # noqa: ANN401 - SQLAlchemy's type for an INSERT with RETURNING
    """Blacklists an issued token; returns no row if another request did so first."""
    rows = insert(BlacklistedToken).values(token_id=token_id, blacklisted_at=now)
    return rows.on_conflict_do_nothing(index_elements=["token_id"]).returning(BlacklistedToken.id)
