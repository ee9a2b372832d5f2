"""Asks one stack what a client asked."""

import asyncio
import string
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import httpx

from strangler.compare.answer import Answer
from strangler.compare.shadow.sample import Sample
from strangler.routes.route import Api, Stack

USER_AGENT: Final = "strangler-shadow"
# Both are told v1's prefix, so that the links in both answers are v1's.
_LINK_PREFIX: Final = Api.V1.prefix
_LONGEST_ID: Final = 128


class AskFailed(Exception):
    """A stack gave no answer that could be compared; the sentence says nothing of the request."""


class Asker:
    """Asks `stack` at `url`, behind nginx's back and as nginx would; knows no cookies, proxies or redirects."""

    def __init__(self, stack: Stack, url: str, *, concurrency: int, timeout: float, body_bytes: int) -> None:
        self._stack = stack
        self._prefix = {Stack.DJANGO: Api.V1, Stack.FASTAPI: Api.V2}[stack].prefix
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._body_bytes = body_bytes
        self._client = httpx.AsyncClient(
            timeout=timeout,
            limits=httpx.Limits(max_connections=concurrency),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(self, sample: Sample) -> Answer:
        """The answer to a sample.

        :raises AskFailed: the stack doesn't answer, takes too long, or answers with too much.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await self._answer(self._request(sample))
        except (TimeoutError, httpx.TimeoutException):
            raise AskFailed(f"{self._stack} took longer than {self._timeout:g} s") from None
        except httpx.ConnectError:
            raise AskFailed(f"{self._stack} does not answer") from None
        except httpx.HTTPError as error:
            # Its own words could quote a header.
            raise AskFailed(f"{self._stack} broke off ({type(error).__name__})") from None

    async def _answer(self, request: httpx.Request) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > self._body_bytes:
                    raise AskFailed(f"{self._stack} answered with more than {self._body_bytes:,} bytes")
        finally:
            await response.aclose()
        headers = tuple(response.headers.multi_items())
        return Answer(status=response.status_code, headers=headers, body=bytes(body), base=_LINK_PREFIX)

    def _request(self, sample: Sample) -> httpx.Request:
        # As sent, byte for byte: httpx would write some characters otherwise.
        target = quote((self._prefix + sample.target).encode("latin-1"), safe=string.punctuation).encode()
        headers = {
            "Host": sample.host,
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            "X-Forwarded-Prefix": _LINK_PREFIX,
            "X-Forwarded-Proto": sample.scheme,
            "X-Request-ID": f"shadow-{sample.request_id}"[:_LONGEST_ID],
            **dict(sample.headers),
        }
        sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        return httpx.Request(sample.method, f"{self._url}/", headers=sent, extensions={"target": target})
