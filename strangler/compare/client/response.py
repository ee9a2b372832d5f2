"""A response, how long it took, and how many SQL statements it took."""

import re
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Self, TypeAlias

import httpx

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

    @classmethod
    def of(cls, response: httpx.Response, *, base: str = "") -> Self:
        """The answer in a response whose body was read."""
        return cls(
            status=response.status_code,
            headers=tuple(response.headers.multi_items()),
            body=response.content,
            base=base,
        )

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
# More than this is the same to a reader.
_MOST_TOLD_APART: Final = 10_000


def query_count_reported(answer: SideResponse) -> int | None:
    """The number in `Server-Timing: sql;desc="3"`; None without such a header."""
    timing = answer.header("server-timing")
    found = _REPORTED.search(timing) if timing else None
    return int(found[1]) if found else None


class QueryCount:
    """Counts what a side reports; answers that report nothing are left out."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.highest: int | None = None

    def add(self, statements: int | None) -> None:
        """Count one answer."""
        if statements is None:
            return
        self._counts[min(statements, _MOST_TOLD_APART)] += 1
        self.highest = max(self.highest or 0, statements)

    @property
    def median(self) -> float | None:
        """The middle one, or the mean of the two in the middle; None where none was reported."""
        total = self._counts.total()
        return (self._at((total - 1) // 2) + self._at(total // 2)) / 2 if total else None

    def _at(self, index: int) -> int:
        seen = 0
        for statements, count in sorted(self._counts.items()):
            seen += count
            if seen > index:
                return statements
        return 0
