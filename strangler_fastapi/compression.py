"""Compressed answers, as Django's GZipMiddleware has them.

Source: `django.middleware.gzip`, `django.utils.text.compress_string`. Starlette's own compresses from another size on,
leaves ETags strong, and hides no length.
"""

import asyncio
import gzip
import re
import secrets
import zlib
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from strangler_fastapi.answer_head import make_changes, noted_changes, varied

# Bytes: shorter answers stay as they are.
_LEAST: Final = 200
# Bytes: a longer body takes milliseconds, in which nobody else would be answered.
_LONG: Final = 64 * 1024
_LEVEL: Final = 6
# Whoever can have a secret compressed with texts of theirs mustn't learn from the length how alike the two are
# (https://breachattack.com): a name of a file, of up to so many bytes, stands in front.
_MOST_RANDOM: Final = 100
# Of a file of gzip (RFC 1952): the bytes of its head, that of its flags, and what asks zlib for one.
_HEAD: Final = 10
_FLAGS: Final = 3
_OF_GZIP: Final = 16
_ACCEPTS: Final = re.compile(r"\bgzip\b")


class GZipMiddleware:
    """Pure ASGI: compresses answers of 200 bytes or more for clients that accept it, a stream piece by piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own signature
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: Message | None = None
        stream: _Stream | None = None
        within = noted_changes(scope)

        async def send_compressed(message: Message) -> None:
            nonlocal held, stream
            if message["type"] == "http.response.start":
                make_changes(scope, message, within)
                held = message
                return
            if held is not None:
                start, held = held, None
                is_stream = message.get("more_body", False)
                if _may_be_packed(start, message, is_stream=is_stream) and _accepts(scope):
                    if is_stream:
                        stream = _Stream()
                        _say_packed(start, None)
                    else:
                        message = await _packed(start, message)
                await send(start)
            await send(message if stream is None else stream.packed(message))

        await self._app(scope, receive, send_compressed)


def _accepts(scope: Scope) -> bool:
    return _ACCEPTS.search(",".join(Headers(scope=scope).getlist("accept-encoding"))) is not None


def _may_be_packed(start: Message, body: Message, *, is_stream: bool) -> bool:
    """Whether an answer is compressed for those who accept that, which its `Vary` says from here on."""
    if (not is_stream and len(body.get("body", b"")) < _LEAST) or "content-encoding" in Headers(raw=start["headers"]):
        return False
    start["headers"] = varied(start["headers"], last=("Accept-Encoding",))
    return True


async def _packed(start: Message, body: Message) -> Message:
    """The whole body, compressed where that is shorter."""
    content = body["body"]
    packed = await asyncio.to_thread(_pack, content) if len(content) > _LONG else _pack(content)
    if len(packed) >= len(content):
        return body
    _say_packed(start, len(packed))
    return {**body, "body": packed}


def _pack(content: bytes) -> bytes:
    return _Stream().pack(content, is_last=True)


def _say_packed(start: Message, length: int | None) -> None:
    """Has the head of an answer say that its body is compressed, and how long it is where that is known."""
    headers = MutableHeaders(raw=start["headers"])
    if length is None:
        del headers["Content-Length"]
    else:
        headers["Content-Length"] = str(length)
    etag = headers.get("ETag", "")
    if etag.startswith('"'):
        headers["ETag"] = f"W/{etag}"
    headers["Content-Encoding"] = "gzip"
    start["headers"] = headers.raw


class _Stream:
    """A file of gzip that is written piece by piece."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | _OF_GZIP)
        self._is_begun = False

    def packed(self, message: Message) -> Message:
        """A message of the body with its piece compressed."""
        return {**message, "body": self.pack(message.get("body", b""), is_last=not message.get("more_body"))}

    def pack(self, content: bytes, *, is_last: bool) -> bytes:
        """All of a piece: who sends it in pieces means each to arrive."""
        packed = self._deflate.compress(content)
        packed += self._deflate.flush(zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH)
        if self._is_begun:
            return packed
        self._is_begun = True
        head, name = bytearray(packed[:_HEAD]), b"a" * secrets.randbelow(_MOST_RANDOM) + b"\0"
        head[_FLAGS] = gzip.FNAME
        return bytes(head) + name + packed[_HEAD:]
