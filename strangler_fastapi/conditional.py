"""ETags and conditional requests, as Django's ConditionalGetMiddleware has them.

Where Django has it, a client keeps an answer and asks with `If-None-Match`; of equal bodies both stacks make the same
ETag, so that a copy from either is good for the other.

Source: `django.middleware.http`, `django.utils.cache`, RFC 9110 sections 8.8.3, 13 and 15.4.5.
"""

import hashlib
import re
from datetime import UTC, datetime
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from strangler_fastapi.answer_head import make_changes, noted_changes

NOT_MODIFIED: Final = 304
PRECONDITION_FAILED: Final = 412
_ETAG: Final = re.compile(r'\s*((?:W/)?"[^"]*")\s*\Z')
_CLOCK: Final = r"(\d{2}):(\d{2}):(\d{2})"
# Of RFC 1123, RFC 850 and asctime: the pattern, and how the rest is read.
_DATES: Final = (
    (re.compile(rf"\w{{3}}, (\d{{2}} \w{{3}} \d{{4}} {_CLOCK}) GMT$"), "%d %b %Y %H:%M:%S"),
    (re.compile(rf"\w{{6,9}}, (\d{{2}}-\w{{3}}-\d{{2}} {_CLOCK}) GMT$"), "%d-%b-%y %H:%M:%S"),
    (re.compile(rf"\w{{3}} (\w{{3}} (?:\d{{2}}| \d) {_CLOCK} \d{{4}})$"), "%b %d %H:%M:%S %Y"),
)
# What a 304 keeps of the answer that it stands for.
_KEPT: Final = frozenset(
    {b"cache-control", b"content-location", b"date", b"etag", b"expires", b"last-modified", b"set-cookie", b"vary"}
)


class ConditionalGetMiddleware:
    """Pure ASGI: gives each answer to a GET an ETag, and sends 304 or 412 in its place where the client asks for that.

    Of the headers that were there before, these keep few: what stands around this middleware adds its own.

    A stream has none: its body isn't held.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own signature
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        held: Message | None = None
        within = noted_changes(scope)

        async def send_conditionally(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                make_changes(scope, message, within)
                held = message
                return
            if held is not None:
                start, held = held, None
                if not message.get("more_body"):
                    start, message = _conditional(scope, start, message)
                await send(start)
            await send(message)

        await self._app(scope, receive, send_conditionally)


def _conditional(scope: Scope, start: Message, body: Message) -> tuple[Message, Message]:
    """The answer with its ETag, or what is sent in its place."""
    answer = MutableHeaders(scope=start)
    content = body.get("body", b"")
    no_store = "no-store" in re.split(r"\s*,\s*", answer.get("Cache-Control", "").lower())
    if content and "ETag" not in answer and not no_store:
        answer["ETag"] = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
    etag, changed = answer.get("ETag"), _seconds(answer.get("Last-Modified"))
    is_success = 200 <= start["status"] < 300
    status = _status(Headers(scope=scope), etag, changed) if is_success and (etag or changed) else None
    if status is None:
        return start, body
    kept = [(name, value) for name, value in start["headers"] if status == NOT_MODIFIED and name.lower() in _KEPT]
    if status == PRECONDITION_FAILED:
        kept = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"0")]
    return {**start, "status": status, "headers": kept}, {**body, "body": b""}


def _status(request: Headers, etag: str | None, changed: float | None) -> int | None:
    """304 or 412 where the request's conditions ask for it, in the order of RFC 9110, 13.2.2; None for the answer."""
    match, none_match = _etags(request, "if-match"), _etags(request, "if-none-match")
    unmodified_since = _seconds(request.get("if-unmodified-since"))
    modified_since = _seconds(request.get("if-modified-since"))
    if match:
        if etag is None or (match != ["*"] and (etag.startswith("W/") or etag not in match)):
            return PRECONDITION_FAILED
    elif unmodified_since is not None and (changed is None or changed > unmodified_since):
        return PRECONDITION_FAILED
    if none_match:
        # A weak comparison.
        is_known = none_match == ["*"] or (etag or "").strip("W/") in [each.strip("W/") for each in none_match]
        return NOT_MODIFIED if etag is not None and is_known else None
    if modified_since is not None and changed is not None and changed <= modified_since:
        return NOT_MODIFIED
    return None


def _etags(request: Headers, name: str) -> list[str]:
    """The well-formed ETags of a header, or `*`."""
    text = ",".join(request.getlist(name))
    if text.strip() == "*":
        return ["*"]
    return [found[1] for each in text.split(",") if (found := _ETAG.match(each))]


def _seconds(date: str | None) -> float | None:
    """The moment of an HTTP date, in seconds since the epoch; None where it is none."""
    for pattern, layout in _DATES:
        if date and (found := pattern.match(date)):
            try:
                moment = datetime.strptime(found[1], layout).replace(tzinfo=UTC)
            except ValueError:
                return None
            return moment.timestamp()
    return None
