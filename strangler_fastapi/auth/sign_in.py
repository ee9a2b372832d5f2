"""Signing in with a name and a password, for tokens and for the admin: refusals take one time, attempts are counted."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Executable, bindparam, update

from shared_schema.consumer.samples import MOMENT, Sample
from shared_schema.passwords import needs_rehash
from strangler_fastapi.auth.hashing import admit, hash_off_loop, verify_off_loop
from strangler_fastapi.auth.sign_in_attempts import AttemptTable
from strangler_fastapi.auth.user_tables import Found, UserTables
from strangler_fastapi.db.query import Rows, fetch, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.drf.resources.sample_queries import as_sample
from strangler_fastapi.errors import AuthenticationFailed


@dataclasses.dataclass(frozen=True, kw_only=True)
class SignInTables(UserTables[Found]):
    """Those of users, with `last_login`.

    Args:
        attempts: where sign-ins are counted by name; None where they are not.
        renews_passwords: whether a sign-in stores a password by Argon2 that was stored otherwise. Only where Argon2 is
            the first of Django's PASSWORD_HASHERS: it may lack it, and the user could no longer sign in there.
    """

    attempts: AttemptTable | None = None
    renews_passwords: bool = True

    def set_last_login(self, user_id: int, now: datetime) -> Rows:
        """Records a sign-in."""
        return self._rows("set last login", lambda: self._update_user("last_login"), user_id=user_id, value=now)

    def set_password(self, user_id: int, encoded: str) -> Rows:
        """Stores another hash of the same password."""
        return self._rows("set password", lambda: self._update_user("password"), user_id=user_id, value=encoded)

    def sign_in_statements(self) -> Iterator[Sample]:
        """Every statement of a sign-in, with samples of values."""
        yield as_sample(self.account_by_name("sample"))
        yield as_sample(self.hash_after("sample"))
        yield as_sample(self.set_last_login(1, MOMENT))
        if self.renews_passwords:
            yield as_sample(self.set_password(1, "sample"))
        if self.attempts is not None:
            yield from self.attempts.statements()

    def _update_user(self, column: str) -> Executable:
        table = self.user.__table__
        return update(table).where(self.user.id == bindparam("user_id")).values({column: bindparam("value")})


@dataclasses.dataclass(frozen=True)
class SignedIn:
    """Who signed in: the key, and the password's hash as it is stored from now on."""

    id: Any
    password: str = dataclasses.field(repr=False)


async def sign_in(
    session: RequestSession,
    tables: SignInTables[Any],
    *,
    username: str,
    password: str,
    most_failures: int,
    records_login: bool = True,
) -> SignedIn:
    """Checks a password, and replaces a weak hash of it by a strong one.

    Raises:
        AuthenticationFailed: unknown user, wrong password or inactive account; all three take the same time.
        Throttled: `most_failures` sign-ins by this name have failed in 15 minutes.
        Unavailable: too many passwords are being checked; it counts as no failure.
    """
    admit()
    if tables.attempts is not None:
        await tables.attempts.begin(session, username, most=most_failures)
    # A hash takes a tenth of a second: the connection goes back to the pool meanwhile.
    accounts = await fetch(session, tables.account_by_name(username))
    if not accounts:
        # Against somebody else's, so that it takes the time of a hash that is in use, whatever its algorithm.
        stored = await fetch_value(session, tables.hash_after(username))
        await session.release()
        await verify_off_loop(password, stored or "")
        raise _no_active_account()
    await session.release()
    user_id, stored, is_active = accounts[0]
    if not await verify_off_loop(password, stored) or not is_active:
        raise _no_active_account()
    if tables.renews_passwords and needs_rehash(stored):
        stored = await hash_off_loop(password)
        await fetch(session, tables.set_password(user_id, stored))
    if records_login:
        await fetch(session, tables.set_last_login(user_id, datetime.now(UTC)))
    if tables.attempts is not None:
        await tables.attempts.forget(session, username)
    return SignedIn(user_id, stored)


def _no_active_account() -> AuthenticationFailed:
    sentence = "No active account found with the given credentials"
    return AuthenticationFailed(sentence, detail_code="no_active_account")
