"""What a stack answered, as far as a comparison needs it."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

import httpx


@dataclass(frozen=True, kw_only=True)
class Answer:
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
        """Whether the server was too busy or failed (429, 5xx): such an answer says nothing of how it would answer."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    def header(self, name: str) -> str | None:
        """All values of a header in one, as RFC 9110 (5.3) lets them be joined; None where it wasn't sent."""
        values = [value for each, value in self.headers if each == name]
        return ", ".join(values) if values else None

    @property
    def text(self) -> str:
        """The body; bytes that are no UTF-8 stay told apart."""
        return self.body.decode("utf-8", errors="surrogateescape")
