"""Keys that an issuer of tokens publishes, such as Auth0 or Keycloak (simplejwt's JWK_URL)."""

import asyncio
import logging
from urllib.parse import urlsplit

import jwt

_LOG = logging.getLogger(__name__)


class PublishedKeys:
    """The public keys at an address, fetched for a token whose key isn't known and again after five minutes.

    Tokens by keys that nobody knows have them fetched every 30 seconds at most. Meanwhile others are answered: the
    fetch is in a thread, and all that need it wait for the same one. While they can't be fetched, tokens are invalid,
    as they are for simplejwt.

    Args:
        url: where they are published, as a JSON Web Key Set (RFC 7517); of http or https.
        timeout: seconds that a request waits for them.

    Raises:
        ValueError: the address is of neither.
    """

    def __init__(self, url: str, *, timeout: float = 5) -> None:
        try:
            self._client = jwt.PyJWKClient(url, timeout=timeout)
        except jwt.PyJWKClientError:
            raise ValueError("The keys of tokens are fetched by http or https alone: set JWK_URL to such.") from None
        self._host = urlsplit(url).hostname
        self._timeout = timeout
        self._fetch: asyncio.Task[None] | None = None

    async def find(self, token: str | bytes) -> jwt.PyJWK | None:
        """The key that a token names; None where there is none of that name, or the keys can't be had."""
        try:
            name = jwt.get_unverified_header(token).get("kid")
        except jwt.InvalidTokenError:
            return None
        if not name:
            return None
        known = self._known(name)
        if known is not None:
            return known
        # An issuer that hangs would take all threads if each request had one, and the work of others would wait.
        if self._fetch is None or self._fetch.done():
            self._fetch = asyncio.create_task(self._fetch_for(name))
        # What comes byte by byte takes longer than the client's own timeout.
        await asyncio.wait((self._fetch,), timeout=self._timeout)
        return self._known(name)

    async def _fetch_for(self, name: str) -> None:
        """Has the keys fetched, if they are old, or if none of that name was there when they last were."""
        try:
            await asyncio.to_thread(self._client.get_signing_key, name)
        except jwt.PyJWKClientConnectionError:
            _LOG.warning("the keys of tokens can't be fetched from %s: see JWK_URL", self._host)
        except jwt.PyJWKClientError:
            _LOG.info("a token names a key that %s doesn't publish", self._host)
        except jwt.PyJWTError:
            _LOG.warning("%s publishes no keys that can be read: see JWK_URL", self._host)

    def _known(self, name: str) -> jwt.PyJWK | None:
        """The key of that name among those that were fetched."""
        cache = self._client.jwk_set_cache
        keys = None if cache is None else cache.get()
        of_name = () if keys is None else (key for key in keys.keys if key.key_id == name)
        return next((key for key in of_name if key.public_key_use in ("sig", None)), None)
