"""Tables of users and of refresh tokens (simplejwt's `token_blacklist` app), and the statements about them."""

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Generic

from sqlalchemy import Executable, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from shared_schema.consumer.samples import MOMENT, Sample
from shared_schema.tokens import EXCHANGE_GRACE
from strangler_fastapi.auth.identity import Found
from strangler_fastapi.auth.sign_in_attempts import AttemptTable
from strangler_fastapi.db.query import Rows, fetch
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.sample_queries import as_sample

_BIGGEST_KEY = 2**63 - 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenTables(Generic[Found]):
    """Mapped classes; each statement about them is compiled once.

    Args:
        user: the class of AUTH_USER_MODEL, with `id`, `password`, `is_active`, `last_login` and the username.
        outstanding: the class of `token_blacklist_outstandingtoken`.
        blacklisted: the class of `token_blacklist_blacklistedtoken`.
        account: a dataclass of the caller of a request; its fields are attributes of `user`, `id` and `is_active`
            among them, and `password` where CHECK_REVOKE_TOKEN is set.
        username_field: the user model's USERNAME_FIELD.
        attempts: where sign-ins are counted by name; None where they are not.
    """

    user: Any
    outstanding: Any
    blacklisted: Any
    account: type[Found]
    username_field: str = "username"
    attempts: AttemptTable | None = None

    async def find_account(self, session: RequestSession, user_id: Any) -> Found | None:  # noqa: ANN401 - any JSON
        """The account that a token's claim names; a claim that can't be a key names none."""
        try:
            key = int(user_id)
        except (TypeError, ValueError, OverflowError):
            return None
        if abs(key) > _BIGGEST_KEY:
            return None
        rows = await fetch(session, self.account_by_id(key))
        return self.account(*rows[0]) if rows else None

    def account_by_id(self, user_id: int) -> Rows:
        """The account with this id: the fields of `account`."""

        def build() -> Executable:
            names = [field.name for field in dataclasses.fields(self.account)]  # type: ignore[arg-type] # a dataclass
            columns = [getattr(self.user, name) for name in names]
            return select(*columns).where(self.user.id == bindparam("id"))

        return self._rows("account by id", build, id=user_id)

    def account_by_name(self, username: str) -> Rows:
        """The account with exactly this username: `id`, `password`, `is_active`."""

        def build() -> Executable:
            name = getattr(self.user, self.username_field)
            columns = (self.user.id, self.user.password, self.user.is_active)
            return select(*columns).where(name == bindparam("username"))

        return self._rows("account by name", build, username=username)

    def hash_after(self, username: str) -> Rows:
        """The stored hash of the first username behind this one: `password`."""

        def build() -> Executable:
            name = getattr(self.user, self.username_field)
            return select(self.user.password).where(name >= bindparam("username")).order_by(name).limit(1)

        return self._rows("hash after name", build, username=username)

    def set_last_login(self, user_id: int, now: datetime) -> Rows:
        """Records a sign-in."""
        return self._rows("set last login", lambda: self._update_user("last_login"), user_id=user_id, value=now)

    def set_password(self, user_id: int, encoded: str) -> Rows:
        """Stores another hash of the same password."""
        return self._rows("set password", lambda: self._update_user("password"), user_id=user_id, value=encoded)

    def issued_token(self, jti: object) -> Rows:
        """The row of an issued refresh token, and whether it is blacklisted: `id`, `is_blacklisted`."""
        issued, ended = self.outstanding, self.blacklisted

        def build() -> Executable:
            is_blacklisted = select(ended.id).where(ended.token_id == issued.id).exists()
            return select(issued.id, is_blacklisted).where(issued.jti == bindparam("jti"))

        return self._rows("issued token", build, jti=jti)

    def alive_tokens(self, jti: object, now: datetime) -> Rows:
        """The refresh tokens that are accepted of the user of one that is not since 10 s: `id`, `jti`, `token`."""
        issued, ended = self.outstanding, self.blacklisted

        def build() -> Executable:
            spent = select(issued.user_id).join(ended.__table__, ended.token_id == issued.id)
            spent = spent.where(issued.jti == bindparam("jti"), ended.blacklisted_at <= bindparam("before"))
            is_blacklisted = select(ended.id).where(ended.token_id == issued.id).exists()
            of_user = select(issued.id, issued.jti, issued.token).where(issued.user_id == spent.scalar_subquery())
            return of_user.where(issued.expires_at > bindparam("now"), ~is_blacklisted)

        return self._rows("alive tokens", build, jti=jti, now=now, before=now - EXCHANGE_GRACE)

    def add_outstanding(
        self, *, user_id: int | None, jti: str, token: str, created_at: datetime, expires_at: datetime
    ) -> Rows:
        """Records a refresh token as issued and returns its id; returns none where it is recorded already."""
        values = {"user_id": user_id, "jti": jti, "token": token, "created_at": created_at, "expires_at": expires_at}

        def build() -> Executable:
            row: dict[str, Any] = {name: bindparam(name) for name in values}
            rows = insert(self.outstanding.__table__).values(row).on_conflict_do_nothing(index_elements=["jti"])
            return rows.returning(self.outstanding.id)

        return self._rows("add outstanding", build, **values)

    def add_blacklisted(self, token_id: int, now: datetime) -> Rows:
        """Blacklists an issued token and returns the id; returns none if another request did so first."""

        def build() -> Executable:
            row: dict[str, Any] = {"token_id": bindparam("token_id"), "blacklisted_at": bindparam("now")}
            rows = insert(self.blacklisted.__table__).values(row)
            return rows.on_conflict_do_nothing(index_elements=["token_id"]).returning(self.blacklisted.id)

        return self._rows("add blacklisted", build, token_id=token_id, now=now)

    def identity_statements(self) -> Iterator[Sample]:
        """The statement of every feature that identifies its callers."""
        yield as_sample(self.account_by_id(1))

    def statements(self) -> Iterator[Sample]:
        """Every statement about tokens, with samples of values."""
        yield from self.identity_statements()
        issued = self.add_outstanding(user_id=1, jti="sample", token="sample", created_at=MOMENT, expires_at=MOMENT)  # noqa: S106 - no token
        for rows in (
            self.account_by_name("sample"),
            self.hash_after("sample"),
            self.set_last_login(1, MOMENT),
            self.set_password(1, "sample"),
            self.issued_token("sample"),
            self.alive_tokens("sample", MOMENT),
            issued,
            self.add_blacklisted(1, MOMENT),
        ):
            yield as_sample(rows)
        if self.attempts is not None:
            yield from self.attempts.statements()

    def _rows(self, name: str, build: Any, **values: Any) -> Rows:  # noqa: ANN401 - as Rows has them
        return Rows((self.user.key(), name), build, values)

    def _update_user(self, column: str) -> Executable:
        table = self.user.__table__
        return update(table).where(self.user.id == bindparam("user_id")).values({column: bindparam("value")})
