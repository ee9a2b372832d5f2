"""A response, how long it took, and how many SQL statements it took."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

Headers: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class SideResponse:
    """A whole answer.

    The names of `headers` are in small letters. `base` is what the links in it begin with, without a trailing slash: a
    prefix (`/api/v2`) or an address with one (`https://example.com/api`); empty where links are not to be normalised.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    base: str = ""

    @property
    def is_unavailable(self) -> bool:
        """Whether the server was too busy or failed (429, 5xx): such a response can't be compared."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    def header(self, name: str) -> str | None:
        """All values of a header in one, as RFC 9110 (5.3) lets them be joined; None where it wasn't sent."""
        values = [value for each, value in self.headers if each == name]
        return ", ".join(values) if values else None

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
