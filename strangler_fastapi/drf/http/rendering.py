"""JSON as DRF writes it: compact, UTF-8 unescaped, datetimes in UTC with a `Z`."""

import json
import re
import sys
from email.header import Header
from typing import Any, Final

from pydantic_core import PydanticSerializationError, to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from strangler_fastapi.drf.http.renderers import Renderer, escape_line_ends

# The body of an unexpected exception; the log has the traceback.
UNFORESEEN = {"detail": "A server error occurred."}
# Texts, which stay as they are, and numbers.
_TOKENS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|-?[0-9]+(?P<rest>[.e][-+.e0-9]*)?')
# What begins with one character is looked for faster than what begins with several. Two digits are written alike.
_SMALL_EXPONENT: Final = re.compile(rb"-(?<=[0-9]e-)[1-9](?=[,}\]]|\Z)")
# A text that holds nothing else, as of a decimal, begins with a quotation mark.
_SMALL_FRACTION: Final = re.compile(rb'0\.0000(?<!["0-9]0\.0000)(?<!"-0\.0000)')


class JsonResponse(Response):
    """A JSON answer; the content type carries no charset, as in DRF."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - any JSON
        """The body. Datetimes have no fraction where microseconds are 0, else six digits."""
        try:
            return escape_line_ends(_with_small_numbers(to_json(content)))
        except PydanticSerializationError:
            # An error repeats half of a surrogate pair, which a client may write in JSON, and no UTF-8 holds.
            return json.dumps(content, separators=(",", ":")).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the answer in the form that the client requested, or over several lines (`negotiation`)."""
        renderer: Renderer | None = scope.get("renderer")
        if self.body and renderer is not None and renderer.render is not None:
            scope["status"] = self.status_code
            self._replace(renderer.body(json.loads(bytes(self.body)), Request(scope)))
            self.headers["Content-Type"] = renderer.content_type
        elif self.body and (indent := scope.get("indent")) is not None:
            # What has been escaped stays so.
            body = bytes(self.body)
            is_escaped = body.isascii() and b"\x7f" not in body
            text = json.dumps(json.loads(body), indent=indent, ensure_ascii=is_escaped)
            self._replace(escape_line_ends(text.encode()))
        await super().__call__(scope, receive, send)

    def _replace(self, body: bytes) -> None:
        self.body = body
        self.headers["Content-Length"] = str(len(body))


def header_text(value: str) -> str:
    """The value of a header as Django sends it: by MIME where Latin-1 doesn't have all of it.

    Raises:
        ValueError: it has more than one line.
    """
    if "\n" in value or "\r" in value:
        raise ValueError(f"A header has one line: {value!r}")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return Header(value, "utf-8", maxlinelen=sys.maxsize).encode()
    return value


def _with_small_numbers(body: bytes) -> bytes:
    """JSON with numbers nearer to 0 than 0.0001 as Python writes them: Pydantic has 1e-7 for its 1e-07."""
    # From its end it is found sooner: of 17 kB the two looks take 9 µs, where to read it whole takes 200 to 800.
    has_fraction = body.rfind(b"0.0000") >= 0 and _SMALL_FRACTION.search(body) is not None
    if not has_fraction and _SMALL_EXPONENT.search(body) is None:
        return body
    return _TOKENS.sub(lambda found: repr(float(found[0])).encode() if found["rest"] else found[0], body)
