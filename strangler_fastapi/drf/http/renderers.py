"""The forms of an answer that a client can choose from: JSON, and what a project writes itself."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from starlette.requests import Request

from strangler_fastapi.drf.http.exception_handler import Response as Answered

# Given what would be JSON, and the request that is answered.
Render = Callable[[Any, Request], bytes | str]

# Valid in JSON, yet line ends in old JavaScript: DRF escapes these two.
_FIRST: Final = b"\xe2"
_LINE_END: Final = re.compile(rb"\xe2\x80[\xa8\xa9]")
_ESCAPED: Final = {b"\xe2\x80\xa8": rb"\u2028", b"\xe2\x80\xa9": rb"\u2029"}


@dataclass(frozen=True)
class Renderer:
    """One form (`rest_framework.renderers.BaseRenderer`), errors and OPTIONS included.

    Args:
        media_type: what `Accept` calls it.
        format: what `?format=` calls it.
        render: writes it; None where it is JSON, as DRF's JSONRenderer writes that.
        charset: of its `Content-Type`; None leaves it out.
    """

    media_type: str
    format: str
    render: Render | None = None
    charset: str | None = None

    @property
    def content_type(self) -> str:
        """The `Content-Type` of an answer."""
        return self.media_type if self.charset is None else f"{self.media_type}; charset={self.charset}"

    def body(self, content: Any, request: Request) -> bytes:  # noqa: ANN401 - any JSON
        """The body of an answer."""
        assert self.render is not None  # noqa: S101 - JSON is written by JsonResponse
        made = self.render(content, request)
        return made.encode(self.charset or "utf-8") if isinstance(made, str) else made


def escape_line_ends(body: bytes) -> bytes:
    """JSON with the two escaped, as DRF writes it."""
    # Of 17 kB the first look takes 0.3 µs and the other 3; two bytes that are looked for by `in` take 8.
    if _FIRST not in body or _LINE_END.search(body) is None:
        return body
    return _LINE_END.sub(lambda found: _ESCAPED[found[0]], body)


def json_renderer(*, compact: bool = True, unicode: bool = True) -> Renderer:
    """JSON as a project writes it.

    Args:
        compact: COMPACT_JSON: without spaces.
        unicode: UNICODE_JSON: all but the signs that JSON has to escape stands for itself.
    """
    if compact and unicode:
        return JSON_RENDERER

    return replace(JSON_RENDERER, render=partial(_written, compact=compact, unicode=unicode))


def own_renderer(
    form: Callable[[Any, Mapping[str, Answered]], Any],
    *,
    media_type: str = "application/json",
    format: str = "json",
    charset: str | None = None,
    compact: bool = True,
    unicode: bool = True,
) -> Renderer:
    """JSON in a project's own form, as a class of its own makes it that derives from DRF's JSONRenderer.

    Args:
        form: what is written, of what would be and of the context, whose `response` has `data` and `status_code`.
        media_type: see Renderer.
        format: see Renderer.
        charset: see Renderer.
        compact: see json_renderer.
        unicode: see json_renderer.
    """

    def render(content: Any, request: Request) -> bytes:  # noqa: ANN401 - any JSON
        made = form(content, {"response": Answered(content, request.scope["status"])})
        return _written(made, request, compact=compact, unicode=unicode)

    return Renderer(media_type, format, render, charset)


def _written(content: Any, request: Request, *, compact: bool, unicode: bool) -> bytes:  # noqa: ANN401 - any JSON
    indent = request.scope.get("indent")
    separators = (",", ": ") if indent else (",", ":") if compact else (", ", ": ")
    text = json.dumps(content, indent=indent, separators=separators, ensure_ascii=not unicode)
    return escape_line_ends(text.encode())


JSON_RENDERER: Final = Renderer("application/json", "json")
# DRF's pages are Django's (`browsable` in the project file has nginx send browsers there); without Django, who asks for
# one gets JSON.
BROWSABLE_API: Final = Renderer("text/html", "api")
# What the endpoint writes itself, as Server-Sent Events.
EVENT_STREAM: Final = Renderer("text/event-stream", "json")
