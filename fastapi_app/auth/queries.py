"""Statements about users who sign in, and about refresh tokens; each is compiled once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from fastapi_app.models import BlacklistedToken, OutstandingToken, User
from strangler_fastapi.auth.identity import BearerIdentity
from strangler_fastapi.db.query import Rows, fetch
from strangler_fastapi.db.session import RequestSession

_BIGGEST_KEY = 2**63 - 1


@dataclass(frozen=True)
class Account:
    """Who asks."""

    id: int
    username: str
    is_active: bool
    is_staff: bool


def account_by_name(username: str) -> Rows:
    """The account with exactly this username: `id`, `password`, `is_active`."""

    def build() -> Executable:
        return select(User.id, User.password, User.is_active).where(User.username == bindparam("username"))

    return Rows("account by name", build, {"username": username})


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
    found = await fetch(session, account_rows(key))
    return Account(*found[0]) if found else None


identify = BearerIdentity(account_by_id)


def account_rows(user_id: int) -> Rows:
    """The account with this id, as `Account` has it."""
    return Rows("account by id", _account_by_id, {"id": user_id})


def set_last_login(user_id: int, now: datetime) -> Rows:
    """Notes a sign-in."""
    return Rows("set last login", lambda: _update_user("last_login"), {"user_id": user_id, "value": now})


def set_password(user_id: int, encoded: str) -> Rows:
    """Stores another hash of the same password."""
    return Rows("set password", lambda: _update_user("password"), {"user_id": user_id, "value": encoded})


def issued_token(jti: object) -> Rows:
    """The row of an issued refresh token, and whether it is blacklisted: `id`, `is_blacklisted`."""

    def build() -> Executable:
        blacklisted = select(BlacklistedToken.id).where(BlacklistedToken.token_id == OutstandingToken.id).exists()
        return select(OutstandingToken.id, blacklisted).where(OutstandingToken.jti == bindparam("jti"))

    return Rows("issued token", build, {"jti": jti})


def add_outstanding(*, user_id: int | None, jti: str, token: str, created_at: datetime, expires_at: datetime) -> Rows:
    """Notes a refresh token as issued and returns its id; returns none where it is noted already."""

    def build() -> Executable:
        row: dict[str, Any] = {
            name: bindparam(name) for name in ("user_id", "jti", "token", "created_at", "expires_at")
        }
        rows = insert(OutstandingToken.__table__).values(row).on_conflict_do_nothing(index_elements=["jti"])
        return rows.returning(OutstandingToken.id)

    values = {"user_id": user_id, "jti": jti, "token": token, "created_at": created_at, "expires_at": expires_at}
    return Rows("add outstanding", build, values)


def add_blacklisted(token_id: int, now: datetime) -> Rows:
    """Blacklists an issued token and returns the id; returns none if another request did so first."""

    def build() -> Executable:
        row: dict[str, Any] = {"token_id": bindparam("token_id"), "blacklisted_at": bindparam("now")}
        rows = insert(BlacklistedToken.__table__).values(row).on_conflict_do_nothing(index_elements=["token_id"])
        return rows.returning(BlacklistedToken.id)

    return Rows("add blacklisted", build, {"token_id": token_id, "now": now})


def _account_by_id() -> Executable:
    return select(User.id, User.username, User.is_active, User.is_staff).where(User.id == bindparam("id"))


def _update_user(column: str) -> Executable:
    return update(User.__table__).where(User.id == bindparam("user_id")).values({column: bindparam("value")})
