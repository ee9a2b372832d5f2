"""The life of a token, with the rows that simplejwt's token_blacklist app writes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared_schema.sign_in import FAILURES
from shared_schema.tokens import FAMILY, PARENT, REFRESH, SLIDING
from strangler_fastapi.auth.sign_in import SignedIn, sign_in
from strangler_fastapi.auth.token_tables import TokenTables
from strangler_fastapi.auth.tokens import Payload, TokenError, Tokens, expiry, unverified_claims
from strangler_fastapi.db.query import fetch, fetch_value
from strangler_fastapi.db.session import RequestSession
from strangler_fastapi.errors import (
    NON_FIELD_ERRORS,
    AuthenticationFailed,
    InvalidToken,
    PasswordChanged,
    ValidationFailed,
)

# Given the key of a user, what is said of it.
Shown = Callable[[RequestSession, Any], Awaitable[Any]]


@dataclass(frozen=True)
class SignInAdditions:
    """What a project's own serializer of sign-ins adds to a token (`get_token`), and to the answer (`validate`).

    Each has a name and what is said under it: a constant, or what a function gives for the user, such as
    `Resource.show`. Of what has no name all keys are taken. `refusal` is what it says to who may not sign in, where
    that isn't simplejwt's own.
    """

    claims: tuple[tuple[str | None, Shown | Any], ...] = ()
    answer: tuple[tuple[str | None, Shown | Any], ...] = ()
    refusal: str | None = None

    async def claims_of(self, session: RequestSession, user_id: Any) -> Payload:  # noqa: ANN401 - of the key's type
        """What is added to the user's token."""
        return await _said(self.claims, session, user_id)

    async def answer_of(self, session: RequestSession, user_id: Any) -> Payload:  # noqa: ANN401 - as above
        """What is added to the answer, once the user has signed in."""
        return await _said(self.answer, session, user_id)


async def _said(added: tuple[tuple[str | None, Any], ...], session: RequestSession, user_id: object) -> Payload:
    found: Payload = {}
    for name, each in added:
        value = await each(session, user_id) if callable(each) else each
        found |= value if name is None else {name: value}
    return found


NO_ADDITIONS: Final = SignInAdditions()


