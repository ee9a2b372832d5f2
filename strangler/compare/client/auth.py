"""Callers: users who are signed in when a case first needs them, and again before their token expires."""

import asyncio
import base64
import dataclasses
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from strangler.compare.case import Case
from strangler.compare.client.client import SideClient
from strangler.compare.client.errors import RequestError, SignInError
from strangler.compare.client.response import Headers, SideResponse
from strangler.compare.client.sign_in import SignIn
from strangler.compare.client.signed_tokens import TokenSigner, kind_of, token_with
from strangler.errors import UsageError
from strangler.sections import SignInSection

# A token is renewed when this share of its life is over.
_RENEWED_AFTER: Final = 0.8
_FAILURE_SECONDS: Final = 5.0
_AGAIN: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
# Of a side without the endpoint: it does not exist, not for that method, or is not ported yet.
_NO_ENDPOINT: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
_TRIES: Final = 4


class NotSignedInError(Exception):
    """There is no password for a caller: its cases are skipped."""


@dataclass
class _Token:
    token: str = field(repr=False)
    headers: Headers = field(repr=False)
    renew_at: float


class Callers:
    """Gives each caller its credentials; no token is ever part of a representation.

    Args:
        clients: where tokens are requested: from the second only where the first doesn't answer.
        sign_in: how the project's callers sign in.
        password: of a user; None where there is none.
        signer: makes the tokens that nobody gets by signing in, of callers such as `alice (expired)`.
        signing_key: what the stacks sign with, for cases with claims of their own; empty where it isn't known.
        clock: monotonic seconds.
        now: seconds since 1970, from which the times of signed tokens are counted.
        pause: seconds before a sign-in is sent again that was answered 429 or 503.
        instead: gives the tokens of a side that has no such endpoint yet.
    """

    def __init__(
        self,
        clients: Sequence[SideClient],
        sign_in: SignInSection,
        password: Callable[[str], str | None],
        *,
        signer: TokenSigner | None = None,
        signing_key: str = "",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        pause: float = 1.0,
        instead: "Callers | None" = None,
    ) -> None:
        self._pause = pause
        self._instead = instead
        self._askers = clients
        self._signer = signer
        self._signing_key = signing_key
        self._sign_in = SignIn(sign_in)
        self._password = password
        self._clock = clock
        self._now = now
        self._tokens: dict[str, _Token] = {}
        self._lent: set[str] = set()
        self._failures: dict[str, tuple[RequestError, float]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def credentials(self, name: str) -> Headers:
        """The headers of a caller; empty for no caller.

        :raises NotSignedInError: there is no password for it.
        :raises AskFailed: it can't be signed in.
        """
        return (await self._held(name)).headers if name else ()

    async def credentials_of(self, case: Case) -> Headers:
        """The headers of a case's caller, its token with the claims that the case wants.

        :raises NotSignedInError: there is no password for it, or its token can't be signed anew.
        :raises AskFailed: it can't be signed in.
        """
        if not case.claims:
            return await self.credentials(case.caller)
        token, now = (await self._held(case.caller)).token, int(self._now())
        signed = token_with(token, dict(case.claims), self._signing_key, now=now)
        if signed is None:
            raise NotSignedInError(f"{case.caller} with other claims")
        return self._sign_in.headers(signed)

    def is_lent(self, name: str) -> bool:
        """Whether a caller has come with a token that the other side gave, this one having no such endpoint yet."""
        return name in self._lent

    async def _held(self, name: str) -> _Token:
        if (kind := kind_of(name)) is not None:
            token = self._signer.token(*kind, now=int(self._now())) if self._signer else None
            if token is None:
                raise NotSignedInError(name)
            return _Token(token=token, headers=self._sign_in.headers(token), renew_at=math.inf)
        async with self._locks.setdefault(name, asyncio.Lock()):
            held = self._tokens.get(name)
            if held is None or self._clock() >= held.renew_at:
                held = self._tokens[name] = await self._signed_in(name)
        return held

    async def require(self, names: Sequence[str]) -> None:
        """Sign these in before the first request; a side that is down is reported by the cases.

        :raises UsageError: one is refused.
        """
        for name in names:
            try:
                await self.credentials(name)
            except NotSignedInError:
                raise UsageError(f"there is no password for {name}", "set STRANGLER_PASSWORD") from None
            except SignInError as refusal:
                raise UsageError(f"{refusal}.") from None
            except RequestError as failure:
                if not failure.always:
                    raise UsageError(f"{failure}", "compare once it answers") from None

    async def _signed_in(self, name: str) -> _Token:
        failure, again_at = self._failures.get(name, (None, 0.0))
        if failure is not None and self._clock() < again_at:
            raise failure
        try:
            return await self._process(name)
        except RequestError as error:
            # Not for each of its thousand cases.
            self._failures[name] = (error, self._clock() + _FAILURE_SECONDS)
            raise

    async def _process(self, name: str) -> _Token:
        password = self._password(name)
        if password is None:
            raise NotSignedInError(name)
        sign_in = self._sign_in
        failure: RequestError | None = None
        for client in self._askers:
            try:
                answer = await self._answered(client, name, password)
            except RequestError as error:
                failure = failure or error
                continue
            token = sign_in.token(answer)
            self._lent.discard(name)
            if token is None and self._instead is not None and answer.status in _NO_ENDPOINT:
                self._lent.add(name)
                # That one knows when its tokens end.
                return dataclasses.replace(await self._instead._held(name), renew_at=self._clock())  # noqa: SLF001 - of its own class
            if token is None:
                has_endpoint = answer.status not in _NO_ENDPOINT
                raise SignInError(client.side.name, name, sign_in.refusal(answer), has_endpoint=has_endpoint)
            headers = await sign_in.credentials(client, token, answer)
            renew_at = self._clock() + _RENEWED_AFTER * _lifetime(token)
            return _Token(token=token, headers=headers, renew_at=renew_at)
        raise failure or NotSignedInError(name)

    async def _answered(self, client: SideClient, name: str, password: str) -> SideResponse:
        """The answer to a sign-in, which a busy server asks to send again: a password's hash takes its time."""
        for _ in range(_TRIES):
            answer = await self._sign_in.send(client, name, password)
            if answer.status not in _AGAIN:
                break
            await asyncio.sleep(self._pause)
        return answer


def _lifetime(token: str) -> float:
    """The seconds that a JSON web token lives; for ever, where it is none or doesn't say."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"] - claims["iat"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return math.inf


class CompareSettings(BaseSettings):
    """Every field is an environment variable in capitals that begins with `STRANGLER_`.

    `password` is that of each caller who is signed in; may be empty.
    """

    model_config = SettingsConfigDict(env_prefix="STRANGLER_", env_ignore_empty=True, frozen=True)

    password: SecretStr = SecretStr("")
