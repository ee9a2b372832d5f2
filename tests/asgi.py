"""Requests spoken in ASGI itself: faster than a client, and they see when an answer starts, or fail to take it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Send

FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data; boundary=edge"


async def call(
    app: ASGIApp,
    url: str,
    *,
    send: Send,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> None:
    """One request, of JSON unless `headers` say otherwise."""
    path, _, query = url.partition("?")
    given = {"host": "testserver", "content-type": "application/json"}
    given |= {name.lower(): text for name, text in (headers or {}).items()}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "scheme": "http",
        "server": ("testserver", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
        "headers": [(name.encode(), text.encode()) for name, text in given.items()],
    }
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return pending.pop() if pending else {"type": "http.disconnect"}

    await app(scope, receive, send)


async def answer_to(
    app: ASGIApp, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, bytes, Headers]:
    """The status, the body and the headers of an answer."""
    answered: list[Message] = []

    async def send(message: Message) -> None:
        answered.append(message)

    sized = {"Content-Length": str(len(body)), **headers}
    await call(app, url, send=send, method=method, headers=sized, body=body)
    begin, *pieces = answered
    return begin["status"], b"".join(each["body"] for each in pieces), Headers(raw=begin["headers"])


def form_body(pairs: Sequence[tuple[str, Any]], content_type: str) -> bytes:
    """The body of a form that is urlencoded or, by any other content type, in parts; halves of surrogates stay."""
    if content_type == FORM:
        return urlencode(pairs, errors="surrogatepass").encode()
    parts = (f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in pairs)
    return ("".join(parts) + "--edge--\r\n").encode("utf-8", "surrogatepass")