@dataclass(frozen=True)
class TokenService:
    """Obtains, refreshes, verifies and blacklists tokens for one request.

    `sign_in_failures` is how many sign-ins by one name may fail in 15 minutes.
    """

    session: RequestSession
    tokens: Tokens
    tables: TokenTables[Any]
    sign_in_failures: int = FAILURES

    async def obtain(
        self, *, username: str, password: str, additions: SignInAdditions = NO_ADDITIONS
    ) -> dict[str, Any]:
        """Signs a user in: a new pair of tokens, and a weak password hash replaced by a strong one.

        What is recorded of a token lacks the claims of `additions`, as in simplejwt.

        Raises:
            AuthenticationFailed: unknown user, wrong password or inactive account; all three take the same time.
            Throttled: too many sign-ins by this name have failed.
            Unavailable: too many passwords are being checked; it counts as no failure.
        """
        found = await self._signed_in(username, password, additions.refusal)
        now = datetime.now(UTC)
        refresh = self.tokens.new_refresh(found.id, now, password_hash=found.password)
        await self._record_issued(refresh, found.id, now)
        refresh |= await additions.claims_of(self.session, found.id)
        pair = {
            "refresh": self.tokens.encode(refresh),
            "access": self.tokens.encode(self.tokens.access_of(refresh, now)),
        }
        return pair | await additions.answer_of(self.session, found.id)

    async def obtain_sliding(
        self, *, username: str, password: str, additions: SignInAdditions = NO_ADDITIONS
    ) -> dict[str, Any]:
        """Signs a user in: a sliding token, which signs requests and is exchanged for another of the same id.

        Raises:
            ApiError: as of `obtain`.
        """
        found = await self._signed_in(username, password, additions.refusal)
        now = datetime.now(UTC)
        token = self.tokens.new_sliding(found.id, now, password_hash=found.password)
        await self._record_issued(token, found.id, now)
        token |= await additions.claims_of(self.session, found.id)
        return {"token": self.tokens.encode(token)} | await additions.answer_of(self.session, found.id)

    async def refresh_sliding(self, *, token: str) -> dict[str, str]:
        """Exchanges a sliding token for one that ends later.

        Raises:
            AuthenticationFailed: the token is not accepted, or may no longer be exchanged.
        """
        payload, _ = await self._accepted(token, SLIDING)
        try:
            return {"token": self.tokens.encode(self.tokens.slide(payload, datetime.now(UTC)))}
        except TokenError as error:
            raise InvalidToken(str(error)) from None

    async def refresh(self, *, refresh: str) -> dict[str, str]:
        """Exchanges a refresh token for an access token, and for a new refresh token where they rotate.

        Where the old one is blacklisted, it is exchanged once. With revoke_token_family that can be repeated once,
        within 10 s, as the answer may have been lost, unless what came of it was used. One that comes later ends all
        that came of the token: it is somebody else's copy, or the other was.

        Raises:
            AuthenticationFailed: the token is not accepted, or its user is gone or inactive.
        """
        now = datetime.now(UTC)
        old, issued_id = await self._accepted(refresh, is_exchange=True)
        user_id = None
        if claim := old.get(self.tokens.settings.user_id_claim):
            account = await self.tables.find_account(self.session, claim)
            if account is None or not account.is_active:
                sentence = "No active account found for the given token."
                raise AuthenticationFailed(sentence, detail_code="no_active_account")
            if self.tokens.is_revoked(old, account):
                raise PasswordChanged
            user_id = account.id
        access = {"access": self.tokens.encode(self.tokens.access_of(old, now))}
        if not self.tokens.settings.rotate_refresh_tokens:
            return access
        new = self.tokens.renew_refresh(old, now)
        if self.tokens.settings.blacklist_after_rotation:
            await self._spend(old, issued_id, user_id, now)
        await self._record_issued(new, user_id, now)
        return access | {"refresh": self.tokens.encode(new)}

    async def verify(self, *, token: str) -> dict[str, str]:
        """Answers nothing for a good token of either type.

        Raises:
            AuthenticationFailed: the token is not accepted.
            ValidationFailed: it is blacklisted.
        """
        try:
            payload = await self.tokens.read(token)
            self.tokens.check_claims(payload)
        except TokenError as error:
            raise InvalidToken(str(error)) from None
        if self.tokens.settings.blacklist_after_rotation and (await self._issued(payload))[1]:
            raise ValidationFailed({NON_FIELD_ERRORS: ["Token is blacklisted"]})
        return {}

    async def blacklist(self, *, refresh: str) -> dict[str, str]:
        """Ends a refresh token.

        Raises:
            AuthenticationFailed: the token is not accepted, as when it was ended before.
        """
        payload, issued_id = await self._accepted(refresh)
        account = await self.tables.find_account(self.session, payload.get(self.tokens.settings.user_id_claim))
        await self._blacklist(payload, issued_id, account.id if account else None, datetime.now(UTC))
        return {}

    async def _signed_in(self, username: str, password: str, refusal: str | None) -> SignedIn:
        try:
            return await sign_in(
                self.session,
                self.tables,
                username=username,
                password=password,
                most_failures=self.sign_in_failures,
                records_login=self.tokens.settings.update_last_login,
            )
        except AuthenticationFailed:
            if refusal is None:
                raise
            raise AuthenticationFailed(refusal, detail_code="no_active_account") from None

    async def _accepted(
        self, token: str, token_type: str = REFRESH, *, is_exchange: bool = False
    ) -> tuple[Payload, int | None]:
        """The claims of a good token of this type, and the id of its row where it is recorded as issued."""
        try:
            payload = await self.tokens.read(token)
            issued_id, is_blacklisted = await self._issued(payload)
            if is_blacklisted and not (is_exchange and await self._may_repeat(payload)):
                if is_exchange:
                    await self._end_family(payload)
                raise TokenError("Token is blacklisted")
            self.tokens.check_claims(payload)
            self.tokens.check_type(payload, token_type)
        except TokenError as error:
            raise InvalidToken(str(error)) from None
        return payload, issued_id

    async def _spend(self, old: Payload, issued_id: int | None, user_id: int | None, now: datetime) -> None:
        """Blacklists a token that is exchanged, or passes its one repetition."""
        try:
            await self._blacklist(old, issued_id, user_id, now)
        except AuthenticationFailed:
            # The exchange before, of this moment too, has committed by now.
            await fetch(self.session, self.tables.exchange_turn(old[self.tokens.settings.jti_claim]))
            if not await self._may_repeat(old):
                raise

    async def _may_repeat(self, spent: Payload) -> bool:
        """Whether one token alone came of a token's exchange, a moment ago, and wasn't used."""
        settings = self.tokens.settings
        jti = spent.get(settings.jti_claim)
        if not settings.revoke_token_family or jti is None:
            return False
        issued = await fetch(self.session, self.tables.tokens_after(jti, datetime.now(UTC)))
        uses = [is_used for token, is_used in issued if unverified_claims(token).get(PARENT) == jti]
        return uses == [False]

    async def _end_family(self, spent: Payload) -> None:
        """Blacklists all that came of a token, and commits: the refusal must not take it back."""
        settings, now = self.tokens.settings, datetime.now(UTC)
        if not settings.revoke_token_family or spent.get(settings.token_type_claim) != REFRESH:
            return
        family = self.tokens.family_of(spent)
        for row_id, jti, token in await fetch(self.session, self.tables.alive_tokens(spent[settings.jti_claim], now)):
            if family in (jti, unverified_claims(token).get(FAMILY)):
                await fetch(self.session, self.tables.add_blacklisted(row_id, now))
        await self.session.commit()

    async def _issued(self, payload: Payload) -> tuple[int | None, bool]:
        """The id of the token's row, None where it has none, and whether it is blacklisted."""
        if self.tables.outstanding is None:
            return None, False
        rows = await fetch(self.session, self.tables.issued_token(payload.get(self.tokens.settings.jti_claim)))
        return (rows[0][0], rows[0][1]) if rows else (None, False)

    async def _record_issued(self, refresh: Payload, user_id: int | None, now: datetime) -> int | None:
        """Records a token as issued; returns the row's id, None if another request recorded it first.

        Without the token_blacklist app nothing is recorded.
        """
        if self.tables.outstanding is None:
            return None
        row_id: int | None = await fetch_value(
            self.session,
            self.tables.add_outstanding(
                user_id=user_id,
                jti=refresh[self.tokens.settings.jti_claim],
                token=self.tokens.encode(refresh),
                created_at=now,
                expires_at=expiry(refresh),
            ),
        )
        return row_id

    async def _blacklist(
        self,
        refresh: Payload,
        issued_id: int | None,
        user_id: int | None,
        now: datetime,
    ) -> None:
        if self.tables.outstanding is None:
            return
        if issued_id is None:
            issued_id = await self._record_issued(refresh, user_id, now)
        if issued_id is None:
            issued_id, _ = await self._issued(refresh)
        if issued_id is None or await fetch_value(self.session, self.tables.add_blacklisted(issued_id, now)) is None:
            raise InvalidToken("Token is blacklisted")
