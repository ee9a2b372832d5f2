"""Tables of refresh tokens (simplejwt's `token_blacklist` app), and the statements about them."""

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from shared_schema.consumer.samples import MOMENT, Sample
from shared_schema.tokens import EXCHANGE_GRACE
from strangler_fastapi.auth.sign_in import SignInTables
from strangler_fastapi.auth.user_tables import Found
from strangler_fastapi.db.query import Rows
from strangler_fastapi.drf.resources.sample_queries import as_sample


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenTables(SignInTables[Found]):
    """Those of sign-ins, and of simplejwt's `token_blacklist` app, where the project has it.

    Args:
        outstanding: the class of `token_blacklist_outstandingtoken`; None without the app: no token is recorded then,
            and none can be ended before its time.
        blacklisted: the class of `token_blacklist_blacklistedtoken`.
    """

    outstanding: Any = None
    blacklisted: Any = None

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

    def exchange_turn(self, jti: str) -> Rows:
        """Waits until no other transaction repeats the exchange of a token; until its end, none does."""

        def build() -> Executable:
            return select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("jti"), 0)))

        return self._rows("exchange turn", build, jti=jti)

    def tokens_after(self, jti: object, now: datetime) -> Rows:
        """What the user of a token that ended less than 10 s ago was issued lately: `token`, `is_blacklisted`."""
        issued, ended = self.outstanding, self.blacklisted

        def build() -> Executable:
            spent = select(issued.user_id).join(ended.__table__, ended.token_id == issued.id)
            spent = spent.where(issued.jti == bindparam("jti"), ended.blacklisted_at > bindparam("after"))
            is_blacklisted = select(ended.id).where(ended.token_id == issued.id).exists()
            of_user = select(issued.token, is_blacklisted).where(issued.user_id == spent.scalar_subquery())
            return of_user.where(issued.created_at > bindparam("since"))

        # Each stack has its own clock, and writes its own time.
        return self._rows("tokens after", build, jti=jti, after=now - EXCHANGE_GRACE, since=now - 2 * EXCHANGE_GRACE)

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

    def blacklist_statements(self) -> Iterator[Sample]:
        """The statement of every feature that identifies its callers by tokens that may be blacklisted."""
        yield as_sample(self.issued_token("sample"))

    def statements(self) -> Iterator[Sample]:
        """Every statement about tokens, with samples of values."""
        yield from self.identity_statements()
        yield from self.sign_in_statements()
        if self.outstanding is None:
            return
        issued = self.add_outstanding(user_id=1, jti="sample", token="sample", created_at=MOMENT, expires_at=MOMENT)  # noqa: S106 - no token
        for rows in (
            self.issued_token("sample"),
            self.alive_tokens("sample", MOMENT),
            self.exchange_turn("sample"),
            self.tokens_after("sample", MOMENT),
            issued,
            self.add_blacklisted(1, MOMENT),
        ):
            yield as_sample(rows)
