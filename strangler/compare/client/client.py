"""The HTTP client of one side: sends a case, and reports in one sentence why there is no response to compare."""

import asyncio
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from strangler.compare.case import Case
from strangler.compare.client.errors import RequestError, failure_of
from strangler.compare.client.request import headers_sent, is_json_broken, url_of
from strangler.compare.client.response import Headers, SideResponse, query_count_reported
from strangler.compare.client.sides import Side

# Headers that aiohttp would add by itself.
_UNSAID: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
# Below that of the servers in use, so that few requests meet a connection that is just being closed.
_KEEP_ALIVE_SECONDS: Final = 1.5
_HEADER_BYTES: Final = 65536


MAX_REDIRECTS: Final = 10
_STATUSES: Final = frozenset({301, 302, 303, 307, 308})


class RateLimit:
    """A rate limit: `rate` callers pass in a second, evenly spaced."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._next = 0.0

    async def wait(self) -> None:
        """Return when it is the caller's turn."""
        now = asyncio.get_running_loop().time()
        turn = max(self._next, now)
        self._next = turn + self._interval
        await asyncio.sleep(turn - now)


@dataclass(frozen=True, kw_only=True)
class TimedResponse:
    """An answer, the seconds from the request's beginning to the answer's end, and the SQL statements behind it.

    `statements` is what the side reports in `Server-Timing: sql;desc="3"`; None where it doesn't.
    """

    answer: SideResponse = field(repr=False)
    seconds: float
    statements: int | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of the requests to a side and of the size of its responses.

    Attributes:
        concurrency: requests under way at once.
        timeout: seconds for one answer.
        body_bytes: the size of the longest body that is compared.
        rate: requests in a second; None for as many as are answered.
    """

    concurrency: int
    timeout: float
    body_bytes: int
    rate: float | None = None


class SideClient:
    """Sends cases to `side`, byte for byte; keeps no cookies and uses no proxies.

    A redirect is an answer; with `follow` the one that it leads to is, if the same side gives it. With `strict_json` a
    body that is called JSON and isn't is no answer. To be made where a loop runs.
    """

    def __init__(self, side: Side, limits: Limits, *, follow: bool = False, strict_json: bool = False) -> None:
        self.side = side
        self._limits = limits
        self._follow = follow
        self._strict_json = strict_json
        self._base = URL(side.url)
        self._root = self._base.origin()
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._rate_limit = RateLimit(limits.rate) if limits.rate else None
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
            skip_auto_headers=_UNSAID,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._session.close()

    async def send(
        self,
        case: Case,
        *,
        credentials: Headers = (),
        known: SideResponse | None = None,
        at_root: bool = False,
    ) -> TimedResponse:
        """The answer to a case; waiting for one's turn isn't among its seconds.

        `known` is an answer to the same that was given by an asker alike: its JSON could be read. With `at_root` the
        target begins at the side's host, not below its base; a redirect is not followed then.

        :raises AskFailed: the side doesn't answer, takes too long, or what it answers can't be compared.
        """
        side = self.side.requested_for(case)
        headers = headers_sent(side, case.headers, credentials)
        if at_root:
            async with self._slots:
                return await self._timed(case, case.target, headers, known, base=self._root)
        async with self._slots:
            asked = await self._timed(case, case.target, headers, known)
            target, seconds, hops = case.target, asked.seconds, 0
            while (found := redirect_target(side, case.method, target, asked.answer)) is not None:
                hops += 1
                if found == target or hops > MAX_REDIRECTS:
                    raise RequestError(self.side.name, "redirects in a circle")
                if not self._follow:
                    break
                target = found
                asked = await self._timed(case, target, headers, known)
                seconds += asked.seconds
        return TimedResponse(answer=asked.answer, seconds=seconds, statements=asked.statements)

    async def _timed(
        self,
        case: Case,
        target: str,
        headers: CIMultiDict[str],
        known: SideResponse | None,
        *,
        base: URL | None = None,
    ) -> TimedResponse:
        if self._rate_limit:
            await self._rate_limit.wait()
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(self._limits.timeout):
                answer = await self._answer(case, url_of(base or self._base, target), headers)
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise failure_of(error, side=self.side.name, timeout=self._limits.timeout) from None
        seconds = clock() - began
        self._require_stack(answer)
        if self._strict_json and is_json_broken(case.method, answer, known=known):
            raise RequestError(self.side.name, "sent invalid JSON")
        return TimedResponse(answer=answer, seconds=seconds, statements=query_count_reported(answer))

    def _require_stack(self, answer: SideResponse) -> None:
        """A route's response is of the requested stack; what no route names is always the legacy stack's."""
        served_by, route = answer.header("x-served-by"), answer.header("x-route") or "-"
        if self.side.stack and served_by not in {None, self.side.stack} and route[0] not in "-/":
            hint = "name this address in STACK_HEADER_NETWORKS"
            raise RequestError(self.side.name, f"did not answer {route}, {served_by} did: {hint}")

    async def _answer(self, case: Case, url: URL, headers: CIMultiDict[str]) -> SideResponse:
        async with self._session.request(
            case.method, url, headers=headers, data=case.body or None, allow_redirects=False
        ) as response:
            received = bytearray()
            async for piece in response.content.iter_any():
                received += piece
                if len(received) > self._limits.body_bytes:
                    # Else the rest of it would be read to use the connection again.
                    response.close()
                    limit = f"{self._limits.body_bytes:,}"
                    raise RequestError(self.side.name, f"answered with more than {limit} bytes")
            sent = ((name.decode("latin-1").lower(), text.decode("latin-1")) for name, text in response.raw_headers)
            side = self.side.requested_for(case)
            return SideResponse(
                status=response.status, headers=tuple(sent), body=bytes(received), base=side.links, own=side.own
            )


def redirect_target(side: Side, method: str, target: str, answer: SideResponse) -> str | None:
    """The target of a redirect within the same side; None where the response is no such redirect.

    A side behind a public prefix names that one in place of its own (`side.links`).
    """
    location = answer.header("location")
    if answer.status not in _STATUSES or location is None or method not in {"GET", "HEAD"}:
        return None
    try:
        asked = urlsplit(side.url)
        found = urlsplit(urljoin(side.url + target, location))
        hosts = {asked.netloc, urlsplit(side.links).netloc, *_host_headers(side)}
    except ValueError:
        return None
    if found.netloc not in hosts:
        return None
    path = found.path + (f"?{found.query}" if found.query else "")
    # The longest first: /api/v2 begins with /api.
    prefixes = sorted({asked.path, urlsplit(side.links).path}, key=len, reverse=True)
    prefix = next((each for each in prefixes if path.startswith(f"{each}/")), None)
    return None if prefix is None else path.removeprefix(prefix)


def _host_headers(side: Side) -> set[str]:
    """The address that a Host header gives the side."""
    return {text for name, text in side.headers if name.lower() == "host"}
