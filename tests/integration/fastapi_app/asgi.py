"""Requests spoken in ASGI itself, for what a client doesn't see: when an answer starts, and when nobody takes it."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.types import Message, Send


async def call(
    app: FastAPI,
    path: str,
    *,
    send: Send,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: Any = None,
) -> None:
    """One request; `path` is below the prefix, `body` is sent as JSON."""
    content = b"" if body is None else json.dumps(body).encode()
    given = {"host": "testserver", "content-type": "application/json", **(headers or {})}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": f"/api/v2{path}",
        "raw_path": f"/api/v2{path}".encode(),
        "query_string": b"",
        "scheme": "http",
        "server": ("testserver", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
    }
    pending: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> Message:
        return pending.pop() if pending else {"type": "http.disconnect"}

    await app(scope, receive, send)
