"""A response, how long it took, and how many SQL statements it took."""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus
from typing import Final, TypeAlias

Headers: TypeAlias = tuple[tuple[str, str], ...]
# Those whose value is an address, or one from its path on (RFC 9110, 10.2.2 and 8.7).
ADDRESS_HEADERS: Final = frozenset({"location", "content-location"})


@dataclass(frozen=True, kw_only=True)
class RequestLinks:
    """The links that a side makes of a request: those of its host, below the prefix that the client requested.

    Attributes:
        host: of the request, with its port.
        prefix: that a link to a route has to name.
        paths: what the paths of routes begin with, up to their first name. Others, of files say, have no such prefix.
    """

    host: str
    prefix: str
    paths: tuple[str, ...]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # "/" is that of paths whose first segment is a name: any.
        ends = "|".join(path if path == "/" else rf"{re.escape(path)}(?![\w-])" for path in self.paths)
        return re.compile(rf"(?<=//){re.escape(self.host + self.prefix)}(?={ends})")

    def moved(self, text: str, to: "RequestLinks") -> str:
        """The text with links as the other side makes them."""
        return self._pattern.sub(to.host + to.prefix, text)

    def header_moved(self, name: str, text: str, to: "RequestLinks") -> str:
        """The same of a header, which may hold an address from its path on."""
        if name not in ADDRESS_HEADERS or not text.startswith("/") or text.startswith("//"):
            return self.moved(text, to)
        return self.moved(f"//{self.host}{text}", to).removeprefix(f"//{to.host}")


@dataclass(frozen=True, kw_only=True)
class SideResponse:
    """A whole answer.

    The names of `headers` are in small letters. `base` is what the links in it begin with, without a trailing slash: a
    prefix (`/api/v2`) or an address with one (`https://example.com/api`); empty where links are not to be normalised.
    `own` are the links that have to name this answer's own prefix; None where the other side's will do.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    base: str = ""
    own: RequestLinks | None = None

    @property
    def is_unavailable(self) -> bool:
        """Whether the server was too busy or failed (429, 5xx): such a response can't be compared."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    def header(self, name: str) -> str | None:
        """All values of a header in one, as RFC 9110 (5.3) lets them be joined; None where it wasn't sent."""
        values = [value for each, value in self.headers if each == name]
        return ", ".join(values) if values else None

    def with_links_of(self, other: "SideResponse") -> "SideResponse":
        """The answer with links as those of another one have to be, where both have links of their own."""
        own, to = self.own, other.own
        if own is None or to is None:
            return self
        headers = tuple((name, own.header_moved(name, text, to)) for name, text in self.headers)
        return replace(self, headers=headers, body=own.moved(self.text, to).encode("utf-8", "surrogateescape"))

    @property
    def text(self) -> str:
        """The body; bytes that are no UTF-8 stay distinct."""
        return self.body.decode("utf-8", errors="surrogateescape")


_REPORTED: Final = re.compile(r'(?:^|,)\s*sql\s*;[^,]*?\bdesc="?(\d{1,9})')


def query_count_reported(answer: SideResponse) -> int | None:
    """The number in `Server-Timing: sql;desc="3"`; None without such a header."""
    timing = answer.header("server-timing")
    found = _REPORTED.search(timing) if timing else None
    return int(found[1]) if found else None
